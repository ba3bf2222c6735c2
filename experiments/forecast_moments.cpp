#include "experiments/forecast_moments.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/simulation.hpp"

namespace strata {

ForecastMoments::ForecastMoments(TextStudy& study, Hierarchy<float>& hierarchy, Settings settings)
    : study_(study),
      hierarchy_(hierarchy),
      settings_(std::move(settings)),
      expectations_(hierarchy, study.vocabulary()),
      recency_(hierarchy.streams(), study.vocabulary(), {settings_.recent_time}),
      choice_{WordChoice::By::lift, settings_.words, settings_.floor, ReadableWords(*study.tokenizer).whole()},
      place_(static_cast<std::size_t>(hierarchy.streams())),
      position_(place_.size(), 0),
      stamp_(static_cast<std::size_t>(study.vocabulary()), 0) {
  for (std::int32_t id = 0; id < study.vocabulary(); ++id)
    if (choice_.usable[static_cast<std::size_t>(id)] != 0) frequent_.push_back(id);
  const auto& u = study.log_unigram;
  std::stable_sort(frequent_.begin(), frequent_.end(),
                   [&u](std::int32_t a, std::int32_t b) { return u[static_cast<std::size_t>(a)] > u[static_cast<std::size_t>(b)]; });
  const std::vector<double> none(study.held_out.size(), 0);
  nats_.assign(static_cast<std::size_t>(hierarchy.depth()), std::vector<Nats>(settings_.distances.size(), Nats{none, none, none}));
  words_.assign(nats_.size(), Words{none, none, none, none, none, none});
  breadth_.assign(nats_.size(), Breadth{none, none, none, none, none, none, std::vector<double>(sharpnesses().size(), 0)});
}

void ForecastMoments::read(Progress& progress) {
  text::TextWorldOptions options;
  options.streams = hierarchy_.streams();
  options.shuffle = false;
  text::TextWorld world(study_.held_out, study_.vocabulary(), options);
  hierarchy_.reset_state();
  Simulation<float> simulation(hierarchy_, world, nullptr, study_.interval(), study_.options.seed);
  simulation.record = [&](const Observation& o, std::uint64_t step) {
    follow(o);
    if (static_cast<Index>(step) % settings_.every == settings_.every - 1) take(o);
    progress.update(simulation.tokens());
  };
  progress.begin("forecasting", world.tokens());
  simulation.start();
  if (!simulation.run(interrupted)) throw Interrupted("nothing of these forecasts is kept; run it again");
  progress.end();
}

/// Where every stream stands in its document, and which words it has read lately.
void ForecastMoments::follow(const Observation& o) {
  for (std::size_t s = 0; s < place_.size(); ++s) {
    if (o.active[s] == 0) continue;
    const auto& documents = study_.held_out;
    if (position_[s] == 0)  // held-out documents rise by their index
      place_[s] = static_cast<std::size_t>(std::lower_bound(documents.begin(), documents.end(), o.document[s],
                                                            [](const text::EncodedDocument& d, std::int32_t i) { return d.index < i; }) -
                                           documents.begin());
    ++position_[s];
    recency_.read(static_cast<Index>(s), o.id[s]);
    if (position_[s] < documents[place_[s]].size()) continue;
    position_[s] = 0;
    recency_.clear(static_cast<Index>(s));
  }
}

void ForecastMoments::take(const Observation& o) {
  expectations_.ask();
  for (std::size_t s = 0; s < place_.size(); ++s) {
    if (o.active[s] == 0 || position_[s] == 0) continue;  // at a document's end nothing of it is to come
    if (position_[s] + settings_.reach > study_.held_out[place_[s]].size()) continue;
    ++count_;
    for (Index l = 0; l < hierarchy_.depth(); ++l) {
      if (!expectations_.any(l)) continue;
      score(l, static_cast<Index>(s), place_[s]);
      if (l == 0) continue;
      weigh(l, static_cast<Index>(s), place_[s]);
      look(l, static_cast<Index>(s), place_[s]);
    }
  }
}

void ForecastMoments::score(Index level, Index stream, std::size_t document) {
  const auto& ids = study_.held_out[document].ids;
  const auto log_p = expectations_.log_p(level, stream);
  for (std::size_t i = 0; i < settings_.distances.size(); ++i) {
    const auto at = static_cast<std::size_t>(position_[static_cast<std::size_t>(stream)] + settings_.distances[i] - 1);
    if (at >= ids.size()) continue;
    const auto id = static_cast<std::size_t>(ids[at]);
    Nats& sums = nats_[static_cast<std::size_t>(level)][i];
    sums.level[document] -= static_cast<double>(log_p[id]);
    sums.background[document] -= study_.log_unigram[id];
    sums.tokens[document] += 1;
  }
}

const std::vector<double>& ForecastMoments::sharpnesses() {
  static const std::vector<double> exponents{.75, .9, 1, 1.1, 1.3};
  return exponents;
}

void ForecastMoments::weigh(Index level, Index stream, std::size_t document) {
  const auto& ids = study_.held_out[document].ids;
  const auto log_p = expectations_.log_p(level, stream);
  Breadth& sums = breadth_[static_cast<std::size_t>(level)];
  double entropy = 0, departure = 0;
  std::vector<double> total(sharpnesses().size(), 0);
  for (std::size_t w = 0; w < log_p.size(); ++w) {
    const auto log = static_cast<double>(log_p[w]), p = std::exp(log);
    if (p > 0) entropy -= p * log, departure += p * (log - study_.log_unigram[w]);
    for (std::size_t i = 0; i < total.size(); ++i) total[i] += sharpnesses()[i] == 1 ? p : std::exp(sharpnesses()[i] * log);
  }
  sums.entropy[document] += entropy;
  sums.departure[document] += departure;
  sums.moments[document] += 1;
  const auto begin = position_[static_cast<std::size_t>(stream)],
             end = std::min(begin + expectations_.horizon(level), static_cast<Index>(ids.size()));
  const auto of_window = [&](std::span<const float> log) {
    double sum = 0;
    for (Index at = begin; at < end; ++at) sum += static_cast<double>(log[static_cast<std::size_t>(ids[static_cast<std::size_t>(at)])]);
    return sum;
  };
  const double own = of_window(log_p), log_mean = own / static_cast<double>(end - begin);
  if (level > 1 && expectations_.any(level - 1)) {
    sums.own[document] -= own;
    sums.below[document] -= of_window(expectations_.log_p(level - 1, stream));
    sums.words[document] += static_cast<double>(end - begin);
  }
  for (std::size_t i = 0; i < total.size(); ++i) sums.window_nats[i] += std::log(total[i]) - sharpnesses()[i] * log_mean;
}

double ForecastMoments::came(const List& list) const {
  return static_cast<double>(
      std::count_if(list.begin(), list.end(), [&](std::int32_t id) { return stamp_[static_cast<std::size_t>(id)] == window_; }));
}

void ForecastMoments::look(Index level, Index stream, std::size_t document) {
  const auto& ids = study_.held_out[document].ids;
  const auto begin = position_[static_cast<std::size_t>(stream)],
             end = std::min(begin + expectations_.horizon(level), static_cast<Index>(ids.size()));
  ++window_;
  for (Index at = begin; at < end; ++at) stamp_[static_cast<std::size_t>(ids[static_cast<std::size_t>(at)])] = window_;
  List expected;
  double chance = 0;
  for (const ExpectedWord& word : describe_expectation(expectations_.log_p(level, stream), study_.log_unigram, choice_).words) {
    expected.push_back(word.id);
    const double u = std::exp(study_.log_unigram[static_cast<std::size_t>(word.id)]);
    chance += 1 - std::pow(1 - u, static_cast<double>(end - begin));
  }
  const std::size_t count = expected.size();
  Words& sums = words_[static_cast<std::size_t>(level)];
  sums.looked_for[document] += static_cast<double>(count);
  sums.level[document] += came(expected);
  sums.chance[document] += chance;
  sums.frequent[document] += came({frequent_.begin(), frequent_.begin() + static_cast<std::ptrdiff_t>(count)});
  sums.recent[document] += came(recent(stream, WordChoice::By::probability, count));
  sums.recent_raised[document] += came(recent(stream, WordChoice::By::lift, count));
}

/// Words of the document so far by their decaying count, or by its lift; where they are too few, frequent ones stand in.
ForecastMoments::List ForecastMoments::recent(Index stream, WordChoice::By by, std::size_t count) const {
  std::vector<Entry<double>> counts;
  recency_.entries(
      stream, 0, 0, [](double r) { return r; }, counts);
  double all = 0;
  for (const auto& entry : counts) all += entry.value;
  std::vector<std::pair<double, std::int32_t>> order;
  for (const auto& entry : counts) {
    const double share = entry.value / all, lift = std::log(share) - study_.log_unigram[static_cast<std::size_t>(entry.row)];
    if (choice_.usable[static_cast<std::size_t>(entry.row)] == 0 || (by == WordChoice::By::lift && share < choice_.floor)) continue;
    order.emplace_back(by == WordChoice::By::lift ? -lift : -share, entry.row);
  }
  std::sort(order.begin(), order.end());
  List list;
  for (std::size_t i = 0; i < std::min(count, order.size()); ++i) list.push_back(order[i].second);
  for (std::size_t i = 0; list.size() < count; ++i)
    if (std::find(list.begin(), list.end(), frequent_[i]) == list.end()) list.push_back(frequent_[i]);
  return list;
}

}  // namespace strata
