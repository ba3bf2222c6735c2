// The oddball world: sequences of tones or outcomes from the laboratory. Paradigms, contexts, sources: paradigms.hpp.

#include <memory>

#include "experiments/worlds/oddball/chain.hpp"
#include "experiments/worlds/oddball/dirichlet.hpp"
#include "experiments/worlds/oddball/paradigms.hpp"
#include "experiments/worlds/registry.hpp"

namespace strata {

WorldKind oddball_world();

namespace oddball {
namespace {

class OddballSource final : public Source {
 public:
  explicit OddballSource(const Settings& settings) : settings_(settings), chain_(std::make_shared<const Chain>(make_chain(settings))) {}

  Index vocabulary() const override { return chain_->vocabulary(); }
  std::vector<Index> contexts() const override { return chain_->contexts; }
  std::vector<double> time_constants() const override { return chain_->time_constants; }
  std::vector<double> log_unigram() const override { return chain_->log_unigram(); }
  std::unique_ptr<World> open(Index streams, Index length, std::uint64_t seed) const override {
    return std::make_unique<ChainStreams>(chain_, streams, length, seed);
  }
  std::unique_ptr<Observer> observer(Index streams, Index levels) const override {
    if (settings_.paradigm == "roving" && settings_.counting && levels != 0)
      return std::make_unique<DirichletFilter>(vocabulary(), streams, settings_.concentration, settings_.memory);
    return std::make_unique<ChainFilter>(chain_, streams, levels);
  }

 private:
  Settings settings_;
  std::shared_ptr<const Chain> chain_;
};

}  // namespace
}  // namespace oddball

WorldKind oddball_world() {
  return {"oddball",
          "laboratory sequences: local-global tones, roving standards, outcomes under blocks of volatility",
          {{"world.", oddball::parameters()}},
          [](const Values& values, const std::vector<std::string>&) -> std::unique_ptr<Source> {
            return std::make_unique<oddball::OddballSource>(oddball::settings(values));
          }};
}

}  // namespace strata
