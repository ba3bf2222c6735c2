#include "experiments/arm_outcomes.hpp"

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>

#include "core/error.hpp"
#include "experiments/text_arms.hpp"

namespace strata {

namespace {

struct Spread {
  double mean = 0, error = 0;  ///< standard error over seeds; 0 with one
};

Spread spread_of(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  Spread s;
  for (const double v : values) s.mean += v / n;
  if (values.size() < 2) return s;
  for (const double v : values) s.error += (v - s.mean) * (v - s.mean);
  s.error = std::sqrt(s.error / (n - 1) / n);
  return s;
}

}  // namespace

std::string words_of(const Keys& keys) {
  std::string words;
  for (const auto& [key, value] : keys) words += (words.empty() ? "" : " ") + key + "=" + value;
  return words;
}

Summary arm_outcome(Bench& bench, const Arm& arm, std::size_t place, std::uint64_t seed,
                    const std::function<Summary(const std::string& model, const Summary& training)>& measure) {
  TextStudy& study = bench.text();
  const std::string stem = "arms/" + std::to_string(place) + "_" + std::to_string(seed), kept = stem + ".json",
                    model = bench.folder.file(stem + ".h5");
  std::filesystem::create_directories(bench.folder.file("arms"));
  if (std::ifstream in(bench.folder.file(kept)); in) {
    std::ostringstream text;
    text << in.rdbuf();
    Summary s = Summary::from_json(text.str(), kept);
    if (s.text("inputs") != to_json(study.inputs) || s.text("keys") != words_of(arm.keys))
      throw DataError(kept, 0, "was measured on other texts than those that lie there now; put them back, or begin a new run");
    return s;
  }
  const TextVariant variant(study, arm.keys, seed);
  const Summary training =
      obtain_trained(bench, model, bench.folder.file(stem + "_checkpoint.h5"), arm.name + ", seed " + std::to_string(seed));
  Summary s = measure(model, training);
  s.set("inputs", to_json(study.inputs)).set("keys", words_of(arm.keys));
  bench.folder.write_text(kept, s.to_json());
  std::filesystem::remove(model);
  return s;
}

std::vector<double> numbers(const Outcomes& outcomes, const std::string& key, Index level) {
  std::vector<double> all;
  for (const Summary& s : outcomes) {
    const Summary* of = level < 0 ? &s : s.entry("levels", static_cast<std::size_t>(level));
    const auto value = of != nullptr ? of->number(key) : std::nullopt;
    if (!value) return {};
    all.push_back(*value);
  }
  return all;
}

std::string set_spread(Summary& into, const std::string& name, const std::vector<double>& values, const char* format) {
  if (values.empty()) return "-";
  const Spread s = spread_of(values);
  into.set(name, s.mean).set(name + "_by_seed", values);
  char text[64];
  std::snprintf(text, sizeof text, format, s.mean);
  if (values.size() < 2) return text;
  into.set(name + "_se", s.error);
  char error[32];
  std::snprintf(error, sizeof error, " +- %.2g", s.error);
  return std::string(text) + error;
}

std::vector<double> minus(std::vector<double> a, const std::vector<double>& b) {
  if (a.size() != b.size()) return {};
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return a;
}

std::vector<double> mean_nats(const Outcomes& outcomes) {
  std::vector<double> mean(outcomes.front().numbers("nats").size(), 0);
  for (const Summary& s : outcomes) {
    const auto nats = s.numbers("nats");
    for (std::size_t d = 0; d < mean.size(); ++d) mean[d] += nats[d] / static_cast<double>(outcomes.size());
  }
  return mean;
}

std::vector<double> per_token(const Outcomes& outcomes, const std::vector<double>& tokens) {
  const double all = std::accumulate(tokens.begin(), tokens.end(), 0.0);
  std::vector<double> nats;
  for (const Summary& s : outcomes) {
    const auto of_documents = s.numbers("nats");
    nats.push_back(std::accumulate(of_documents.begin(), of_documents.end(), 0.0) / all);
  }
  return nats;
}

std::string cells(const std::vector<std::string>& all) {
  std::string text;
  for (const std::string& cell : all) {
    char padded[40];
    std::snprintf(padded, sizeof padded, "  %20s", cell.c_str());
    text += padded;
  }
  return text;
}

std::string set_more_nats(Summary& into, const Outcomes& own, const Outcomes& without, const std::vector<double>& tokens) {
  set_spread(into, "more_nats", minus(per_token(own, tokens), per_token(without, tokens)), "%+.4f");
  const Estimate paired = paired_difference(mean_nats(own), mean_nats(without), tokens);
  char text[64];
  std::snprintf(text, sizeof text, paired.has_interval() ? "%+.4f [%+.4f, %+.4f]" : "%+.4f", paired.value, paired.low, paired.high);
  if (paired.has_interval()) into.set("more_nats_ci95", std::vector<double>{paired.low, paired.high});
  return text;
}

}  // namespace strata
