// The nested world: contexts within contexts, each slower than the one below. Laws, symbols, limits, source: laws.hpp; its optimum: filter.hpp.

#include <memory>

#include "core/archive.hpp"
#include "core/error.hpp"
#include "experiments/worlds/nested/draw.hpp"
#include "experiments/worlds/nested/filter.hpp"
#include "experiments/worlds/nested/laws.hpp"
#include "experiments/worlds/registry.hpp"

namespace strata {

WorldKind nested_world();

namespace nested {
namespace {

enum Purpose : std::uint32_t { switching = 0x6e10, speaking = 0x6e11 };

class NestedStreams final : public World {
 public:
  NestedStreams(std::shared_ptr<const Laws> laws, Index streams, Index length, std::uint64_t seed)
      : laws_(std::move(laws)),
        streams_(streams),
        length_(length),
        seed_(seed),
        contexts_(static_cast<std::size_t>(laws_->levels() * streams)),
        p_(static_cast<std::size_t>(laws_->vocabulary())) {}

  Index streams() const override { return streams_; }
  Index vocabulary() const override { return laws_->vocabulary(); }
  Index tokens() const override { return streams_ * length_; }

  bool next(Observation& out) override {
    if (step_ >= length_) return false;
    const auto levels = static_cast<std::size_t>(laws_->levels());
    for (Index b = 0; b < streams_; ++b) {
      const auto at = static_cast<std::size_t>(b);
      const std::span<std::int32_t> contexts(contexts_.data() + at * levels, levels);
      laws_->advance(contexts, draw::at(seed_, b, step_, switching), step_ == 0);
      laws_->emission(contexts, p_);
      out.id[at] = draw::pick(p_, draw::uniform(draw::at(seed_, b, step_, speaking), 0));
      out.active[at] = 1;
      out.boundary[at] = out.event[at] = 0;
      out.document[at] = static_cast<std::int32_t>(b);
      out.byte_begin[at] = step_;  // no bytes here: the step stands for them
      out.byte_end[at] = step_ + 1;
    }
    out.context = contexts_;
    ++step_;
    return true;
  }

  void archive(Archive& archive) override {
    archive.value("step", step_);
    archive.value("contexts", contexts_);
    const auto size = static_cast<std::size_t>(laws_->levels() * streams_);
    if (contexts_.size() != size)
      throw ShapeError("state of the nested world", std::to_string(size) + " contexts", std::to_string(contexts_.size()));
    for (std::size_t i = 0; i < size; ++i) {
      const Index states = laws_->settings().states[i % laws_->settings().states.size()];
      if (contexts_[i] < 0 || contexts_[i] >= states)
        throw ShapeError("state of the nested world", "contexts 0 to " + std::to_string(states - 1), std::to_string(contexts_[i]));
    }
  }

 private:
  std::shared_ptr<const Laws> laws_;
  Index streams_, length_;
  std::uint64_t seed_;
  std::int64_t step_ = 0;
  std::vector<std::int32_t> contexts_;  // levels x streams, lowest first
  std::vector<double> p_;
};

class NestedSource final : public Source {
 public:
  explicit NestedSource(Settings settings) : laws_(std::make_shared<const Laws>(std::move(settings))) {}

  Index vocabulary() const override { return laws_->vocabulary(); }
  std::vector<Index> contexts() const override { return laws_->settings().states; }
  std::vector<double> time_constants() const override { return laws_->settings().tau; }
  std::vector<double> log_unigram() const override { return laws_->log_unigram(); }
  std::unique_ptr<World> open(Index streams, Index length, std::uint64_t seed) const override {
    return std::make_unique<NestedStreams>(laws_, streams, length, seed);
  }
  std::unique_ptr<Observer> observer(Index streams, Index levels) const override {
    return std::make_unique<Filter>(laws_, streams, levels);
  }

 private:
  std::shared_ptr<const Laws> laws_;
};

}  // namespace
}  // namespace nested

WorldKind nested_world() {
  return {"nested",
          "contexts within contexts, each slower than the one below, all speaking (direct, geo) or the lowest alone (nested)",
          {{"world.", nested::parameters()}},
          [](const Values& values, const std::vector<std::string>&) -> std::unique_ptr<Source> {
            return std::make_unique<nested::NestedSource>(nested::settings(values));
          }};
}

}  // namespace strata
