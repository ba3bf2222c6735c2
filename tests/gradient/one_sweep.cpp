// One sweep with gamma = 1 is back-propagation of the instantaneous loss -ln p(w), in the limit of precisions that grow upwards.
//
// The errors of a sweep are read after every node has moved, and a node's prediction follows the node above: e_n is off by
// pi_n / pi_{n+1} times a matrix of order one. With a level's precision R times that of the level below, updates differ from gradients by
// O(1/R).
// The token level and one situation level touch through the output stream alone, which is evaluated at the forecast: there only
// pi_a / pi_0 has to be large.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>

#include "tests/support/probe.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;
using namespace strata::test;

namespace {

using Weights = std::map<std::string, ArchivedMatrix>;
using Vector = std::vector<double>;

/// y += m x
void add_product(const ArchivedMatrix& m, const Vector& x, Vector& y) {
  for (Index j = 0; j < m.cols; ++j)
    for (Index i = 0; i < m.rows; ++i) y[static_cast<std::size_t>(i)] += m(i, j) * x[static_cast<std::size_t>(j)];
}

/// y += m' x
void add_transposed(const ArchivedMatrix& m, const Vector& x, Vector& y) {
  for (Index j = 0; j < m.cols; ++j)
    for (Index i = 0; i < m.rows; ++i) y[static_cast<std::size_t>(j)] += m(i, j) * x[static_cast<std::size_t>(i)];
}

Vector squashed(Vector x) {
  for (double& v : x) v = std::tanh(v);
  return x;
}

Vector column(const ArchivedMatrix& m, Index j) { return {m.data.begin() + j * m.rows, m.data.begin() + (j + 1) * m.rows}; }

/// A step's forecast written once more, from the equations of model A alone.
struct Forward {
  Index depth = 0;
  MemoryArchive state, parameters;
  Observation observation;
  bool share = false;

  Vector stream(const Weights& w, Index j) const {
    Vector c(static_cast<std::size_t>(w.at("lexicon").rows), 0), above;
    for (Index l = depth - 1; l > 0; --l) {
      const std::string level = "level_" + std::to_string(l) + "/";
      Vector mu = column(w.at(level + "bias"), 0);
      add_product(w.at(level + "memory_in"), column(state.at(level + "h_used"), j), mu);
      const double gain = std::get<double>(parameters.items().at(level + "gain"));
      const Vector kap = column(state.at(level + "kap_used"), j);
      for (std::size_t i = 0; i < mu.size(); ++i) mu[i] += gain * kap[i];
      if (!above.empty()) add_product(w.at(level + "above_in"), above, mu);
      above = squashed(mu);
      add_product(w.at(level + "share_out"), above, c);
    }
    return c;
  }

  /// Sum over streams of -ln p(w), nats.
  double loss(const Weights& w) const {
    double sum = 0;
    const Index streams = static_cast<Index>(observation.id.size());
    const auto& ids = std::get<std::vector<std::int32_t>>(state.items().at("level_0/context"));
    for (Index j = 0; j < streams; ++j) {
      Vector ctx;
      for (std::size_t k = 0; k < ids.size() / observation.id.size(); ++k) {
        const auto id = ids[k * observation.id.size() + static_cast<std::size_t>(j)];
        for (const char* words : {"level_0/embedding", "lexicon"}) {
          const Vector word = column(w.at(words), id);
          if (share || words != std::string("lexicon")) ctx.insert(ctx.end(), word.begin(), word.end());
        }
      }
      Vector mu_a = column(w.at("level_0/hidden_bias"), 0), mu_0 = column(w.at("level_0/bias"), 0);
      add_product(w.at("level_0/hidden_in"), ctx, mu_a);
      add_product(w.at("level_0/hidden_out"), squashed(mu_a), mu_0);
      add_product(w.at("level_0/direct"), ctx, mu_0);
      Vector logits = column(w.at("level_0/output_bias"), 0);
      Vector f_0 = squashed(mu_0), c_0 = stream(w, j);
      const auto own = f_0.begin() + w.at("level_0/embedding").rows;
      if (share) std::transform(own, f_0.end(), c_0.begin(), c_0.begin(), std::plus<>());
      f_0.erase(own, f_0.end());
      add_transposed(w.at("level_0/embedding"), f_0, logits);
      add_transposed(w.at("lexicon"), c_0, logits);
      double total = 0;
      for (const double x : logits) total += std::exp(x);
      sum += std::log(total) - logits[static_cast<std::size_t>(observation.id[static_cast<std::size_t>(j)])];
    }
    return sum;
  }

  /// -d loss / d weight of one block by five-point differences.
  Vector descent(Weights w, const std::string& block) const {
    constexpr double h = 1e-3;
    Vector slopes;
    for (double& x : w.at(block).data) {
      const double value = x;
      const auto at = [&](double shift) {
        x = value + shift;
        return loss(w);
      };
      slopes.push_back(-(8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h));
      x = value;
    }
    return slopes;
  }
};

/// Largest distance over blocks between what one sweep learns and the gradient.
std::map<std::string, double> distances(int levels, const std::vector<double>& precisions, bool share = false) {
  std::vector<std::string> lines{"hierarchy.levels=" + std::to_string(levels),
                                 "relaxation.steps=1",
                                 "relaxation.rate=1",
                                 "learning.rate=.02",
                                 "learning.warm_up=0",
                                 "level.0.context_dropout=0",
                                 share ? "level.0.share=1" : "level.0.share=0",
                                 "level.0.hidden_precision=1e6"};
  for (int l = 1; l < levels; ++l) {
    const std::string level = "level." + std::to_string(l) + ".";
    lines.push_back(level + "precision=" + std::to_string(precisions[static_cast<std::size_t>(l - 1)]));
    for (const char* line : {"tick=1", "tau=3", "dropout=0", "carry_rate=.02", "broad_weight=0", "eligibility=off"})
      lines.push_back(level + line);
  }
  Tiny<double> tiny(lines);
  Probe<double> probe(*tiny.hierarchy, *tiny.world, tiny.learning.get());
  probe.start();
  probe.run(10);
  probe.begin();
  REQUIRE(tiny.hierarchy->relaxation().trace().rejections == 0);
  const Forward forward{levels, state_of(*tiny.hierarchy), parameters_of(*tiny.hierarchy), probe.observation, share};
  const auto surprise = values<double>(tiny.hierarchy->level(0).snapshot().surprise, *tiny.device);
  double sum = 0;
  for (const double x : surprise) sum += x;
  const Weights weights = weight_values(*tiny.hierarchy);
  CHECK(forward.loss(weights) == Approx(sum).epsilon(1e-12));
  tiny.hierarchy->accumulate(1, true);
  std::map<std::string, double> all;
  for (const auto& [name, gradient] : weight_gradients(*tiny.hierarchy))
    if (name.find("broad_") == std::string::npos) all[name] = relative_distance(gradient.data, forward.descent(weights, name));
  return all;
}

}  // namespace

TEST_CASE("one sweep: gamma 1 equals back-propagation, one situation level", "[gradient]") {
  const bool share = GENERATE(false, true);
  for (const auto& [block, distance] : distances(2, {100}, share)) {
    INFO(block << ", share " << share);
    CHECK(distance < 1e-5);  // 10 pi_0 / pi_a
  }
}

TEST_CASE("one sweep: gamma 1 tends to back-propagation as precisions grow upwards", "[gradient]") {
  const auto near = distances(4, {10, 1e3, 1e5}), nearer = distances(4, {10, 1e4, 1e7});
  for (const auto& [block, distance] : near) {
    INFO(block << ": " << distance << " at R = 100, " << nearer.at(block) << " at R = 1000");
    CHECK(distance < 1e-2);
    CHECK(nearer.at(block) < 1e-3);
    CHECK((nearer.at(block) < .2 * distance || distance < 1e-5));
  }
}
