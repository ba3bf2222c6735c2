#!/usr/bin/python3
"""run segmentation, texts without marks, and learned time constants, from the command line."""

import os
import random

import support
from support import CommandTest, sets

SMALL = sets(hierarchy={"levels": 3, "units": 8}, text={"vocabulary": 400, "marks": "none"}, world={"streams": 4, "tokens": 6000})
FOUND = sets(**{"level.2": {"unit": "found", "segment_every": 30, "segment_window": 8}})


def turning(documents, seed, late=0, topics=6, sentence=10):
    """Documents of 60 to 200 words of a topic's own, never of the topic before. `late`: words that a document still has of the one before."""
    chance, maker = random.Random(f"turning {seed}"), random.Random("lexicons")
    lexicon = [["".join(maker.choices(["ba", "lo", "mi", "tu", "re", "ka", "no", "si"], k=3)) for _ in range(40)] for _ in range(topics)]
    said, sizes, topic = [], [], 0
    for _ in range(documents):
        topic = (topic + chance.randrange(1, topics)) % topics
        sizes.append(chance.randint(6, 20) * sentence)
        said += chance.choices(lexicon[topic], k=sizes[-1])
    said = said[-late:] + said[:-late] if late else said
    parts = []
    for size in sizes:
        its, said = said[:size], said[size:]
        parts.append(" ".join(" ".join(its[i:i + sentence]).capitalize() + "." for i in range(0, size, sentence)) + "\n")
    return "\f\n".join(parts)


class Segmentation(CommandTest):
    def setUp(self):
        super().setUp()
        self.write("prose.txt", support.text(130, seed=3))

    def test_found(self):
        said = self.strata("run", "segmentation", "--text", "prose.txt", "--out", "found", "--quiet", *SMALL, *FOUND, *sets(segmentation={"streams": 2}))
        level = self.summary("found")["levels"][2]
        for truth in ("paragraph", "document"):
            scores = level[truth]
            self.assertGreaterEqual(scores["true_boundaries"], 10)
            for key in ("found", "chance", "tiling", "tiling_own"):
                low, high = scores[key].get("f1_ci95", (0, 1))  # none of so few
                self.assertTrue(low <= scores[key]["f1"] <= high)
                self.assertTrue(0 <= scores[key]["pk"] <= 1)
            self.assertGreater(scores["found"]["boundaries"], 0)
            self.assertEqual(scores["found"]["boundaries"], scores["chance"]["boundaries"])
            self.assertLessEqual(scores["tiling"]["boundaries"], scores["found"]["boundaries"])
            self.assertAlmostEqual(scores["f1_over_tiling"], scores["found"]["f1"] - scores["tiling"]["f1"], places=9)
            self.assertAlmostEqual(scores["f1_over_chance"], scores["found"]["f1"] - scores["chance"]["f1"], places=9)
        self.assertIn("f1_ci95", level["paragraph"]["found"])
        self.assertIn("found by the level", said)
        self.assertTrue(os.path.exists(self.path("found/figures/segmentation.png")))

    def test_ends_lie_where_the_words_change(self):
        """An end is found 35 tokens behind the one it lies before, further than a sentence: said to lie anywhere else it would not be one."""
        self.write("turning.txt", turning(60, seed=1))
        keys = [*SMALL, *sets({"level.2.unit": "found", "level.2.segment_every": 130, "level.2.segment_window": 24, "run.figures": "false"},
                              text={"tokenizer": "words", "vocabulary": 600}, segmentation={"streams": 1, "tiling_sequence": 10, "tiling_block": 4})]
        self.strata("train", "--text", "turning.txt", "--model", "turns.h5", "--out", "turns", "--quiet", *keys)
        found = {}
        for late in (0, 35, -35):
            self.write(f"late{late}.txt", turning(60, seed=2, late=late))
            self.strata("run", "segmentation", "--model", "turns.h5", "--held-out", f"late{late}.txt", "--out", f"late{late}", "--quiet", *keys)
            found[late] = self.summary(f"late{late}")["levels"][2]["document"]
            self.assertEqual(found[late]["true_boundaries"], 59)
            self.assertLess(found[late]["tolerance"], 20)
            for key in ("tiling", "tiling_own"):
                self.assertGreater(found[late][key]["boundaries"], 20)
            self.assertLessEqual(found[late]["tiling"]["boundaries"], found[late]["found"]["boundaries"])
        right = found.pop(0)
        for key in ("found", "tiling", "tiling_own"):
            self.assertTrue(.5 < right[key]["f1"] <= 1, f"{key}: {right[key]['f1']}")
            self.assertLess(right[key]["pk"], .45)
        self.assertGreater(right["f1_over_chance_ci95"][0], .3)
        for wrong in found.values():  # the same words, parted where a wrong lag would part them
            for key in ("found", "tiling", "tiling_own"):
                self.assertLess(wrong[key]["f1"], .25)

    def test_refused(self):
        self.refused(2, "no level looks for ends itself", "run", "segmentation", "--text", "prose.txt", "--out", "no", *SMALL)
        self.refused(2, ["text.marks", "text.tokenizer"], "train", "--text", "prose.txt", "--out", "none", *SMALL, *sets(text={"tokenizer": "bytes"}))

    def test_gate_by_words(self):
        """Another document opens the gate: what was read before weighs less than where the document goes on."""
        keys = sets(**{"level.2": {"gate": "true", "gate_by": "words", "gate_window": 8, "gate_threshold": .5}},
                    belief_inertia={"pairs": 8, "context": 16, "history": 60, "room": 24, "after": 60, "switches": "false", "single": "false", "contrast": "true"})
        said = self.strata("run", "belief_inertia", "--text", "prose.txt", "--out", "gated", "--quiet", *SMALL, *keys)
        self.assertIn("how the document goes on", said)
        self.assertIn(f"the {self.summary('gated')['contrast']['documents']} documents of the histories drawn", said)
        level = self.summary("gated")["contrast"]["levels"][2]
        self.assertEqual(level["name"], "paragraph")
        self.assertAlmostEqual(level["half_life_minus_against"], level["half_life"] - level["half_life_against"], places=6)
        self.strata("run", "belief_inertia", "--text", "prose.txt", "--out", "ungated", "--quiet", *SMALL, *keys, *sets(**{"level.2": {"gate": "false"}}))
        ungated = self.summary("ungated")["contrast"]["levels"][2]
        self.assertLess(level["half_life_minus_against"], ungated["half_life_minus_against"])
        for place, wrong in enumerate(({"gate_window": 8.5}, {"gate_window": 5000})):
            self.refused(2, ["level.2.gate_window", "whole number"], "train", "--text", "prose.txt", "--out", f"window{place}", *SMALL, *keys, *sets(**{"level.2": wrong}))
        for place, (wrong, why) in enumerate((({"segment_every": 40}, "half of segment_window"), ({"segment_beginning": 100}, "at most segment_window"))):
            self.refused(2, ["level.2.segment", why], "train", "--text", "prose.txt", "--out", f"segment{place}", *SMALL, *sets(**{"level.2": {"unit": "found", **wrong}}))
        self.refused(2, ["belief_inertia.contrast", "text"], "run", "belief_inertia", "--world", "nested", "--out", "nested", *sets(belief_inertia={"contrast": "true"}, world={"tokens": 2000}))
        self.refused(2, ["gate_by", "prediction, words"], "train", "--text", "prose.txt", "--out", "no", *SMALL, *sets(**{"level.2": {"gate_by": "time"}}))

    def test_time_constants_are_learned_within_their_band(self):
        learned = sets(**{"level.2": {"learn_tau": "true", "tau_band": 1.5, "tau_rate": 20, "tau": 40}})
        self.strata("evaluate", "--text", "prose.txt", "--out", "learned", "--quiet", *SMALL, *learned)
        tau = self.summary("learned")["levels"][2]["time_constant"]
        self.assertNotAlmostEqual(tau, 40, places=3)
        self.assertTrue(40 / 1.5001 <= tau <= 40 * 1.5001, tau)
        self.strata("evaluate", "--text", "prose.txt", "--model", "learned/model.h5", "--out", "again", "--quiet", *SMALL, *learned)
        self.assertEqual(self.summary("again")["levels"][2]["time_constant"], tau)
        self.assertEqual(self.summary("again")["nats_per_token"], self.summary("learned")["nats_per_token"])


if __name__ == "__main__":
    support.main()
