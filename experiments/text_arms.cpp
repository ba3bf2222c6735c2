#include "experiments/text_arms.hpp"

#include <algorithm>
#include <filesystem>

#include "experiments/training.hpp"

namespace strata {

Summary obtain_trained(Bench& bench, const std::string& model, const std::string& checkpoint, const std::string& words) {
  if (std::filesystem::exists(model))
    if (auto training = training_of(bench.study, model)) return std::move(*training);
  bench.progress.say(words);
  return train(bench.study, model, checkpoint, "what has been learned is kept", bench.progress);
}

std::string train_variant(Bench& bench, const std::string& name, const std::string& words) {
  const std::string model = bench.folder.file(name + ".h5");
  obtain_trained(bench, model, bench.folder.file(name + "_checkpoint.h5"), words);
  return model;
}

Parameter control_parameter(const std::string& which) {
  return {"control", true, 0, 1, {}, "", "also train and read the control: " + which, ""};
}

bool wants_control(const Bench& bench) { return bench.values.flag("control") && !bench.text().training.empty(); }

void record_texts(Bench& bench, const std::string& model, const std::vector<Condition>& conditions, const TrialWindow& window,
                  const std::string& path) {
  constexpr Index most_streams = 64;
  const auto hierarchy = bench.study.load_hierarchy(model, std::min<Index>(conditions.front().trials(), most_streams));
  const auto reader = hierarchy_reader(*hierarchy, bench.study.interval(), bench.study.options.seed);
  record_trials(bench.study, *reader, conditions, window, bench.study.options.experiment, path, bench.progress);
}

}  // namespace strata
