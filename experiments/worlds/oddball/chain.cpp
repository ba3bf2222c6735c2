#include "experiments/worlds/oddball/chain.hpp"

#include <cmath>

#include "core/archive.hpp"
#include "core/error.hpp"
#include "experiments/worlds/nested/draw.hpp"

namespace strata::oddball {
namespace {

enum Purpose : std::uint32_t { moving = 0x0d01, speaking = 0x0d02 };

}  // namespace

std::vector<double> Chain::log_unigram() const {
  const Eigen::ArrayXd p = (emission.matrix().transpose() * long_run).array().max(1e-300).log();
  return {p.data(), p.data() + p.size()};
}

ChainStreams::ChainStreams(std::shared_ptr<const Chain> chain, Index streams, Index length, std::uint64_t seed)
    : chain_(std::move(chain)),
      streams_(streams),
      length_(length),
      seed_(seed),
      state_(static_cast<std::size_t>(streams), -1),
      trial_(state_),
      place_(state_),
      weights_(static_cast<std::size_t>(chain_->vocabulary())) {}

std::int32_t ChainStreams::draw_state(Index stream) const {
  const double u = draw::uniform(draw::at(seed_, stream, step_, moving), 0);
  const std::int32_t from = state_[static_cast<std::size_t>(stream)];
  if (from < 0) return draw::pick({chain_->start.data(), static_cast<std::size_t>(chain_->start.size())}, u);
  double left = u;
  Index to = 0;
  for (Eigen::SparseMatrix<double>::InnerIterator it(chain_->transition, from); it && left >= 0; ++it) {
    to = it.row();
    left -= it.value();
  }
  return static_cast<std::int32_t>(to);
}

bool ChainStreams::next(Observation& out) {
  if (step_ >= length_) return false;
  out.context.resize(chain_->contexts.size() * state_.size());
  for (Index b = 0; b < streams_; ++b) {
    const std::int32_t from = state_[static_cast<std::size_t>(b)];
    state_[static_cast<std::size_t>(b)] = draw_state(b);
    deliver(b, from, out);
  }
  ++step_;
  return true;
}

void ChainStreams::deliver(Index stream, std::int32_t from, Observation& out) {
  const auto b = static_cast<std::size_t>(stream), levels = chain_->contexts.size();
  const auto now = static_cast<std::size_t>(state_[b]);
  const auto changed = [&](std::size_t level) {
    return from >= 0 && chain_->label[level][now] != chain_->label[level][static_cast<std::size_t>(from)];
  };
  const bool begins = from < 0 || (chain_->opens.empty() ? changed(0) : chain_->opens[now] != 0);
  const bool deviant = chain_->deviant.empty() ? begins && from >= 0 : chain_->deviant[now] != 0;
  place_[b] = begins ? 0 : place_[b] + 1;
  trial_[b] += begins ? 1 : 0;
  for (std::size_t v = 0; v < weights_.size(); ++v) weights_[v] = chain_->emission(static_cast<Index>(now), static_cast<Index>(v));
  out.id[b] = draw::pick(weights_, draw::uniform(draw::at(seed_, stream, step_, speaking), 0));
  out.active[b] = 1;
  out.boundary[b] = 0;
  out.event[b] = static_cast<std::uint8_t>((deviant ? surprise_on : 0) | (changed(levels - 1) ? context_switch : 0));
  out.document[b] = trial_[b];
  out.byte_begin[b] = place_[b];
  out.byte_end[b] = place_[b] + 1;
  for (std::size_t l = 0; l < levels; ++l) out.context[b * levels + l] = chain_->label[l][now];
}

void ChainStreams::archive(Archive& archive) {
  archive.value("step", step_);
  archive.value("state", state_);
  archive.value("trial", trial_);
  archive.value("place", place_);
  const auto size = static_cast<std::size_t>(streams_);
  for (const auto* list : {&state_, &trial_, &place_}) {
    if (list->size() != size) throw ShapeError("state of " + chain_->name, std::to_string(size) + " streams", std::to_string(list->size()));
  }
  for (const std::int32_t s : state_) {
    if (s < -1 || s >= chain_->states() || (s < 0 && step_ > 0))
      throw ShapeError("state of " + chain_->name, "hidden states 0 to " + std::to_string(chain_->states() - 1), std::to_string(s));
  }
}

}  // namespace strata::oddball
