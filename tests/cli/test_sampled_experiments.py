#!/usr/bin/python3
"""belief_inertia, surprise_recovery, optimum and evaluate on every sampled world: who reads what, and what stands beside the model."""
import os
import random
import unittest

import support
from support import ROOT, CommandTest, sets

import h5py  # after support, which skips where it is absent
import numpy as np

SMALL = {"world.tokens": 1500, "run.figures": "false"}
CHAIN = ("--config", os.path.join(ROOT, "experiments", "config", "linear_gaussian.ini"))
WORLDS = {
    "nested": (*sets({"world.levels": 2, "world.vocabulary": 8}),),
    "linear_gaussian": CHAIN,
    "oddball": (),
    "series": ("--text", "series.csv"),
}
INERTIA = {"pairs": 8, "history": 120, "after": 150, "reading": 1500}
RECOVERY = {"places": 8, "history": 150, "after": 200, "sentence": 10, "paragraph": 40}
OPTIMUM = {"streams": 4, "steps": 300, "warm_up": 20}


def series(rows, seed=1):
    """A slow walk that a faster one follows."""
    chance, slow, fast, lines = random.Random(seed), 0, 0, ["time,fast,slow"]
    for t in range(rows):
        slow = .99 * slow + .1 * chance.gauss(0, 1)
        fast = .7 * fast + .3 * slow + .2 * chance.gauss(0, 1)
        lines.append(f"{t},{fast:.4f},{slow:.4f}")
    return "\n".join(lines) + "\n"


class SampledTest(CommandTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.write("series.csv", series(2000))
        cls.write("short.csv", series(200))

    def run_on(self, world, experiment, keys, *more):
        out = f"{experiment}.{world}"
        words = (experiment,) if experiment == "evaluate" else ("run", experiment)
        self.said = self.strata(*words, "--world", world, *WORLDS[world], *sets(SMALL), *sets({f"{experiment}.{k}": v for k, v in keys.items()}), *more,
                                "--quiet", "--out", out)
        return self.summary(out), out

    def open(self, name):
        trace = h5py.File(self.path(name), "r")
        self.addCleanup(trace.close)
        return trace

    def surprise(self, trace, condition=""):
        return trace[f"{condition}/tokens/time"][()], trace[f"{condition}/tokens/surprise"][()]


class BeliefInertia(SampledTest):
    def check(self, world, exact, contexts):
        summary, out = self.run_on(world, "belief_inertia", INERTIA)
        self.assertEqual(summary["pairs"], 8)
        self.assertTrue(all(any(key.startswith("half_life") for key in level) for level in summary["levels"]))
        self.assertTrue(all(any(key.startswith("half_life_single") for key in level) for level in summary["levels"]))
        self.assertTrue(all(any(key.startswith("tokens_to_switch") for key in level) for level in summary["levels"]))
        self.assertTrue(all(any(key.startswith("evidence_nats") for key in level) for level in summary["levels"]))
        self.assertEqual("exact" in summary, exact)
        self.assertEqual("no exact observer" in self.said, not exact)
        self.assertEqual(os.path.exists(self.path(f"{out}/switches.h5")), contexts)
        trace = self.open(f"{out}/trace.h5")
        self.assertEqual("switch" in trace["conditions"], not contexts)
        if exact:
            other = self.open(f"{out}/exact.h5")
            both = [name for name in trace["conditions"] if not name.startswith("twin_l")]  # nobody can swap one level of a joint posterior
            self.assertEqual(sorted(both), sorted(other["conditions"]))
            self.assertTrue(all("half_life_single" not in level for level in summary["exact"]["levels"]))
            for condition in ("", "/conditions/twin"):
                self.assertTrue(np.array_equal(trace[f"{condition}/tokens/id"], other[f"{condition}/tokens/id"]))
                self.assertGreater(np.nanmax(abs(self.surprise(trace, condition)[1] - self.surprise(other, condition)[1])), 0)
        return summary, trace

    def test_nested(self):
        summary, trace = self.check("nested", True, True)
        self.assertEqual((summary["distance"], summary["exact"]["distance"]), ("total_variation",) * 2)
        time, a, b = trace["tokens/time"][()], trace["tokens/id"][()], trace["conditions/twin/tokens/id"][()]
        self.assertTrue((a[time >= 0] == b[time >= 0]).all())
        self.assertFalse((a[time < 0] == b[time < 0]).all())
        self.assertFalse((a[:, 0] == a[:, 1]).all())
        p, q = (group["levels/1/prediction"][()] for group in (trace, trace["conditions/twin"]))
        away = .5 * abs(p - q).sum(axis=2)
        start = np.flatnonzero(trace["levels/1/time"][()] == -1)[0]
        ratio = (away[start:] / away[start]).mean(axis=1)
        self.assertAlmostEqual(np.argmax(ratio <= .5), summary["levels"][1]["half_life"], delta=1)

    def test_oddball(self):
        self.check("oddball", True, True)

    def test_series(self):
        summary, _ = self.check("series", False, False)
        self.assertEqual(summary["distance"], "euclidean")

    def test_linear_gaussian(self):
        summary, trace = self.check("linear_gaussian", True, False)
        self.assertEqual(len(summary["levels"]), 4)
        for level in (*summary["levels"], *summary["exact"]["levels"]):
            low, high = level["half_life_ci95"]
            self.assertTrue(low <= level["half_life"] <= high, level)
        # The model is the Kalman filter at rest; after so short a history the exact one still moves its fast levels alike.
        self.assertAlmostEqual(summary["levels"][0]["half_life"] / summary["exact"]["levels"][0]["half_life"], 1, delta=.5)
        time = trace["conditions/switch/levels/3/time"][()]
        for name, same in (("always", time < -500), ("stayed", time < 0)):
            a, b = (trace[f"conditions/{c}/levels/3/belief"][()] for c in ("switch", name))
            self.assertTrue(np.array_equal(a[same], b[same]))
            self.assertFalse(np.array_equal(a[time >= 0], b[time >= 0]))

    def test_too_short_a_series(self):
        said = self.refused(3, ("short.csv", "has 200 rows", "shorter stretches or fewer trials"), "run", "belief_inertia", "--world", "series", "--text",
                            "short.csv", *sets(SMALL), "--out", "short")
        self.assertIn("need 9141", said)  # 3 (3000 + 47)


class SurpriseRecovery(SampledTest):
    def check(self, world, exact):
        summary, out = self.run_on(world, "surprise_recovery", RECOVERY)
        self.assertEqual(summary["condition"], "paragraph_stretch")
        self.assertTrue(all(any(key.startswith("recovery") for key in level) for level in summary["levels"]))
        self.assertEqual(sorted(summary["conditions"]), ["paragraph_stretch", "sentence_stretch", "switch"])
        self.assertEqual("exact" in summary, exact)
        self.assertEqual("no exact observer" in self.said, not exact)
        trace = self.open(f"{out}/trace.h5")
        for name, length in (("sentence_stretch", 10), ("paragraph_stretch", 40)):
            self.assertTrue((trace[f"conditions/{name}/passage_length"][()] == length).all())
            events = trace[f"conditions/{name}/events"]
            marks = {(t, k) for t, k in zip(events["time"][()], events["kind"][()])}
            self.assertTrue({(-length, 8), (-1, 16)} <= marks)
        if exact:
            self.assertEqual(sorted(summary["exact"]["conditions"]), sorted(summary["conditions"]))
            self.assertEqual(len(summary["exact"]["levels"]), len(summary["levels"]))
        return summary, trace

    def test_nested(self):
        _, trace = self.check("nested", True)
        time, plain = trace["tokens/time"][()], trace["tokens/id"][()]
        for name, length in (("sentence_stretch", 10), ("paragraph_stretch", 40)):
            with_it = trace[f"conditions/{name}/tokens/id"][()]
            self.assertTrue((with_it[time >= 0] == plain[time >= 0]).all())
            before = time < -length
            self.assertTrue((with_it[before] == plain[np.flatnonzero(before) + length]).all())
        short, long = (trace[f"conditions/{name}/tokens/id"][()] for name in ("sentence_stretch", "paragraph_stretch"))
        self.assertTrue((short[(time >= -10) & (time < 0)] == long[(time >= -40) & (time < -30)]).all())  # both from the donor's beginning
        switch, always = (trace[f"conditions/{name}/tokens/id"][()] for name in ("switch", "always"))
        self.assertTrue((switch[time >= 0] == always[time >= 0]).all())
        self.assertTrue((switch[time < 0] == plain[time < 0]).all())
        self.assertTrue({(0, 32)} <= set(zip(trace["conditions/switch/events/time"][()], trace["conditions/switch/events/kind"][()])))

    def test_linear_gaussian(self):
        summary, trace = self.check("linear_gaussian", True)
        recovery = [level["recovery"] for level in summary["levels"][:3]]
        self.assertEqual(recovery, sorted(recovery))
        self.assertNotIn("surprise", trace["levels/1"])  # nothing there is surprised but the lowest level
        self.assertIn("peak_error", summary["exact"]["levels"][2])

    def test_oddball(self):
        self.check("oddball", True)

    def test_series(self):
        self.check("series", False)


class Scores(SampledTest):
    def test_optimum_of_the_kalman_filter(self):
        summary, out = self.run_on("linear_gaussian", "optimum", {**OPTIMUM, "warm_up": 2000, "steps": 1000})
        self.assertGreater(summary["gap_closed"], .98)
        for level, gain in zip(summary["levels"], (.437, .147, .0499, .0155)):
            self.assertAlmostEqual(level["gain"] / gain, 1, delta=.02)
        trace = self.open(f"{out}/trace.h5")
        self.assertEqual(trace["world/value"].shape, (500, 1, 1))
        self.assertEqual(trace["conditions/unigram/tokens/surprise"].shape, (500, 1))

    def test_optimum_of_a_series(self):
        summary, _ = self.run_on("series", "optimum", OPTIMUM)
        self.assertNotIn("gap_closed", summary)
        self.assertLess(summary["nats_per_token"], summary["unigram_nats"])
        self.assertIn("topdown_gain_nats", summary["levels"][0])
        self.assertIn("no exact observer", self.said)

    def test_evaluate(self):
        for world in WORLDS:
            with self.subTest(world=world):
                summary, out = self.run_on(world, "evaluate", {"streams": 4, "steps": 300})
                trace = self.open(f"{out}/trace.h5")
                self.assertAlmostEqual(summary["nats_per_token"], trace["tokens/surprise"][()].mean(), places=4)
                self.assertAlmostEqual(summary["unigram_nats"], trace["conditions/unigram/tokens/surprise"][()].mean(), places=4)
                self.assertEqual("bayes_nats" in summary, world != "series")
                self.assertEqual("perplexity" in summary, world in ("nested", "oddball"))

    def test_figures_are_drawn_of_numbers_too(self):
        for experiment, keys, names in (("belief_inertia", INERTIA, {"demo", "switch", "twin", "weight"}),
                                        ("surprise_recovery", RECOVERY, {"demo", "recovery", "surprise", "surprise_stretch", "switch", "weight"}),
                                        ("optimum", OPTIMUM, {"captured_fraction", "gain", "gap_closed", "worth"})):
            result = self.start("run", experiment, "--world", "linear_gaussian", *CHAIN, *sets({"world.tokens": 1500}, **{experiment: keys}),
                                "--out", f"drawn.{experiment}")
            self.assertEqual(result.returncode, 0, result.stderr)
            if "needs" in result.stderr and "were not drawn" in result.stderr:
                self.skipTest("what draws is absent")
            self.assertNotIn("were not drawn", result.stderr)
            self.assertEqual({name.removesuffix(".png") for name in os.listdir(self.path(f"drawn.{experiment}/figures"))}, names)

    def test_bad_chains_are_refused(self):
        for keys, said in (({"world.tau": "2,-3"}, "world.tau"), ({"world.observation_noise": -1}, "world.observation_noise"),
                           ({"world.levels": 9}, "world.levels"), ({"world.noise": "1,2,3"}, "world.noise")):
            with self.subTest(keys=keys):
                self.refused(2, said, "train", "--world", "linear_gaussian", *sets(keys), "--out", "refused")

    def test_a_chain_is_trained_inspected_and_described(self):
        self.strata("train", "--world", "linear_gaussian", *sets(SMALL), "--out", "trained", "--quiet")
        self.assertIn("gaussian", self.strata("inspect", "trained/model.h5"))
        self.assertIn("linear_gaussian", self.strata("list", "worlds"))
        self.assertIn("world.observation_noise", self.strata("describe", "linear_gaussian"))


if __name__ == "__main__":
    support.main()
