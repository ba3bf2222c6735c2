#!/usr/bin/python3
"""Writes results/reference/time_scales.md, depth.md and depth_grown.md: whether levels find the time scales and the number of levels of the direct worlds.

usage: tests/validation/scales_reference.py --strata build/release/strata [--tables 201 202] [--seeds 3] [--depth-seeds 5] [--work DIR] [--only time_scales]

time_scales: one online pass of 300,000 steps per arm; depth, grown_five, grown_one: true depths 1 to 4; on tables x seeds. Runs lie below --work and are used again.
About twenty minutes on one idle core for the first two, six for each table and seed of the others.
"""

import functools
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from laboratory import REFERENCE, Lab, arguments, median, plural, renew, sets, settled, table, write  # noqa: E402

WANTED = (8, 64, 512)  # 4096 switches too seldom in 300,000 steps to be learned from

# Chosen on tables 1 and 2: a trial has to last until a level has learned its time constant, and contexts that switch every 512 or 4096 steps take long to be learned.
GROWN = {"five": ("From five levels", 5, 5, 240000), "one": ("From one level", 1, 4, 100000)}  # awake at the start, at most, steps between judgements
VERDICTS = {"taken": ("is taken away", "wakes"), "refused": ("stays", "is refused"), "goes_on": ("on trial at the end",) * 2}


def run(lab, experiment, tables, seed, *settings, name=None):
    call = ["run", experiment, "--world", "nested", "--config", "experiments/config/time_scales.ini", *sets(f"world.tables={tables}", *settings)]
    return lab.run(f"{name or experiment}_{tables}_{seed}", call, seed, keep=())


def numbers(values):
    return ", ".join(f"{x:.3g}" if x < 1000 else f"{x:.0f}" for x in values)


def percent(arm):
    low, high = arm["gap_closed_ci95"]
    return f"{100 * arm['gap_closed']:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def time_scales(lab):
    options = lab.options
    runs = [(tables, seed, run(lab, "time_scales", tables, seed)) for tables in options.tables for seed in range(1, options.seeds + 1)]
    arms = [arm["name"] for arm in runs[0][2]["arms"]]
    rows, detail = [], []
    for i, name in enumerate(arms):
        of_arm = [(table, seed, one["arms"][i]) for table, seed, one in runs]
        gaps, lost = ([100 * arm["gap_closed"] for _, _, arm in of_arm], [arm["points_lost"] for _, _, arm in of_arm])
        found, drawn = (sum(all(any(w / 2 <= x <= 2 * w for x in arm[what]) for w in WANTED) for _, _, arm in of_arm)
                        for what in ("dwell_times", "time_constants"))
        close = sum(arm["pairs_closer_than_1_5"] > 0 for _, _, arm in of_arm)
        rows.append([name, median(gaps, 1),
                     f"{statistics.median(lost):+.1f} ({min(lost):+.1f} to {max(lost):+.1f})", f"{found} of {len(of_arm)}", f"{drawn} of {len(of_arm)}", f"{close} of {len(of_arm)}"])
        detail += [[name, tables, seed, percent(arm), f"{arm['points_lost']:+.1f}", numbers(arm["time_constants"]), numbers(arm["dwell_times"]),
                    numbers(arm["found"]) or "-"] for tables, seed, arm in of_arm]
    write("time_scales.md", "Whether levels find the time scales of their world", [
        "Direct worlds with time constants 8, 64, 512, 4096 (steps between two switches to another state); one online pass of 300,000 steps, four",
        f"categorical levels. Tables {', '.join(map(str, options.tables))}, {options.seeds} seeds each. Gap closed over the last third, per cent of unigram to exact",
        "observer; points lost against the world's own time constants on the same steps (below 0: gained); median, lowest and highest of the runs.",
        "Found: runs in which each of 8, 64 and 512 has a level whose dwell time, the mean steps between two switches as the level has it, lies within",
        "a factor 2; beside it the same by the levels' time constants. Close: runs in which two dwell times are nearer than a factor 1.5. A level's own time",
        "constant counts new draws, and a new draw",
        "may return the state there was: where half of four states are allowed, 32 steps between draws are 64 between switches. The world's own are given in",
        "that unit, counted in its true contexts. The rule of learning was chosen on tables 1 to 6; tables 201 and 202 were read once before, with the world's",
        "own given otherwise.", "",
        *table(["time constants", "gap closed, median (range)", "points lost, median (range)", "found 8, 64, 512", "found by time constants", "close"], rows), "",
        *table(["time constants", "table", "seed", "gap closed [95 %]", "points lost", "at the end", "dwell times", "found"], detail), "", *lab.made()])


def depth(lab):
    options = lab.options
    cases = [(tables, seed) for seed in range(1, options.depth_seeds + 1) for tables in options.tables]
    runs = [(tables, seed, run(lab, "depth", tables, seed)) for tables, seed in cases]
    worlds = [(tables, seed, world) for tables, seed, one in runs for world in one["worlds"]]
    right = sum(world["right"] for _, _, world in worlds)
    taken = [level for _, _, world in worlds for one in world["rounds"] for level in one["levels"] if level["fate"] != "kept"]
    rows = []
    for truth in sorted({world["true_depth"] for _, _, world in worlds}):
        found = [world["found_depth"] for _, _, world in worlds if world["true_depth"] == truth]
        rows.append([truth, f"{sum(d == truth for d in found)} of {len(found)}", ", ".join(map(str, found))])
    detail = []
    for tables, seed, world in sorted(worlds, key=lambda w: (w[2]["true_depth"], w[0], w[1])):
        last = world["rounds"][-1]["levels"]
        gains = ", ".join(f"{level['removal_cost_nats']:.4f} ± {level['removal_cost_se']:.4f}" for level in last if "removal_cost_nats" in level)
        gone = ", ".join(f"{numbers([level['dwell_time']])} ({'merged' if 'merged' in level['fate'] else 'worth too little'}, {level['removal_cost_nats']:+.4f} ± "
                         f"{level['removal_cost_se']:.4f})" for one in world["rounds"] for level in one["levels"] if level["fate"] != "kept")
        detail.append([world["true_depth"], tables, seed, world["found_depth"], numbers([level["dwell_time"] for level in last]), gains or "-", gone or "-"])
    write("depth.md", "Whether levels find how many of them a world has", [
        "Direct worlds of 1 to 4 levels (time constants 8, 64, 512, 4096). Five categorical levels of six states each learn from 300,000 steps, from equal",
        "time constants. Then rounds: the whole and its twins without one level each go on learning from the same 120,000 fresh steps; gain: nats per token",
        "that the twin costs more over the second half, s.e. by block bootstrap. A level is kept while its gain is above 3 s.e. and also pays for the level's",
        "k parameters (gain N > (k/2) ln N, N the steps learned from); the one that is furthest from being kept is taken away. From the top, a level whose",
        "twin costs nothing goes at once, and the levels below are not tried in that round.", "",
        f"Of {len(taken)} levels taken away {sum(level['removal_cost_nats'] > 3 * level['removal_cost_se'] for level in taken)} had a gain above 3 s.e. that "
        "did not pay: 3 s.e. alone would have kept them in that round.", "",
        f"Tables and seeds: {', '.join(f'{t} / {s}' for t, s in cases)}. **{right} of {len(worlds)} right.**", "",
        *table(["true depth", "right", "found"], rows), "",
        *table(["true depth", "table", "seed", "found", "dwell times of what is left (steps)", "their gain (nats per token)",
                "taken away: dwell time (why, gain)"], detail), "", *lab.made()])


def depth_grown(lab, name):
    title, first, most, trial = GROWN[name]
    options, settings = lab.options, ("growth.dynamic=true", f"growth.first={first}", f"growth.trial={trial}", "growth.price=.0005", f"hierarchy.levels={most}", f"depth.levels={most}",
                                      "world.tokens=1200000")
    cases = [(tables, seed) for seed in range(1, options.seeds + 1) for tables in options.tables]
    worlds = [(tables, seed, world) for tables, seed in cases for world in run(lab, "depth", tables, seed, *settings, name=f"grown_{name}")["worlds"]]

    def trials(world):
        last = {j["begun"]: j for j in world["training"]["growth"]["judgements"]}  # of each trial the last judgement
        return "; ".join(f"{max(j['from'], j['to'])}: {j['gain']:+.4f} ± {j['gain_se']:.4f} ({VERDICTS[j['verdict']][j['to'] > j['from']]})" for j in last.values())

    rows = [[world["true_depth"], tables, seed, world["found_depth"], trials(world)] for tables, seed, world in sorted(worlds, key=lambda w: (w[2]["true_depth"], w[0], w[1]))]
    renew(REFERENCE / "depth_grown.md", "Whether a hierarchy that grows and is pruned while it learns ends with as many levels as a world has", [
        "Direct worlds of 1 to 4 levels (time constants 8, 64, 512, 4096), 1,200,000 steps read once; all levels begin with equal time constants. Beside the hierarchy a twin with one level "
        "less or more reads and learns (core/growth.hpp); the level that only one of both has stays, or wakes, if it is worth more than .0005 nats per token. Settings were chosen on tables 1 and 2."],
        [known for known, *_ in GROWN.values()], title, [
        f"{plural(first, 'level')} of at most {most} awake at the start, judgements every {trial:,} steps. **{sum(world['right'] for _, _, world in worlds)} of {len(worlds)} right.**", "",
        *table(["true depth", "table", "seed", "levels at the end", "trials, by the level on trial: nats per token that it is worth, at the last judgement"], rows), "", *lab.made()])


PARTS = {"time_scales": time_scales, "depth": depth, **{f"grown_{name}": functools.partial(depth_grown, name=name) for name in GROWN}}


def main():
    parser = arguments(__doc__)
    parser.add_argument("--tables", nargs="+", type=int, default=[201, 202])
    parser.add_argument("--depth-seeds", type=int, default=5)
    parser.add_argument("--only", choices=list(PARTS), nargs="*", default=list(PARTS))
    options = settled(parser)
    for part in options.only:
        PARTS[part](Lab(options, f"tests/validation/scales_reference.py --only {part} --tables {' '.join(map(str, options.tables))} --seeds {options.seeds} --depth-seeds {options.depth_seeds}"))


if __name__ == "__main__":
    main()
