#!/usr/bin/python3
"""local_global, roving and hazard: tiny runs with their ready configurations, their summaries and figures; another paradigm is refused."""
import os

import support
from support import ROOT, CommandTest, sets

TINY_READING = {"streams": 2, "steps": 4000, "warm_up": 200}


def config(name):
    return os.path.join(ROOT, "experiments", "config", f"{name}.ini")


class Signatures(CommandTest):
    def found(self, name, ready=None, world=(), **reading):
        out = ready or name
        self.strata("run", name, "--config", config(out), "--out", out, "--quiet", *sets({"world." + key: value for key, value in dict(world).items()}),
                    *sets({f"{name}.{key}": value for key, value in {**TINY_READING, **reading}.items()}))
        drawn = os.path.join(self.base, out, "figures", f"{name}.png")
        try:
            import matplotlib  # noqa: F401
            self.assertTrue(os.path.exists(drawn))
        except ImportError:
            pass
        return self.summary(out)

    def test_local_global(self):
        """A Y costs the lowest level more than an x under either rule, and the clamp leaves that; what a rule makes rare costs every level above more,
        with either kind of trial, and the clamp leaves nothing of that."""
        found = self.found("local_global", world={"tokens": 60000})
        self.assertEqual(len(found["levels"]), 3)
        for summary in (found, found["clamped"]):
            for block in ("xxxxx", "xxxxY"):
                self.assertGreater(summary["levels"][0][f"fifth_local_in_{block}_blocks_relative"], .1)
        for level, clamped in zip(found["levels"][1:], found["clamped"]["levels"][1:]):
            for trial in ("xxxxx", "xxxxY"):
                effect = f"fifth_global_of_{trial}_relative"
                self.assertGreater(level[effect], .02)
                self.assertLess(abs(clamped[effect]), .1 * level[effect])

    def test_roving(self):
        """Surprise falls with repetition as the counting observer's; among many standards a tone as rare as a deviant costs less, by what it costs him less."""
        found = self.found("roving", world={"tokens": 60000})
        self.assertGreater(found["surprise_correlation"], .97)
        self.assertAlmostEqual(found["surprise_slope"], 1, delta=.25)
        self.assertGreater(found["levels"][0]["error_correlation"], .9)
        self.assertAlmostEqual(found["exact_deviant_nats"], 2.52, delta=.1)
        self.assertAlmostEqual(found["many_standards"]["exact_deviant_nats"], 2.19, delta=.05)
        excess, exact = found["deviant_above_many_standards_nats"], found["exact_deviant_above_many_standards_nats"]
        self.assertGreater(excess, .1)
        self.assertAlmostEqual(excess, exact, delta=.5 * exact)

    def test_hazard(self):
        """The belief about volatility raises the learning rate as the exact observer's does; without it, or without volatility, nothing more than that of
        an observer who has none."""
        found = self.found("hazard", steps=16000, streams=4, world={"tokens": 150000})
        exact = found["exact_learning_rate_rise"]
        self.assertAlmostEqual(found["learning_rate_rise"], exact, delta=.3 * exact)
        self.assertGreater(found["rate_correlation"], .9)
        self.assertLess(found["without_volatility_learning_rate_rise"], .4 * exact)
        self.assertAlmostEqual(found["fixed_volatility"]["learning_rate_rise"], found["without_volatility_learning_rate_rise"], delta=.2 * exact)
        self.assertLess(abs(found["no_volatility"]["learning_rate_rise"]), .2 * exact)
        self.assertLess(abs(found["no_volatility"]["exact_learning_rate_rise"]), .2 * exact)
        self.assertEqual(found["exact_stable_nats"], found["fixed_volatility"]["exact_stable_nats"])
        self.assertNotEqual(found["exact_stable_nats"], found["no_volatility"]["exact_stable_nats"])

    def test_hazard_hgf(self):
        found = self.found("hazard", "hazard_hgf", world={"block": 200})
        self.assertGreater(found["exact_learning_rate_rise"], 0)
        for part in (found, found["fixed_volatility"], found["no_volatility"]):
            self.assertTrue(0 < part["learning_rate_stable"] < 1)
        self.assertNotEqual(found["learning_rate_volatile"], found["fixed_volatility"]["learning_rate_volatile"])

    def test_another_paradigm(self):
        self.refused(2, "world.paradigm", "run", "roving", "--world", "oddball", "--set", "world.tokens=200", "--out", "no")


if __name__ == "__main__":
    support.main()
