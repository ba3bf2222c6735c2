#!/usr/bin/python3
"""time_scales, depth and stubbornness on tiny worlds: every arm gets its own keys, what they say of one another holds, what makes no sense is refused."""
import json
import math
import unittest

import support
from support import CommandTest, sets

import h5py  # after support, which skips where it is absent

WORLD = {"world.levels": 2, "world.tau": "4, 32", "world.vocabulary": 8, "world.tokens": 3000}
TINY = ("--world", "nested", "--quiet", *sets({**WORLD, "run.figures": "false"}))
OF_ANY_DEPTH = ("--world", "nested", "--quiet", *sets({"world.vocabulary": 8, "world.tokens": 3000, "run.figures": "false"}))
DEPTH = {"levels": 3, "states": 6, "truths": "2, 1", "steps": 8000}
STUBBORN = {"rho": "4", "steps": 400, "warm_up": 50, "streams": 8}


class TimeScales(CommandTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.first = cls.start("run", "time_scales", *TINY, "--out", "scales")

    def test_every_arm_has_its_own_time_constants(self):
        self.assertEqual(self.first.returncode, 0, self.first.stderr)
        summary = self.summary("scales")
        own, spaced, learned, banded, equal = summary["arms"]
        # Draws: the top leaves each of its 4 states every 32 steps for one of the other 3; of the 6 below half are allowed, and the top's switches draw too.
        self.assertAlmostEqual(own["time_constants"][1], 32 * (1 - 1 / 4), delta=.8)
        self.assertAlmostEqual(own["time_constants"][0], 1 / (1 / 4 + 1 / 32) * (1 - 1 / 3), delta=.5)
        self.assertEqual((own["found"], own["found_within_factor_2"], own["pairs_closer_than_1_5"]), ([4, 32], 2, 0))
        for got, wanted in zip(spaced["time_constants"] + equal["time_constants"], (5, 50, 64, 64)):
            self.assertAlmostEqual(got, wanted, delta=1e-3)
        for tau, dwell, states in zip(own["time_constants"], own["dwell_times"], (6, 4)):  # a draw may return the state there was
            self.assertAlmostEqual(dwell * (1 - 1 / states), tau, delta=.1 * tau)
        self.assertEqual((equal["found"], equal["found_within_factor_2"], equal["pairs_closer_than_1_5"]), ([], 0, 1))
        for start, end in zip((64, 64), learned["time_constants"]):
            self.assertGreater(abs(end - start), 1e-3)
        self.assertGreater(learned["time_constants"][1], learned["time_constants"][0])
        for low, tau in zip((2, 16), banded["time_constants"]):
            self.assertTrue(low * .999 <= tau <= 8 * low * 1.001, tau)
        self.assertEqual([level["time_constant_learned"] for level in summary["levels"]], learned["time_constants"])

    def test_points_lost_follow_from_the_gaps(self):
        arms = self.summary("scales")["arms"]
        self.assertEqual(arms[0]["points_lost"], 0)
        for arm in arms[1:]:
            self.assertAlmostEqual(arm["points_lost"], 100 * (arms[0]["gap_closed"] - arm["gap_closed"]), places=6)
            self.assertNotEqual(arm["nats_per_token"], arms[0]["nats_per_token"])

    def test_the_arms_leave_the_run_as_it_was_asked_for(self):
        """config.ini repeats the run, with any number of threads; a trace says under which keys it was made."""
        with open(self.path("scales/config.ini"), encoding="utf-8") as file:
            self.assertIn("tau = 32", file.read())
        with h5py.File(self.path("scales/equal.h5"), "r") as trace:
            self.assertIn("level.1.tau = 64", trace.attrs["config"])
        self.strata("run", "time_scales", "--config", "scales/config.ini", "--threads", 2, "--quiet", "--out", "again")
        self.assert_same_summary("scales", "again", but=("threads",))


class Depth(CommandTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.first = cls.start("run", "depth", *OF_ANY_DEPTH, *sets({"world.tokens": 20000}, depth=DEPTH), "--out", "depth")

    def test_levels_that_nothing_is_lost_without_are_taken_away_one_by_one(self):
        self.assertEqual(self.first.returncode, 0, self.first.stderr)
        summary = self.summary("depth")
        self.assertEqual([world["true_depth"] for world in summary["worlds"]], [2, 1])
        taken = 0
        for world in summary["worlds"]:
            rounds = [one["levels"] for one in world["rounds"]]
            self.assertEqual(len(rounds[0]), 3)
            self.assertEqual(world["found_depth"], len(rounds[-1]))
            self.assertEqual(world["right"], world["found_depth"] == world["true_depth"])
            for before, after in zip(rounds, rounds[1:]):
                self.assertEqual(sum(level["fate"] != "kept" for level in before), 1)
                self.assertEqual(len(after), len(before) - 1)
                taken += 1
            for level in (level for one in rounds for level in one if level["fate"] != "kept"):
                self.assertLessEqual(level["removal_cost_nats"], max(3 * level["removal_cost_se"], level["price_nats"]))
                self.assertRegex(level["fate"], "^(worth too little|merged with level [0-2])$")
            self.assertTrue(all(level["fate"] == "kept" for level in rounds[-1]))
            if len(rounds[-1]) > 1:
                self.assertTrue(all(level["removal_cost_nats"] > max(3 * level["removal_cost_se"], level["price_nats"]) for level in rounds[-1]))
            for number, one in enumerate(rounds, 1):  # 8 logits and 6 transitions from each of 6 states, a time constant; Pi of the top has one column
                steps = 20000 + 8000 * number
                for level in (level for level in one if "price_nats" in level):
                    self.assertAlmostEqual(level["price_nats"], (6 * 8 + 36 + 1) / 2 * math.log(steps) / steps, delta=1e-9)
        self.assertGreater(taken, 1)
        self.assertEqual(summary["worlds"][1]["found_depth"], 1)
        self.assertEqual(summary["right_depths"], sum(world["right"] for world in summary["worlds"]))

    def test_what_was_learned_goes_on_in_the_next_round(self):
        """Time constants start equal, and those of a round are near those of the round before: nothing is learned anew."""
        for world in self.summary("depth")["worlds"]:
            rounds = [one["levels"] for one in world["rounds"]]
            self.assertGreater(rounds[0][1]["time_constant"], 2 * rounds[0][0]["time_constant"])
            for before, after in zip(rounds, rounds[1:]):
                left = [level["time_constant"] for level in before if level["fate"] == "kept"]
                for then, now in zip(left, [level["time_constant"] for level in after]):
                    self.assertTrue(then / 2 < now < 2 * then, (then, now))
        with h5py.File(self.path("depth/model.h5"), "r") as model:  # of the last world
            self.assertIn("hierarchy.levels = 1", model.attrs["config"])
        self.strata("run", "optimum", "--world", "nested", "--quiet", "--model", "depth/model.h5", "--out", "read",
                    *sets({"run.figures": "false"}, optimum={"steps": 400, "streams": 4}))

    def test_a_gain_is_what_the_twin_without_the_level_costs_more(self):
        last = self.summary("depth")["worlds"][0]["rounds"][-1]["levels"]
        self.strata("run", "depth", *OF_ANY_DEPTH, *sets({"world.tokens": 20000}, depth={**DEPTH, "truths": 2, "threshold": 0, "price": 0}), "--out", "kept")
        rounds = self.summary("kept")["worlds"][0]["rounds"]
        self.assertTrue(all(level["removal_cost_nats"] > 0 for level in rounds[-1]["levels"] if "removal_cost_nats" in level))
        self.assertGreaterEqual(len(rounds[-1]["levels"]), len(last))
        whole, rest = (h5py.File(self.path(f"kept/{name}.h5"), "r") for name in ("trace", "without"))
        with whole, rest:
            self.assertEqual(whole["tokens/id"][:].tolist(), rest["tokens/id"][:].tolist())
            difference = float((rest["tokens/surprise"][:] - whole["tokens/surprise"][:]).mean())
        self.assertAlmostEqual(difference, rounds[-1]["levels"][0]["removal_cost_nats"], delta=2e-6)  # the last that was tried


class Stubbornness(CommandTest):
    def test_the_dial_makes_higher_levels_heavier(self):
        self.strata("run", "stubbornness", *TINY, *sets(stubbornness=STUBBORN), "--out", "dial")
        light, heavy = self.summary("dial")["dial"]
        self.assertEqual((light["rho"], heavy["rho"]), (1, 4))
        self.assertEqual(light["cost_nats"], 0)
        self.assertAlmostEqual(heavy["cost_nats"], heavy["nats_per_token"] - light["nats_per_token"], places=6)
        self.assertNotEqual(heavy["cost_nats"], 0)
        tokens = [level.get("tokens_to_switch", level.get("tokens_to_switch_at_least")) for one in (light, heavy) for level in one["levels"][1:]]
        self.assertGreater(tokens[1], 1.2 * tokens[0])
        for a, b in zip(light["levels"], heavy["levels"]):
            self.assertEqual(a["exact_evidence_nats"], b["exact_evidence_nats"])
        self.strata("run", "stubbornness", "--world", "nested", "--quiet", "--model", "dial/model.h5", *sets({"run.figures": "false"}, stubbornness=STUBBORN),
                    "--out", "given")
        self.assert_same_summary("dial", "given", but=("tokens",))

    def test_evidence_is_what_arrived(self):
        """Level 1 divides by its kappa: the trace of another dial says which it was."""
        self.strata("run", "stubbornness", *TINY, *sets(stubbornness={**STUBBORN, "rho": "1"}), "--out", "one")
        with h5py.File(self.path("one/trace.h5"), "r+") as trace:
            self.assertEqual(trace["levels/1"].attrs["stubbornness"], 1)
            trace["levels/1"].attrs["stubbornness"] = .25
        before = self.summary("one")["levels"][1]["evidence_nats"]
        found = json.loads(self.strata("analyse", "evidence", "one/trace.h5", "--json"))
        self.assertAlmostEqual(found["levels"][1]["evidence_nats"], 4 * before, delta=1e-4)


class Refused(CommandTest):
    def test_what_cannot_be_compared(self):
        for experiment, keys, said in (
                ("time_scales", {"level.0.kind": "conditional"}, "learn_tau"),
                ("time_scales", {"hierarchy.levels": 3}, "this world has 2 levels"),
                ("stubbornness", {"stubbornness.rho": "1, two"}, "stubbornness.rho"),
                ("stubbornness", {"stubbornness.rho": "0"}, "stubbornness.rho"),
                ("depth", {"depth.truths": "1.5"}, "whole numbers"),
                ("depth", {"depth.truths": ""}, "at least one depth"),
                ("depth", {"depth.truths": "9"}, "depth.truths")):
            with self.subTest(experiment=experiment, keys=keys):
                self.refused(2, said, "run", experiment, "--world", "nested", *sets({**WORLD, **keys}), "--out", "refused")
        self.refused(2, "nested", "run", "depth", "--world", "oddball", "--out", "refused")


if __name__ == "__main__":
    support.main()
