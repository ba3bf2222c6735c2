#include "levels/gate.hpp"

#include <algorithm>
#include <cmath>

namespace strata {

namespace {
constexpr double clip = 3, slow_rate = 2e-4, slope = 4;
constexpr double prior_steps = 32;  // the moments start as plain means, with the initial values worth so many steps
}  // namespace

Gate::Gate(const GateSettings& settings, Index vocabulary, Index streams)
    : settings_(settings),
      change_(settings.on && settings.words ? std::llround(settings.window) : 0,
              settings.on && settings.words ? windows_compared * std::llround(settings.window) : 0,
              settings.on && settings.words ? vocabulary : 0, settings.on && settings.words ? streams : 0),
      trace_(static_cast<std::size_t>(streams)),
      openness_(static_cast<std::size_t>(streams)) {}

void Gate::read(std::span<const double> evidence, std::span<const std::uint8_t> valid, bool learning) {
  const double keep = std::exp(-1 / settings_.window), gain = std::sqrt(2 * settings_.window);
  const double sd = std::sqrt(std::max(variance_, 1e-6));
  double sum = 0, squares = 0, count = 0;
  for (std::size_t j = 0; j < trace_.size(); ++j) {
    openness_[j] = 0;
    if (valid[j] == 0) continue;
    const double v = std::clamp(evidence[j], -clip, clip);
    trace_[j] = keep * trace_[j] + (1 - keep) * (v - mean_) / sd;
    openness_[j] = 1 / (1 + std::exp(-slope * (gain * trace_[j] - settings_.threshold)));
    ++reads_;
    if (openness_[j] > .5) {
      trace_[j] = 0;
      ++opened_;
    }
    sum += v;
    squares += (v - mean_) * (v - mean_);
    count += 1;
  }
  if (!learning || count == 0) return;
  const double rate = std::max(slow_rate, 1 / (static_cast<double>(learned_++) + prior_steps));
  variance_ += rate * (squares / count - variance_);
  mean_ += rate * (sum / count - mean_);
}

void Gate::read_words(std::span<const std::int32_t> ids, std::span<const double> log_unigram, std::span<const std::uint8_t> valid) {
  for (std::size_t j = 0; j < openness_.size(); ++j) {
    openness_[j] = 0;
    if (valid[j] == 0) continue;
    change_.read(j, ids[j]);
    ++reads_;
    if (change_.evidence(j, log_unigram) <= settings_.threshold) continue;
    openness_[j] = 1;
    ++opened_;
    change_.begin(j);
  }
}

void Gate::restart(std::size_t stream) {
  trace_[stream] = 0;
  if (settings_.on && settings_.words) change_.restart(stream);
}

void Gate::archive_parameters(Archive& archive) {
  archive.value("mean", mean_);
  archive.value("variance", variance_);
  archive.value("learned", learned_);
}

void Gate::archive_state(Archive& archive) {
  archive.value("trace", trace_);
  archive.value("opened", opened_);
  archive.value("reads", reads_);
  if (!settings_.on || !settings_.words) return;
  Archive::Scope scope(archive, "change");
  change_.archive_state(archive);
}

void Gate::reset() {
  std::fill(trace_.begin(), trace_.end(), 0.0);
  std::fill(openness_.begin(), openness_.end(), 0.0);
  opened_ = reads_ = 0;
  change_.reset();
}

}  // namespace strata
