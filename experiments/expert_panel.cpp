#include "experiments/expert_panel.hpp"

#include <cmath>

namespace strata {

namespace {
constexpr std::size_t most_kept = 64;  // words of a history beyond what any order looks at
}

ExpertPanel::ExpertPanel(const Settings& settings, KneserNey ngrams, Index streams)
    : settings_(settings),
      ngrams_(std::move(ngrams)),
      mixture_(3, 2 * static_cast<std::size_t>(ngrams_.order()), settings.rate, settings.hierarchy_share) {
  for (Index j = 0; j < streams; ++j)
    streams_.push_back({-1, {}, UnigramCache(ngrams_.vocabulary(), {settings.cache_time_constant, 0}), false});
}

void ExpertPanel::read(const Observation& o, std::span<const float> surprise, std::span<double> out) {
  for (std::size_t j = 0; j < streams_.size(); ++j) {
    out[j] = 0;
    if (o.active[j] == 0) continue;
    Stream& s = streams_[j];
    if (s.document != o.document[j]) {
      s.document = o.document[j];
      s.history.assign(1, KneserNey::begin);
      s.cache.clear();
      s.read = false;
    }
    const std::int32_t id = o.id[j];
    const std::array<double, 3> p{std::exp(-static_cast<double>(surprise[j])), ngrams_.probability(s.history, id), s.cache.probability(id)};
    const std::size_t bucket = 2 * static_cast<std::size_t>(ngrams_.matched(s.history)) + (s.read ? 1 : 0);
    out[j] = -std::log(mixture_.probability(p, bucket));
    const auto shares = mixture_.shares(bucket);
    for (std::size_t i = 0; i < shares.size(); ++i) share_sum_[i] += shares[i];
    words_ += 1;
    mixture_.learn(p, bucket);
    if (settings_.learning) ngrams_.learn(s.history, id);
    s.cache.read(id);
    s.read = true;
    if (s.history.size() == most_kept) s.history.erase(s.history.begin(), s.history.end() - KneserNey::highest_order);
    s.history.push_back(id);
  }
}

std::array<double, 3> ExpertPanel::shares() const {
  std::array<double, 3> mean = share_sum_;
  for (double& share : mean) share /= std::max(1.0, words_);
  return mean;
}

}  // namespace strata
