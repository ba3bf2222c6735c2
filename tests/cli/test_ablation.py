#!/usr/bin/python3
"""Training schedules and run ablation: what each term of the objective and each part of the schedule is worth."""

import os
import subprocess
import time

import support
from support import CommandTest, sets

SMALL = sets(hierarchy={"levels": 3, "units": 8}, text={"vocabulary": 400}, world={"streams": 4, "tokens": 4000},
             ablation={"repeats": 2, "pairs": 0, "streams": 4})


def level(found, arm, index):
    return found["arms"][arm]["levels"][index]


class Ablation(CommandTest):
    def setUp(self):
        super().setUp()
        self.write("prose.txt", support.text(40, seed=3))

    def test_arms(self):
        arms = "stability | two levels: hierarchy.levels=2 | mute: level.*.broad_weight=0 level.*.pace=0 | nothing: learning.final_rate=0 | replay"
        said = self.strata("run", "ablation", "--text", "prose.txt", "--out", "all", "--quiet", *SMALL, *sets(ablation={"arms": arms}))
        found = self.summary("all")
        names = ["none of them", "stability", "two levels", "mute", "nothing", "replay"]
        self.assertEqual([arm["name"] for arm in found["arms"]], names)
        for name in names:
            self.assertIn(name, said)
        self.assertEqual(found["arms"][3]["keys"], "level.1.broad_weight=0 level.2.broad_weight=0 level.1.pace=0 level.2.pace=0")
        self.assertNotIn("more_nats", found["arms"][0])
        for arm in found["arms"][1:]:
            self.assertEqual(len(arm["more_nats_by_seed"]), 2)
            low, high = arm["more_nats_ci95"]
            self.assertTrue(low <= arm["more_nats"] <= high)
            self.assertAlmostEqual(arm["more_nats"], arm["nats_per_token"] - found["arms"][0]["nats_per_token"], places=9)
        self.assertEqual(found["arms"][4]["more_nats"], 0, "an arm that sets what is so already")
        self.assertEqual(level(found, 4, 1)["more_prediction_nats"], 0)
        self.assertNotEqual(found["arms"][1]["more_nats"], 0)
        self.assertEqual([len(arm["levels"]) for arm in found["arms"]], [3, 3, 2, 3, 3, 3])
        self.assertLess(found["arms"][2]["parameters"], found["arms"][0]["parameters"])
        self.assertGreater(level(found, 3, 2)["more_prediction_nats"], .002, "a level that learns nothing expects worse")
        self.assertGreater(found["arms"][5]["tokens_read"], found["arms"][0]["tokens_read"])
        self.assertEqual([name for name in os.listdir(self.path("all")) if name.endswith(".h5")], [])
        self.assertTrue(os.path.exists(self.path("all/figures/ablation.png")))
        with open(self.path("all/report.html"), encoding="utf-8") as report:
            page = report.read()
        for name in names[1:]:
            self.assertIn(name, page)

    def test_phases_are_arms_on_a_base_of_their_own(self):
        first = [*SMALL, *sets(phase1={"repeats": 1, "pairs": 0, "streams": 4, "arms": "token level alone: hierarchy.levels=1 | quiet: level.1.broad_weight=0 | three: hierarchy.levels=3 level.*.broad_weight=0"})]
        self.strata("run", "phase1", "--text", "prose.txt", "--out", "first", "--quiet", *first)
        arms = self.summary("first")["arms"]
        self.assertEqual([(arm["name"], arm["keys"]) for arm in arms], [("two levels", "hierarchy.levels=2"), ("token level alone", "hierarchy.levels=1"),
                                                                          ("quiet", "hierarchy.levels=2 level.1.broad_weight=0"),
                                                                          ("three", "hierarchy.levels=3 level.1.broad_weight=0 level.2.broad_weight=0")])
        self.assertEqual([len(arm["levels"]) for arm in arms], [2, 1, 2, 3])
        self.assertTrue(os.path.exists(self.path("first/figures/ablation.png")))
        second = [*SMALL, *sets(phase2={"repeats": 1, "pairs": 0, "streams": 4, "base": "three levels: hierarchy.levels=3", "arms": "band: level.*.learn_tau=true level.*.tau_rate=20"})]
        self.strata("run", "phase2", "--text", "prose.txt", "--out", "second", "--quiet", *second)
        base, band = self.summary("second")["arms"]
        self.assertEqual(base["keys"], "hierarchy.levels=3")
        self.assertEqual(level(self.summary("second"), 0, 2)["time_constant"], 40)
        self.assertNotEqual(band["levels"][2]["time_constant"], 40)
        self.assertEqual(band["parameters"], base["parameters"] + 4)
        wider = sets(phase1={"repeats": 1, "pairs": 0, "streams": 4, "base": "two: hierarchy.levels=2 level.*.carry=false", "arms": "three: hierarchy.levels=3"})
        self.strata("run", "phase1", "--text", "prose.txt", "--out", "wider", "--quiet", *SMALL, *wider)
        self.assertEqual([arm["keys"] for arm in self.summary("wider")["arms"]],
                         ["hierarchy.levels=2 level.1.carry=false", "level.1.carry=false level.2.carry=false hierarchy.levels=3"])
        self.refused(2, "phase2.base", "run", "phase2", "--text", "prose.txt", "--out", "no", *SMALL, *sets(phase2={"base": "a: world.passes=1 | b: world.passes=2"}))

    def test_half_lives(self):
        self.strata("run", "ablation", "--text", "prose.txt", "--out", "half", "--quiet", *SMALL,
                    *sets(ablation={"arms": "gate", "repeats": 1, "pairs": 4, "context": 20, "history": 60, "after": 60}, text={"hold_out": "last"}))
        for arm in self.summary("half")["arms"]:
            self.assertGreater(arm["levels"][2]["half_life"], arm["levels"][0]["half_life"])

    def test_refused(self):
        every = ("stability|bottleneck|consistency|reconstruction|contrastive|flexibility|no broad prediction|curriculum|multi-scale|replay|rates in own ticks|"
                 "slow upper levels|hardening|no carry|gate|fed by words")
        for arms, words in (("stabilty", "stability"), ("mine: level.1.taw=3", "level.1.taw"), ("mine: text.vocabulary=300", "text.vocabulary"),
                            ("mine: run.threads=3", "run.threads"), (": level.1.tau=3", "without a name"), ("none of them: level.1.tau=3", "none of them"),
                            ("mine: tau", "KEY=VALUE"), ("two: hierarchy.levels=2 level.2.pace=.5", "has levels 0 to 1"), ("gate | gate", "another arm"), ("many: world.scales=1,2,3,4,5", "world.scales"),
                            ("few: world.replay=.1", "world.replay"), ("slow: learning.curriculum=upward learning.stage=.6", "learning.stage"),
                            (every + "| mine: level.2.taw=3", "level.2.taw")):
            self.refused(2, words, "run", "ablation", "--text", "prose.txt", "--out", "no", *SMALL, *sets(ablation={"arms": arms}))
            self.assertEqual([name for name in os.listdir(self.path("")) if name.startswith("no")], [])

    def test_an_interrupted_run_goes_on(self):
        self.strata("run", "ablation", "--text", "prose.txt", "--quiet", *SMALL, *sets(ablation={"arms": "gate | hardening"}), "--out", "whole")
        process = subprocess.Popen([support.STRATA, "run", "ablation", "--text", "prose.txt", "--quiet", *SMALL, *sets(ablation={"arms": "gate | hardening"}), "--out", "parted"],
                                   cwd=self.base, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        kept = self.path("parted.partial/arms/1_1.json")
        while process.poll() is None and not os.path.exists(kept):
            time.sleep(.01)
        process.kill()
        process.wait()
        self.assertTrue(os.path.exists(kept))
        written = os.stat(kept).st_mtime_ns
        self.strata("run", "--resume", "parted", "--quiet")
        self.assertEqual(os.stat(self.path("parted/arms/1_1.json")).st_mtime_ns, written, "what was measured is not measured again")
        whole, parted = self.summary("whole"), self.summary("parted")
        for one, other in zip(whole["arms"], parted["arms"]):
            for arm in (one, other):
                for key in [key for key in arm if key.startswith("seconds")]:
                    del arm[key]
            self.assertEqual(one, other)

    def test_curriculum_says_when_levels_woke(self):
        self.strata("train", "--text", "prose.txt", "--out", "up", "--quiet", *SMALL[:-6],
                    *sets(learning={"curriculum": "upward", "settled": 0, "stage": .25}))
        training = self.summary("up")["training"]
        self.assertEqual(training["woken"][0], 0)
        self.assertEqual(len(training["woken"]), 3)
        self.assertAlmostEqual(training["woken"][1], training["updates"] / 4, delta=1.5)
        self.assertAlmostEqual(training["woken"][2], training["updates"] / 2, delta=2.5)


if __name__ == "__main__":
    support.main()
