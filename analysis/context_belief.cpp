#include "analysis/context_belief.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "analysis/decoder.hpp"
#include "core/error.hpp"

namespace strata {
namespace {

/// Rows of `series` at (time, stream), columns mapped by `of_state`.
void pool(std::span<const float> units, std::span<const Index> of_state, float* out, Index states) {
  std::fill(out, out + states, 0.0F);
  for (std::size_t i = 0; i < units.size(); ++i) out[of_state[i]] += units[i];
}

/// Which context each unit stands for.
std::vector<Index> assign(const Series& belief, const std::vector<std::size_t>& sample, const ContextBelief& out) {
  const Index n = belief.units, k = out.states;
  std::vector<double> together(static_cast<std::size_t>(n * k), 0.0);
  for (std::size_t t = 0; t < sample.size(); ++t)
    for (Index s = 0; s < out.streams; ++s) {
      const std::int32_t c = out.truth[out.row(t, s)];
      if (c < 0) continue;
      const auto units = belief.at(sample[t], s);
      for (Index i = 0; i < n; ++i)
        together[static_cast<std::size_t>(i * k + c)] += static_cast<double>(units[static_cast<std::size_t>(i)]);
    }
  if (n == k) return best_assignment(together, n);
  std::vector<Index> of_state;
  for (Index i = 0; i < n; ++i) {
    const auto begin = together.begin() + i * k;
    of_state.push_back(std::max_element(begin, begin + k) - begin);
  }
  return of_state;
}

Eigen::VectorXd as_vector(std::span<const float> units) {
  return Eigen::Map<const Eigen::VectorXf>(units.data(), static_cast<Index>(units.size())).cast<double>();
}

LinearDecoder decode(const Series& belief, const std::vector<std::size_t>& sample, const ContextBelief& out) {
  std::vector<std::pair<std::size_t, Index>> places;
  for (std::size_t t = 0; t < sample.size() / 2; ++t)
    for (Index s = 0; s < out.streams; ++s)
      if (out.truth[out.row(t, s)] >= 0) places.emplace_back(t, s);
  const std::size_t step = std::max<std::size_t>(1, places.size() / 20000);  // more samples would cost time and change nothing
  std::vector<Index> label;
  for (std::size_t i = 0; i < places.size(); i += step) label.push_back(out.truth[out.row(places[i].first, places[i].second)]);
  Eigen::MatrixXd x(belief.units, static_cast<Index>(label.size()));
  for (std::size_t i = 0; i < label.size(); ++i)
    x.col(static_cast<Index>(i)) = as_vector(belief.at(sample[places[i * step].first], places[i * step].second));
  return fit_logistic(x, label, out.states);
}

using Place = std::function<void(std::span<const float>, float*)>;

/// The prediction of the token before, where it was recorded.
void place_prior(ContextBelief& out, const Series& prediction, Index units, const std::string& where, const Place& place) {
  if (prediction.units != units || prediction.streams < out.streams)
    throw ShapeError("prediction beside the " + where, std::to_string(units) + " units as the belief", std::to_string(prediction.units));
  out.prior.assign(out.posterior.size(), 0.0F);
  out.has_prior.assign(out.time.size(), 0);
  for (std::size_t t = 0; t < out.time.size(); ++t) {
    const auto before = std::lower_bound(prediction.time.begin(), prediction.time.end(), out.time[t] - 1);
    if (before == prediction.time.end() || *before != out.time[t] - 1) continue;
    out.has_prior[t] = 1;
    for (Index s = 0; s < out.streams; ++s)
      place(prediction.at(static_cast<std::size_t>(before - prediction.time.begin()), s),
            out.prior.data() + out.row(t, s) * static_cast<std::size_t>(out.states));
  }
}

}  // namespace

void ContextBelief::start_at(std::int64_t first) {
  const auto cut = std::lower_bound(time.begin(), time.end(), first) - time.begin();
  const auto drop = [&](auto& values, std::ptrdiff_t width) {
    if (!values.empty()) values.erase(values.begin(), values.begin() + cut * width);
  };
  drop(posterior, streams * states);
  drop(prior, streams * states);
  drop(has_prior, 1);
  drop(truth, streams);
  drop(time, 1);
}

Index ContextBelief::switches() const {
  Index count = 0;
  for (std::size_t t = 1; t < time.size(); ++t)
    for (Index s = 0; s < streams; ++s)
      if (truth[row(t, s)] >= 0 && truth[row(t - 1, s)] >= 0 && truth[row(t, s)] != truth[row(t - 1, s)]) ++count;
  return count;
}

bool is_categorical(const Series& series) {
  for (std::size_t t = 0; t < series.time.size(); ++t)
    for (Index s = 0; s < series.streams; ++s) {
      double sum = 0.0;
      for (const float x : series.at(t, s)) {
        if (x < -1e-6F) return false;
        sum += static_cast<double>(x);
      }
      // Fill beyond a stream's end is not finite and says nothing.
      if (std::isfinite(sum) && std::abs(sum - 1.0) > 1e-3) return false;
    }
  return series.units > 1;
}

ContextBelief context_belief(const Recording& recording, Index level, const Contexts& contexts, Index world_level, bool labelled,
                             bool with_prior) {
  const Series belief = recording.vectors(level, "belief");
  const auto pairs = common_times(belief.time, contexts.time);
  const std::string where = "belief of level " + std::to_string(level) + " in '" + recording.name() + "'";
  if (pairs.empty()) throw DataError(where, 0, "no time in common with /world/context");
  ContextBelief out;
  out.streams = std::min(belief.streams, contexts.streams);
  out.states = contexts.states[static_cast<std::size_t>(world_level)];
  std::vector<std::size_t> sample;
  const auto take = [&](std::size_t from) {
    sample.clear();
    out.time.clear();
    out.truth.clear();
    for (std::size_t i = from; i < pairs.size(); ++i) {
      const auto [a, b] = pairs[i];
      sample.push_back(a);
      out.time.push_back(belief.time[a]);
      for (Index s = 0; s < out.streams; ++s) {
        const bool ended = !recording.valid().empty() && out.time.back() >= recording.valid()[static_cast<std::size_t>(s)];
        out.truth.push_back(ended ? -1 : contexts.at(b, s, world_level));
      }
    }
  };
  take(0);
  const bool categorical = is_categorical(belief);
  if (labelled && (!categorical || belief.units != out.states))
    throw ShapeError(where, "a distribution over the " + std::to_string(out.states) + " contexts of that level",
                     std::to_string(belief.units) + " units" + (categorical ? "" : " that do not add up to 1"));
  out.how = labelled ? "labelled" : categorical ? "assigned" : "decoded";
  std::vector<Index> of_state;
  LinearDecoder decoder;
  if (labelled)
    for (Index i = 0; i < belief.units; ++i) of_state.push_back(i);
  else if (categorical)
    of_state = assign(belief, sample, out);
  else {
    decoder = decode(belief, sample, out);
    take(pairs.size() / 2);  // what it was trained on is not scored
  }
  const Place place = [&](std::span<const float> units, float* to) {
    if (!of_state.empty())
      pool(units, of_state, to, out.states);
    else
      Eigen::Map<Eigen::VectorXf>(to, out.states) = decoder.probabilities(as_vector(units)).col(0).cast<float>();
  };
  out.posterior.resize(out.truth.size() * static_cast<std::size_t>(out.states));
  for (std::size_t t = 0; t < sample.size(); ++t)
    for (Index s = 0; s < out.streams; ++s)
      place(belief.at(sample[t], s), out.posterior.data() + out.row(t, s) * static_cast<std::size_t>(out.states));
  if (with_prior) place_prior(out, recording.vectors(level, "prediction"), belief.units, where, place);
  return out;
}

std::vector<Index> best_assignment(std::span<const double> gain, Index n) {
  // Rows enter one by one along shortest augmenting paths; potentials u, v keep the reduced costs (cost = -gain) from going below 0.
  const auto size = static_cast<std::size_t>(n);
  std::vector<double> u(size + 1, 0.0), v(size + 1, 0.0);
  std::vector<std::size_t> row_of(size + 1, 0), from(size + 1, 0);
  for (std::size_t i = 1; i <= size; ++i) {
    row_of[0] = i;
    std::size_t column = 0;
    std::vector<double> least(size + 1, std::numeric_limits<double>::infinity());
    std::vector<std::uint8_t> used(size + 1, 0);
    while (row_of[column] != 0) {
      used[column] = 1;
      const std::size_t row = row_of[column];
      std::size_t next = 0;
      double delta = std::numeric_limits<double>::infinity();
      for (std::size_t j = 1; j <= size; ++j) {
        if (used[j] != 0) continue;
        const double reduced = -gain[(row - 1) * size + j - 1] - u[row] - v[j];
        if (reduced < least[j]) {
          least[j] = reduced;
          from[j] = column;
        }
        if (least[j] < delta) {
          delta = least[j];
          next = j;
        }
      }
      for (std::size_t j = 0; j <= size; ++j) {
        if (used[j] != 0) {
          u[row_of[j]] += delta;
          v[j] -= delta;
        } else {
          least[j] -= delta;
        }
      }
      column = next;
    }
    for (; column != 0; column = from[column]) row_of[column] = row_of[from[column]];
  }
  std::vector<Index> out(size, 0);
  for (std::size_t j = 1; j <= size; ++j) out[row_of[j] - 1] = static_cast<Index>(j - 1);
  return out;
}

Index world_level_of(std::size_t position, std::size_t levels, const Contexts& contexts) {
  const auto offset = static_cast<Index>(levels) == contexts.levels + 1 ? Index{1} : Index{0};
  const Index found = static_cast<Index>(position) - offset;
  // A level of numbers has no states to believe in.
  return found >= 0 && found < contexts.levels && contexts.states[static_cast<std::size_t>(found)] > 1 ? found : -1;
}

}  // namespace strata
