#!/usr/bin/python3
"""One line of 50 MB is read to its end: every word of it is learned from, none is dropped. Takes a minute."""
import json
import random

import support
from support import CommandTest, sets

BYTES = 50_000_000
LEAST = sets({"hierarchy.levels": 1, "level.0.units": 4, "level.0.hidden": 4, "level.0.context": 2, "world.streams": 1, "relaxation.steps": 0,
              "learning.interval": 64, "text.vocabulary": 2000})


class LongLine(CommandTest):
    def test_one_line_of_50_megabytes(self):
        chance = random.Random(1)
        lexicon = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=11)) for _ in range(40)]
        count = BYTES // 12 + 1
        self.write("line.txt", " ".join(chance.choices(lexicon, k=count)))
        summary = json.loads(self.strata("train", "--text", "line.txt", "--held-out", "prose.txt", *LEAST, "--out", "line", "--json", "--quiet"))
        self.assertEqual(summary["training_documents"], 1)
        # A word becomes one token, or a few where its parts are more frequent; a line that was cut would leave fewer than words.
        self.assertTrue(count <= summary["tokens"] <= 2 * count, summary["tokens"])
        self.assertEqual(summary["tokens"], summary["training_tokens"])
        self.assertLess(summary["peak_memory_bytes"], 40 * BYTES)


if __name__ == "__main__":
    support.main()
