#include "experiments/worlds/text/text_world.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/archive.hpp"
#include "core/error.hpp"
#include "experiments/worlds/text/shuffle.hpp"

namespace strata::text {

namespace {

void idle(Observation& out, std::size_t stream) {
  out.id[stream] = 0;
  out.active[stream] = 0;
  out.boundary[stream] = 0;
  out.event[stream] = 0;
  out.document[stream] = -1;
  out.byte_begin[stream] = out.byte_end[stream] = 0;
  out.pass[stream] = 0;
}

void read(Observation& out, std::size_t stream, const EncodedDocument& document, Index token) {
  const auto t = static_cast<std::size_t>(token);
  out.id[stream] = document.ids[t];
  out.active[stream] = 1;
  out.boundary[stream] = document.told ? document.boundary[t] : static_cast<std::uint8_t>(document.boundary[t] << untold);
  out.event[stream] = 0;
  out.document[stream] = document.index;
  out.byte_begin[stream] = document.byte_begin(token);
  out.byte_end[stream] = document.byte_end(token);
  out.pass[stream] = 0;
}

void restore(Archive& archive, std::string_view name, std::vector<std::int64_t>& cursors) {
  const std::size_t expected = cursors.size();
  archive.value(name, cursors);
  if (cursors.size() != expected)
    throw ShapeError("cursors of the text world", std::to_string(expected) + " streams", std::to_string(cursors.size()));
}

}  // namespace

TextWorld::TextWorld(const std::vector<EncodedDocument>& documents, Index vocabulary, const TextWorldOptions& options)
    : documents_(documents), vocabulary_(vocabulary) {
  if (options.streams < 1) throw ShapeError("streams", "at least 1", std::to_string(options.streams));
  if (options.passes < 1) throw ShapeError("passes", "at least 1", std::to_string(options.passes));
  if (static_cast<Index>(options.scales.size()) > options.streams)
    throw ShapeError("scales", "at most " + std::to_string(options.streams) + " (a stream for each)",
                     std::to_string(options.scales.size()));
  const auto count = static_cast<std::size_t>(options.streams);
  queues_.resize(count);
  place_.assign(count, 0);
  token_.assign(count, 0);
  deal(options);
  if (options.scales.size() > 1) count_readings();
}

/// What is dealt of a document, each element to one stream.
std::vector<TextWorld::Parts> TextWorld::cut(std::int32_t document, Index share, Index pass, const TextWorldOptions& options) const {
  const Index size = documents_[static_cast<std::size_t>(document)].size();
  const auto its_pass = static_cast<std::int32_t>(pass);
  if (size <= share) return {{{document, its_pass, 0, size}}};
  const Index count = (size + share - 1) / share;
  const std::uint64_t base = random_base(options.seed, static_cast<std::uint64_t>(pass), static_cast<std::uint32_t>(document), 0x637574);
  const Index shift = options.shuffle ? static_cast<Index>(random_below(base, static_cast<std::uint64_t>(size))) : 0;
  const auto place = [&](Index i) { return (i * size + shift) / count; };
  std::vector<Parts> out;
  for (Index i = 0; i + 1 < count; ++i) out.push_back({{document, its_pass, place(i), place(i + 1)}});
  // The last part and the first are together as long as any other.
  out.push_back({{document, its_pass, place(count - 1), size}});
  if (place(0) > 0) out.back().push_back({document, its_pass, 0, place(0)});
  return out;
}

/// A part as who knows nothing of what is more than `length` tokens back reads it.
TextWorld::Parts TextWorld::in_pieces(const Part& part, Index length) const {
  if (length == 0) return {part};
  const EncodedDocument& document = documents_[static_cast<std::size_t>(part.document)];
  Parts pieces;
  for (Index begin = part.begin; begin < part.end; begin = pieces.back().end) {
    Index end = std::min(begin + length, part.end);
    while (end < part.end && end < begin + 2 * length && (document.boundary[static_cast<std::size_t>(end - 1)] & sentence_end) == 0) ++end;
    pieces.push_back({part.document, part.pass, begin, end, true});
  }
  return pieces;
}

/// Returns how many tokens that was.
Index TextWorld::give(std::size_t stream, const Parts& parts) {
  Index size = 0;
  for (const Part& part : parts) {
    if (part.size() == 0) continue;
    queues_[stream].push_back(part);
    size += part.size();
  }
  tokens_ += size;
  return size;
}

/// Something that has been read to its end by the time that a stream has come to; nothing where there is none, or the stream does not replay.
const TextWorld::Parts* TextWorld::to_replay(Group& group, std::size_t stream, std::uint64_t base) {
  if (stream / group.stride >= group.replaying) return nullptr;
  while (!group.pending.empty() && group.pending.begin()->first <= group.load[stream])
    group.read.push_back(std::move(group.pending.extract(group.pending.begin()).mapped()));
  return group.read.empty() ? nullptr : &group.read[random_below(mix(base ^ ++group.draws), group.read.size())];
}

/// Each time to the stream with the fewest tokens so far.
void TextWorld::deal_to(Group& group, const std::vector<Parts>& order, std::uint64_t base) {
  for (std::size_t next = 0; next < order.size();) {
    std::size_t shortest = group.first;
    for (std::size_t s = group.first; s < queues_.size(); s += group.stride)
      if (group.load[s] < group.load[shortest]) shortest = s;
    if (const Parts* read = to_replay(group, shortest, base)) {
      Parts again = *read;
      for (Part& part : again) {
        ++part.pass;
        part.over = true;
      }
      group.load[shortest] += give(shortest, again);
      continue;
    }
    const Index size = give(shortest, order[next]);
    group.load[shortest] += size;
    if (group.replaying > 0 && size > 0) group.pending.emplace(group.load[shortest], order[next]);
    ++next;
  }
}

void TextWorld::deal(const TextWorldOptions& options) {
  const std::size_t count = std::max<std::size_t>(1, options.scales.size());
  std::vector<Group> groups(count);
  for (std::size_t g = 0; g < count; ++g) {
    groups[g].first = g;
    groups[g].stride = count;
    groups[g].length = options.scales.empty() ? 0 : options.scales[g];
    groups[g].load.assign(queues_.size(), 0);
    const std::size_t streams = (queues_.size() - g + count - 1) / count;  // at least one of them reads on
    groups[g].replaying = std::min(streams - 1, static_cast<std::size_t>(std::llround(options.replay * static_cast<double>(streams))));
  }
  const Index all = total_tokens(documents_) * static_cast<Index>(count);
  const Index share = options.cut ? std::max<Index>(1, (all + options.streams - 1) / options.streams) : all;
  for (Index pass = 0; pass < options.passes; ++pass)
    for (Group& group : groups) {
      std::vector<Parts> order;
      for (std::size_t d = 0; d < documents_.size(); ++d)
        for (const Parts& parts : cut(static_cast<std::int32_t>(d), share, pass, options)) {
          Parts& pieces = order.emplace_back();
          for (const Part& part : parts)
            for (const Part& piece : in_pieces(part, group.length)) pieces.push_back(piece);
        }
      const auto draw = static_cast<std::uint32_t>(group.first);
      if (options.shuffle) shuffle(order, random_base(options.seed, static_cast<std::uint64_t>(pass), draw, 0x6465616c));
      deal_to(group, order, random_base(options.seed, static_cast<std::uint64_t>(pass), draw, 0x7265706c));
    }
}

/// At several scales: what has been read to its end by then, at whichever, when a part is begun, has been read before.
void TextWorld::count_readings() {
  struct Reading {
    Part* part;
    Index begin, end;  // steps
  };
  std::vector<std::vector<Reading>> of_document(documents_.size());
  for (Parts& queue : queues_) {
    Index step = 0;
    for (Part& part : queue) {
      of_document[static_cast<std::size_t>(part.document)].push_back({&part, step, step + part.size()});
      step += part.size();
    }
  }
  for (const auto& readings : of_document)
    for (const Reading& reading : readings)
      reading.part->pass = static_cast<std::int32_t>(std::count_if(readings.begin(), readings.end(), [&](const Reading& other) {
        return other.end <= reading.begin && other.part->begin <= reading.part->begin && other.part->end > reading.part->begin;
      }));
}

Index TextWorld::steps() const {
  Index longest = 0;
  for (const Parts& queue : queues_) {
    longest = std::max(
        longest, std::accumulate(queue.begin(), queue.end(), Index{0}, [](Index sum, const Part& part) { return sum + part.size(); }));
  }
  return longest;
}

bool TextWorld::next(Observation& out) {
  bool any = false;
  for (std::size_t s = 0; s < queues_.size(); ++s) any = any || place_[s] < static_cast<std::int64_t>(queues_[s].size());
  if (!any) return false;
  for (std::size_t s = 0; s < queues_.size(); ++s) {
    if (place_[s] == static_cast<std::int64_t>(queues_[s].size())) {
      idle(out, s);
      continue;
    }
    const Part& part = queues_[s][static_cast<std::size_t>(place_[s])];
    read(out, s, documents_[static_cast<std::size_t>(part.document)], part.begin + token_[s]);
    out.pass[s] = part.pass;
    if (++token_[s] == part.size()) {
      if (part.over && documents_[static_cast<std::size_t>(part.document)].told)
        out.boundary[s] |= sentence_end | paragraph_end | document_end;
      ++place_[s];
      token_[s] = 0;
    }
  }
  return true;
}

std::int64_t TextWorld::fingerprint() const {
  std::uint64_t print = mix(static_cast<std::uint64_t>(vocabulary_));
  for (const Parts& queue : queues_) {
    print = mix(print ^ queue.size());
    for (const Part& part : queue) {
      const EncodedDocument& document = documents_[static_cast<std::size_t>(part.document)];
      print = mix(print ^ static_cast<std::uint64_t>(document.index) ^ static_cast<std::uint64_t>(part.begin) << 32 ^
                  static_cast<std::uint64_t>(part.over) << 63);
      for (Index t = part.begin; t < part.end; ++t)
        print = mix(print ^ static_cast<std::uint64_t>(document.ids[static_cast<std::size_t>(t)]));
    }
  }
  return static_cast<std::int64_t>(print);
}

void TextWorld::archive(Archive& archive) {
  const std::int64_t mine = fingerprint();
  std::int64_t stored = mine;
  archive.value("fingerprint", stored);
  if (stored != mine) throw ShapeError("the text to go on with", "the text, seed, streams and passes of the run to be resumed", "others");
  restore(archive, "place", place_);
  restore(archive, "token", token_);
}

Index script_tokens(const Script& script) {
  return std::accumulate(script.begin(), script.end(), Index{0}, [](Index sum, const Segment& segment) { return sum + segment.size(); });
}

std::vector<std::vector<Script>> in_batches(const std::vector<Script>& scripts, Index streams) {
  std::vector<std::vector<Script>> batches;
  for (std::size_t first = 0; first < scripts.size(); first += static_cast<std::size_t>(streams)) {
    const std::size_t last = std::min(scripts.size(), first + static_cast<std::size_t>(streams));
    batches.emplace_back(scripts.begin() + static_cast<std::ptrdiff_t>(first), scripts.begin() + static_cast<std::ptrdiff_t>(last));
  }
  return batches;
}

ScriptedWorld::ScriptedWorld(std::vector<Script> scripts, Index vocabulary, Index streams, std::vector<Index> delays)
    : scripts_(std::move(scripts)), vocabulary_(vocabulary), streams_(streams), delay_(delays.begin(), delays.end()) {
  if (static_cast<Index>(scripts_.size()) > streams) {
    throw ShapeError("scripts", "at most " + std::to_string(streams) + " (one per stream)", std::to_string(scripts_.size()));
  }
  for (Script& script : scripts_) {
    for (const Segment& segment : script) {
      if (segment.document == nullptr || segment.begin < 0 || segment.begin > segment.end || segment.end > segment.document->size()) {
        throw ShapeError("segment of a script", "a range inside its document",
                         std::to_string(segment.begin) + " .. " + std::to_string(segment.end));
      }
    }
    std::erase_if(script, [](const Segment& segment) { return segment.size() == 0; });
  }
  segment_.assign(static_cast<std::size_t>(streams), 0);
  token_.assign(static_cast<std::size_t>(streams), 0);
  delay_.resize(static_cast<std::size_t>(streams), 0);
}

Index ScriptedWorld::tokens() const {
  return std::accumulate(scripts_.begin(), scripts_.end(), Index{0},
                         [](Index sum, const Script& script) { return sum + script_tokens(script); });
}

bool ScriptedWorld::next(Observation& out) {
  bool any = false;
  for (std::size_t s = 0; s < scripts_.size(); ++s) any = any || segment_[s] < static_cast<std::int64_t>(scripts_[s].size());
  if (!any) return false;
  for (std::size_t s = 0; s < static_cast<std::size_t>(streams_); ++s) {
    if (s >= scripts_.size() || delay_[s] > 0 || segment_[s] == static_cast<std::int64_t>(scripts_[s].size())) {
      idle(out, s);
      delay_[s] = std::max<std::int64_t>(0, delay_[s] - 1);
      continue;
    }
    const Segment& segment = scripts_[s][static_cast<std::size_t>(segment_[s])];
    read(out, s, *segment.document, segment.begin + token_[s]);
    if (token_[s] == 0) out.event[s] |= segment.first_event;
    if (++token_[s] == segment.size()) {
      out.event[s] |= segment.last_event;
      out.boundary[s] |= segment.last_boundary;
      ++segment_[s];
      token_[s] = 0;
    }
  }
  return true;
}

void ScriptedWorld::archive(Archive& archive) {
  restore(archive, "segment", segment_);
  restore(archive, "token", token_);
  restore(archive, "delay", delay_);
}

}  // namespace strata::text
