#!/usr/bin/python3
"""scrambled_story, construction, amplification, intrinsic_timescales: tiny runs on invented prose, their summaries, traces and figures, and what must come out
whatever was learned."""
import os

import h5py
import numpy as np

import support
from support import TINY, CommandTest, sets

LEVELS = ["token", "sentence", "paragraph", "document"]
STORY = {"stories": 6, "length": 400, "history": 100, "scales": "1, 8, 64", "streams": 6, "control": "false"}
CONSTRUCTION = {"pairs": 30, "history": 200, "context": 60, "after": 300, "room": 120, "control": "false"}
AMPLIFICATION = {"words": 1, "texts": 20, "history": 20, "room": 100, "after": 200, "common": 20}
TIMESCALES = {"streams": 3, "warm_up": 64, "length": 1000}


def value(entry, key):
    """A value, or its bound."""
    return next(entry[name] for name in (key, key + "_at_most", key + "_at_least") if name in entry)


class TextSignatures(CommandTest):
    needs_model = True

    def found(self, name, out, keys, *more, text="fresh.txt"):
        self.said = self.strata("run", name, "--model", "model.h5", "--held-out", text, "--out", out, "--quiet", *sets(**{name: keys}), *more)
        summary = self.summary(out)
        self.assertEqual([level["name"] for level in summary["levels"]], LEVELS)
        self.assertNotIn("control", summary)
        return summary

    def drawn(self, out, *names):
        try:
            import matplotlib  # noqa: F401
        except ImportError:
            return
        for name in names:
            self.assertTrue(os.path.exists(self.path(f"{out}/figures/{name}.png")), name)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.write("fresh.txt", support.text(120, seed=5))

    def assert_interval(self, entry, key):
        low, high = entry[key + "_ci95"]
        self.assertLessEqual(low, entry[key] + 1e-9)
        self.assertLessEqual(entry[key], high + 1e-9)

    def test_scrambled_story(self):
        found = self.found("scrambled_story", "story", STORY)
        for level in found["levels"]:
            scales = {scale["name"]: scale for scale in level["scales"]}
            self.assertEqual(list(scales), ["intact", "1", "8", "64", "sentences", "paragraphs"])
            for scale in scales.values():
                self.assert_interval(scale, "correlation")
            self.assertGreater(scales["intact"]["correlation"], .5, "the past alone differs")
            self.assertLess(scales["1"]["correlation"], scales["64"]["correlation"])
            if level["name"] in ("token", "sentence"):  # to a level that is slower than either, both are noise
                self.assertLess(scales["1"]["correlation"], scales["8"]["correlation"])
                self.assertLess(scales["8"]["correlation"], scales["64"]["correlation"])
            self.assertLess(scales["64"]["correlation"], scales["intact"]["correlation"])
            self.assertTrue(5 < scales["sentences"]["tokens"] < scales["paragraphs"]["tokens"])
        scale = [value(level, "shortest_scale") for level in found["levels"]]
        self.assertLess(scale[0], 20, "the token level reads five words")
        self.assertTrue(scale[0] < scale[1] < scale[2], scale)
        self.drawn("story", "scrambled_story")
        self.found("scrambled_story", "one_by_one", {**STORY, "streams": 2})
        self.assert_same_summary("story", "one_by_one")  # how many read side by side changes nothing

    def test_scrambled_story_with_its_control(self):
        """Trained here: one time constant at every level, fed with words."""
        self.strata("run", "scrambled_story", "--model", "model.h5", "--text", "prose.txt", "--held-out", "fresh.txt", "--out", "control", "--quiet",
                    *sets(scrambled_story={**STORY, "stories": 2, "length": 300, "history": 50, "control": "true"}))
        found = self.summary("control")
        own, control = ([level["time_constant"] for level in arm["levels"]] for arm in (found, found["control"]))
        self.assertEqual(control[1:], [own[2]] * 3)
        self.assertEqual(len(set(own)), 4)
        scales = [value(level, "shortest_scale") for level in found["control"]["levels"][1:]]
        self.assertLess(max(scales) / min(scales), 1.5, scales)
        self.drawn("control", "scrambled_story")
        with open(self.path("control/config.ini"), encoding="utf-8") as file:
            self.assertNotIn("feed = token", file.read())  # the user's configuration stays the user's

    def test_construction(self):
        found = self.found("construction", "construction", CONSTRUCTION)
        self.assertEqual(found["memory"], "fixed leak")
        align, forget = ([value(level, key) for level in found["levels"]] for key in ("alignment_time", "forgetting_time"))
        self.assertTrue(align[0] < align[1] < align[2], align)
        self.assertTrue(forget[0] < forget[1] < forget[2], forget)
        self.assertTrue(all(time in level for level in found["levels"][:3] for time in ("alignment_time", "forgetting_time")), "measured")
        self.assertAlmostEqual(value(found, "alignment_growth") / (align[3] / align[0]), 1, delta=1e-6)
        for level in found["levels"]:
            if "alignment_time" in level and "forgetting_time" in level:  # the ratio of two bounds would be none
                self.assertAlmostEqual(level["forgetting_per_alignment"] / (level["forgetting_time"] / level["alignment_time"]), 1, delta=1e-6)
            self.assertLess(abs(level["alignment_correlation"][0]), .6, "different pasts")
            self.assertAlmostEqual(level["forgetting_correlation"][0], 1, places=6)  # one past
            self.assertGreater(level["alignment_correlation"][-1], level["alignment_correlation"][0])
            self.assertLess(level["forgetting_correlation"][-1], .7)
        with h5py.File(self.path("construction/trace.h5"), "r") as trace:
            ids = {name: trace[f"{prefix}tokens/id"][...] for name, prefix in (("/", ""), ("twin", "conditions/twin/"), ("parted", "conditions/parted/"))}
            self.assertTrue(np.array_equal(ids["/"][1:], ids["twin"][1:]))
            self.assertTrue(np.array_equal(ids["/"][0], ids["parted"][0]))
            self.assertFalse(any(np.array_equal(ids["/"][1:50, s], ids["parted"][1:50, s]) for s in range(30)))
        self.drawn("construction", "alignment")
        analysed = self.strata("analyse", "alignment", "construction/trace.h5", "--json")
        self.assertIn(f'"pairs": {CONSTRUCTION["pairs"]}', analysed)

    def test_construction_with_its_control(self):
        self.strata("run", "construction", "--model", "model.h5", "--text", "prose.txt", "--held-out", "fresh.txt", "--out", "gates", "--quiet",
                    *sets(construction={**CONSTRUCTION, "pairs": 6, "control": "true"}))
        found = self.summary("gates")
        self.assertEqual(found["control"]["memory"], "gated")
        self.assertEqual(len(found["control"]["levels"]), 4)
        self.assertNotEqual(found["control"]["levels"][3]["alignment_correlation"], found["levels"][3]["alignment_correlation"])
        self.drawn("gates", "alignment", "alignment_control")

    def test_amplification(self):
        found = self.found("amplification", "changed", AMPLIFICATION)
        self.assertTrue(.02 < found["changed_share"] < .2, found["changed_share"])
        for level in found["levels"]:
            for key in ("divergence", "control_divergence"):
                self.assert_interval(level, key)
                self.assertTrue(.05 < level[key] < 1, f"{level['name']} {key}: {level[key]}")
        with h5py.File(self.path("changed/trace.h5"), "r") as trace:
            ids = {name: trace[f"{prefix}tokens/id"][...] for name, prefix in (("/", ""), ("related", "conditions/related/"), ("random", "conditions/random/"))}
            other = [ids["/"] != ids[name] for name in ("related", "random")]
            self.assertTrue(np.array_equal(*other), "the same places")
            self.assertFalse(other[0][0].any())
            self.assertTrue((other[0].any(axis=0)).all())
            self.assertGreater((ids["related"] != ids["random"]).sum(), .5 * other[0].sum())
        more = self.found("amplification", "more", {**AMPLIFICATION, "words": 4})
        self.assertGreater(more["changed_share"], 1.5 * found["changed_share"])
        for level, other in zip(found["levels"], more["levels"]):
            self.assertGreater(other["divergence"], level["divergence"])
        self.drawn("changed", "divergence")
        self.refused(3, ["only", "texts"], "run", "amplification", "--model", "model.h5", "--held-out", "fresh.txt", "--out", "no",
                     *sets(amplification={**AMPLIFICATION, "room": 100000}))

    def test_intrinsic_timescales(self):
        found = self.found("intrinsic_timescales", "free", TIMESCALES)
        with h5py.File(self.path("free/trace.h5"), "r") as trace:
            read, own = (trace[f"{prefix}tokens/id"][...] for prefix in ("", "conditions/free/"))
            surprise = [trace[f"{prefix}tokens/surprise"][...].mean() for prefix in ("", "conditions/free/")]
        self.assertTrue((own >= 0).all() and (own != read).mean() > .5)
        self.assertEqual(len({own[:, s].tobytes() for s in range(own.shape[1])}), own.shape[1])
        self.assertLess(surprise[1], surprise[0] + .5, "drawn from its own forecast")
        counts = [np.bincount(ids.ravel(), minlength=400) for ids in (read, own)]
        self.assertGreater(np.corrcoef(*counts)[0, 1], .7, "the words are those of the text")
        for prefix in ("", "free_"):
            time = [value(level, prefix + "autocorrelation_time") for level in found["levels"]]
            self.assertLess(time[0], time[2], prefix)
        self.drawn("free", "autocorrelation")
        self.found("intrinsic_timescales", "again", TIMESCALES)
        self.assert_same_bits("free/trace.h5", "again/trace.h5")

    def test_refused(self):
        for name, key, wrong in (("scrambled_story", "scales", "8, 4"), ("scrambled_story", "scales", "1.5"), ("construction", "pairs", 1)):
            self.refused(2, f"{name}.{key}", "run", name, "--model", "model.h5", "--held-out", "fresh.txt", "--out", "no", *sets(**{name: {key: wrong}}))
        self.refused(3, ["stories", "held-out text"], "run", "scrambled_story", "--model", "model.h5", "--held-out", "fresh.txt", "--out", "no",
                     *sets(scrambled_story={**STORY, "stories": 500}))
        self.assertFalse(os.path.exists(self.path("no")))


if __name__ == "__main__":
    support.main()
