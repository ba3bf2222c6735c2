#include "experiments/worlds/nested/laws.hpp"

#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "core/random.hpp"
#include "experiments/worlds/nested/draw.hpp"

namespace strata::nested {
namespace {

enum Purpose : std::uint32_t { allowing = 0x6e01, sharing = 0x6e02 };

constexpr double least_probability = 1e-300;  // of a token: a surprise stays finite, whatever beta is

/// For every parent, which `allowed` of `states` it allows: a random choice in which no two parents allow the same and no state is allowed by
/// none, as far as the numbers permit (else a level of a purely nested world could be invisible by chance).
std::vector<std::vector<Index>> allowed_sets(Index states, Index parents, Index allowed, std::uint64_t seed, Index level) {
  std::vector<std::vector<Index>> best;
  std::size_t best_score = 0;
  constexpr Index tries = 200;
  for (Index attempt = 0; attempt < tries; ++attempt) {
    std::vector<std::vector<Index>> sets;
    std::set<Index> covered;
    for (Index u = 0; u < parents; ++u) {
      const std::uint64_t base = draw::at(seed, level, attempt * parents + u, allowing);
      std::vector<Index> order(static_cast<std::size_t>(states));
      std::iota(order.begin(), order.end(), Index{0});
      for (std::size_t i = 0; i + 1 < order.size(); ++i) {
        const double rest = static_cast<double>(order.size() - i);
        std::swap(order[i], order[i + static_cast<std::size_t>(draw::uniform(base, static_cast<std::uint32_t>(i)) * rest)]);
      }
      order.resize(static_cast<std::size_t>(allowed));
      std::sort(order.begin(), order.end());
      covered.insert(order.begin(), order.end());
      sets.push_back(std::move(order));
    }
    const std::size_t score =
        std::set<std::vector<Index>>(sets.begin(), sets.end()).size() * static_cast<std::size_t>(states) + covered.size();
    if (score > best_score) {
      best_score = score;
      best = std::move(sets);
    }
    if (best_score == static_cast<std::size_t>(parents * states + states)) break;
  }
  return best;
}

}  // namespace

Laws::Laws(Settings settings) : settings_(std::move(settings)), levels_(static_cast<std::size_t>(settings_.levels())) {
  for (std::size_t l = 0; l < levels_.size(); ++l) levels_[l].hazard = 1 / settings_.tau[l];
  draw_transitions();
  draw_shares();
  solve_stationary();
}

void Laws::draw_transitions() {
  for (std::size_t l = 0; l < levels_.size(); ++l) {
    const bool top = l + 1 == levels_.size();
    const Index states = settings_.states[l], parents = top ? 1 : settings_.states[l + 1];
    auto& pi = levels_[l].transition;
    pi.setConstant(states, parents, top ? 1 : settings_.leak[l]);
    if (!top) {
      const auto sets = allowed_sets(states, parents, (states + 1) / 2, settings_.tables, static_cast<Index>(l));
      for (Index u = 0; u < parents; ++u) {
        for (const Index a : sets[static_cast<std::size_t>(u)]) pi(a, u) = 1;
      }
    }
    for (Index u = 0; u < parents; ++u) pi.col(u) /= pi.col(u).sum();
  }
}

void Laws::draw_shares() {
  for (std::size_t l = 0; l < levels_.size(); ++l) {
    auto& share = levels_[l].share;
    share.resize(settings_.vocabulary, settings_.states[l]);
    const std::uint64_t base = draw::at(settings_.tables, static_cast<Index>(l), 0, sharing);
    for (Index c = 0; c < share.cols(); ++c) {
      for (Index v = 0; v < share.rows(); ++v)
        share(v, c) = settings_.beta[l] * random_normal(base, static_cast<std::uint32_t>(v), static_cast<std::uint32_t>(c));
    }
    share.colwise() -= share.rowwise().mean().eval();
  }
}

void Laws::solve_stationary() {
  double stay = 1;  // s: no level above switches
  for (std::size_t l = levels_.size(); l-- > 0;) {
    LevelLaw& law = levels_[l];
    law.stationary = law.transition;
    const Index n = law.transition.rows();
    for (Index u = 0; u < law.transition.cols(); ++u) {
      const Eigen::VectorXd pi = law.transition.col(u);
      if (l + 1 == levels_.size()) {
        law.stationary.col(u) = pi.array() * (1 - pi.array());
      } else {
        Eigen::MatrixXd system = Eigen::MatrixXd::Identity(n, n) * (1 - stay * (1 - law.hazard));
        for (Index b = 0; b < n; ++b) {
          for (Index a = 0; a < n; ++a) {
            if (a != b) system(a, b) -= stay * law.hazard * pi(a) / (1 - pi(b));
          }
        }
        law.stationary.col(u) = system.partialPivLu().solve((1 - stay) * pi).cwiseMax(0);
      }
      law.stationary.col(u) /= law.stationary.col(u).sum();
    }
    stay *= 1 - law.hazard;
  }
}

void Laws::advance(std::span<std::int32_t> contexts, std::uint64_t base, bool first) const {
  bool redraw = first;
  for (std::size_t l = levels_.size(); l-- > 0;) {
    const LevelLaw& law = levels_[l];
    const Index parent = l + 1 == levels_.size() ? 0 : contexts[l + 1];
    const Eigen::MatrixXd& table = first ? law.stationary : law.transition;
    const std::span<const double> column(table.data() + parent * table.rows(), static_cast<std::size_t>(table.rows()));
    const double u = draw::uniform(base, static_cast<std::uint32_t>(2 * l));
    if (redraw) {
      contexts[l] = draw::pick(column, u);
    } else if (draw::uniform(base, static_cast<std::uint32_t>(2 * l + 1)) < law.hazard) {
      // To another state: the present one is cut out, those behind it move up.
      const auto here = static_cast<std::size_t>(contexts[l]);
      double left = u * (1 - column[here]);
      std::int32_t other = -1;
      for (std::size_t a = 0; a < column.size() && (other < 0 || left >= 0); ++a) {
        if (a == here || column[a] <= 0) continue;
        other = static_cast<std::int32_t>(a);
        left -= column[a];
      }
      contexts[l] = other;
      redraw = true;
    }
  }
}

void Laws::emission(std::span<const std::int32_t> contexts, std::span<double> p) const {
  Eigen::Map<Eigen::ArrayXd> out(p.data(), static_cast<Index>(p.size()));
  out.setZero();
  for (std::size_t l = 0; l < levels_.size(); ++l) out += levels_[l].share.col(contexts[l]).array();
  out = (out - out.maxCoeff()).exp();
  out = (out / out.sum()).max(least_probability);
}

Eigen::ArrayXd Laws::stationary(Index from) const {
  Eigen::ArrayXd joint = Eigen::ArrayXd::Ones(1);
  for (Index l = levels() - 1; l >= from; --l) {
    const Eigen::MatrixXd& x = level(l).stationary;
    Eigen::ArrayXd finer(joint.size() * x.rows());
    for (Index p = 0; p < joint.size(); ++p) finer.segment(p * x.rows(), x.rows()) = joint(p) * x.col(p % x.cols()).array();
    joint = std::move(finer);
  }
  return joint;
}

Eigen::ArrayXXd Laws::emissions() const {
  Eigen::ArrayXXd table(settings_.joint_states(), vocabulary());
  std::vector<std::int32_t> contexts(levels_.size());
  std::vector<double> p(static_cast<std::size_t>(vocabulary()));
  for (Index c = 0; c < table.rows(); ++c) {
    Index rest = c;
    for (std::size_t l = 0; l < contexts.size(); rest /= settings_.states[l], ++l)
      contexts[l] = static_cast<std::int32_t>(rest % settings_.states[l]);
    emission(contexts, p);
    for (Index v = 0; v < table.cols(); ++v) table(c, v) = p[static_cast<std::size_t>(v)];
  }
  return table;
}

std::vector<double> Laws::log_unigram() const {
  const Eigen::ArrayXd weight = stationary(0);
  std::vector<std::int32_t> contexts(levels_.size());
  std::vector<double> p(static_cast<std::size_t>(vocabulary())), sum(p.size());
  for (Index c = 0; c < weight.size(); ++c) {
    Index rest = c;
    for (std::size_t l = 0; l < contexts.size(); rest /= settings_.states[l], ++l)
      contexts[l] = static_cast<std::int32_t>(rest % settings_.states[l]);
    emission(contexts, p);
    for (std::size_t v = 0; v < p.size(); ++v) sum[v] += weight(c) * p[v];
  }
  for (double& s : sum) s = std::log(s);
  return sum;
}

}  // namespace strata::nested
