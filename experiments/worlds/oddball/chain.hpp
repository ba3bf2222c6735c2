#pragma once
// A hidden chain whose states speak tokens: what every oddball paradigm is, and its exact observer.
//
// Equation   s(t+1) ~ T(. | s(t)),  y(t) ~ p(. | s(t));   filter: q(s) = q-(s) p(y|s) / Z, surprise -ln Z, q- = T q
//            Forgetting the levels >= k: q(s) <- Q(g) P(s | g), g what the levels < k and their place say, P the long run
// Symbols    n hidden states, V tokens; T n x n, columns sum to 1; p n x V; label(l, s) the true context of level l in state s
// Limit      k = 0: the unigram; enumeration of every path (tests/validation/oddball_observers.cpp)
// Source     Rabiner 1989, Proc. IEEE 77

#include <Eigen/Core>
#include <Eigen/SparseCore>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "experiments/worlds/source.hpp"

namespace strata::oddball {

struct Chain {
  std::string name;                              ///< in messages
  Eigen::SparseMatrix<double> transition;        ///< T
  Eigen::ArrayXXd emission;                      ///< p, n x V
  Eigen::VectorXd start, long_run;               ///< n: at the first step; on average over time
  std::vector<std::vector<std::int32_t>> label;  ///< levels x n
  std::vector<std::int32_t> place;               ///< n: place in the trial or train; known with level 0
  std::vector<Index> contexts;                   ///< states of each level
  std::vector<double> time_constants;            ///< steps
  std::vector<std::uint8_t> opens;               ///< n: begins a trial; empty: a trial begins where the context of level 0 changes
  std::vector<std::uint8_t> deviant;             ///< n: marked surprise_on; empty: every beginning but the first is

  Index states() const { return emission.rows(); }
  Index vocabulary() const { return emission.cols(); }
  std::vector<double> log_unigram() const;  ///< nats
};

/// Streams of a chain. A trial (train, stretch) is a document: `document` counts them, the byte range is the place in it. Events: surprise_on at
/// deviants, context_switch where the context of the highest level changes.
class ChainStreams final : public World {
 public:
  ChainStreams(std::shared_ptr<const Chain> chain, Index streams, Index length, std::uint64_t seed);
  Index streams() const override { return streams_; }
  Index vocabulary() const override { return chain_->vocabulary(); }
  Index tokens() const override { return streams_ * length_; }
  bool next(Observation& out) override;
  void archive(Archive& archive) override;

 private:
  std::int32_t draw_state(Index stream) const;
  void deliver(Index stream, std::int32_t from, Observation& out);

  std::shared_ptr<const Chain> chain_;
  Index streams_, length_;
  std::uint64_t seed_;
  std::int64_t step_ = 0;
  std::vector<std::int32_t> state_, trial_, place_;  // per stream; -1 before the first step
  std::vector<double> weights_;                      // of the tokens
};

/// The exact observer. What the laws exclude (a splice in an experiment) it takes as having lost its place: it starts again from the long run.
class ChainFilter final : public Observer {
 public:
  /// `known` < 0 or all levels: nothing is forgotten. Throws ConfigError (world.streams) where it would not fit into memory.
  ChainFilter(std::shared_ptr<const Chain> chain, Index streams, Index known = -1);

  Index levels() const override { return static_cast<Index>(chain_->contexts.size()); }
  Index units(Index level) const override { return chain_->contexts[static_cast<std::size_t>(level)]; }
  void reset() override;
  /// Idle streams stay as they are. Throws ShapeError for another number of streams or a token the world does not have.
  void observe(const Observation& observation) override;
  double surprise(Index stream) const override { return streams_[static_cast<std::size_t>(stream)].surprise; }
  std::span<const double> belief(Index level, Index stream) const override;
  std::span<const double> prediction(Index level, Index stream) const override;
  std::span<const double> predictive(Index stream) const override;
  const Eigen::VectorXd& hidden(Index stream) const { return streams_[static_cast<std::size_t>(stream)].posterior; }

 private:
  struct Stream {
    Eigen::VectorXd posterior, predicted, predictive;
    std::vector<std::vector<double>> belief, prediction;  // levels x states
    double surprise = 0;
  };
  void read(Stream& stream, Index token);
  void summarise(Stream& stream) const;
  void forget(Eigen::VectorXd& q);

  std::shared_ptr<const Chain> chain_;
  bool forgets_;
  std::vector<Index> group_;               // of each hidden state: what is remembered of it
  Eigen::VectorXd remembered_, recalled_;  // Q(g); P(s|g)
  std::vector<Stream> streams_;
};

/// Throws ShapeError unless the observation has `streams` streams.
void check_streams(const std::string& world, const Observation& observation, std::size_t streams);
/// Throws ShapeError unless 0 <= token < vocabulary.
void check_token(const std::string& world, Index token, Index vocabulary);

}  // namespace strata::oddball
