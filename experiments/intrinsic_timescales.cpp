// Intrinsic time scales: how long each level's belief resembles itself, driven by text and left to itself.
//
// Design    driven: stories (held-out documents one after another, without their ends) are read, learning off. Free-running: each stream reads
//           the beginning of its story (warm_up) and then what the hierarchy itself expects: the next token is drawn from the token level's
//           forecast, never the end of a document; a drawn token ends a sentence or a paragraph where most of its like in the text do
// Measures  autocorrelation of every level's belief from warm_up on, fitted with m exp(-t / tau) + b (strata describe autocorrelation)
// Limit     a belief that is a leak of white noise: its time constant
// Source    Murray et al. (2014), Nature Neuroscience 17, 1661

#include <algorithm>
#include <cmath>

#include "experiments/signatures.hpp"
#include "experiments/text_arms.hpp"
#include "experiments/trial_reader.hpp"
#include "experiments/worlds/text/stories.hpp"

namespace strata {

Experiment intrinsic_timescales_experiment();

namespace {

ParameterTable parameters() {
  return {
      {"streams", std::int64_t{16}, 1, 4096, {}, "1", "stories read side by side", ""},
      {"warm_up", std::int64_t{512}, 1, 1e6, {}, "tokens", "of each that are not measured", ""},
      {"length", std::int64_t{4096}, 100, 1e8, {}, "tokens", "of each that are", ""},
  };
}

/// Per id: what most of its occurrences in the documents end.
std::vector<std::uint8_t> usual_boundaries(const std::vector<text::EncodedDocument>& documents, Index vocabulary) {
  std::vector<Index> count(static_cast<std::size_t>(vocabulary), 0), sentence(count), paragraph(count);
  for (const auto& document : documents)
    for (std::size_t t = 0; t < document.ids.size(); ++t) {
      const auto id = static_cast<std::size_t>(document.ids[t]);
      ++count[id];
      sentence[id] += (document.boundary[t] & sentence_end) != 0 ? 1 : 0;
      paragraph[id] += (document.boundary[t] & paragraph_end) != 0 ? 1 : 0;
    }
  std::vector<std::uint8_t> usual;
  for (std::size_t id = 0; id < count.size(); ++id)
    usual.push_back(
        static_cast<std::uint8_t>((2 * sentence[id] > count[id] ? sentence_end : 0) | (2 * paragraph[id] > count[id] ? paragraph_end : 0)));
  return usual;
}

/// Streams that read scripts, and then what the hierarchy draws from its own forecast; all of it is kept.
class FreeRunning final : public World {
 public:
  FreeRunning(Hierarchy<float>& hierarchy, const TextStudy& study, std::vector<text::Script> beginnings, Index length)
      : hierarchy_(hierarchy),
        beginnings_(std::move(beginnings), study.vocabulary(), hierarchy.streams()),
        length_(length),
        seed_(study.options.seed),
        end_of_document_(study.tokenizer->end_of_document()),
        usual_(usual_boundaries(study.training.empty() ? study.held_out : study.training, study.vocabulary())),
        log_p_(hierarchy.device(), study.vocabulary(), hierarchy.streams()),
        host_(static_cast<std::size_t>(study.vocabulary() * hierarchy.streams())),
        kept_(static_cast<std::size_t>(hierarchy.streams())),
        told_(study.held_out.empty() || study.held_out.front().told) {}

  Index streams() const override { return hierarchy_.streams(); }
  Index vocabulary() const override { return log_p_.rows(); }
  Index tokens() const override { return length_ * streams(); }
  bool next(Observation& out) override {
    if (step_ == length_) return false;
    if (!beginnings_.next(out)) draw(out);
    for (std::size_t s = 0; s < kept_.size(); ++s) {
      kept_[s].ids.push_back(out.id[s]);
      kept_[s].boundary.push_back(static_cast<std::uint8_t>(told_ ? out.boundary[s] : out.boundary[s] >> untold));
      kept_[s].starts.push_back(0);
    }
    ++step_;
    return true;
  }
  void archive(Archive&) override {}

  /// Per stream the tokens read and drawn; they have no bytes.
  std::vector<text::EncodedDocument> take() {
    for (auto& document : kept_) {
      document.starts.push_back(0);
      document.told = told_;
    }
    return std::move(kept_);
  }

 private:
  void draw(Observation& out) {
    hierarchy_.level(0).expectation(log_p_);
    hierarchy_.device().download(log_p_, host_);
    const auto v = static_cast<std::size_t>(vocabulary());
    for (std::size_t s = 0; s < kept_.size(); ++s) {
      const auto p = [&](std::size_t id) {
        return static_cast<std::int32_t>(id) == end_of_document_ ? 0.0 : std::exp(static_cast<double>(host_[s * v + id]));
      };
      double mass = 0;
      for (std::size_t id = 0; id < v; ++id) mass += p(id);
      double left = mass * static_cast<double>(random_uniform(random_base(seed_, static_cast<std::uint64_t>(step_), 0, 0xf4ee),
                                                              static_cast<std::uint32_t>(s), 0));
      std::size_t id = 0;
      for (; id + 1 < v && left >= p(id); ++id) left -= p(id);
      out.id[s] = static_cast<std::int32_t>(id);
      out.active[s] = 1;
      out.boundary[s] = static_cast<std::uint8_t>(told_ ? usual_[id] : usual_[id] << untold);
    }
  }

  Hierarchy<float>& hierarchy_;
  text::ScriptedWorld beginnings_;
  Index length_, step_ = 0;
  std::uint64_t seed_;
  std::int32_t end_of_document_;
  std::vector<std::uint8_t> usual_;
  Tensor<float> log_p_;
  std::vector<float> host_;
  std::vector<text::EncodedDocument> kept_;
  bool told_;  // where sentences and paragraphs end
};

std::vector<text::Story> stories_of(const Bench& bench) {
  text::StoryOptions options;
  options.experiment = "intrinsic_timescales";
  options.counted = "streams";
  options.count = bench.values.integer("streams");
  options.length = bench.values.integer("warm_up") + bench.values.integer("length");
  options.pasts = 0;
  options.seed = bench.study.options.seed;
  return text::make_stories(bench.text().held_out, options);
}

Findings run(Bench& bench) {
  TextStudy& study = bench.text();
  const Index warm_up = bench.values.integer("warm_up");
  TrialWindow window;
  window.before = 0;
  window.after = bench.values.integer("length");
  const auto stories = stories_of(bench);
  std::vector<Condition> conditions(2);
  conditions[0].name = "/";
  conditions[1].name = "free";
  std::vector<text::Script> beginnings;
  for (const auto& story : stories) {
    conditions[0].scripts.push_back(story.text);
    beginnings.push_back(text::blocks_of(story.text, warm_up).front());
  }
  const auto hierarchy = study.load_hierarchy(bench.model, bench.values.integer("streams"));
  FreeRunning world(*hierarchy, study, beginnings, warm_up + window.after);
  bench.progress.begin("left to itself", world.tokens());
  hierarchy_reader(*hierarchy, study.interval(), study.options.seed)->read(world, [&](const Observation&, Index read) {
    bench.progress.update(read);
  });
  bench.progress.end();
  const auto own = world.take();
  for (const auto& document : own) conditions[1].scripts.push_back({text::Segment{&document, 0, document.size(), 0, 0, 0}});
  for (Condition& condition : conditions) {
    condition.beliefs = true;
    condition.zero.assign(stories.size(), warm_up);
  }
  const std::string path = bench.folder.file("trace.h5");
  record_texts(bench, bench.model, conditions, window, path);  // what was drawn is read again, token by token the same
  Findings findings;
  add_measure(findings, "autocorrelation", path, "", "driven by text, and left to itself");
  return findings;
}

}  // namespace

Experiment intrinsic_timescales_experiment() {
  return {
      "intrinsic_timescales",
      "how long each level's belief resembles itself, driven by held-out text and by what the hierarchy itself expects",
      "Autocorrelation time of every level's belief while it reads held-out text, and while it reads tokens that are drawn from its own forecast:\n"
      "see strata describe autocorrelation.",
      parameters(),
      {{"streams", "4"}, {"length", "1024"}, {"warm_up", "256"}},
      run,
      {"text"},
      true,
      true,
      [](Bench& bench) { stories_of(bench); }};
}

}  // namespace strata
