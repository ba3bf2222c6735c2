#include "experiments/scoring.hpp"

#include <chrono>
#include <cmath>
#include <numeric>

#include "core/error.hpp"
#include "core/simulation.hpp"
#include "core/stream_lesion.hpp"
#include "experiments/trials.hpp"

namespace strata {

namespace {

constexpr double slow_rate = 1e-3;   // of the mean of a level's share
constexpr Index settle_steps = 256;  // before the slow mean is trusted

/// Scores the held forecast with parts of the stream replaced.
class StreamProbe {
 public:
  StreamProbe(Hierarchy<float>& hierarchy, Index documents, Index every, Index entropy_every)
      : hierarchy_(hierarchy), depth_(hierarchy.depth()), every_(every), entropy_every_(entropy_every), lesion_(hierarchy) {
    host_.resize(static_cast<std::size_t>(hierarchy.streams()));
    scores.tokens.assign(static_cast<std::size_t>(documents), 0);
    scores.intact = scores.tokens;
    scores.mean.assign(static_cast<std::size_t>(depth_), scores.tokens);
    scores.swap = scores.mean;
    scores.looked = scores.tokens;
    scores.narrows = scores.mean;
    if (entropy_every > 0) log_p_ = {hierarchy.device(), hierarchy.lexicon().vocabulary(), hierarchy.streams()};
  }

  void probe(const Step<float>& step, const std::vector<std::int32_t>& place) {
    const bool sampled = static_cast<Index>(step.index) >= settle_steps && static_cast<Index>(step.index) % every_ == 0;
    if (sampled) sample(step, *step.observation, place);
    if (sampled && entropy_every_ > 0 && samples_++ % entropy_every_ == 0) look(*step.observation, place);
    lesion_.follow(step, std::max(slow_rate, 1 / (static_cast<double>(step.index) + 1)));
  }

  StreamScores scores;

 private:
  void sample(const Step<float>& step, const Observation& o, const std::vector<std::int32_t>& place) {
    const auto b = static_cast<Index>(host_.size());
    std::vector<std::int32_t> from(host_.size());
    std::vector<std::uint8_t> usable(host_.size());
    for (Index j = 0; j < b; ++j) {
      const auto s = static_cast<std::size_t>(j), other = static_cast<std::size_t>((j + b / 2) % b);
      from[s] = static_cast<std::int32_t>(other);
      usable[s] = o.active[s] != 0 && o.active[other] != 0 && o.document[s] != o.document[other];
    }
    const auto add = [&](std::vector<double>& into) {
      for (std::size_t s = 0; s < usable.size(); ++s)
        if (usable[s] != 0) into[static_cast<std::size_t>(place[s])] += static_cast<double>(host_[s]);
    };
    for (std::size_t s = 0; s < usable.size(); ++s)
      if (usable[s] != 0) scores.tokens[static_cast<std::size_t>(place[s])] += 1;
    lesion_.intact(step, host_);
    add(scores.intact);
    for (Index part = 0; part < depth_; ++part) {
      lesion_.without(step, part, host_);
      add(scores.mean[static_cast<std::size_t>(part)]);
      lesion_.swapped(step, part, from, host_);
      add(scores.swap[static_cast<std::size_t>(part)]);
    }
  }

  /// Entropies of the next token, as expected and with each part's slow mean in its place.
  void look(const Observation& o, const std::vector<std::int32_t>& place) {
    const std::vector<double> whole = entropies(hierarchy_.level(1).downward().stream);
    for (std::size_t s = 0; s < whole.size(); ++s)
      if (o.active[s] != 0) scores.looked[static_cast<std::size_t>(place[s])] += 1;
    for (Index part = 0; part < depth_; ++part) {
      const std::vector<double> without = entropies(lesion_.stream_without(part));
      for (std::size_t s = 0; s < whole.size(); ++s)
        if (o.active[s] != 0) scores.narrows[static_cast<std::size_t>(part)][static_cast<std::size_t>(place[s])] += without[s] - whole[s];
    }
  }

  std::vector<double> entropies(ConstView<float> stream) {
    hierarchy_.level(0).expectation_with_stream(stream, log_p_);
    words_.resize(static_cast<std::size_t>(log_p_.rows() * log_p_.cols()));
    hierarchy_.device().download(log_p_, words_);
    std::vector<double> sums(host_.size(), 0);
    const auto v = static_cast<std::size_t>(log_p_.rows());
    for (std::size_t i = 0; i < words_.size(); ++i)
      sums[i / v] -= static_cast<double>(std::exp(words_[i])) * static_cast<double>(words_[i]);
    return sums;
  }

  Hierarchy<float>& hierarchy_;
  Index depth_, every_, entropy_every_, samples_ = 0;
  StreamLesion<float> lesion_;
  Tensor<float> log_p_;
  std::vector<float> host_, words_;
};

}  // namespace

bool StreamScores::measured() const { return std::accumulate(tokens.begin(), tokens.end(), 0.0) > 0; }
double DocumentScores::total_nats() const { return std::accumulate(nats.begin(), nats.end(), 0.0); }
double DocumentScores::total_tokens() const { return std::accumulate(tokens.begin(), tokens.end(), 0.0); }

namespace {

/// Sums over the run, step by step; closed into Scores at its end.
class Tally {
 public:
  Tally(const TextStudy& study, Hierarchy<float>& hierarchy) : hierarchy_(hierarchy) {
    for (std::size_t i = 0; i < study.held_out.size(); ++i) place_of_[study.held_out[i].index] = static_cast<std::int32_t>(i);
    for (const auto& document : study.held_out) sizes_.push_back(static_cast<double>(document.size()));
    scores.documents.nats.assign(study.held_out.size(), 0);
    scores.documents.tokens = scores.mixture.nats = scores.documents.nats;
    scores.free_energy.assign(static_cast<std::size_t>(hierarchy.relaxation().settings.steps) + 1, 0);
    place_.assign(static_cast<std::size_t>(hierarchy.streams()), 0);
    surprise_.resize(place_.size());
    mixed_.resize(place_.size());
  }

  /// Which held-out document each stream is about to read; idle streams keep their last.
  const std::vector<std::int32_t>& locate(const Observation& o) {
    for (std::size_t s = 0; s < place_.size(); ++s)
      if (o.active[s] != 0) place_[s] = place_of_.at(o.document[s]);
    return place_;
  }

  void add(const Observation& o, ExpertPanel* experts) {
    hierarchy_.device().download(hierarchy_.level(0).snapshot().surprise, surprise_);
    if (experts != nullptr) {
      experts->read(o, surprise_, mixed_);
      for (std::size_t s = 0; s < place_.size(); ++s)
        if (o.active[s] != 0) scores.mixture.nats[static_cast<std::size_t>(place_[s])] += mixed_[s];
    }
    double active = 0;
    for (std::size_t s = 0; s < place_.size(); ++s) {
      if (o.active[s] == 0) continue;
      active += 1;
      scores.documents.nats[static_cast<std::size_t>(place_[s])] += static_cast<double>(surprise_[s]);
      scores.documents.tokens[static_cast<std::size_t>(place_[s])] += 1;
    }
    const RelaxationTrace& trace = hierarchy_.relaxation().trace();
    for (std::size_t k = 0; k < trace.free_energy.size(); ++k) scores.free_energy[k] += active * trace.free_energy[k];
    rejections_ += trace.rejections;
    sweeps_ += trace.sweeps;
  }

  /// After add().
  void add_depth(const Observation& o, std::span<const double> levels) {
    DepthScores& depth = scores.depth;
    depth.levels.resize(sizes_.size(), 0);
    for (std::size_t s = 0; s < place_.size(); ++s) {
      if (o.active[s] == 0) continue;
      const auto d = static_cast<std::size_t>(place_[s]);
      depth.levels[d] += levels[s];
      const bool begins = scores.documents.tokens[d] <= sizes_[d] / 2;
      (begins ? depth.begin : depth.end) += levels[s];
      (begins ? depth.begin_tokens : depth.end_tokens) += 1;
    }
  }

  void close(std::int64_t tokens) {
    scores.mixture.tokens = scores.documents.tokens;
    for (double& f : scores.free_energy) f /= static_cast<double>(tokens);
    scores.rejected_fraction = sweeps_ > 0 ? static_cast<double>(rejections_) / static_cast<double>(sweeps_) : 0;
    for (Index l = 0; l < hierarchy_.depth(); ++l) {
      const BroadScore* broad = hierarchy_.level(l).broad_score();
      scores.broad.push_back(broad != nullptr ? *broad : BroadScore{});
      scores.terms.push_back(hierarchy_.level(l).term_scores());
    }
  }

  Scores scores;

 private:
  Hierarchy<float>& hierarchy_;
  std::map<std::int32_t, std::int32_t> place_of_;
  std::vector<double> sizes_;  // tokens of the documents
  std::vector<std::int32_t> place_;
  std::vector<float> surprise_;
  std::vector<double> mixed_;
  std::int64_t rejections_ = 0, sweeps_ = 0;
};

std::unique_ptr<Recorder<float>> make_recorder(const TextStudy& study, Hierarchy<float>& hierarchy, const std::string& path,
                                               const DepthInUse<float>* in_use) {
  std::vector<std::string> names;
  for (Index l = 0; l < hierarchy.depth(); ++l) names.push_back(study.level_name(l));
  return std::make_unique<Recorder<float>>(path, hierarchy, names, study.record(), study.trace_attributes("evaluate"), in_use);
}

}  // namespace

Scores score_held_out(TextStudy& study, Hierarchy<float>& hierarchy, const ScoringOptions& options, Progress& progress) {
  const auto begin = std::chrono::steady_clock::now();
  text::TextWorldOptions world_options;
  world_options.streams = hierarchy.streams();
  world_options.shuffle = false;
  text::TextWorld world(study.held_out, study.vocabulary(), world_options);

  hierarchy.reset_state();
  std::optional<Learning<float>> learning;
  const Index planned = options.fresh ? (world.steps() + study.interval() - 1) / study.interval() : 0;
  if (options.plastic) learning.emplace(*options.plastic, planned);
  Simulation<float> simulation(hierarchy, world, learning ? &*learning : nullptr, study.interval(), study.options.seed);
  simulation.training = options.fresh;
  for (Index l = 0; l < hierarchy.depth(); ++l) hierarchy.level(l).score_broad(options.broad);
  Tally tally(study, hierarchy);
  std::unique_ptr<StreamProbe> probe;
  if (options.stream_every > 0 && hierarchy.depth() > 1)
    probe =
        std::make_unique<StreamProbe>(hierarchy, static_cast<Index>(study.held_out.size()), options.stream_every, options.entropy_every);
  std::optional<DepthInUse<float>> in_use;
  if (study.growth().dynamic) in_use.emplace(study.growth(), hierarchy);
  std::unique_ptr<Recorder<float>> recorder;
  if (!options.trace.empty()) recorder = make_recorder(study, hierarchy, options.trace, in_use ? &*in_use : nullptr);
  simulation.before_observe = [&](const Step<float>& step) {
    const auto& place = tally.locate(*step.observation);
    if (probe) probe->probe(step, place);
    if (in_use) in_use->before_observe(step);
  };
  simulation.record = [&](const Observation& o, std::uint64_t step) {
    tally.add(o, options.experts);
    if (in_use) tally.add_depth(o, in_use->levels());
    if (recorder) recorder->record(o, step);
    progress.update(simulation.tokens());
  };
  progress.begin(options.what, world.tokens());
  simulation.start();
  if (!simulation.run(interrupted)) throw Interrupted("nothing of this score is kept; run it again");
  progress.end();
  if (recorder) recorder->close();
  tally.close(simulation.tokens());
  for (Index l = 0; l < hierarchy.depth(); ++l) hierarchy.level(l).score_broad(false);
  Scores scores = std::move(tally.scores);
  if (probe) scores.stream = std::move(probe->scores);
  scores.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return scores;
}

double unigram_nats(const TextStudy& study) {
  double nats = 0;
  for (const auto& document : study.held_out)
    for (const auto id : document.ids) nats -= study.log_unigram[static_cast<std::size_t>(id)];
  return nats / static_cast<double>(text::total_tokens(study.held_out));
}

double comparable_bytes(const TextStudy& study) {
  const bool words = study.tokenizer->unknown() >= 0 && study.tokenizer->line_end() >= 0;
  const bool hidden = !study.held_out.empty() && !study.held_out.front().told;  // bytes of marks that nobody foretells
  return words || hidden || text::count_unknown(*study.tokenizer, study.scored_corpus(), study.held_out) > 0 ? 0 : held_out_bytes(study);
}

double held_out_bytes(const TextStudy& study) {
  double bytes = 0;
  for (const auto& document : study.held_out) bytes += static_cast<double>(document.starts.back() - document.starts.front());
  return bytes;
}

}  // namespace strata
