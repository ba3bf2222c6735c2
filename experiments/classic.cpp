// Classic: the predictive-coding network of dense layers that the literature trains, as a program of its own.
//
// Design    batches of labelled samples, input and one-hot class clamped, settle and learn (levels/dense_network.hpp); then samples that were
//           not learned from (of files every tenth, held back) are classified by one pass upwards, the exact observer's choice beside it where the samples are drawn
// Measures  accuracy, free energy, samples and needed floating-point operations per second of learning (reading samples is not counted)
// Limit     drawn samples: the exact observer's accuracy; no steps (steps = 0): only the last layer learns
// Source    Whittington & Bogacz 2017, Neural Computation 29

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "core/error.hpp"
#include "core/io/checkpoint.hpp"
#include "core/io/trace.hpp"
#include "experiments/experiment.hpp"
#include "experiments/sampled_study.hpp"
#include "levels/dense_network.hpp"

namespace strata {

Experiment classic_experiment();

namespace {

ParameterTable parameters() {
  return {
      {"hidden", std::string("256, 256"), 0, 0, {}, "units", "units of the hidden layers, from the input on", ""},
      {"activation", std::string("tanh"), 0, 0, {"tanh", "relu"}, "", "f of the hidden layers", ""},
      {"batch", std::int64_t{64}, 1, 65536, {}, "samples", "settled side by side", ""},
      {"samples", std::int64_t{64000}, 1, 1e12, {}, "samples", "learned from", ""},
      {"fresh", std::int64_t{4096}, 1, 1e9, {}, "samples", "classified in the end", ""},
      {"steps", std::int64_t{20}, 0, 100000, {}, "steps", "T, of settling per batch", "Whittington & Bogacz 2017"},
      {"rate", .1, 1e-9, 1, {}, "1", "of one step of settling", ""},
      {"learning_rate", .05, 0, 1e3, {}, "1", "eta, of the weights", ""},
  };
}

DenseNetworkSettings settings_of(const Values& v, Index features, Index classes) {
  DenseNetworkSettings s;
  s.units = {features};
  for (const double n : real_list("classic.hidden", v.text("hidden"), 1, 65536)) {
    if (n != std::trunc(n)) throw ConfigError("classic.hidden", v.text("hidden"), "must be whole numbers");
    s.units.push_back(static_cast<Index>(n));
  }
  s.units.push_back(classes);
  s.activation = v.text("activation") == "relu" ? Activation::relu : Activation::tanh;
  s.steps = v.integer("steps");
  s.rate = v.real("rate");
  s.learning_rate = v.real("learning_rate");
  return s;
}

/// Samples of a world as the network takes them.
class Batches {
 public:
  Batches(Device<float>& device, const Source& source, std::unique_ptr<World> world)
      : input(device, source.channels(), world->streams()),
        target(device, source.contexts().front(), world->streams()),
        world_(std::move(world)),
        host_(static_cast<std::size_t>(input.rows() * input.cols())),
        one_hot_(static_cast<std::size_t>(target.rows() * target.cols())) {
    seen.resize(world_->streams());
  }
  bool next() {
    if (!world_->next(seen)) return false;
    std::transform(seen.value.begin(), seen.value.end(), host_.begin(), [](double x) { return static_cast<float>(x); });
    std::fill(one_hot_.begin(), one_hot_.end(), 0.F);
    for (std::size_t j = 0; j < seen.context.size(); ++j)
      one_hot_[j * static_cast<std::size_t>(target.rows()) + static_cast<std::size_t>(seen.context[j])] = 1;
    input.device().upload(host_, input);
    target.device().upload(one_hot_, target);
    return true;
  }
  Tensor<float> input, target;
  Observation seen;

 private:
  std::unique_ptr<World> world_;
  std::vector<float> host_, one_hot_;
};

struct Learned {
  double seconds = 0, samples = 0;
  std::vector<std::int64_t> batch;  ///< at which the free energy was read
  std::vector<double> free_energy;  ///< nats per sample
};

constexpr Index most_readings = 200;  // of the free energy

Learned learn(Bench& bench, DenseNetwork<float>& network, Batches& batches, Index count) {
  using Clock = std::chrono::steady_clock;
  Learned out;
  const Index batch = batches.input.cols(), every = (count + most_readings - 1) / most_readings;
  bench.progress.begin("learning", count * batch);
  for (Index k = 0; batches.next(); ++k) {
    if (interrupted()) throw Interrupted("nothing of this experiment is kept; run it again");
    const auto begin = Clock::now();
    network.settle(batches.input, batches.target);
    network.learn(batches.input);
    out.seconds += std::chrono::duration<double>(Clock::now() - begin).count();
    out.samples += static_cast<double>(batch);
    if (k % every == 0 || k + 1 == count) {
      const double energy = network.free_energy();
      if (!std::isfinite(energy))
        throw NumericalError(k, "dense network", "free energy", energy, "lower classic.rate or classic.learning_rate");
      out.batch.push_back(k);
      out.free_energy.push_back(energy);
    }
    bench.progress.update((k + 1) * batch);
  }
  bench.progress.end();
  return out;
}

void record(const Bench& bench, const SampledStudy& study, const Learned& learned) {
  TraceLayout layout;
  layout.groups.push_back({"/", study.trace_attributes("classic")});
  const auto rows = static_cast<Index>(learned.batch.size());
  layout.datasets.push_back({"/learning/time", {"time"}, {rows}, NumberType::i64, "batches", "batches learned from before this one"});
  layout.datasets.push_back(
      {"/learning/free_energy", {"time"}, {rows}, NumberType::f64, "nats", "F per sample as settled, mean over the batch"});
  TraceWriter trace(bench.folder.file("trace.h5"), layout, {.swmr = false, .background = false, .deflate = 2});
  trace.write_block<std::int64_t>(trace.handle("/learning/time"), {0}, {rows}, learned.batch);
  trace.write_block<double>(trace.handle("/learning/free_energy"), {0}, {rows}, learned.free_energy);
  trace.close();
}

std::size_t likeliest(std::span<const double> p) { return static_cast<std::size_t>(std::max_element(p.begin(), p.end()) - p.begin()); }

/// Share of fresh samples that are classified right: by the network, and by the exact observer (nothing where there is none).
std::pair<double, std::optional<double>> classify(Bench& bench, DenseNetwork<float>& network, Batches& batches, Index count) {
  const SampledStudy& study = bench.sampled();
  const Index batch = batches.input.cols(), classes = batches.target.rows();
  const auto observer = study.source->observer(batch);
  std::vector<float> mu(static_cast<std::size_t>(classes * batch));
  double right = 0, exact = 0, all = 0;
  bench.progress.begin("classifying", count * batch);
  while (batches.next()) {
    if (interrupted()) throw Interrupted("nothing of this experiment is kept; run it again");
    study.device->download(network.predict(batches.input), mu);
    if (observer) observer->observe(batches.seen);
    for (Index j = 0; j < batch; ++j) {
      const auto label = static_cast<std::size_t>(batches.seen.context[static_cast<std::size_t>(j)]);
      const auto begin = mu.begin() + j * classes;
      right += static_cast<std::size_t>(std::max_element(begin, begin + classes) - begin) == label ? 1 : 0;
      if (observer) exact += likeliest(observer->belief(0, j)) == label ? 1 : 0;
      ++all;
    }
    bench.progress.update(static_cast<Index>(all));
  }
  bench.progress.end();
  return {right / all, observer ? std::optional<double>(exact / all) : std::nullopt};
}

Findings run(Bench& bench) {
  SampledStudy& study = bench.sampled();
  const Values& v = bench.values;
  const Index batch = v.integer("batch"), batches = (v.integer("samples") + batch - 1) / batch,
              fresh = (v.integer("fresh") + batch - 1) / batch;
  study.read_as(batch, batches);
  const DenseNetworkSettings settings = settings_of(v, study.channels(), study.source->contexts().front());
  DenseNetwork<float> network(*study.device, settings, batch, study.options.seed);
  Batches training(*study.device, *study.source, study.source->open(batch, batches, study.options.seed));
  const Learned learned = learn(bench, network, training, batches);
  Batches test(*study.device, *study.source, study.source->stretches(batch, 1, fresh, study.options.seed + 0x5eed));
  const auto [accuracy, exact] = classify(bench, network, test, fresh);
  record(bench, study, learned);
  save_atomically(
      bench.folder.file("model.h5"), [&](Archive& archive) { network.archive_parameters(archive); }, study.notes());

  Findings findings;
  const double flops = dense_operations(settings) * learned.samples / learned.seconds;
  findings.summary.set("accuracy", accuracy)
      .set("exact_accuracy", exact)
      .set("samples", learned.samples)
      .set("samples_per_second", learned.samples / learned.seconds)
      .set("gflops", flops * 1e-9)
      .set("free_energy_first", learned.free_energy.front())
      .set("free_energy_last", learned.free_energy.back())
      .set("free_energy_batches", std::vector<double>(learned.batch.begin(), learned.batch.end()))
      .set("free_energy", learned.free_energy);
  char line[320];
  std::snprintf(
      line, sizeof line,
      "accuracy %.4f on %s fresh samples%s\nfree energy %.4f -> %.4f nats per sample\n%.0f samples per second, %.1f GFLOP/s of learning\n",
      accuracy, std::to_string(fresh * batch).c_str(), exact ? (", the exact observer's " + std::to_string(*exact)).c_str() : "",
      learned.free_energy.front(), learned.free_energy.back(), learned.samples / learned.seconds, flops * 1e-9);
  findings.table = line;
  return findings;
}

}  // namespace

Experiment classic_experiment() {
  return {
      "classic",
      "the predictive-coding network of dense layers that the literature trains: accuracy, free energy and speed",
      "Input and class clamped, hidden layers settle for `steps` steps, weights follow the errors; then fresh samples are classified by one\n"
      "pass upwards. Speed counts settling and learning alone, and of their operations those that are needed: the input's product once.",
      parameters(),
      {{"samples", "32000"}, {"fresh", "1024"}},
      run,
      {"labelled"},
      false};
}

}  // namespace strata
