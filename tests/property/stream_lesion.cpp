// A level's share of the stream replaced by its slow mean or by another stream's: what StreamLesion says, and what the score of held-out
// documents makes of it, against the stream written out.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <functional>

#include "core/stream_lesion.hpp"
#include "experiments/scoring.hpp"
#include "tests/support/scripted_world.hpp"
#include "tests/support/temporary.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;
using namespace strata::test;

namespace {

/// Shares of the stream on the host, and their slow means as of the step before.
template <class T>
class Shares {
 public:
  using Other = std::function<double(std::size_t level, std::size_t unit, std::size_t stream)>;

  explicit Shares(Hierarchy<T>& hierarchy)
      : hierarchy_(hierarchy),
        n_(static_cast<std::size_t>(hierarchy.lexicon().units())),
        b_(static_cast<std::size_t>(hierarchy.streams())),
        means_(static_cast<std::size_t>(hierarchy.depth()), std::vector<double>(n_, 0)) {}

  void look() {
    shares_.assign(1, {});
    for (Index l = 1; l < hierarchy_.depth(); ++l) shares_.push_back(values<T>(hierarchy_.level(l).contribution(), hierarchy_.device()));
  }
  double share(std::size_t level, std::size_t unit, std::size_t stream) const {
    return static_cast<double>(shares_[level][stream * n_ + unit]);
  }
  double mean(std::size_t level, std::size_t unit) const { return means_[level][unit]; }

  /// Nats under the sum of all shares, those of the levels `first` to `last` replaced by `other`.
  std::vector<T> score_with(const Step<T>& step, std::size_t first, std::size_t last, const Other& other) const {
    std::vector<T> sum;
    for (std::size_t j = 0; j < b_; ++j)
      for (std::size_t i = 0; i < n_; ++i) {
        double x = 0;
        for (std::size_t l = 1; l < shares_.size(); ++l) x += first <= l && l <= last ? other(l, i, j) : share(l, i, j);
        sum.push_back(static_cast<T>(x));
      }
    Tensor<T> stream(hierarchy_.device(), static_cast<Index>(n_), static_cast<Index>(b_));
    hierarchy_.device().upload(sum, stream);
    Tensor<T> loss(hierarchy_.device(), static_cast<Index>(b_), 1);
    hierarchy_.level(0).score_with_stream(step, stream, loss);
    return values<T>(loss.view(), hierarchy_.device());
  }

  void follow(const Observation& o, double rate) {
    for (std::size_t l = 1; l < shares_.size(); ++l)
      for (std::size_t i = 0; i < n_; ++i) {
        double sum = 0, active = 0;
        for (std::size_t j = 0; j < b_; ++j) {
          sum += o.active[j] != 0 ? share(l, i, j) : 0;
          active += o.active[j];
        }
        means_[l][i] = followed_ ? (1 - rate) * means_[l][i] + rate * sum / active : sum / active;
      }
    followed_ = true;
  }

 private:
  Hierarchy<T>& hierarchy_;
  std::size_t n_, b_;
  std::vector<std::vector<T>> shares_;
  std::vector<std::vector<double>> means_;
  bool followed_ = false;
};

/// No two of them are the same but for a part `least`: who answers another question is seen.
void require_apart(std::vector<double> nats, double least) {
  std::sort(nats.begin(), nats.end());
  for (std::size_t k = 1; k < nats.size(); ++k) REQUIRE(nats[k] - nats[k - 1] > least * nats[k]);
}

/// Texts of random words in `folder`, seven of them held out, and four small levels to read them.
Options random_documents(const TemporaryFolder& folder) {
  std::filesystem::create_directory(folder / "held_out");
  const auto write = [&](const std::string& name, std::uint64_t key, Index words) {
    std::ofstream file(folder / name, std::ios::binary);
    for (Index t = 0; t < words; ++t) {
      const Word word = random_word(key, t, 26);
      file << static_cast<char>('a' + word.id) << (word.boundary != 0 ? ".\n" : " ");
    }
  };
  write("training.txt", 0, 600);
  for (std::uint64_t d = 0; d < 7; ++d) write("held_out/" + std::to_string(d) + ".txt", d + 1, 130 + 20 * static_cast<Index>(d));
  Options options;
  options.text = {folder / "training.txt"};
  options.held_out = {folder / "held_out"};
  options.device.name = "reference";
  for (const char* line : {"hierarchy.levels=4", "hierarchy.units=5", "level.0.units=6", "level.0.hidden=7", "level.0.context=3",
                           "text.tokenizer=words", "text.language=en"})
    options.configuration.set_assignment(line);
  return options;
}

constexpr Index sampled_every = 2, trusted_from = 256;  // steps

/// What score_held_out() samples of three documents side by side, written out: each is lent the share of the stream behind it.
StreamScores read_by_hand(const TextStudy& study, Hierarchy<float>& hierarchy) {
  StreamScores sums;
  sums.tokens.assign(study.held_out.size(), 0);
  sums.intact = sums.tokens;
  sums.mean.assign(static_cast<std::size_t>(hierarchy.depth()), sums.tokens);
  sums.swap = sums.mean;
  hierarchy.reset_state();
  text::TextWorldOptions in_order;
  in_order.streams = 3;
  in_order.shuffle = false;
  text::TextWorld world(study.held_out, study.vocabulary(), in_order);
  Simulation<float> simulation(hierarchy, world, nullptr, study.interval(), study.options.seed);
  Shares<float> shares(hierarchy);
  const auto mean = [&](std::size_t l, std::size_t i, std::size_t) { return shares.mean(l, i); };
  const auto swapped = [&](std::size_t l, std::size_t i, std::size_t j) { return shares.share(l, i, (j + 1) % 3); };
  simulation.before_observe = [&](const Step<float>& step) {
    const Observation& o = *step.observation;
    const auto add = [&](std::vector<double>& into, const std::vector<float>& loss) {
      for (std::size_t j = 0; j < 3; ++j)
        if (o.active[j] != 0 && o.active[(j + 1) % 3] != 0) into[static_cast<std::size_t>(o.document[j])] += static_cast<double>(loss[j]);
    };
    shares.look();
    if (step.index >= trusted_from && step.index % sampled_every == 0) {
      add(sums.tokens, {1, 1, 1});
      add(sums.intact, shares.score_with(step, 1, 0, mean));
      for (std::size_t part = 0; part < sums.mean.size(); ++part) {
        const std::size_t first = std::max<std::size_t>(part, 1), last = part == 0 ? sums.mean.size() - 1 : part;
        add(sums.mean[part], shares.score_with(step, first, last, mean));
        add(sums.swap[part], shares.score_with(step, first, last, swapped));
      }
    }
    shares.follow(o, std::max(1e-3, 1 / (static_cast<double>(step.index) + 1)));
  };
  simulation.start();
  simulation.run({});
  return sums;
}

}  // namespace

TEST_CASE("stream lesion: a level's share is replaced by its own slow mean or by that of another stream, alone or with those above") {
  constexpr Index streams = 5, vocabulary = 13;
  constexpr std::size_t top = 3;
  constexpr double rate = .1;
  const std::vector<std::int32_t> from{2, 3, 4, 0, 1};  // not its own inverse
  Tiny<double> tiny({"hierarchy.levels=4", "learning.rate=.05", "learning.warm_up=20"}, streams, 1, vocabulary);
  ScriptedWorld world(streams, vocabulary, 60, [](Index t, Index j) {
    Word word = random_word(static_cast<std::uint64_t>(j), t, vocabulary);
    word.active = j != 2 || t % 40 < 25;  // a stream falls idle and comes back
    return word;
  });
  Simulation<double> simulation(*tiny.hierarchy, world, tiny.learning.get(), 1, 3);
  StreamLesion<double> lesion(*tiny.hierarchy);
  Shares<double> shares(*tiny.hierarchy);
  const auto mean = [&](std::size_t l, std::size_t i, std::size_t) { return shares.mean(l, i); };
  const auto swapped = [&](std::size_t l, std::size_t i, std::size_t j) { return shares.share(l, i, static_cast<std::size_t>(from[j])); };
  std::vector<double> total(2 * top + 4, 0);  // intact; without and swapped, every part; without those from the second up
  simulation.before_observe = [&](const Step<double>& step) {
    shares.look();
    std::vector<double> nats(streams);
    std::size_t asked = 0;
    const auto compare = [&](std::size_t first, std::size_t last, const Shares<double>::Other& other) {
      CAPTURE(asked, first, last);
      const auto expected = shares.score_with(step, first, last, other);
      for (std::size_t j = 0; j < streams; ++j) {
        REQUIRE(nats[j] == Approx(expected[j]).epsilon(1e-12));
        total[asked] += nats[j];
      }
      ++asked;
    };
    lesion.intact(step, nats);
    compare(1, 0, mean);
    for (std::size_t part = 0; part <= top; ++part) {
      const std::size_t first = std::max<std::size_t>(part, 1), last = part == 0 ? top : part;
      lesion.without(step, static_cast<Index>(part), nats);
      compare(first, last, mean);
      lesion.swapped(step, static_cast<Index>(part), from, nats);
      compare(first, last, swapped);
    }
    lesion.without_above(step, 2, nats);
    compare(2, top, mean);
    lesion.follow(step, rate);
    shares.follow(*step.observation, rate);
  };
  simulation.start();
  simulation.run({});
  require_apart(total, 1e-6);
}

TEST_CASE("stream lesion: what levels are worth to held-out documents is of the level, the document and the other stream that it says") {
  const TemporaryFolder folder;
  Progress progress(true);
  TextStudy study(random_documents(folder), progress);
  const auto hierarchy = study.make_hierarchy(3);
  hierarchy->visit_weights([](Weight<float>& weight) { weight.randomise(.2, 3, 0); });
  ScoringOptions scoring;
  scoring.stream_every = sampled_every;
  scoring.broad = false;
  const StreamScores found = score_held_out(study, *hierarchy, scoring, progress).stream, expected = read_by_hand(study, *hierarchy);
  REQUIRE(found.measured());
  CHECK(found.tokens == expected.tokens);
  std::size_t read = 0;
  for (std::size_t d = 0; d < found.tokens.size(); ++d) {
    if (found.tokens[d] == 0) continue;  // over before slow means are trusted
    ++read;
    CHECK(found.intact[d] == Approx(expected.intact[d]).epsilon(1e-6));
    std::vector<double> apart{expected.intact[d]};
    for (std::size_t part = 0; part < 4; ++part) {
      CAPTURE(d, part);
      CHECK(found.mean[part][d] == Approx(expected.mean[part][d]).epsilon(1e-6));
      CHECK(found.swap[part][d] == Approx(expected.swap[part][d]).epsilon(1e-6));
      apart.insert(apart.end(), {expected.mean[part][d], expected.swap[part][d]});
    }
    require_apart(apart, 1e-5);
  }
  CHECK(read > 2);
}
