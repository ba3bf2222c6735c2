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
        arms = self.summary("half")["arms"]
        for arm in arms:
            lowest, highest = arm["levels"][0]["half_life"], arm["levels"][2]["half_life"]
            self.assertGreater(highest, lowest)
            self.assertAlmostEqual(arm["half_life_rho"], (highest / lowest) ** .5, places=6)
            self.assertEqual(arm["half_life_rho_by_seed"], [arm["half_life_rho"]])
        self.assertNotEqual(arms[0]["half_life_rho"], arms[1]["half_life_rho"])

    def defaults(self, name, base, *arms):
        """A run with no word said on its base and arms: each of them is there and is something else than the base."""
        self.write("short.txt", support.text(60, seed=3, paragraphs=2))  # documents that end soon enough to be replayed
        # Four levels: only of the fourth are there ticks that are further apart than updates.
        keys = {**support.SMALL, "text.vocabulary": 300, "world.tokens": 4000, f"{name}.repeats": 1, f"{name}.pairs": 0, f"{name}.streams": 4}
        for index in (1, 2, 3):  # so few tokens move time constants, and open gates, only where little holds them
            keys |= {f"level.{index}.tau_rate": 100, f"level.{index}.gate_threshold": 1}
        self.strata("run", name, "--text", "short.txt", "--out", name, "--quiet", "--threads", 1, *sets(keys))
        found = self.summary(name)["arms"]
        self.assertEqual([arm["name"] for arm in found], [base, *arms])
        self.assertEqual(len({arm["keys"] for arm in found}), len(found))
        self.assertNotIn("more_nats", found[0])
        for arm in found[1:]:
            self.assertNotEqual(arm["more_nats"], 0, f"{arm['name']} sets what is so already")
        return {arm["name"]: arm for arm in found}

    def test_default_arms(self):
        arms = self.defaults("ablation", "none of them", "stability", "bottleneck", "consistency", "reconstruction", "contrastive", "flexibility",
                             "no broad prediction", "curriculum", "multi-scale", "replay", "rates in own ticks", "slow upper levels",
                             "hardening", "no carry", "gate", "fed by words")
        self.assertEqual(arms["none of them"]["keys"], "")
        self.assertEqual(arms["stability"]["keys"], "level.1.stability=0.05 level.2.stability=0.1 level.3.stability=0.2")
        self.assertEqual(len({arm["more_nats"] for arm in arms.values() if "more_nats" in arm}), 16, "no two arms are the same")
        more = [name for name, arm in arms.items() if arm["tokens_read"] > arms["none of them"]["tokens_read"]]
        self.assertEqual(more, ["multi-scale", "replay"])
        self.assertEqual({len(arm["levels"]) for arm in arms.values()}, {4})

    def test_default_arms_of_phase1(self):
        arms = self.defaults("phase1", "two levels", "token level alone", "no carry", "no broad prediction", "gate")
        self.assertEqual([len(arm["levels"]) for arm in arms.values()], [2, 1, 2, 2, 2])
        self.assertEqual([arm["keys"] for arm in arms.values()],
                         ["hierarchy.levels=2", "hierarchy.levels=1", "hierarchy.levels=2 level.1.carry=false",
                          "hierarchy.levels=2 level.1.broad_weight=0", "hierarchy.levels=2 level.1.gate=true"])

    def test_default_arms_of_phase2(self):
        arms = self.defaults("phase2", "four levels", "three levels", "band", "free", "free from equal")
        self.assertEqual([len(arm["levels"]) for arm in arms.values()], [4, 3, 4, 4, 4])
        fixed, fewer, band, free, equal = ([level["time_constant"] for level in arm["levels"][1:]] for arm in arms.values())
        self.assertEqual(fewer, fixed[:2])
        # Learned in a hurry, one of them comes to the edge of its band; nothing holds those that are free.
        for learned, start in zip(band, fixed, strict=True):
            self.assertNotEqual(learned, start)
            self.assertTrue(start / 3.0001 <= learned <= start * 3.0001, band)
        self.assertTrue(any(max(learned / start, start / learned) > 3.1 for learned, start in zip(free, fixed, strict=True)), free)
        self.assertEqual(len({*equal, 40}), 4, equal)

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
