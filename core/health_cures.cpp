// What monitor.cure does about a finding, and what a checkpoint keeps of it. See core/health.hpp for the ailments.

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "core/health.hpp"
#include "core/parameter.hpp"

namespace strata {

namespace {
constexpr double rate_step = 4, highest_frozen_boost = 256, highest_ignored_boost = 8;
constexpr double least_dropout = .05;
constexpr double precision_step = 1000;  // of an imbalanced level, at most
constexpr double bounded_factor = 100;   // of the precision at the beginning
constexpr double least_feed_belief = .3, least_feed_innovation = .1;
constexpr double brisk_rate = .5;  // gamma, until which it is the rate that is raised
constexpr Index most_sweeps = 32;
constexpr double least_rate = 1e-6, least_precision = 1e-6, most_precision = 1e9;  // what their keys may be

}  // namespace

template <class T>
bool Health<T>::treat(const Reading& reading) {
  const Index l = reading.level;
  switch (reading.ailment) {
    case Ailment::frozen: return raise_rate(reading, rate_step, highest_frozen_boost);
    case Ailment::ignored: {
      const auto dropout = read(level_key(l, "dropout"));
      gain_from_[static_cast<std::size_t>(l)] = verdicts_;  // what it was worth before says nothing of what it will be
      if (dropout && *dropout > least_dropout) return turn(reading, level_key(l, "dropout"), std::max(least_dropout, *dropout / 2));
      return raise_rate(reading, 2, highest_ignored_boost);
    }
    case Ailment::imbalance: {  // errors are sqrt(pi) |message / pi|
      const auto precision = read(level_key(l, "precision"));
      const double factor = std::clamp(reading.value * reading.value, 1 / precision_step, precision_step);
      return precision && turn(reading, level_key(l, "precision"), *precision * factor);
    }
    case Ailment::runaway: {
      if (!std::isfinite(reading.value)) return false;  // what is no number stays none within any bounds
      const double begun = std::exp(precision_[static_cast<std::size_t>(l)]);
      return reading.value < 1 ? turn(reading, level_key(l, "precision_min"), begun / bounded_factor)
                               : turn(reading, level_key(l, "precision_max"), begun * bounded_factor);
    }
    case Ailment::collapsed: return revive(reading);
    case Ailment::unsettled: return settle_longer(reading);
  }
  return false;
}

template <class T>
bool Health<T>::turn(const Reading& reading, const std::string& key, double to) {
  const auto from = read(key);
  if (key.ends_with(".precision")) to = std::clamp(to, least_precision, most_precision);
  if (!from || *from == to) return false;
  write(key, to);
  treatments_.push_back({reading.ailment, reading.level, tokens_, key, *from, to});
  return true;
}

template <class T>
bool Health<T>::raise_rate(const Reading& reading, double factor, double most) {
  double& boost = boost_[static_cast<std::size_t>(reading.level)];
  const double to = std::min(most, boost * factor);
  if (to <= boost) return false;
  treatments_.push_back({reading.ailment, reading.level, tokens_, level_key(reading.level, "pace"), boost, to});
  change_rates(reading.level, to / boost);
  boost = to;
  return true;
}

/// Times `factor`; what did not learn at all learns at its first step as others do.
template <class T>
void Health<T>::change_rates(Index l, double factor) {
  hierarchy_.level(l).visit_weights([&](Weight<T>& weight) { weight.rate = weight.rate > 0 ? weight.rate * factor : factor / rate_step; });
}

template <class T>
bool Health<T>::settle_longer(const Reading& reading) {
  const RelaxationSettings& now = hierarchy_.relaxation().settings;
  if (reading.threshold == rejected_part) return turn(reading, "relaxation.rate", std::max(least_rate, now.rate / 2));
  if (now.rate < brisk_rate) return turn(reading, "relaxation.rate", std::min(brisk_rate, 4 * now.rate));
  return now.steps < most_sweeps && turn(reading, "relaxation.steps", static_cast<double>(std::min(most_sweeps, 2 * now.steps)));
}

/// A starved level is fed again. One that is fed reads by new weights: those that it reads in by, whose names end in _in, are drawn anew, as large
/// as they are.
template <class T>
bool Health<T>::revive(const Reading& reading) {
  bool fed = false;
  for (const auto& [name, least] : {std::pair{"feed_belief", least_feed_belief}, {"feed_innovation", least_feed_innovation}}) {
    const std::string key = level_key(reading.level - 1, name);
    if (const auto feed = read(key); feed && *feed < least) fed |= turn(reading, key, least);
  }
  if (fed) return true;
  const auto draw = static_cast<std::uint64_t>(tokens_);
  bool drawn = false;
  hierarchy_.level(reading.level).visit_weights([&](Weight<T>& weight) {
    if (!weight.name.ends_with("_in") || !weight.decays) return;
    drawn = true;
    Tensor<T> square(device_, weight.value.rows(), weight.value.cols());
    device_.map(Unary::square, weight.value, square);
    const double sd = std::sqrt(sum(square) / static_cast<double>(weight.size()));
    if (weight.separate()) device_.axpby(T(-1), weight.value, T(1), weight.feedback);
    weight.randomise(sd, draw, static_cast<std::uint32_t>(reading.level));
    if (weight.separate()) device_.axpby(T(1), weight.value, T(1), weight.feedback);  // the way back differs by as much as before
  });
  if (drawn) treatments_.push_back({reading.ailment, reading.level, tokens_, level_key(reading.level, "weights"), 0, 1});
  return drawn;
}

// ---------------------------------------------------------------- settings by their keys

template <class T>
std::optional<double> Health<T>::read(const std::string& key) {
  const RelaxationSettings& relaxation = hierarchy_.relaxation().settings;
  if (key == "relaxation.rate") return relaxation.rate;
  if (key == "relaxation.steps") return static_cast<double>(relaxation.steps);
  const double* dial = find_dial(key);
  return dial == nullptr ? std::nullopt : std::optional<double>(*dial);
}

template <class T>
void Health<T>::write(const std::string& key, double value) {
  RelaxationSettings& relaxation = hierarchy_.relaxation().settings;
  if (key == "relaxation.rate")
    relaxation.rate = value;
  else if (key == "relaxation.steps")
    relaxation.steps = static_cast<Index>(value);
  else if (double* dial = find_dial(key))
    *dial = value;
}

/// "level.L.NAME".
template <class T>
double* Health<T>::find_dial(const std::string& key) {
  const auto dot = key.find('.', 6);
  return hierarchy_.level(std::stoll(key.substr(6, dot - 6))).dial(key.substr(dot + 1));
}

template <class T>
std::vector<std::pair<std::string, double>> Health<T>::cured_keys() const {
  std::map<std::string, double> last;
  for (const Treatment& treatment : treatments_) last[treatment.key] = treatment.to;
  for (Index l = 0; l < depth_; ++l)
    for (const char* name : {"pace", "weights"}) last.erase(level_key(l, name));  // no keys of a configuration
  return {last.begin(), last.end()};
}

// ---------------------------------------------------------------- checkpoint

namespace {

constexpr std::size_t reading_numbers = 5, finding_numbers = 2 * reading_numbers + 2, treatment_numbers = 5;

void put(std::vector<double>& to, const Reading& r) {
  to.insert(to.end(), {static_cast<double>(r.ailment), static_cast<double>(r.level), r.value, r.threshold, r.ill ? 1. : 0.});
}

Reading reading_from(const double* x) { return {static_cast<Ailment>(x[0]), static_cast<Index>(x[1]), x[2], x[3], x[4] != 0}; }

}  // namespace

/// Findings and treatments, as rows of numbers and a line per key.
template <class T>
void Health<T>::archive_record(Archive& archive) {
  std::vector<double> found, treated;
  std::string keys;
  for (const Finding& f : findings_) {
    put(found, f.first);
    put(found, f.last);
    found.insert(found.end(), {static_cast<double>(f.tokens), static_cast<double>(f.verdicts)});
  }
  for (const Treatment& t : treatments_) {
    treated.insert(treated.end(),
                   {static_cast<double>(t.ailment), static_cast<double>(t.level), static_cast<double>(t.tokens), t.from, t.to});
    keys += t.key + "\n";
  }
  archive.value("findings", found);
  archive.value("treatments", treated);
  archive.value("treated_keys", keys);
  if (!archive.loading()) return;
  findings_.clear();
  treatments_.clear();
  for (std::size_t i = 0; i < found.size(); i += finding_numbers)
    findings_.push_back({reading_from(&found[i]), reading_from(&found[i + reading_numbers]),
                         static_cast<std::int64_t>(found[i + 2 * reading_numbers]),
                         static_cast<std::int64_t>(found[i + 2 * reading_numbers + 1])});
  std::istringstream lines(keys);
  for (std::size_t i = 0; i < treated.size(); i += treatment_numbers) {
    const double* x = &treated[i];
    treatments_.push_back({static_cast<Ailment>(x[0]), static_cast<Index>(x[1]), static_cast<std::int64_t>(x[2]), "", x[3], x[4]});
    std::getline(lines, treatments_.back().key);
  }
}

template <class T>
void Health<T>::archive(Archive& archive) {
  if (settings.every == 0) return;
  for (const auto& [name, x] : {std::pair{"looks", &looks_}, {"verdicts", &verdicts_}, {"tokens", &tokens_}, {"awake", &awake_}})
    archive.value(name, *x);
  for (const auto& [name, x] : {std::pair{"update", &sums_.update},
                                {"updates", &sums_.updates},
                                {"gain", &sums_.gain},
                                {"error", &sums_.error},
                                {"errors", &sums_.errors},
                                {"samples", &sums_.samples},
                                {"gain_history", &gain_history_},
                                {"precision", &precision_},
                                {"boost", &boost_}})
    archive.value(name, *x);
  for (const auto& [name, x] :
       {std::pair{"fall", &sums_.fall}, {"further", &sums_.further}, {"rejections", &sums_.rejections}, {"sweeps", &sums_.sweeps}})
    archive.value(name, *x);
  for (const auto& [name, x] : {std::pair{"gain_from", &gain_from_}, {"woke", &woke_}, {"streak", &streak_}}) archive.value(name, *x);
  for (std::size_t l = 0; l < moment_.size(); ++l) {
    if (moment_[l].empty()) continue;
    Archive::Scope scope(archive, "level_" + std::to_string(l));
    archive.tensor("moment", moment_[l]);
    archive.tensor("mean", mean_[l]);
    archive.tensor("shift", shift_[l]);
  }
  if (lesion_) {
    Archive::Scope scope(archive, "lesion");
    lesion_->archive(archive);
  }
  archive_record(archive);
  if (!archive.loading()) return;
  for (const auto& [key, value] : cured_keys()) write(key, value);
  for (Index l = 0; l < depth_; ++l)
    if (const double boost = boost_[static_cast<std::size_t>(l)]; boost != 1) change_rates(l, boost);
}

template class Health<float>;
template class Health<double>;

}  // namespace strata
