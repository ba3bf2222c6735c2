#include "experiments/worlds/episode.hpp"

#include <algorithm>

#include "core/archive.hpp"
#include "core/error.hpp"

namespace strata {

namespace {

/// Appends entries [from, from + count) of `all`.
template <class V>
void append(V& to, const V& all, Index from, Index count) {
  to.insert(to.end(), all.begin() + from, all.begin() + from + count);
}

class Replay final : public World {
 public:
  Replay(std::vector<Episode> episodes, const Source& source, Index streams, std::vector<Index> delays)
      : episodes_(std::move(episodes)),
        delays_(std::move(delays)),
        vocabulary_(source.vocabulary()),
        channels_(source.channels()),
        levels_(static_cast<Index>(source.contexts().size())),
        streams_(streams) {
    if (static_cast<Index>(episodes_.size()) > streams)
      throw ShapeError("replay", "at most " + std::to_string(streams) + " episodes", std::to_string(episodes_.size()));
    delays_.resize(static_cast<std::size_t>(streams), 0);
    for (std::size_t j = 0; j < episodes_.size(); ++j) longest_ = std::max(longest_, delays_[j] + episodes_[j].length());
  }
  Index streams() const override { return streams_; }
  Index vocabulary() const override { return vocabulary_; }
  Index channels() const override { return channels_; }
  Index tokens() const override {
    Index sum = 0;
    for (const Episode& episode : episodes_) sum += episode.length();
    return sum;
  }
  Index steps() const override { return longest_; }
  bool next(Observation& out) override {
    if (step_ >= longest_) return false;
    out.resize(streams_);
    out.value.assign(static_cast<std::size_t>(channels_ * streams_), 0);
    out.context.assign(static_cast<std::size_t>(levels_ * streams_), -1);
    for (std::size_t j = 0; j < episodes_.size(); ++j) {
      const Episode& episode = episodes_[j];
      const Index t = step_ - delays_[j];
      if (t < 0 || t >= episode.length()) continue;
      out.active[j] = 1;
      out.document[j] = static_cast<std::int32_t>(j);
      out.byte_begin[j] = t;
      out.byte_end[j] = t + 1;
      out.id[j] = episode.id[static_cast<std::size_t>(t)];
      out.event[j] = episode.event[static_cast<std::size_t>(t)];
      std::copy_n(episode.value.begin() + t * channels_, channels_, out.value.begin() + static_cast<Index>(j) * channels_);
      if (!episode.context.empty())
        std::copy_n(episode.context.begin() + t * levels_, levels_, out.context.begin() + static_cast<Index>(j) * levels_);
    }
    ++step_;
    return true;
  }
  void archive(Archive& archive) override { archive.value("step", step_); }

 private:
  std::vector<Episode> episodes_;
  std::vector<Index> delays_;
  Index vocabulary_, channels_, levels_, streams_, longest_ = 0;
  std::int64_t step_ = 0;
};

}  // namespace

std::vector<Episode> draw_episodes(const Source& source, Index trials, Index each, Index length, std::uint64_t seed) {
  const Index count = trials * each;
  const auto world = source.stretches(trials, each, length, seed);
  const Index channels = source.channels(), levels = static_cast<Index>(source.contexts().size());
  std::vector<Episode> episodes(static_cast<std::size_t>(count));
  Observation o;
  o.resize(count);
  while (world->next(o)) {
    for (std::size_t j = 0; j < episodes.size(); ++j) {
      if (o.active[j] == 0) continue;
      Episode& episode = episodes[j];
      episode.id.push_back(o.id[j]);
      episode.event.push_back(o.event[j]);
      append(episode.value, o.value, static_cast<Index>(j) * channels, channels);
      if (!o.context.empty()) append(episode.context, o.context, static_cast<Index>(j) * levels, levels);
    }
  }
  return episodes;
}

Episode joined(const Episode& first, const Episode& then, Index steps, Index from) {
  const Index length = then.length(), kept = std::clamp<Index>(length - from, 0, steps);
  if (kept == 0) return first;
  Episode both = first;
  const auto add = [&](auto& to, const auto& all) {
    const Index width = static_cast<Index>(all.size()) / length;
    append(to, all, width * from, width * kept);
  };
  add(both.id, then.id);
  add(both.event, then.event);
  add(both.value, then.value);
  add(both.context, then.context);
  return both;
}

std::unique_ptr<World> replay(std::vector<Episode> episodes, const Source& source, Index streams, std::vector<Index> delays) {
  return std::make_unique<Replay>(std::move(episodes), source, streams, std::move(delays));
}

}  // namespace strata
