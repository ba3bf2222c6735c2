// Ends that a level finds itself: from surprise at first, from how situations begin soon; as often as it is held to.

#include "levels/segmentation.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "core/memory_archive.hpp"
#include "core/random.hpp"
#include "levels/word_change.hpp"
#include "tests/support/level_rig.hpp"
#include "tests/support/scripted_world.hpp"
#include "tests/support/tiny.hpp"

using namespace strata;
using namespace strata::test;

namespace {

constexpr Index vocabulary = 200, streams = 16;
constexpr std::int32_t heads = 10;  // words that situations begin with, in no order; elsewhere they are as frequent as others are

std::uint64_t draw(std::uint64_t key, Index t, std::size_t j) { return mix(key * 1000003 + static_cast<std::uint64_t>(t) * 257 + j); }

/// A text of situations: each begins with eight of the head words, and its first words surprise a little more than others do.
class Situations {
 public:
  explicit Situations(double surprising)
      : surprising_(surprising), left_(streams, 0), age_(streams, 0), ids(streams), surprise(streams), begins(streams) {}

  void next() {
    for (std::size_t j = 0; j < ids.size(); ++j) {
      begins[j] = left_[j] == 0 ? 1 : 0;
      if (left_[j] == 0) {
        left_[j] = 40 + static_cast<Index>(draw(1, t_, j) % 80);
        age_[j] = 0;
      }
      const bool head = age_[j] < 8;
      ids[j] = static_cast<std::int32_t>(draw(2, t_, j) % (head ? heads : vocabulary));
      surprise[j] = 5 + (head ? surprising_ : 0) +
                    1.5 * random_normal(random_base(3, 0, 0, 0), static_cast<std::uint32_t>(t_), static_cast<std::uint32_t>(j));
      --left_[j];
      ++age_[j];
    }
    ++t_;
  }

 private:
  double surprising_;
  std::vector<Index> left_, age_;
  Index t_ = 0;

 public:
  std::vector<std::int32_t> ids;
  std::vector<double> surprise;
  std::vector<std::uint8_t> begins;
};

const std::vector<double> flat(vocabulary, -std::log(static_cast<double>(vocabulary)));
const std::vector<std::uint8_t> everyone(streams, 1);

struct Score {
  double recall, precision, per_end;  // hits within two tokens; tokens between two found
};

/// Reads `learned` tokens of every stream while learning, then scores as many without.
Score score(Segmentation& segmentation, Situations& text, Index learned) {
  std::vector<std::vector<Index>> truth(streams), found(streams);
  for (Index t = 0; t < 2 * learned; ++t) {
    text.next();
    segmentation.read(text.ids, text.surprise, everyone, flat, t < learned);
    if (t < learned + 100) continue;
    for (std::size_t j = 0; j < streams; ++j) {
      if (text.begins[j] != 0) truth[j].push_back(t);
      if (segmentation.ends()[j] != 0) found[j].push_back(t - segmentation.lag());
    }
  }
  double hits = 0, all = 0, ends = 0;
  for (std::size_t j = 0; j < streams; ++j) {
    for (const Index begin : truth[j])
      hits += std::any_of(found[j].begin(), found[j].end(), [&](Index at) { return std::abs(at - begin) <= 2; }) ? 1 : 0;
    all += static_cast<double>(truth[j].size());
    ends += static_cast<double>(found[j].size());
  }
  return {hits / all, hits / ends, static_cast<double>(streams * (learned - 100)) / ends};
}

}  // namespace

TEST_CASE("segmentation: what situations begin with is learned from the ends that surprise found") {
  Segmentation segmentation({true, 8, 8, 80}, vocabulary, streams);
  Situations text(1);
  const Score early = score(segmentation, text, 400);
  const Score late = score(segmentation, text, 4000);
  INFO("recall " << early.recall << " then " << late.recall << ", precision " << early.precision << " then " << late.precision);
  CHECK(late.recall > .9);
  CHECK(late.precision > .9);
  CHECK(early.recall < .8);
}

TEST_CASE("segmentation: what a belief begun anew predicts better than one carried on is two Dirichlet compounds' difference") {
  constexpr Index newest = 12, before = 20, words = 9;
  constexpr double kappa = 300;
  WordChange change(newest, before, words, 2);
  std::vector<double> log_unigram(words);
  for (Index w = 0; w < words; ++w)
    log_unigram[static_cast<std::size_t>(w)] = std::log(static_cast<double>(w + 1) / (words * (words + 1) / 2));
  std::vector<std::int32_t> read;
  Index begin = 0;
  const auto direct = [&] {
    const auto size = static_cast<Index>(read.size()), held = std::min(before, size - newest - begin);
    const auto middle = read.end() - newest, first = middle - held;
    double anew = std::lgamma(kappa) - std::lgamma(kappa + newest);
    double carried = std::lgamma(kappa + static_cast<double>(held)) - std::lgamma(kappa + static_cast<double>(held + newest));
    for (std::int32_t w = 0; w < words; ++w) {
      const double a = kappa * std::exp(log_unigram[static_cast<std::size_t>(w)]);
      const auto l = static_cast<double>(std::count(first, middle, w)), r = static_cast<double>(std::count(middle, read.end(), w));
      anew += std::lgamma(a + r) - std::lgamma(a);
      carried += std::lgamma(a + l + r) - std::lgamma(a + l);
    }
    return anew - carried;
  };
  for (Index t = 0; t < 100; ++t) {
    read.push_back(static_cast<std::int32_t>(draw(7, t, 0) % (t % 40 < 20 ? 3 : words)));
    change.read(1, read.back());
    CHECK(change.measurable(1) == (t + 1 - begin >= 2 * newest));
    CHECK(change.evidence(1, log_unigram) == Approx(change.measurable(1) ? direct() : 0.).margin(1e-9));
    if (t != 70) continue;
    change.begin(1);
    begin = t + 1 - newest;
  }
}

TEST_CASE("segmentation: a change of subject is found where nothing surprises and no words begin it") {
  constexpr std::int32_t subjects = 4;
  Segmentation segmentation({true, 60, 1, 120}, vocabulary, streams);
  std::vector<std::int32_t> ids(streams), subject(streams, 0);
  std::vector<Index> since(streams, 0);
  Index changes = 0, hits = 0, ends = 0;
  std::vector<std::vector<Index>> truth(streams);
  for (Index t = 0; t < 8000; ++t) {
    for (std::size_t j = 0; j < streams; ++j) {
      if (++since[j] > 80 && draw(8, t, j) % 40 == 0) {
        since[j] = 0;
        subject[j] = static_cast<std::int32_t>((subject[j] + 1 + draw(9, t, j) % (subjects - 1)) % subjects);
        truth[j].push_back(t);
      }
      const auto word = static_cast<std::int32_t>(draw(10, t, j) % vocabulary);  // three of four words are its subject's
      ids[j] = draw(11, t, j) % 4 == 0 ? word : word / subjects * subjects + subject[j];
    }
    segmentation.read(ids, std::vector<double>(streams, 5), everyone, flat, true);
    if (t < 2000) continue;
    for (std::size_t j = 0; j < streams; ++j) {
      changes += since[j] == 0 ? 1 : 0;
      if (segmentation.ends()[j] == 0) continue;
      ++ends;
      const Index at = t - segmentation.lag();
      hits += std::any_of(truth[j].begin(), truth[j].end(), [&](Index begin) { return std::abs(at - begin) <= 8; }) ? 1 : 0;
    }
  }
  INFO("changes " << changes << ", found " << ends << ", within eight tokens of a change " << hits);
  CHECK(ends == Approx(static_cast<double>(streams * 6000) / 120).epsilon(.1));
  CHECK(static_cast<double>(hits) > .7 * static_cast<double>(changes));
}

TEST_CASE("segmentation: ends come as often as the threshold is held to, also where nothing tells of them") {
  const double every = GENERATE(60.0, 200.0);
  Segmentation segmentation({true, 8, 8, every}, vocabulary, streams);
  Situations text(0);
  CHECK(score(segmentation, text, 6000).per_end == Approx(every).epsilon(.25));
}

TEST_CASE("segmentation: an end lies n tokens before the highest evidence") {
  constexpr Index n = 6;
  Segmentation segmentation({true, n, n, 50}, vocabulary, 1);
  const std::vector<std::uint8_t> one{1};
  std::vector<Index> found;
  for (Index t = 0; t < 100; ++t) {
    const bool startling =
        (t >= 40 && t < 40 + n) || t == 47 || t == 48;  // what the last two come to is no more than what the first ones leave
    segmentation.read(std::vector<std::int32_t>{static_cast<std::int32_t>(t % vocabulary)}, std::vector<double>{startling ? 20. : 0.}, one,
                      flat, false);
    if (segmentation.ends()[0] != 0) found.push_back(t - segmentation.lag());
  }
  CHECK(segmentation.lag() == n + n / 2 - 1);
  CHECK(found == std::vector<Index>{40});
  CHECK(segmentation.found() == 1);
  MemoryArchive before, after;
  segmentation.archive_state(before);
  segmentation.read(std::vector<std::int32_t>{0}, std::vector<double>{1e9}, std::vector<std::uint8_t>{0}, flat, false);  // an idle stream
  segmentation.archive_state(after);
  CHECK(std::get<std::vector<double>>(before.items().at("sums")) == std::get<std::vector<double>>(after.items().at("sums")));
  CHECK(std::get<std::vector<std::int64_t>>(before.items().at("place")) == std::get<std::vector<std::int64_t>>(after.items().at("place")));
}

TEST_CASE("segmentation: two ends are more than n / 2 apart") {
  constexpr Index n = 6;
  const auto [apart, ends] = GENERATE(std::pair{Index{3}, Index{1}}, std::pair{Index{4}, Index{2}});
  Segmentation segmentation({true, n, 2, 50}, vocabulary, 1);
  const std::vector<std::uint8_t> one{1};
  for (Index t = 0; t < 100; ++t) {
    const bool startling = t == 40 || t == 41 || t == 40 + apart || t == 41 + apart;
    segmentation.read(std::vector<std::int32_t>{static_cast<std::int32_t>(t % vocabulary)}, std::vector<double>{startling ? 20. : 0.}, one,
                      flat, false);
  }
  CHECK(segmentation.found() == ends);
}

TEST_CASE("segmentation: nothing is found before a stream has words to compare, nor across an end it was told of") {
  constexpr Index n = 6;
  for (const bool told : {false, true}) {
    Segmentation segmentation({true, n, n, 50}, vocabulary, 1);
    const std::vector<std::uint8_t> one{1};
    for (Index t = 0; t < 60; ++t) {
      const bool startling = t < n || (t >= 40 && t < 40 + n);
      segmentation.read(std::vector<std::int32_t>{static_cast<std::int32_t>(t % vocabulary)}, std::vector<double>{startling ? 20. : 0.},
                        one, flat, false);
      if (told && t == 39) segmentation.restart(0);
    }
    CHECK(segmentation.found() == (told ? 0 : 1));
  }
}

TEST_CASE("segmentation: an end found with the last token before one it was told of is no end of what follows") {
  constexpr Index n = 6;
  Segmentation segmentation({true, n, n, 50}, vocabulary, 1);
  const std::vector<std::uint8_t> one{1};
  for (Index t = 0; t < 80 && segmentation.ends()[0] == 0; ++t) {
    const bool startling = t < n || (t >= 40 && t < 40 + n);
    segmentation.read(std::vector<std::int32_t>{static_cast<std::int32_t>(t % vocabulary)}, std::vector<double>{startling ? 20. : 0.}, one,
                      flat, false);
  }
  REQUIRE(segmentation.ends()[0] == 1);
  segmentation.restart(0);
  CHECK(segmentation.ends()[0] == 0);
}

TEST_CASE("segmentation: goes on with the same bits") {
  Segmentation whole({true, 8, 8, 80}, vocabulary, streams), resumed({true, 8, 8, 80}, vocabulary, streams);
  Situations text(1);
  const auto advance = [&](Index steps, std::initializer_list<Segmentation*> readers) {
    for (Index t = 0; t < steps; ++t) {
      text.next();
      for (Segmentation* reader : readers) reader->read(text.ids, text.surprise, everyone, flat, true);
    }
  };
  advance(900, {&whole});
  MemoryArchive kept;
  whole.archive_parameters(kept);
  whole.archive_state(kept);
  kept.rewind();
  resumed.archive_parameters(kept);
  resumed.archive_state(kept);
  Index ends = 0;
  for (Index t = 0; t < 900; ++t) {
    advance(1, {&whole, &resumed});
    CHECK(std::equal(whole.ends().begin(), whole.ends().end(), resumed.ends().begin()));
    ends += std::count(whole.ends().begin(), whole.ends().end(), std::uint8_t{1});
  }
  CHECK(ends > 50);
  CHECK(whole.threshold() == resumed.threshold());
}

TEST_CASE("segmentation: a level ticks, and its window ends, with the token behind the one that told it") {
  SituationSettings settings;
  settings.tick = 100000;
  settings.segmentation = {true, 4, 4, 20};
  settings.boundaries = found_end;
  settings.broad.unit = found_end;
  LevelRig<double> rig(settings, 4, 9, 2);
  rig.start();
  std::vector<std::uint8_t> before(2, 0);
  Index ends = 0;
  for (Index t = 0; t < 4000; ++t) {
    for (std::size_t j = 0; j < 2; ++j) rig.observation.id[j] = static_cast<std::int32_t>(draw(5, t, j) % 9);
    rig.advance(std::vector<double>(8, .1), true);
    for (std::size_t j = 0; j < 2; ++j) {
      CHECK(rig.level.ticking()[j] == before[j]);
      before[j] = rig.level.found_ends().now[j];
      ends += before[j];
    }
  }
  CHECK(ends > 10);
}

TEST_CASE("segmentation: who is told of no end learns the same weights wherever a text is cut") {
  constexpr Index length = 300;
  const auto learned = [](Index shift, int hidden) {
    std::vector<std::string> lines{"hierarchy.levels=4",        "learning.rate=.03",  "level.0.ngrams=3",
                                   "level.0.recent_time=9, 40", "level.0.dropout=.2", "level.0.share=1"};
    for (const char* l : {"1", "2", "3"})
      for (const char* line : {"unit=found", "segment_window=4", "segment_beginning=2", "segment_every=9", "stability=.1", "contrastive=.1",
                               "consistency=.1", "broad_interval=5", "broad_limit=30", "broad_cache=.2", "carry_rate=.02", "gate=1",
                               "gate_by=words", "gate_window=2", "gate_threshold=.001"})
        lines.push_back("level." + std::string(l) + "." + line);
    Tiny<float> tiny(lines, 5, 4, 13);
    ScriptedWorld world(5, 13, length, [=](Index t, Index j) {
      Word word = random_word(static_cast<std::uint64_t>(j), t, 13);
      word.boundary = static_cast<std::uint8_t>(random_word(static_cast<std::uint64_t>(j), t + shift, 13).boundary << hidden);
      return word;
    });
    Simulation<float> simulation(*tiny.hierarchy, world, tiny.learning.get(), 4, 9);
    simulation.start();
    simulation.run();
    MemoryArchive archive;
    tiny.hierarchy->archive_parameters(archive);
    tiny.hierarchy->archive_state(archive);
    return archive;
  };
  const auto one = learned(0, untold);
  CHECK(differences(one, learned(17, untold)).empty());
  CHECK_FALSE(differences(one, learned(0, 0)).empty());
}
