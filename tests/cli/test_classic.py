#!/usr/bin/python3
"""classic: the dense network learns drawn and given samples, says how fast, draws its course, and refuses what it cannot learn from."""
import os
import struct

from support import CommandTest, sets
import support

SMALL = {"world.features": 20, "world.classes": 3, "world.contrast": 1, "classic.hidden": "16, 12", "classic.samples": 12800, "classic.fresh": 2000}


class Classic(CommandTest):
    def run_classic(self, out, keys=(), *words):
        self.strata("run", "classic", "--world", "labelled", *sets({**SMALL, **dict(keys)}), "--out", out, "--quiet", *words)
        return self.summary(out)

    def test_learns_drawn_samples(self):
        for activation in ("tanh", "relu"):
            found = self.run_classic(activation, {"classic.activation": activation, "classic.learning_rate": .1})
            self.assertGreater(found["accuracy"], .8 * found["exact_accuracy"])
            self.assertLessEqual(found["accuracy"], found["exact_accuracy"] + .03)
            self.assertLess(found["free_energy_last"], .6 * found["free_energy_first"])
            self.assertEqual(len(found["free_energy"]), len(found["free_energy_batches"]))
            for key in ("samples_per_second", "gflops"):
                self.assertGreater(found[key], 0)
            try:
                import matplotlib  # noqa: F401
                self.assertTrue(os.path.exists(self.path(f"{activation}/figures/classic.png")))
            except ImportError:
                pass

    def test_the_same_seed_gives_the_same_bits(self):
        one, two = (self.run_classic(f"threads{n}", {"run.figures": "false", "classic.batch": 256}, "--threads", n) for n in ("1", "2"))
        self.assertEqual(one["free_energy"], two["free_energy"])
        self.assertNotEqual(one["free_energy"], self.run_classic("seed", {"run.figures": "false", "classic.batch": 256}, "--seed", "2")["free_energy"])

    def test_learns_from_idx_files(self):
        """Two classes that differ in which half of four pixels is bright."""
        count = 200
        with open(self.path("images"), "wb") as images, open(self.path("labels"), "wb") as labels:
            images.write(struct.pack(">BBBBIII", 0, 0, 8, 3, count, 2, 2))
            labels.write(struct.pack(">BBBBI", 0, 0, 8, 1, count))
            for i in range(count):
                images.write(bytes([250, 240, i % 9, 3] if i % 2 else [i % 7, 2, 245, 251]))
                labels.write(bytes([i % 2]))
        self.strata("run", "classic", "--world", "labelled", "--text", "images", "--text", "labels", *sets({"classic.hidden": 8, "classic.samples": 6400, "classic.fresh": 500,
                    "run.figures": "false"}), "--out", "idx", "--quiet")
        found = self.summary("idx")
        self.assertEqual(found["accuracy"], 1)
        self.assertNotIn("exact_accuracy", found)
        self.refused(3, "labels", "run", "classic", "--world", "labelled", "--text", "labels", "--text", "labels", "--out", "no")

    def test_what_cannot_be_learned_is_refused(self):
        self.refused(4, "classic.learning_rate", "run", "classic", "--world", "labelled", *sets({**SMALL, "classic.learning_rate": 900, "classic.activation": "relu"}), "--out", "no")
        self.refused(2, "classic.hidden", "run", "classic", "--world", "labelled", *sets({"classic.hidden": "3.5"}), "--out", "no")
        self.refused(2, "labelled", "run", "classic", "--world", "nested", "--out", "no")
        self.strata("run", "classic", *sets({**SMALL, "run.figures": "false"}), "--out", "no_world_named", "--quiet")  # it has but one
        self.assertEqual(self.summary("no_world_named")["world"], "labelled")
        self.refused(2, "labelled", "run", "depth", "--world", "labelled", "--out", "no")


if __name__ == "__main__":
    support.main()
