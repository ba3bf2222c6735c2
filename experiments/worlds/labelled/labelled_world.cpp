// The labelled world: samples of classes, one a step and stream, its class the true context. See samples.hpp.

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/archive.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "experiments/worlds/labelled/samples.hpp"
#include "experiments/worlds/registry.hpp"

namespace strata {

WorldKind labelled_world();

namespace labelled {
namespace {

constexpr Index held_every = 10;

/// Where samples come from: entry i of a stream's course.
class Course {
 public:
  virtual ~Course() = default;
  virtual Index features() const = 0;
  virtual Index classes() const = 0;
  /// Sample `step` of stream `stream` under `seed`: its numbers into `value`; returns its class. `held`: of those never shown otherwise.
  virtual std::int32_t show(std::uint64_t seed, bool held, Index stream, std::int64_t step, std::span<double> value) const = 0;
};

class Drawn final : public Course {
 public:
  explicit Drawn(const Settings& s) : settings_(s) {
    const std::uint64_t base = random_base(s.tables, 0, 0, 0x1abe);
    for (Index c = 0; c < s.classes; ++c)
      for (Index i = 0; i < s.features; ++i)
        templates_.push_back(random_uniform(base, static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(c)) < .5F ? 0 : s.contrast);
  }
  Index features() const override { return settings_.features; }
  Index classes() const override { return settings_.classes; }
  /// Every sample is new: none need be held back.
  std::int32_t show(std::uint64_t seed, bool, Index stream, std::int64_t step, std::span<double> value) const override {
    const std::uint64_t base = random_base(seed, static_cast<std::uint64_t>(step), static_cast<std::uint32_t>(stream), 0x1abd);
    const auto u = static_cast<double>(random_uniform(base, 0, 1));
    const auto c = std::min(settings_.classes - 1, static_cast<Index>(u * static_cast<double>(settings_.classes)));
    const double* mean = of(c);
    for (std::size_t i = 0; i < value.size(); ++i)
      value[i] = mean[i] + settings_.noise * static_cast<double>(random_normal(base, static_cast<std::uint32_t>(i), 2));
    return static_cast<std::int32_t>(c);
  }
  const double* of(Index c) const { return templates_.data() + c * settings_.features; }
  double noise() const { return settings_.noise; }

 private:
  Settings settings_;
  std::vector<double> templates_;  // features per class
};

class Read final : public Course {
 public:
  explicit Read(Samples samples) : samples_(std::move(samples)) {}
  Index features() const override { return samples_.features; }
  Index classes() const override { return samples_.classes; }
  /// Drawn with replacement from nine tenths of the file, or from the tenth that is held back (every tenth sample).
  std::int32_t show(std::uint64_t seed, bool held, Index stream, std::int64_t step, std::span<double> value) const override {
    const std::uint64_t base = random_base(seed, static_cast<std::uint64_t>(step), static_cast<std::uint32_t>(stream), 0x1abc);
    const Index tenth = samples_.count() / held_every, choices = held ? tenth : samples_.count() - tenth;
    const auto k = static_cast<Index>(mix(base) % static_cast<std::uint64_t>(choices));
    const Index shown = held_every - 1;  // of every ten
    const Index i = held ? k * held_every : k < shown * tenth ? k + k / shown + 1 : k + tenth;
    std::copy_n(samples_.value.begin() + i * samples_.features, samples_.features, value.begin());
    return samples_.label[static_cast<std::size_t>(i)];
  }

 private:
  Samples samples_;
};

class LabelledStreams final : public World {
 public:
  LabelledStreams(std::shared_ptr<const Course> course, bool held, Index streams, Index length, std::uint64_t seed)
      : course_(std::move(course)), held_(held), streams_(streams), length_(length), seed_(seed) {}
  Index streams() const override { return streams_; }
  Index vocabulary() const override { return 0; }
  Index channels() const override { return course_->features(); }
  Index tokens() const override { return streams_ * length_; }
  bool next(Observation& out) override {
    if (step_ >= length_) return false;
    const auto features = static_cast<std::size_t>(course_->features());
    out.value.resize(features * static_cast<std::size_t>(streams_));
    out.context.resize(static_cast<std::size_t>(streams_));
    for (std::size_t j = 0; j < out.context.size(); ++j) {
      out.active[j] = 1;
      out.document[j] = static_cast<std::int32_t>(j);
      out.byte_begin[j] = step_;
      out.byte_end[j] = step_ + 1;
      out.context[j] = course_->show(seed_, held_, static_cast<Index>(j), step_, std::span(out.value).subspan(j * features, features));
    }
    ++step_;
    return true;
  }
  void archive(Archive& archive) override { archive.value("step", step_); }

 private:
  std::shared_ptr<const Course> course_;
  bool held_;
  Index streams_, length_;
  std::uint64_t seed_;
  std::int64_t step_ = 0;
};

/// Bayes' rule over the templates.
class LabelledObserver final : public Observer {
 public:
  LabelledObserver(std::shared_ptr<const Drawn> drawn, Index streams) : drawn_(std::move(drawn)) {
    belief_.assign(static_cast<std::size_t>(streams), std::vector<double>(static_cast<std::size_t>(drawn_->classes())));
    surprise_.assign(static_cast<std::size_t>(streams), 0);
    reset();
  }
  Index levels() const override { return 1; }
  Index units(Index) const override { return drawn_->classes(); }
  void reset() override {
    flat_.assign(static_cast<std::size_t>(drawn_->classes()), 1 / static_cast<double>(drawn_->classes()));
    for (auto& belief : belief_) belief = flat_;
    predictive_.assign(static_cast<std::size_t>(2 * drawn_->features()), 0);
    const double noise = drawn_->noise() * drawn_->noise(), n = static_cast<double>(drawn_->classes());
    for (Index i = 0; i < drawn_->features(); ++i) {  // mean and variance of each number before it is seen
      double mean = 0, square = 0;
      for (Index c = 0; c < drawn_->classes(); ++c) {
        mean += drawn_->of(c)[i] / n;
        square += drawn_->of(c)[i] * drawn_->of(c)[i] / n;
      }
      predictive_[static_cast<std::size_t>(2 * i)] = mean;
      predictive_[static_cast<std::size_t>(2 * i + 1)] = square - mean * mean + noise;
    }
  }
  void observe(const Observation& o) override {
    const auto features = static_cast<std::size_t>(drawn_->features());
    const double variance = drawn_->noise() * drawn_->noise();
    for (std::size_t j = 0; j < belief_.size(); ++j) {
      auto& belief = belief_[j];
      if (o.active[j] == 0) continue;
      double most = -HUGE_VAL, sum = 0;
      for (std::size_t c = 0; c < belief.size(); ++c) {
        double square = 0;
        for (std::size_t i = 0; i < features; ++i) {
          const double off = o.value[j * features + i] - drawn_->of(static_cast<Index>(c))[i];
          square += off * off;
        }
        belief[c] = -square / (2 * variance);
        most = std::max(most, belief[c]);
      }
      for (double& x : belief) sum += x = std::exp(x - most);
      for (double& x : belief) x /= sum;
      surprise_[j] = -(most + std::log(sum / static_cast<double>(belief.size()))) +
                     .5 * static_cast<double>(features) * std::log(2 * std::numbers::pi * variance);
    }
  }
  double surprise(Index stream) const override { return surprise_[static_cast<std::size_t>(stream)]; }
  std::span<const double> belief(Index, Index stream) const override { return belief_[static_cast<std::size_t>(stream)]; }
  std::span<const double> prediction(Index, Index) const override { return flat_; }
  std::span<const double> predictive(Index) const override { return predictive_; }

 private:
  std::shared_ptr<const Drawn> drawn_;
  std::vector<std::vector<double>> belief_;
  std::vector<double> surprise_, flat_, predictive_;
};

class LabelledSource final : public Source {
 public:
  explicit LabelledSource(std::shared_ptr<const Course> course)
      : course_(std::move(course)), drawn_(std::dynamic_pointer_cast<const Drawn>(course_)) {}
  Index channels() const override { return course_->features(); }
  std::vector<Index> contexts() const override { return {course_->classes()}; }
  std::vector<double> time_constants() const override { return {1}; }
  std::unique_ptr<World> open(Index streams, Index length, std::uint64_t seed) const override {
    return std::make_unique<LabelledStreams>(course_, false, streams, length, seed);
  }
  /// Of files: from the samples that open() never shows.
  std::unique_ptr<World> stretches(Index trials, Index each, Index length, std::uint64_t seed) const override {
    return std::make_unique<LabelledStreams>(course_, true, trials * each, length, seed);
  }
  /// None of files, whose laws nobody knows.
  std::unique_ptr<Observer> observer(Index streams, Index levels) const override {
    if (!drawn_ || levels >= 0) return nullptr;
    return std::make_unique<LabelledObserver>(drawn_, streams);
  }

 private:
  std::shared_ptr<const Course> course_;
  std::shared_ptr<const Drawn> drawn_;
};

}  // namespace
}  // namespace labelled

WorldKind labelled_world() {
  return {"labelled",
          "samples of classes, drawn or from files (--text IMAGES --text LABELS in IDX, or one HDF5 file): what `classic` learns",
          {{"world.", labelled::parameters()}},
          [](const Values& values, const std::vector<std::string>& inputs) -> std::unique_ptr<Source> {
            const auto settings = labelled::settings(values);
            if (inputs.empty()) return std::make_unique<labelled::LabelledSource>(std::make_shared<labelled::Drawn>(settings));
            return std::make_unique<labelled::LabelledSource>(std::make_shared<labelled::Read>(labelled::read(inputs, settings)));
          },
          true};
}

}  // namespace strata
