#!/usr/bin/python3
"""Writes results/reference/signatures.md: local_global, roving and hazard with their ready configurations, beside the exact observers and the controls.

usage: tests/validation/signatures_reference.py --strata build/release/strata [--seeds 5] [--first 211] [--work DIR]

A few minutes. Seeds from 211 on were never looked at while the configurations were chosen.
"""

import pathlib
import sys

import h5py
import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from laboratory import Lab, arguments, mean, settled, table, write  # noqa: E402

EFFECTS = (("local, xxxxx blocks", "fifth_local_in_xxxxx_blocks"), ("local, xxxxY blocks", "fifth_local_in_xxxxY_blocks"),
           ("global, xxxxx", "fifth_global_of_xxxxx"), ("global, xxxxY", "fifth_global_of_xxxxY"))


class Runs:
    """The runs of one ready configuration, one per seed."""

    def __init__(self, lab, experiment, config=None):
        config, self.seeds = config or experiment, range(lab.options.first, lab.options.first + lab.options.seeds)
        self.summaries = [lab.run(f"{config}_{seed}", ["run", experiment, "--config", f"experiments/config/{config}.ini"], seed) for seed in self.seeds]
        self.folders = [summary["folder"] for summary in self.summaries]

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
        return mean(values, digits) if len(values) == len(self.summaries) else "–"


def seeded(runs, columns, digits=3):
    """A table: one row per seed, then mean ± standard deviation. A column is (title, path)."""
    rows = [[seed, *[f"{runs.each(*path)[i]:.{digits}f}" for _, path in columns]] for i, seed in enumerate(runs.seeds)]
    return table(["seed", *[title for title, _ in columns]], rows + [["all", *[runs.across(*path, digits=digits) for _, path in columns]]])


def learned_time_constants(folder):
    """Time constants in stable and in volatile blocks that the model learned, steps."""
    with h5py.File(folder / "model.h5") as file:
        return numpy.exp(-numpy.ravel(file["state/parameters/level_0/log_hazards"]))


def hazard(lab):
    runs, gaussian = Runs(lab, "hazard"), Runs(lab, "hazard", "hazard_hgf")
    rise = "learning_rate_rise"
    ratio = [a / b for a, b in zip(runs.each(rise), runs.each("exact_" + rise))]
    taus = [learned_time_constants(folder) for folder in runs.folders]
    return [
        "## Hazard", "",
        "Rise of the learning rate (change of the prediction per prediction error) from stable to volatile blocks. A conditional level below a categorical one, learned online "
        "from 300,000 outcomes; the upper one's belief in volatility sets how fast the lower one expects to change. Without volatility: the exact observer who forgets the "
        "block at every step; what is left is uncertainty about the probability. Clamped: the model's volatility message held at its mean. One hazard: the control "
        "world. r: of the learning rates with the exact observer's, trial by trial.", "",
        *seeded(runs, [("model", (rise,)), ("exact observer", ("exact_" + rise,)), ("exact, without volatility", ("without_volatility_" + rise,)),
                       ("model, clamped", ("fixed_volatility", rise)), ("one hazard, model", ("no_volatility", rise)),
                       ("one hazard, exact", ("no_volatility", "exact_" + rise)), ("r", ("rate_correlation",))]), "",
        f"The model's rise is {mean(ratio)} of the exact observer's. Learned time constants: stable blocks {mean([t[0] for t in taus], 0)} steps, volatile ones "
        f"{mean([t[1] for t in taus], 1)}; true 100 and 10, started at 60 and 20.", "",
        *table(["lowest level", "learning rate, stable", "volatile", "exact, stable", "volatile", "nats above the exact observer, stable", "volatile"],
               [[name, *[each.across(prefix + "learning_rate_" + block) for prefix in ("", "exact_") for block in ("stable", "volatile")],
                 *[mean([a - b for a, b in zip(each.each(block + "_nats"), each.each("exact_" + block + "_nats"))], 4) for block in ("stable", "volatile")]]
                for name, each in (("conditional", runs), ("hierarchical Gaussian filter", gaussian))]), "",
        f"The hierarchical Gaussian filter of two levels (hazard_hgf.ini) rises by {gaussian.across(rise)}, clamped {gaussian.across('fixed_volatility', rise)}; "
        f"r {gaussian.across('rate_correlation', digits=2)}.", ""]


def local_global(lab):
    runs = Runs(lab, "local_global")
    rows, clamped = [], []
    for level, record in enumerate(runs.summaries[0]["levels"]):
        for into, path in ((rows, ("levels",)), (clamped, ("clamped", "levels"))):
            into.append([record["name"], *[runs.across(*path, level, f"{key}_d", digits=1) for _, key in EFFECTS],
                         *[runs.across(*path, level, f"{key}_relative", digits=3) for _, key in EFFECTS]])
    head = ["level", *[f"{title} (d)" for title, _ in EFFECTS], *[f"{title} (relative)" for title, _ in EFFECTS]]
    cells = [("model", "fifth_surprise_nats"), ("exact observer", "exact_fifth_surprise_nats")]
    surprise = [[name, *[runs.across(key, cell, digits=2) for cell in range(4)]] for name, key in cells]
    return [
        "## Local-global", "",
        "Effects on every level's error at the fifth tone: Cohen's d, and the difference over the mean of the four cells. The errors vary little beyond what the cell "
        "says, so d is large, and absent (–) where they do not vary at all. Local: xxxxY above xxxxx. Global: a kind of trial where it is rare above the same where it is "
        "the rule.", "", *table(head, rows), "", "The same with every top-down message held at its mean:", "", *table(head, clamped), "",
        "Surprise at the fifth tone, nats; the observer knows which tone is the fifth, the model does not:", "",
        *table(["", "xxxxx, its block", "xxxxY, xxxxx block", "xxxxx, xxxxY block", "xxxxY, its block"], surprise), ""]


def roving(lab):
    runs = Runs(lab, "roving")
    curves = [[name, *[runs.across(key, r, digits=2) for r in range(len(runs.summaries[0][key]))]] for name, key in
              (("model", "surprise_by_repetition"), ("exact observer", "exact_surprise_by_repetition"))]
    return [
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
    parser = arguments(__doc__, seeds=5)
    parser.add_argument("--first", type=int, default=211, help="first seed")
    options = settled(parser)
    lab = Lab(options, f"tests/validation/signatures_reference.py --first {options.first} --seeds {options.seeds}")
    lines = [line for part in (hazard, local_global, roving) for line in part(lab)]
    write("signatures.md", "Signatures of the laboratory", [
        f"Seeds {options.first} to {options.first + options.seeds - 1}, new blocks and new weights with every one; mean ± standard deviation over seeds. Models learn online, then read fresh blocks with "
        "learning off.", "", *lines, *lab.made()])


if __name__ == "__main__":
    main()
