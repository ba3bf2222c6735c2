#include "analysis/past_information.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>

#include "analysis/decoder.hpp"
#include "core/error.hpp"
#include "core/random.hpp"

namespace strata {
namespace {

using Eigen::MatrixXd;

/// Belief and tokens at the times of both, which must be `step` apart in the belief and one apart in the tokens.
struct Reading {
  std::vector<std::pair<std::size_t, std::size_t>> pairs;  ///< sample of the belief, sample of the tokens
  Index streams;
};

/// Classes by frequency: token id to class; what is not in it is class `size`.
std::map<std::int32_t, Index> frequent_classes(const IntegerSeries& tokens, Index classes) {
  std::map<std::int32_t, std::int64_t> count;
  for (const std::int32_t id : tokens.value)
    if (id >= 0) ++count[id];
  std::vector<std::pair<std::int64_t, std::int32_t>> order;
  order.reserve(count.size());
  for (const auto& [id, n] : count) order.emplace_back(-n, id);
  std::sort(order.begin(), order.end());
  std::map<std::int32_t, Index> out;
  for (const auto& entry : order) {
    if (static_cast<Index>(out.size()) == classes) break;
    out[entry.second] = static_cast<Index>(out.size());
  }
  return out;
}

struct Half {
  std::vector<std::pair<std::size_t, Index>> places;  ///< (index into pairs, stream), evenly spread
  MatrixXd x;                                         ///< units x places
};

Half gather(const Series& belief, const Reading& reading, const IntegerSeries& tokens, std::size_t first, std::size_t last, Index samples) {
  std::vector<std::pair<std::size_t, Index>> all;
  for (std::size_t pair = first; pair < last; ++pair)
    for (Index s = 0; s < reading.streams; ++s)
      if (tokens.at(reading.pairs[pair].second, s) >= 0) all.emplace_back(pair, s);  // else the stream's text has ended
  const std::size_t count = std::min(all.size(), static_cast<std::size_t>(samples));
  if (count < 20)
    throw DataError("past information", 0, "fewer than 20 tokens in one half of the recording; record longer or lower analyse.lags");
  Half out{{}, MatrixXd(belief.units, static_cast<Index>(count))};
  for (std::size_t i = 0; i < count; ++i) {
    out.places.push_back(all[i * all.size() / count]);
    const auto units = belief.at(reading.pairs[out.places.back().first].first, out.places.back().second);
    out.x.col(static_cast<Index>(i)) = Eigen::Map<const Eigen::VectorXf>(units.data(), belief.units).cast<double>();
  }
  return out;
}

/// Class of the token `lag` before each place.
std::vector<Index> labels(const Half& half, const Reading& reading, const IntegerSeries& tokens,
                          const std::map<std::int32_t, Index>& classes, std::int64_t lag) {
  std::vector<Index> out;
  for (const auto& [pair, stream] : half.places) {
    const std::int32_t id = tokens.at(reading.pairs[pair].second - static_cast<std::size_t>(lag), stream);
    const auto found = classes.find(id);
    out.push_back(found == classes.end() ? static_cast<Index>(classes.size()) : found->second);
  }
  return out;
}

void shuffle(std::vector<Index>& list, std::uint64_t seed) {
  for (std::size_t i = list.size(); i > 1; --i) std::swap(list[i - 1], list[mix(seed + i) % i]);
}

/// ln p(label) - ln p_freq(label) of every place when the decoder is believed by `trust`, from its log ratios to the frequencies.
std::vector<double> gains_at(const MatrixXd& ratio, const Eigen::VectorXd& log_share, std::span<const Index> label, double trust) {
  std::vector<double> out;
  if (trust == 0.0) return std::vector<double>(label.size(), 0.0);
  for (Index i = 0; i < ratio.cols(); ++i) {
    const double normaliser = std::log((log_share + trust * ratio.col(i)).array().exp().sum());
    out.push_back(trust * ratio(label[static_cast<std::size_t>(i)], i) - normaliser);
  }
  return out;
}

/// The same for the second half: decoder from three quarters of the first, trust from its last quarter.
std::vector<double> gains(const Half& train, const Half& test, const std::vector<Index>& seen, const std::vector<Index>& asked,
                          Index classes, double penalty) {
  const Index fitted = train.x.cols() * 3 / 4;
  const std::span<const Index> known(seen);
  const LinearDecoder decoder = fit_logistic(train.x.leftCols(fitted), known.first(static_cast<std::size_t>(fitted)), classes, penalty, 80);
  Eigen::VectorXd share = Eigen::VectorXd::Constant(classes, 0.5);
  for (const Index k : seen) share(k) += 1.0;
  const Eigen::VectorXd log_share = (share / share.sum()).array().log().matrix();
  const auto ratios = [&](const MatrixXd& x) {
    return MatrixXd(decoder.probabilities(x).array().max(1e-12).log().matrix().colwise() - log_share);
  };
  const MatrixXd held = ratios(train.x.rightCols(train.x.cols() - fitted));
  double trust = 0.0, best = 0.0;
  for (int step = 1; step <= 20; ++step) {
    const auto gain = gains_at(held, log_share, known.subspan(static_cast<std::size_t>(fitted)), 0.05 * step);
    const double total = std::accumulate(gain.begin(), gain.end(), 0.0);
    if (total <= best) continue;
    best = total;
    trust = 0.05 * step;
  }
  return gains_at(ratios(test.x), log_share, asked, trust);
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::vector<double> weights_of_sum(const std::vector<double>& lag) {
  // Every whole lag between 1 and K counts once, by linear interpolation between the measured ones.
  std::vector<double> weight(lag.size(), 0.0);
  for (std::size_t i = 1; i < lag.size(); ++i) weight[i] += 1.0;
  for (std::size_t i = 1; i + 1 < lag.size(); ++i) {
    const double between = lag[i + 1] - lag[i] - 1.0;  // lags strictly between: half of their weight to each end
    weight[i] += 0.5 * between;
    weight[i + 1] += 0.5 * between;
  }
  return weight;
}

MeasureResult run(const Trace& trace, const Values& values) {
  const Recording root = trace.root();
  const IntegerSeries tokens = root.token_ids();
  PastOptions how{values.integer("classes"), values.integer("samples"), values.integer("lags"),
                  values.real("penalty"),    values.integer("block"),   0.0};
  for (const LevelInfo& level : root.levels()) how.slowest = std::fmax(how.slowest, level.time_constant);
  MeasureResult out;
  out.name = "past_information";
  for (const LevelInfo& level : root.levels()) {
    MeasuredValues record = level_record(level);
    const PastInformation found = past_information(root.vectors(level.number, "belief"), tokens, how, bootstrap_options(values));
    record.set("past_nats", found.past);
    record.set("past_control_nats", MeasuredValue(found.control));
    record.set("present_nats", found.present);
    record.set("past_lags", MeasuredValue(found.lag));
    record.set("past_profile_nats", MeasuredValue(found.nats));
    out.levels.push_back(std::move(record));
  }
  out.values.set("lags", MeasuredValue(how.lags));
  out.columns = {{"name", "level"},
                 {"past_nats", "past, summed over lags (nats) [95 %]"},
                 {"past_control_nats", "shuffled tokens"},
                 {"present_nats", "token just read (nats) [95 %]"}};
  return out;
}

}  // namespace

PastInformation past_information(const Series& belief, const IntegerSeries& tokens, const PastOptions& how,
                                 const BootstrapOptions& options) {
  Reading reading{common_times(belief.time, tokens.time), std::min(belief.streams, tokens.streams)};
  // A lag counts samples of the tokens: every token must be there.
  for (std::size_t t = 1; t < tokens.time.size(); ++t)
    if (tokens.time[t] != tokens.time[t - 1] + 1)
      throw DataError("past information", 0, "tokens are missing before time " + std::to_string(tokens.time[t]));
  std::erase_if(reading.pairs, [&](const auto& pair) { return pair.second < static_cast<std::size_t>(how.lags); });
  if (reading.pairs.size() < 40)
    throw DataError("past information", 0,
                    "belief and tokens share " + std::to_string(reading.pairs.size()) + " times after the first " +
                        std::to_string(how.lags) + " tokens, 40 are needed; record longer or lower analyse.lags");
  const auto classes = frequent_classes(tokens, how.classes);
  const auto kinds = static_cast<Index>(classes.size()) + 1;
  const std::size_t half = reading.pairs.size() / 2;
  const Half train = gather(belief, reading, tokens, 0, half, how.samples),
             test = gather(belief, reading, tokens, half, reading.pairs.size(), how.samples);
  PastInformation out;
  out.lag = {0.0};
  for (std::int64_t k = 1; k < how.lags; k *= 2) out.lag.push_back(static_cast<double>(k));
  out.lag.push_back(static_cast<double>(how.lags));
  const std::vector<double> weight = weights_of_sum(out.lag);
  const std::size_t count = test.places.size();
  const double spacing = std::max(1.0, 0.5 * static_cast<double>(belief.time.size()) / static_cast<double>(count));
  BlockSums sums(count, 1, block_length(count, 1, how.slowest / spacing, how.block), 3);
  for (std::size_t i = 0; i < out.lag.size(); ++i) {
    const auto lag = static_cast<std::int64_t>(out.lag[i]);
    std::vector<Index> seen = labels(train, reading, tokens, classes, lag), asked = labels(test, reading, tokens, classes, lag);
    const std::vector<double> gain = gains(train, test, seen, asked, kinds, how.penalty);
    out.nats.push_back(mean_of(gain));
    for (std::size_t t = 0; t < count; ++t) {
      const auto row = sums.at(t, 0);
      row[0] += weight[i] * gain[t];
      if (i == 0) row[1] += gain[t];
      if (i == 0) row[2] += 1.0;
    }
    if (i > 0) continue;
    shuffle(seen, 1);
    shuffle(asked, 2);
    out.control = static_cast<double>(how.lags) * mean_of(gains(train, test, seen, asked, kinds, how.penalty));
  }
  const auto found = block_bootstrap(
      sums,
      [](std::span<const double> total) {
        return std::vector<Bounded>{{total[0] / total[2]}, {total[1] / total[2]}};
      },
      options);
  out.past = found[0];
  out.present = found[1];
  return out;
}

Measure past_information_measure() {
  Measure measure;
  measure.name = "past_information";
  measure.summary = "nats about the tokens already read that a level still holds, summed over lags";
  measure.definition =
      "A multinomial logistic decoder of the token k steps back from the belief is trained on the first half of the recording\n"
      "and scored on the second; nats gained over the token frequencies (a lower bound of the mutual information; below 0\n"
      "where there is nothing but noise). Summed over k = 1 .. lags (measured at powers of two, linear between). The most\n"
      "frequent `classes` tokens are told apart, the rest is one class. Beside it the same with shuffled tokens.\n"
      "Needs tokens/id and belief. Intervals: block bootstrap over scored tokens.";
  measure.parameters = block_parameters();
  measure.parameters.push_back({"lags", std::int64_t{256}, 1, 1e6, {}, "tokens", "largest lag", ""});
  measure.parameters.push_back({"classes", std::int64_t{32}, 2, 4096, {}, "1", "most frequent tokens that are told apart", ""});
  measure.parameters.push_back({"samples", std::int64_t{6000}, 40, 1e6, {}, "1", "places of each half that are used", ""});
  measure.parameters.push_back({"penalty", 1e-3, 0.0, 1e6, {}, "1", "on squared weights, of the mean variance of a unit", ""});
  measure.run = run;
  return measure;
}

}  // namespace strata
