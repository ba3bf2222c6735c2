#!/usr/bin/python3
"""prequential: a text's cost from nothing, its prefix's cost whatever follows, the vocabulary charged, words and schedules of training refused."""
import math
import os

import support
from support import CommandTest, sets, text

SMALL = {"hierarchy.units": 8, "level.0.units": 8, "level.0.hidden": 16, "text.tokenizer": "bytes", "level.0.context_dropout": 0, "level.0.ngrams": 4,
         **{f"level.{l}.dropout": 0 for l in (1, 2, 3)}}


class Prequential(CommandTest):
    def cost(self, out, path, keys=()):
        self.strata("run", "prequential", "--text", path, *sets({**SMALL, **dict(keys)}), "--out", out, "--quiet")
        return self.summary(out)

    def test_every_byte_counts_once(self):
        found = self.cost("bytes", "prose.txt")
        size = os.path.getsize(self.prose)
        self.assertEqual((found["bytes"], found["tokens_read"], found["vocabulary_bits"]), (size, size, 0))
        for scores in (found, found["experts"]):
            self.assertAlmostEqual(scores["bits_per_byte"], scores["nats_per_token"] / math.log(2))
            self.assertLess(scores["bits_per_byte"], 4)
            tenths = scores["bits_per_byte_by_tenth"]
            self.assertEqual(len(tenths), 10)
            self.assertLess(tenths[-1], .8 * tenths[0])  # it learns
        self.assertFalse(os.path.exists(self.path("bytes/model.h5")))

    def test_nothing_is_known_before_it_is_read(self):
        """Without learning a byte costs eight bits, less the little that beliefs carry: nobody told how frequent each is (4.5 bits, for those who know)."""
        found = self.cost("nothing", "prose.txt", {"learning.rate": 0, "level.0.ngrams": 0})
        self.assertGreater(found["bits_per_byte"], 7.5)
        self.assertLess(found["bits_per_byte"], 8.5)

    def test_a_prefix_costs_the_same_whatever_follows(self):
        first = text(documents=10)
        for name, rest in (("one.txt", text(documents=10, seed=5)), ("other.txt", "zq vw xk jq. " * 1500 + "\n")):
            self.write(name, first + "\f\n" + rest)
        # One stream, a rate that does not fall towards an end: what the first ten documents cost must be the same to the last bit.
        keys = {"prequential.streams": 1, "learning.final_rate": 1}
        one, other = (self.cost(name[:-4], name, keys)["document_nats"] for name in ("one.txt", "other.txt"))
        self.assertEqual(one[:10], other[:10])
        self.assertNotEqual(one[10], other[10])

    def test_a_vocabulary_is_charged(self):
        found = self.cost("bpe", "prose.txt", {"text.tokenizer": "bpe", "text.vocabulary": 400})
        self.assertGreater(found["vocabulary_bits"], 400)
        plain = found["nats_per_token"] * found["tokens_read"] / math.log(2)
        self.assertAlmostEqual(found["bits_per_byte"], (plain + found["vocabulary_bits"]) / found["bytes"])

    def test_refused(self):
        self.refused(2, ["text.tokenizer", "words", "bytes"], "run", "prequential", "--text", "prose.txt", *sets({"text.tokenizer": "words"}), "--out", "no")
        self.refused(2, "--held-out", "run", "prequential", "--text", "prose.txt", "--held-out", "prose.txt", *sets(SMALL), "--out", "no")
        for key, value in (("learning.curriculum", "upward"), ("learning.own_ticks", "1"), ("learning.lightness", ".5"), ("monitor.cure", "true"),
                           ("growth.dynamic", "true"), ("world.passes", "2"), ("world.scales", "8, 0"), ("world.replay", ".25")):
            self.refused(2, [key, "belongs to training"], "run", "prequential", "--text", "prose.txt", *sets({**SMALL, key: value}), "--out", "no")
        self.refused(2, "nested", "run", "prequential", "--world", "nested", "--out", "no")


if __name__ == "__main__":
    support.main()
