#include "levels/ngrams.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <string>

#include "core/error.hpp"
#include "core/random.hpp"

namespace strata {

namespace {

constexpr std::size_t count_buckets = 8, total_buckets = 12, diversity_buckets = 4, rarity_buckets = 10;
constexpr std::size_t per_list = count_buckets * rarity_buckets;
constexpr std::size_t per_order = total_buckets * diversity_buckets * per_list;
constexpr std::size_t recent_buckets = 16;
constexpr std::size_t per_trace = recent_buckets * rarity_buckets;
constexpr float faintest = .1F;      // count of a recent word that is looked at
constexpr float floor_power = .05F;  // of Adagrad's sums

/// 1, 2, 3, 4-5, 6-8, 9-16, 17-64, more.
std::size_t count_bucket(std::int32_t count) {
  static constexpr std::array<std::uint8_t, 17> small{0, 0, 1, 2, 3, 3, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5};
  return count <= 16 ? small[static_cast<std::size_t>(count)] : count <= 64 ? 6 : 7;
}

int logarithm(std::int32_t x) { return static_cast<int>(std::bit_width(static_cast<std::uint32_t>(x))) - 1; }

}  // namespace

Ngrams::Ngrams(const NgramSettings& settings, Index streams, const std::vector<double>& log_unigram)
    : settings_(settings), slots_(1024, none), spare_(32) {
  for (const double l : log_unigram) rarity_.push_back(static_cast<std::uint8_t>(std::clamp(-l - 2, 0.0, 9.0)));
  history_.assign(static_cast<std::size_t>(settings.orders * streams), 0);
  gain_.assign(static_cast<std::size_t>(settings.orders) * per_order + settings.recency.size() * per_trace, 0);
  gain_power_ = gain_step_ = gain_;
  seen_.assign(log_unigram.size(), 0);
  if (!settings.recency.empty()) recency_ = std::make_unique<Recency>(streams, static_cast<Index>(log_unigram.size()), settings.recency);
}

void Ngrams::read(Index stream, std::int32_t id) {
  if (recency_) recency_->read(stream, id);
  if (settings_.orders == 0) return;
  const auto first = history_.begin() + stream * settings_.orders;
  std::copy_backward(first, first + settings_.orders - 1, first + settings_.orders);
  *first = static_cast<std::uint64_t>(id) + 1;
}

void Ngrams::forget(Index stream) {
  std::fill_n(history_.begin() + stream * settings_.orders, settings_.orders, std::uint64_t{0});
  if (recency_) recency_->clear(stream);
}

void Ngrams::reset() {
  std::fill(history_.begin(), history_.end(), 0);
  if (recency_) recency_->clear_all();
}

std::uint64_t Ngrams::key(std::int32_t stream, Index order) const {
  std::uint64_t z = mix(static_cast<std::uint64_t>(order));
  for (Index k = 0; k < order; ++k) z = mix(z ^ history_[static_cast<std::size_t>(stream * settings_.orders + k)]);
  return z;
}

std::int32_t Ngrams::find(std::uint64_t key) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = key & mask;; i = (i + 1) & mask) {
    const std::int32_t c = slots_[i];
    if (c == none || contexts_[static_cast<std::size_t>(c)].key == key) return c;
  }
}

std::int32_t Ngrams::find_or_add(std::uint64_t key) {
  if (const std::int32_t known = find(key); known != none) return known;
  if (2 * (contexts_.size() + 1) > slots_.size()) rehash(2 * slots_.size());
  const auto added = static_cast<std::int32_t>(contexts_.size());
  contexts_.push_back({key, 0, 0, 0, 0});
  const std::size_t mask = slots_.size() - 1;
  std::size_t i = key & mask;
  while (slots_[i] != none) i = (i + 1) & mask;
  slots_[i] = added;
  return added;
}

void Ngrams::rehash(std::size_t slots) {
  slots_.assign(slots, none);
  const std::size_t mask = slots - 1;
  for (std::size_t c = 0; c < contexts_.size(); ++c) {
    std::size_t i = contexts_[c].key & mask;
    while (slots_[i] != none) i = (i + 1) & mask;
    slots_[i] = static_cast<std::int32_t>(c);
  }
}

/// A place of `room` items, a power of two.
std::size_t Ngrams::take(std::int32_t room) {
  auto& spare = spare_[static_cast<std::size_t>(logarithm(room))];
  if (!spare.empty()) {
    const std::size_t place = spare.back();
    spare.pop_back();
    return place;
  }
  const std::size_t place = pool_.size();
  pool_.resize(place + static_cast<std::size_t>(room));
  return place;
}

std::size_t Ngrams::bucket(Index order, std::int32_t total, std::int32_t size) const {
  const auto n = std::min<std::size_t>(total_buckets - 1, static_cast<std::size_t>(logarithm(std::max(total, 1))));
  const auto diversity =
      std::min(diversity_buckets - 1, diversity_buckets * static_cast<std::size_t>(size) / static_cast<std::size_t>(std::max(total, 1)));
  return ((static_cast<std::size_t>(order - 1) * total_buckets + n) * diversity_buckets + diversity) * per_list;
}

template <class T>
void Ngrams::play_context(Index order, std::int32_t index, const Reading& reading, std::vector<Entry<T>>& out) {
  const Context& context = contexts_[static_cast<std::size_t>(index)];
  const Item* const items = pool_.data() + context.first;
  std::int32_t total = context.total, distinct = context.size;
  if (reading.counted && total > 0) {
    --total;
    for (std::int32_t i = 0; i < context.size; ++i)
      if (items[i].word == reading.id && items[i].count == 1) --distinct;
  }
  const std::size_t base = bucket(order, total, distinct);
  for (std::int32_t i = 0; i < context.size; ++i) {
    const Item& item = items[i];
    const bool hit = item.word == reading.id;
    const std::int32_t count = item.count - (hit && reading.counted ? 1 : 0);
    if (count <= 0) continue;
    const float share = count == item.count ? 1.0F : static_cast<float>(count) / static_cast<float>(item.count);
    std::int32_t gain = none;
    auto& seen = seen_[static_cast<std::size_t>(item.word)];
    if (!settings_.exclusive || seen != stamp_)
      gain = static_cast<std::int32_t>(base + count_bucket(count) * rarity_buckets + rarity_[static_cast<std::size_t>(item.word)]);
    seen = stamp_;
    const float value = share * item.theta + (gain != none ? gain_[static_cast<std::size_t>(gain)] : 0.0F);
    out.push_back({item.word, reading.stream, static_cast<T>(value)});
    // In a text read before, what was met once could only be unlearned: the one time it was right is left out.
    const float learned = reading.counted && item.count == 1 ? 0.0F : share;
    played_.push_back({index, i, gain, learned, hit});
  }
}

template <class T>
void Ngrams::play_recent(std::size_t trace, const Reading& reading, std::vector<Entry<T>>& out) {
  recent_.clear();
  recency_->entries(
      reading.stream, trace, reading.stream, [](float r) { return r; }, recent_);
  const std::size_t base = static_cast<std::size_t>(settings_.orders) * per_order + trace * per_trace;
  for (const Entry<float>& recent : recent_) {
    if (recent.value < faintest) continue;
    const auto strength =
        static_cast<std::size_t>(std::clamp(2 * std::log2(recent.value) + 7, 0.0F, static_cast<float>(recent_buckets - 1)));
    const std::size_t gain = base + strength * rarity_buckets + rarity_[static_cast<std::size_t>(recent.row)];
    out.push_back({recent.row, reading.stream, static_cast<T>(gain_[gain])});
    played_.push_back({none, 0, static_cast<std::int32_t>(gain), 1, recent.row == reading.id});
  }
}

template <class T>
void Ngrams::play(std::span<const Reading> readings, std::vector<Entry<T>>& out) {
  played_.clear();
  for (const Reading& reading : readings) {
    if (++stamp_ == 0) {
      std::fill(seen_.begin(), seen_.end(), 0);
      stamp_ = 1;
    }
    for (std::size_t trace = 0; trace < settings_.recency.size(); ++trace) play_recent(trace, reading, out);
    for (Index order = settings_.orders; order > 0; --order)
      if (const std::int32_t context = find(key(reading.stream, order)); context != none) play_context(order, context, reading, out);
  }
}

void Ngrams::count(Context& context, const Reading& reading) {
  ++context.total;
  Item* items = pool_.data() + context.first;
  for (std::int32_t i = 0; i < context.size; ++i)
    if (items[i].word == reading.id) {
      ++items[i].count;
      return;
    }
  if (context.size == settings_.limit) return;
  if (context.size == context.room) {
    const std::int32_t room = std::max(1, 2 * context.room);
    const std::size_t place = take(room);
    std::copy_n(pool_.begin() + static_cast<std::ptrdiff_t>(context.first), context.size,
                pool_.begin() + static_cast<std::ptrdiff_t>(place));
    if (context.room > 0) spare_[static_cast<std::size_t>(logarithm(context.room))].push_back(context.first);
    context.first = place;
    context.room = room;
  }
  pool_[context.first + static_cast<std::size_t>(context.size++)] = {reading.id, 0, 0, 1};
  ++items_;
}

template <class T>
void Ngrams::learn(std::span<const Reading> readings, std::span<const T> p) {
  touched_.clear();
  for (std::size_t k = 0; k < played_.size(); ++k) {
    const Played& played = played_[k];
    const float e = (played.hit ? 1.0F : 0.0F) - static_cast<float>(p[k]);
    if (played.context != none) {
      Item& item = pool_[contexts_[static_cast<std::size_t>(played.context)].first + static_cast<std::size_t>(played.item)];
      const float error = played.share * e;
      item.power += error * error;
      item.theta += static_cast<float>(settings_.rate) * error / std::sqrt(item.power + floor_power);
    }
    if (played.gain == none) continue;
    float& step = gain_step_[static_cast<std::size_t>(played.gain)];
    if (step == 0) touched_.push_back(played.gain);
    step += e;
  }
  for (const std::int32_t gain : touched_) {
    const auto g = static_cast<std::size_t>(gain);
    gain_power_[g] += gain_step_[g] * gain_step_[g];
    gain_[g] += static_cast<float>(settings_.gain_rate) * gain_step_[g] / std::sqrt(gain_power_[g] + floor_power);
    gain_step_[g] = 0;
  }
  for (const Reading& reading : readings)
    for (Index order = 1; !reading.counted && order <= settings_.orders; ++order)
      count(contexts_[static_cast<std::size_t>(find_or_add(key(reading.stream, order)))], reading);
}

void Ngrams::archive_parameters(Archive& archive) {
  const auto traces = static_cast<std::int64_t>(settings_.recency.size());
  std::int64_t orders = settings_.orders, recent = traces;
  archive.value("orders", orders);
  archive.value("recent", recent);
  if (orders != settings_.orders || recent != traces)
    throw ShapeError("n-gram features",
                     "level.0.ngrams = " + std::to_string(orders) + " with " + std::to_string(recent) + " recent_time, as trained",
                     std::to_string(settings_.orders) + " with " + std::to_string(traces));
  std::vector<std::int64_t> keys;
  std::vector<std::int32_t> sizes, totals, words, counts;
  std::vector<float> thetas, powers;
  for (const Context& c : contexts_) {
    keys.push_back(static_cast<std::int64_t>(c.key));
    sizes.push_back(c.size);
    totals.push_back(c.total);
    for (std::int32_t i = 0; i < c.size; ++i) {
      const Item& item = pool_[c.first + static_cast<std::size_t>(i)];
      words.push_back(item.word);
      counts.push_back(item.count);
      thetas.push_back(item.theta);
      powers.push_back(item.power);
    }
  }
  archive.value("keys", keys);
  archive.value("sizes", sizes);
  archive.value("totals", totals);
  archive.value("words", words);
  archive.value("counts", counts);
  archive.value("thetas", thetas);
  archive.value("powers", powers);
  archive.value("gain", gain_);
  archive.value("gain_power", gain_power_);
  if (!archive.loading()) return;
  const auto listed = std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
  const auto in_range = [&](std::int32_t w) { return w >= 0 && static_cast<std::size_t>(w) < rarity_.size(); };
  if (sizes.size() != keys.size() || totals.size() != keys.size() || listed != static_cast<std::int64_t>(words.size()) ||
      std::any_of(sizes.begin(), sizes.end(), [](std::int32_t n) { return n < 0; }) || !std::all_of(words.begin(), words.end(), in_range) ||
      thetas.size() != words.size() || powers.size() != words.size() || counts.size() != words.size() ||
      gain_.size() != gain_step_.size() || gain_power_.size() != gain_step_.size())
    throw ShapeError("n-gram lists", "as many words, counts and weights as their sizes say, of this vocabulary", "others");
  contexts_.clear();
  pool_.clear();
  for (auto& spare : spare_) spare.clear();
  items_ = 0;
  for (std::size_t c = 0; c < keys.size(); ++c) {
    const std::int32_t size = sizes[c], room = size == 0 ? 0 : static_cast<std::int32_t>(std::bit_ceil(static_cast<std::uint32_t>(size)));
    const std::size_t place = size == 0 ? 0 : take(room);
    contexts_.push_back({static_cast<std::uint64_t>(keys[c]), place, size, room, totals[c]});
    for (std::int32_t i = 0; i < size; ++i, ++items_)
      pool_[place + static_cast<std::size_t>(i)] = {words[items_], thetas[items_], powers[items_], counts[items_]};
  }
  rehash(std::max<std::size_t>(1024, std::bit_ceil(2 * contexts_.size() + 2)));
}

void Ngrams::archive_state(Archive& archive) {
  std::vector<std::int64_t> history(history_.begin(), history_.end());
  archive.value("history", history);
  if (history.size() != history_.size())
    throw ShapeError("histories of n-gram features", std::to_string(history_.size()), std::to_string(history.size()));
  history_.assign(history.begin(), history.end());
  if (!recency_) return;
  Archive::Scope scope(archive, "recency");
  recency_->archive(archive);
}

template void Ngrams::play<float>(std::span<const Reading>, std::vector<Entry<float>>&);
template void Ngrams::play<double>(std::span<const Reading>, std::vector<Entry<double>>&);
template void Ngrams::learn<float>(std::span<const Reading>, std::span<const float>);
template void Ngrams::learn<double>(std::span<const Reading>, std::span<const double>);

}  // namespace strata
