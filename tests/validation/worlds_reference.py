#!/usr/bin/python3
"""Writes two tables of results/reference about the nested worlds, measured from nothing.

  optimum.md   how near the hierarchies come to the exact observer: gap closed, read-out, calibration; speeds
  weight.md    how heavy each level is: half-lives beside the exact observer's, evidence and tokens to switch, stubbornness and its price, a control

usage: tests/validation/worlds_reference.py --strata build/release/strata [--tables 201 202] [--seeds 3] [--only optimum|weight] [--work DIR]

One online pass of 300,000 steps per model. Configurations were chosen on tables 1 to 6.
"""

import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from laboratory import Lab, arguments, estimate, median, sets, settled, table, value, write  # noqa: E402

LEVELS = range(4)
ROWS = [("direct", "categorical", "nested_direct"), ("geo", "categorical", "nested_geo"), ("nested", "conditional", "nested_nested"),
        ("direct", "gaussian", "gaussian_direct")]
WHOLE = ("optimum.streams=64", "optimum.steps=16384")  # more than 200 switches of the slowest context
SHORT = ("optimum.streams=2", "optimum.steps=200")  # the pass is what counts
EQUAL = tuple(f"level.{l}.{x}" for l in LEVELS for x in ("tau=64", "learn_tau=off", "precision_mode=fixed", "activity=identity", "precision=33", "initial_sd=.3"))
OTHERS = [("hazard", "oddball", "hazard, a conditional level below a categorical one"),
          ("hazard_hgf", "oddball", "hazard, two volatile levels", "world.tokens=100000"),
          ("local_global", "oddball", "local-global, three Gaussian levels"),
          ("roving", "oddball", "roving, one Gaussian level"),
          ("linear_gaussian", "linear_gaussian", "numbers, four Gaussian levels that are a Kalman filter", "world.tokens=100000"),
          ("", "nested", "direct, a token and three situation levels", "hierarchy.levels=4", "world.tokens=100000", "relaxation.scheme=serial", "level.0.kind=token",
           *(f"level.{l}.kind=situation" for l in (1, 2, 3)))]
WIDE = ("world.states=10,10,8,6", "world.tokens=3000", *(f"level.{l}.states={n}" for l, n in enumerate((10, 10, 8, 6))))


class Worlds(Lab):
    """Runs on generated worlds; of the nested ones, on every table."""

    def of(self, name, config, number, seed, settings=(), world="nested"):
        settings = (*((f"world.tables={number}",) if world == "nested" else ()), *settings)
        folder = "_".join([name, config, *settings]).replace("/", "").replace(",", "-")[:180] + f"_{seed}"
        return self.run(folder, ["run", name, "--world", world, *(("--config", f"experiments/config/{config}.ini") if config else ()), *sets(*settings)], seed, keep=())

    def every(self, name, config, settings=()):
        """(table, seed, summary) of every run."""
        return [(t, s, self.of(name, config, t, s, settings)) for t in self.options.tables for s in range(1, self.options.seeds + 1)]


def per_level(runs, key, digits=2, of=lambda summary: summary):
    """Median over runs of every level's value."""
    return [median([value(of(run)["levels"][l], key) for _, _, run in runs], digits) for l in LEVELS]


def optimum(lab):
    gaps, single, speeds = [], [], []
    for kind, level, config in ROWS:
        whole = config == "nested_direct"
        runs = lab.every("optimum", config, WHOLE if whole else SHORT)
        gap = [100 * run["gap_closed"] for _, _, run in runs]
        reach = statistics.median(run["unigram_nats"] - run["bayes_nats"] for _, _, run in runs)
        gaps.append([kind, level, f"{statistics.median(gap):.1f} %", f"{min(gap):.1f} %", f"{reach:.2f}"])
        single += [[kind, level, t, s, estimate(run, "gap_closed", 1, 100)] for t, s, run in runs]
        speeds.append([f"{kind}, four {level} levels", *[f"{statistics.median(run[key] for _, _, run in runs):,.0f}" for key in
                                                         ("model_tokens_per_second", "exact_tokens_per_second")], 144])
        if whole:
            direct = runs
    for config, world, levels, *settings in OTHERS:
        run = lab.of("optimum", config, 0, 1, (*settings, *SHORT), world)
        exact = run.get("exact_tokens_per_second")
        speeds.append([levels, f"{run['model_tokens_per_second']:,.0f}", f"{exact:,.0f}" if exact else "–", "–"])
    wide = lab.of("optimum", "nested_direct", lab.options.tables[0], 1, (*WIDE, *SHORT))
    speeds.append(["direct, levels of 10, 10, 8, 6 states", f"{wide['model_tokens_per_second']:,.0f}", f"{wide['exact_tokens_per_second']:,.0f}", 4800])
    contexts = [f"context {k}" for k in LEVELS]
    read_out = [[t, s, l, *[estimate(run["levels"][l], f"read_out_{k}") for k in LEVELS]] for t, s, run in direct for l in LEVELS]
    worst = [min(run["levels"][k][f"read_out_{k}"] for _, _, run in direct) for k in LEVELS]
    found = sum(all(max(LEVELS, key=lambda l, k=k, run=run: run["levels"][l][f"read_out_{k}"]) == k for k in LEVELS) for _, _, run in direct)
    write("optimum.md", "How near the optimum", [
        "Gap closed = (unigram - model) / (unigram - exact observer), nats per token over the last third of one online pass of 300,000 steps. "
        f"Tables {', '.join(map(str, lab.options.tables))}, {lab.options.seeds} seeds each.", "",
        *table(["world", "levels", "gap closed, median", "worst", "unigram - exact (nats)"], gaps), "",
        *table(["world", "levels", "table", "seed", "gap closed [95 %]"], single), "",
        "## Read-out", "",
        "(accuracy - chance) / (exact posterior's accuracy - chance) of a linear decoder of each true context from each level's belief; direct "
        "world, learning off, 64 fresh streams of 16,384 steps. "
        f"In {found} of {len(direct)} runs every context is read best from its own level; the least diagonal values are "
        + ", ".join(f"{w:.2f}" for w in worst) + ".", "",
        *table(["table", "seed", "level", *contexts], read_out), "",
        "## Calibration", "",
        "Expected calibration error of the best reading of a level's states as its context's, median over runs (least to greatest).", "",
        *table(["", *[f"level {l}" for l in LEVELS]],
               [["model", *per_level(direct, "calibration_error", 3)], ["exact observer", *per_level(direct, "exact_calibration_error", 4)]]), "",
        "## Speed", "", "Tokens per second of one stream, learning, one reading of the world; the exact observer in the same run. It depends on the "
        "machine and on what else that did.", "", *table(["hierarchy", "model", "exact observer", "its joint states"], speeds), "", *lab.made()])


def ratios(levels, key="half_life"):
    return [value(levels[l], key) / value(levels[l - 1], key) for l in LEVELS if l > 0]


def half_life_row(name, t, s, summary, key="half_life"):
    levels = summary["levels"]
    return [t, s, name, *[estimate(levels[l], key, 1) for l in LEVELS], ", ".join(f"{r:.1f}" for r in ratios(levels, key)),
            estimate(summary, key + "_rho") if key == "half_life" else ""]


def weight(lab):
    geo = lab.every("belief_inertia", "nested_geo", ("belief_inertia.pairs=256", "belief_inertia.after=4000", "belief_inertia.reading=65536"))
    equal = lab.every("belief_inertia", "gaussian_direct", (*EQUAL, "belief_inertia.switches=false"))
    dial = lab.every("stubbornness", "nested_direct", ("stubbornness.rho=1,1.5,2,3",))
    head = ["table", "seed", "", *[f"level {l}" for l in LEVELS], "each to the one below", "geometric ratio"]
    rows = [row for t, s, run in geo for row in (half_life_row("model", t, s, run), half_life_row("one level", t, s, run, "half_life_single"),
                                                 half_life_row("exact", t, s, run["exact"]))]
    ladder = [run["half_life_rho"] for _, _, run in geo]
    least = [min(ratios(run["levels"])) for _, _, run in geo]
    switches = [[f"level {l}", *[median([value(run["levels"][l], key) for _, _, run in geo], 1) for key in
                                 ("tokens_to_switch", "exact_tokens_to_switch", "inertia_ratio")]] for l in LEVELS]
    same = [[t, s, *[estimate(run["levels"][l], "half_life", 1) for l in LEVELS], ", ".join(f"{r:.2f}" for r in ratios(run["levels"]))]
            for t, s, run in equal]
    grown = []
    for k, rho in enumerate((1, 1.5, 2, 3)):
        items = [run["dial"][k] for _, _, run in dial]
        grown.append([rho, *[median([value(i["levels"][l], "evidence_nats") for i in items], 1) for l in LEVELS], median([value(i, "evidence_rho") for i in items]),
                      median([value(i, "tokens_to_switch_rho") for i in items]), median([i["cost_nats"] for i in items], 3)])
    write("weight.md", "How heavy each level of situations is", [
        "## Half-lives", "",
        "Steps until the distance of two copies with different histories has halved, 256 pairs, learning off; geo world; the exact observer on "
        f"the same pairs. Geometric ratio: {median(ladder)}; the least ratio between neighbours in each run: {median(least)}. "
        "One level: the copies differ in that level's state alone.", "",
        *table(head, rows), "",
        "Tokens from a switch of the true context until it is believed, and over the exact observer's (inertia relative to Bayes); median over "
        "runs (least to greatest). 0: most switches were believed before they came, by a level that does not carry its context.", "",
        *table(["", "model", "exact observer", "inertia"], switches), "",
        "Control: four Gaussian levels with one time constant (64) and one precision, fed by the tokens' error alone. Ratios should be 1.", "",
        *table(["table", "seed", *[f"level {l}" for l in LEVELS], "each to the one below"], same), "",
        "## Stubbornness", "",
        "Evidence in nats from a switch until the new context is believed, with kappa_l = rho^-l, direct world; growth: geometric ratio per level. "
        "Cost: nats per token more than at rho = 1. Medians over runs (least to greatest).", "",
        *table(["rho", *[f"level {l} (nats)" for l in LEVELS], "evidence grows by", "tokens grow by", "cost (nats per token)"], grown), "", *lab.made()])


def main():
    parser = arguments(__doc__)
    parser.add_argument("--tables", nargs="+", type=int, default=[201, 202])
    parser.add_argument("--only", choices=["optimum", "weight"], default=None)
    options = settled(parser)
    for part in (optimum, weight):
        if options.only in (None, part.__name__):
            part(Worlds(options, f"tests/validation/worlds_reference.py --tables {' '.join(map(str, options.tables))} --seeds {options.seeds} --only {part.__name__}"))


if __name__ == "__main__":
    main()
