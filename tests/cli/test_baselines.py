#!/usr/bin/python3
"""baselines: counts and scores without a hierarchy, says what it chose, begins histories anew where asked, refuses what it cannot count."""
import math
import os

import support
from support import CommandTest, sets

SMALL = {"text.vocabulary": 400}
WAYS = ("static", "static_cache", "learning", "learning_cache")


class Baselines(CommandTest):
    def baselines(self, out, keys=(), *words):
        said = self.strata("run", "baselines", "--text", "prose.txt", *sets({**SMALL, **dict(keys)}), "--out", out, "--quiet", *words)
        return said, self.summary(out)

    def test_every_order_both_ways(self):
        said, found = self.baselines("all")
        self.assertEqual([entry["order"] for entry in found["orders"]], [3, 4, 5, 7])
        self.assertEqual((found["begin"], found["held_out_documents"]), ("document", 4))
        for entry in found["orders"]:
            for way in WAYS:
                scores = entry[way]
                self.assertLess(scores["nats_per_token"], found["unigram_nats"])
                self.assertAlmostEqual(scores["perplexity"], math.exp(scores["nats_per_token"]))
                bits = scores["nats_per_token"] * found["held_out_tokens"] / math.log(2) / found["held_out_bytes"]
                self.assertAlmostEqual(scores["bits_per_byte"], bits)
            for way in ("static", "learning"):  # every document has a topic of its own liking
                self.assertLess(entry[way + "_cache"]["nats_per_token"], entry[way]["nats_per_token"])
                self.assertGreater(entry[way + "_cache"]["cache_weight"], 0)
            self.assertLess(entry["learning"]["nats_per_token"], entry["static"]["nats_per_token"])
        # Nothing is trained, and nothing says so.
        self.assertFalse(os.path.exists(self.path("all/model.h5")))
        self.assertNotIn("model:", said)
        self.assertNotIn("training", found)

    def test_nothing_to_draw(self):
        """A table is all: nobody is told that figures are missing."""
        result = self.start("run", "baselines", "--text", "prose.txt", *sets({"text.vocabulary": 400, "baselines.orders": 2}), "--out", "undrawn")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotIn("figures", result.stderr)
        self.strata("run", "baselines", "--text", "prose.txt", *sets({"text.vocabulary": 400, "baselines.orders": 2}), "--seeds", 2, "--out", "seeds", "--quiet")
        self.assertTrue(os.path.exists(self.path("seeds/seed_2/summary.json")))

    def test_held_out_text_chooses_nothing(self):
        self.write("other.txt", support.text(documents=5, seed=6))
        keys = {"baselines.orders": "2"}
        with_it, other = (self.baselines(out, keys, "--held-out", text)[1]["orders"][0] for out, text in (("own", "prose.txt"), ("other", "other.txt")))
        for key in ("cache_weight", "cache_time_constant"):
            self.assertEqual(with_it["learning_cache"][key], other["learning_cache"][key])
        self.assertNotEqual(with_it["static"]["perplexity"], other["static"]["perplexity"])

    def test_where_histories_begin_anew(self):
        self.write("lines.sents.txt", support.text().replace(". ", ".\n"))
        for out, text, begin, expected in (("lines", "lines.sents.txt", "auto", "sentence"), ("joined", "lines.sents.txt", "document", "document"),
                                           ("prose", "prose.txt", "auto", "document"), ("parted", "prose.txt", "sentence", "sentence")):
            self.strata("run", "baselines", "--text", text, *sets({**SMALL, "baselines.orders": 3, "baselines.begin": begin}), "--out", out, "--quiet")
            self.assertEqual(self.summary(out)["begin"], expected)
        scores = {out: self.summary(out)["orders"][0]["static"]["perplexity"] for out in ("lines", "joined", "prose", "parted")}
        self.assertNotEqual(scores["lines"], scores["joined"])
        self.assertNotEqual(scores["prose"], scores["parted"])

    def test_one_document(self):
        """What the cache is chosen on lies within the only document then."""
        self.write("one.txt", support.document(1, support.random.Random(1), paragraphs=60))
        self.strata("run", "baselines", "--text", "one.txt", "--held-out", "prose.txt", *sets({**SMALL, "baselines.orders": 3}), "--out", "one", "--quiet")
        self.assertEqual(self.summary("one")["training_documents"], 1)

    def test_what_cannot_be_counted_is_refused(self):
        for key, value in (("orders", "9"), ("orders", "2.5"), ("orders", "two"), ("orders", ""), ("time_constants", "0"), ("time_constants", ""), ("begin", "line")):
            self.refused(2, f"baselines.{key}", "run", "baselines", "--text", "prose.txt", *sets({**SMALL, f"baselines.{key}": value}), "--out", "no")
        self.refused(2, "nested", "run", "baselines", "--world", "nested", "--out", "no")


if __name__ == "__main__":
    support.main()
