#include "analysis/past_information.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "analysis/decoder.hpp"
#include "core/error.hpp"

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

Half gather(const Series& belief, const Reading& reading, std::size_t first, std::size_t last, Index samples) {
  const std::size_t all = (last - first) * static_cast<std::size_t>(reading.streams);
  const std::size_t count = std::min(all, static_cast<std::size_t>(samples));
  Half out{{}, MatrixXd(belief.units, static_cast<Index>(count))};
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = i * all / count, pair = first + at / static_cast<std::size_t>(reading.streams);
    const auto stream = static_cast<Index>(at % static_cast<std::size_t>(reading.streams));
    out.places.emplace_back(pair, stream);
    const auto units = belief.at(reading.pairs[pair].first, stream);
    out.x.col(static_cast<Index>(i)) = Eigen::Map<const Eigen::VectorXf>(units.data(), belief.units).cast<double>();
  }
  return out;
}

/// Class of the token `lag` before each place; places are shifted on by `shift` of them (around the half) for the control.
std::vector<Index> labels(const Half& half, const Reading& reading, const IntegerSeries& tokens,
                          const std::map<std::int32_t, Index>& classes, std::int64_t lag, std::size_t shift) {
  std::vector<Index> out;
  for (std::size_t i = 0; i < half.places.size(); ++i) {
    const auto& [pair, stream] = half.places[(i + shift) % half.places.size()];
    const std::int32_t id = tokens.at(reading.pairs[pair].second - static_cast<std::size_t>(lag), stream);
    const auto found = classes.find(id);
    out.push_back(found == classes.end() ? static_cast<Index>(classes.size()) : found->second);
  }
  return out;
}

/// ln p(decoder) - ln p(frequencies) of every place of the second half, nats.
std::vector<double> gains(const Half& train, const Half& test, const std::vector<Index>& seen, const std::vector<Index>& asked,
                          Index classes, double penalty) {
  const LinearDecoder decoder = fit_logistic(train.x, seen, classes, penalty, 80);
  const MatrixXd p = decoder.probabilities(test.x);
  std::vector<double> share(static_cast<std::size_t>(classes), 0.5), out;
  for (const Index k : seen) share[static_cast<std::size_t>(k)] += 1.0;
  const double total = static_cast<double>(seen.size()) + 0.5 * static_cast<double>(classes);
  for (std::size_t i = 0; i < asked.size(); ++i)
    out.push_back(std::log(std::max(p(asked[i], static_cast<Index>(i)), 1e-12)) -
                  std::log(share[static_cast<std::size_t>(asked[i])] / total));
  return out;
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
                 {"past_control_nats", "tokens from elsewhere"},
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
  const Half train = gather(belief, reading, 0, half, how.samples), test = gather(belief, reading, half, reading.pairs.size(), how.samples);
  PastInformation out;
  out.lag = {0.0};
  for (std::int64_t k = 1; k < how.lags; k *= 2) out.lag.push_back(static_cast<double>(k));
  out.lag.push_back(static_cast<double>(how.lags));
  const std::vector<double> weight = weights_of_sum(out.lag);
  const std::size_t count = test.places.size();
  const double spacing = std::max(1.0, static_cast<double>(belief.time.size() / 2) / static_cast<double>(count));
  BlockSums sums(count, 1, block_length(count, 1, how.slowest / spacing, how.block), 3);
  out.control = 0.0;
  for (std::size_t i = 0; i < out.lag.size(); ++i) {
    const auto lag = static_cast<std::int64_t>(out.lag[i]);
    const auto score = [&](std::size_t train_shift, std::size_t test_shift) {
      return gains(train, test, labels(train, reading, tokens, classes, lag, train_shift),
                   labels(test, reading, tokens, classes, lag, test_shift), kinds, how.penalty);
    };
    const std::vector<double> gain = score(0, 0), nothing = score(train.places.size() / 2, count / 2);
    out.nats.push_back(0.0);
    out.control_nats.push_back(0.0);
    for (std::size_t t = 0; t < count; ++t) {
      const auto row = sums.at(t, 0);
      row[0] += weight[i] * gain[t];
      if (i == 0) row[1] += gain[t];
      if (i == 0) row[2] += 1.0;
      out.nats.back() += gain[t] / static_cast<double>(count);
      out.control_nats.back() += nothing[t] / static_cast<double>(count);
    }
    out.control += weight[i] * out.control_nats.back();
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
      "frequent `classes` tokens are told apart, the rest is one class. Beside it the same with tokens from elsewhere.\n"
      "Needs tokens/id and belief. Intervals: block bootstrap over scored tokens.";
  measure.parameters = block_parameters();
  measure.parameters.push_back({"lags", std::int64_t{256}, 1, 1e6, {}, "tokens", "largest lag", ""});
  measure.parameters.push_back({"classes", std::int64_t{32}, 2, 4096, {}, "1", "most frequent tokens that are told apart", ""});
  measure.parameters.push_back({"samples", std::int64_t{3000}, 40, 1e6, {}, "1", "places of each half that are used", ""});
  measure.parameters.push_back({"penalty", 1e-3, 0.0, 1e6, {}, "1", "on squared weights, of the mean variance of a unit", ""});
  measure.run = run;
  return measure;
}

}  // namespace strata
