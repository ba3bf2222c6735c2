#!/usr/bin/python3
"""Dynamic depth: what train and evaluate say of it, that a model has the levels that were left, that it can be stopped; and run phase3."""

import os
import subprocess
import time

import support
from support import CommandTest, sets

import h5py  # after support, which skips where it is absent

SMALL = sets(hierarchy={"levels": 3, "units": 8}, level={"0.units": 8, "0.hidden": 16, "0.context": 1, "0.share": "true"}, learning={"warm_up": 5, "rate": .02}, text={"vocabulary": 400}, world={"streams": 4, "tokens": 6000},
             evaluate={"streams": 4})
DYNAMIC = sets(growth={"dynamic": "true", "first": 1, "trial": 1000})


class DynamicDepth(CommandTest):
    def setUp(self):
        super().setUp()
        self.write("prose.txt", support.text(60, seed=3))

    def test_evaluate_reads_with_the_levels_that_were_left(self):
        said = self.strata("evaluate", "--text", "prose.txt", "--out", "grown", "--quiet", *SMALL, *DYNAMIC, "--set", "run.figures=false")
        found = self.summary("grown")
        growth = found["training"]["growth"]
        self.assertEqual(growth["first"], 1)
        self.assertGreater(growth["levels"], 1, "these documents have topics")
        self.assertEqual(len(found["levels"]), growth["levels"])
        self.assertIn(f"{growth['levels']} levels at the end of learning, 1 at its start", said)
        levels = 1
        for judgement in growth["judgements"]:
            self.assertEqual(judgement["from"], levels)
            self.assertEqual(abs(judgement["to"] - levels), 1)
            self.assertGreaterEqual(judgement["tokens"] - judgement["begun"], 1000)
            levels = judgement["to"] if judgement["verdict"] == "taken" else levels
        self.assertEqual(levels, growth["levels"])
        self.assertEqual(growth["judgements"][0]["begun"], 0)
        self.assertTrue(all(1 <= used <= 3 for used in growth["in_use_levels"]))
        self.assertEqual(len(growth["in_use_levels"]), len(growth["in_use_tokens"]))
        used = found["depth"]["document_levels_in_use"]
        self.assertEqual(len(used), found["held_out_documents"])
        self.assertTrue(all(1 <= d <= growth["levels"] for d in used))
        with h5py.File(self.path("grown/trace.h5"), "r") as trace:
            self.assertEqual(trace["tokens/depth_in_use"].shape, trace["tokens/surprise"].shape)
            self.assertEqual(len(trace["levels"]), growth["levels"])
        # A model that is given is read with as many levels as it has.
        self.strata("evaluate", "--text", "prose.txt", "--model", "grown/model.h5", "--out", "again", "--quiet", "--set", "run.figures=false",
                    "--set", "evaluate.streams=4")
        again = self.summary("again")
        self.assertEqual(again["nats_per_token"], found["nats_per_token"])
        self.assertEqual(again["depth"], found["depth"])

    def test_a_level_that_wakes_is_announced(self):
        result = self.start("train", "--text", "prose.txt", "--out", "loud", *SMALL, *DYNAMIC)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stderr, r"level 1 \(sentence\) wakes: worth 0\.\d+ \+- 0\.\d+ nats a token")

    def test_what_does_not_go_with_it_is_refused(self):
        for keys, said in (({"learning.curriculum": "upward"}, "growth.dynamic"), ({"learning.own_ticks": 2}, "growth.dynamic"),
                           ({"learning.lightness": .5}, "growth.dynamic"), ({"monitor.cure": "true"}, "growth.dynamic"),
                           ({"growth.first": 4}, "growth.first"), ({"level.0.share": "false"}, "growth.first"), ({"hierarchy.levels": 1, "growth.first": 1}, "hierarchy.levels"),
                           ({"growth.trail": 5}, "growth.trial")):
            with self.subTest(keys=keys):
                self.refused(2, said, "train", "--text", "prose.txt", "--out", "no", *SMALL, *DYNAMIC, *sets(keys))

    def test_a_stopped_training_ends_in_the_same_bits(self):
        self.strata("train", "--text", "prose.txt", "--out", "whole", "--quiet", *SMALL, *DYNAMIC)
        process = subprocess.Popen([support.STRATA, "train", "--text", "prose.txt", "--out", "parted", "--quiet", *SMALL, *DYNAMIC,
                                    "--set", "learning.checkpoint_seconds=0"], cwd=self.base, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        checkpoint = self.path("parted.partial/checkpoint.h5")
        while process.poll() is None and not os.path.exists(checkpoint):
            time.sleep(.01)
        process.kill()
        process.wait()
        self.assertTrue(os.path.exists(checkpoint))
        self.strata("train", "--resume", "parted", "--quiet")
        self.assert_same_bits("whole/model.h5", "parted/model.h5")
        whole, parted = self.summary("whole")["training"]["growth"], self.summary("parted")["training"]["growth"]
        self.assertEqual(whole, parted)

    def test_phase3(self):
        said = self.strata("run", "phase3", "--text", "prose.txt", "--out", "depths", "--quiet", *SMALL, *DYNAMIC,
                           *sets(phase3={"repeats": 2, "streams": 4}))
        found = self.summary("depths")
        self.assertEqual([arm["name"] for arm in found["arms"]], ["dynamic", "1 level", "2 levels", "3 levels"])
        self.assertEqual([arm["depth"] for arm in found["arms"][1:]], [1, 2, 3])
        best = min(found["arms"][1:], key=lambda arm: arm["nats_per_token"])
        self.assertEqual(found["best_fixed"], best["name"])
        for arm in found["arms"]:
            self.assertIn(arm["name"], said)
            self.assertEqual(len(arm["nats_per_token_by_seed"]), 2)
            if arm is not best:
                self.assertAlmostEqual(arm["more_nats"], arm["nats_per_token"] - best["nats_per_token"], places=9)
        self.assertAlmostEqual(found["more_than_best"], found["arms"][0]["more_nats"] / best["nats_per_token"], places=9)
        self.assertEqual([growth["levels"] for growth in found["growth"]], found["arms"][0]["depth_by_seed"])
        self.assertTrue(os.path.exists(self.path("depths/figures/phase3.png")))

    def test_a_world_of_known_depth(self):
        """A second level is found where there is one, and none where there is none."""
        keys = {"run.figures": "false", "depth.levels": 2, "growth.dynamic": "true", "growth.first": 1}
        said = self.strata("run", "depth", "--world", "nested", "--out", "world", "--quiet",
                           *sets({**keys, "depth.truths": "1, 2", "world.tokens": 80000, "growth.trial": 8000}))
        found = self.summary("world")
        self.assertEqual([world["true_depth"] for world in found["worlds"]], [1, 2])
        for truth, world in enumerate(found["worlds"], 1):
            growth = world["training"]["growth"]
            self.assertEqual((world["found_depth"], growth["levels"]), (truth, truth))
            self.assertIs(world["right"], True)
            self.assertEqual(growth["judgements"][0]["tokens"], 8000)
            self.assertIn(f"found {truth}, right", said)
        self.assertEqual((found["right_depths"], found["worlds_tried"]), (2, 2))
        self.assertIn("levels at the end of learning, 1 at its start", said)
        # More levels than a hierarchy may have are not found by it.
        said = self.strata("run", "depth", "--world", "nested", "--out", "deep", "--quiet",
                           *sets({**keys, "depth.truths": 3, "world.tokens": 3000, "growth.trial": 500}))
        found = self.summary("deep")
        self.assertIs(found["worlds"][0]["right"], False)
        self.assertEqual((found["right_depths"], found["worlds_tried"]), (0, 1))
        self.assertIn(f"found {found['worlds'][0]['found_depth']}, wrong", said)

    def test_phase3_is_refused(self):
        for keys, said in (({"phase3.fixed": "1, 4"}, "phase3.fixed"), ({"phase3.fixed": "1.5"}, "whole numbers"),
                           ({"hierarchy.levels": 1, "growth.first": 1}, "hierarchy.levels")):
            with self.subTest(keys=keys):
                self.refused(2, said, "run", "phase3", "--text", "prose.txt", "--out", "no", *SMALL, *sets(keys))


if __name__ == "__main__":
    support.main()
