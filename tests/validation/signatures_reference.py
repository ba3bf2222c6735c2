#!/usr/bin/python3
"""Writes results/reference/signatures.md: local_global, roving and hazard with their ready configurations, beside the exact observers and the controls.

usage: tests/validation/signatures_reference.py --strata build/release/strata [--seeds 5] [--first 211] [--work DIR]

A few minutes. Seeds from 211 on were never looked at while the configurations were chosen.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import h5py
import numpy
from reference import TOP, spread, table

EFFECTS = (("local, xxxxx blocks", "fifth_local_in_xxxxx_blocks"), ("local, xxxxY blocks", "fifth_local_in_xxxxY_blocks"),
           ("global, xxxxx", "fifth_global_of_xxxxx"), ("global, xxxxY", "fifth_global_of_xxxxY"))


class Runs:
    """The runs of one ready configuration, one per seed."""

    def __init__(self, options, experiment, config=None):
        config = config or experiment
        self.experiment, self.summaries, self.folders = experiment, [], []
        self.seeds = range(options.first, options.first + options.seeds)
        for seed in self.seeds:
            out = pathlib.Path(options.work) / f"{config}_{seed}"
            if not out.exists():
                subprocess.run([options.strata, "run", experiment, "--config", f"experiments/config/{config}.ini", "--set", "run.figures=false",
                                "--seed", str(seed), "--out", str(out), "--quiet", "--json"], check=True, cwd=TOP, stdout=subprocess.DEVNULL)
            self.folders.append(out)
            self.summaries.append(json.loads((out / "summary.json").read_text()))

    def each(self, *path):
        """One value per seed, found by the keys of `path`; what a run did not measure is left out."""
        values = []
        for value in self.summaries:
            for key in path:
                value = value[key] if isinstance(key, int) else value.get(key, {})
            if isinstance(value, (int, float)):
                values.append(value)
        return values

    def across(self, *path, digits=3):
        """Mean and standard deviation over seeds."""
        values = self.each(*path)
        return spread(values, digits) if len(values) == len(self.summaries) else "–"

    def commits(self):
        return {s["commit"][:7] + (" with changes" if s["dirty"] else "") for s in self.summaries}


def seeded(runs, columns, digits=3):
    """A table: one row per seed, then mean ± standard deviation. A column is (title, path)."""
    rows = [[seed, *[f"{runs.each(*path)[i]:.{digits}f}" for _, path in columns]] for i, seed in enumerate(runs.seeds)]
    return table(["seed", *[title for title, _ in columns]], rows + [["all", *[runs.across(*path, digits=digits) for _, path in columns]]])


def learned_time_constants(folder):
    """Time constants in stable and in volatile blocks that the model learned, steps."""
    with h5py.File(folder / "model.h5") as file:
        return numpy.exp(-numpy.ravel(file["state/parameters/level_0/log_hazards"]))


def hazard(options):
    runs, gaussian = Runs(options, "hazard"), Runs(options, "hazard", "hazard_hgf")
    rise = "learning_rate_rise"
    ratio = [a / b for a, b in zip(runs.each(rise), runs.each("exact_" + rise))]
    taus = [learned_time_constants(folder) for folder in runs.folders]
    return [runs, gaussian], [
        "## Hazard", "",
        "Rise of the learning rate (change of the prediction per prediction error) from stable to volatile blocks. A conditional level below a categorical one, learned online "
        "from 300,000 outcomes; the upper one's belief in volatility sets how fast the lower one expects to change. Without volatility: the exact observer who forgets the "
        "block at every step; what is left is uncertainty about the probability. Clamped: the model's volatility message held at its mean. One hazard: the control "
        "world. r: of the learning rates with the exact observer's, trial by trial.", "",
        *seeded(runs, [("model", (rise,)), ("exact observer", ("exact_" + rise,)), ("exact, without volatility", ("without_volatility_" + rise,)),
                       ("model, clamped", ("fixed_volatility", rise)), ("one hazard, model", ("no_volatility", rise)),
                       ("one hazard, exact", ("no_volatility", "exact_" + rise)), ("r", ("rate_correlation",))]), "",
        f"The model's rise is {spread(ratio)} of the exact observer's. Learned time constants: stable blocks {spread([t[0] for t in taus], 0)} steps, volatile ones "
        f"{spread([t[1] for t in taus], 1)}; true 100 and 10, started at 60 and 20.", "",
        *table(["lowest level", "learning rate, stable", "volatile", "exact, stable", "volatile", "nats above the exact observer, stable", "volatile"],
               [[name, *[each.across(prefix + "learning_rate_" + block) for prefix in ("", "exact_") for block in ("stable", "volatile")],
                 *[spread([a - b for a, b in zip(each.each(block + "_nats"), each.each("exact_" + block + "_nats"))], 4) for block in ("stable", "volatile")]]
                for name, each in (("conditional", runs), ("hierarchical Gaussian filter", gaussian))]), "",
        f"The hierarchical Gaussian filter of two levels (hazard_hgf.ini) rises by {gaussian.across(rise)}, clamped {gaussian.across('fixed_volatility', rise)}; "
        f"r {gaussian.across('rate_correlation', digits=2)}.", ""]


def local_global(options):
    runs = Runs(options, "local_global")
    rows, clamped = [], []
    for level, record in enumerate(runs.summaries[0]["levels"]):
        for into, path in ((rows, ("levels",)), (clamped, ("clamped", "levels"))):
            into.append([record["name"], *[runs.across(*path, level, f"{key}_d", digits=1) for _, key in EFFECTS],
                         *[runs.across(*path, level, f"{key}_relative", digits=3) for _, key in EFFECTS]])
    head = ["level", *[f"{title} (d)" for title, _ in EFFECTS], *[f"{title} (relative)" for title, _ in EFFECTS]]
    cells = [("model", "fifth_surprise_nats"), ("exact observer", "exact_fifth_surprise_nats")]
    surprise = [[name, *[runs.across(key, cell, digits=2) for cell in range(4)]] for name, key in cells]
    return [runs], [
        "## Local-global", "",
        "Effects on every level's error at the fifth tone: Cohen's d, and the difference over the mean of the four cells. The errors vary little beyond what the cell "
        "says, so d is large, and absent (–) where they do not vary at all. Local: xxxxY above xxxxx. Global: a kind of trial where it is rare above the same where it is "
        "the rule.", "", *table(head, rows), "", "The same with every top-down message held at its mean:", "", *table(head, clamped), "",
        "Surprise at the fifth tone, nats; the observer knows which tone is the fifth, the model does not:", "",
        *table(["", "xxxxx, its block", "xxxxY, xxxxx block", "xxxxx, xxxxY block", "xxxxY, its block"], surprise), ""]


def roving(options):
    runs = Runs(options, "roving")
    curves = [[name, *[runs.across(key, r, digits=2) for r in range(len(runs.summaries[0][key]))]] for name, key in
              (("model", "surprise_by_repetition"), ("exact observer", "exact_surprise_by_repetition"))]
    return [runs], [
        "## Roving", "",
        "Surprise by repetitions of a tone, beside the Dirichlet filter of memory 10: correlation and slope of the model's means on the observer's, surprise of a deviant, "
        "and how much more it costs than a tone as rare among many standards. That observer's whole count is constant, so what a tone costs follows from its own past alone: "
        "on these sequences a model of pure adaptation cannot fail. Where it must is local-global: with top-down messages clamped a level adapts to tones and no more, and the "
        "global effect is gone (above).", "",
        *seeded(runs, [("r", ("surprise_correlation",)), ("slope", ("surprise_slope",)), ("r of the error", ("levels", 0, "error_correlation")),
                       ("error, deviant / last repetition", ("levels", 0, "deviant_error_ratio")), ("deviant (nats)", ("deviant_nats",)),
                       ("exact", ("exact_deviant_nats",)), ("above many standards (nats)", ("deviant_above_many_standards_nats",)),
                       ("exact", ("exact_deviant_above_many_standards_nats",))]), "",
        *table(["repetitions", *map(str, range(len(curves[0]) - 1))], curves), ""]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strata", required=True, type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=211, help="first seed")
    parser.add_argument("--work", default=None)
    options = parser.parse_args()
    options.work = options.work or tempfile.mkdtemp(prefix="strata_signatures_")
    lines = ["# Signatures of the laboratory", "",
             f"Seeds {options.first} to {options.first + options.seeds - 1}, new blocks and new weights with every one; mean ± standard deviation over seeds. Models learn online, then read fresh blocks with "
             "learning off.", ""]
    runs = []
    for part in (hazard, local_global, roving):
        made, written = part(options)
        runs += made
        lines += written
    lines += ["Made at " + ", ".join(sorted(set().union(*[each.commits() for each in runs]))) + " by", "",
              "    tests/validation/signatures_reference.py --strata build/release/strata", ""]
    (TOP / "results" / "reference" / "signatures.md").write_text("\n".join(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
