#!/usr/bin/python3
"""Writes results/reference/sparse.md: what upper levels save by computing only where their error passes a threshold, and what it costs.

usage: tests/bench/language/sparse.py --strata build/release/strata [--only choice] [--seeds 5] [--work DIR]

Reuters of ../shared/data, reuters.ini with a small vocabulary. The threshold is chosen on documents of the training side alone; the end of the text is read
with it once, seed by seed, beside levels that compute at every tick.
"""

import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from laboratory import DATA, REFERENCE, Lab, arguments, mean, renew, sets, settled  # noqa: E402

TEXT = DATA / "reuters/train.txt"
SETTINGS = ("world.passes=1", "text.vocabulary=4000", "evaluate.stream_every=0")
UPPER = (1, 2, 3)
TICKS, BROAD = (1, 5, 32), (16, 32, 32)  # of the levels above the token level, as reuters.ini and the defaults have them
EVERY = 1e-9  # passes always: nothing is left out, but what only ticks change is computed at ticks only
TRIED, CHOSEN = (.75, 1, 1.5), 1
PARTS = {"choice": (.8, 100000), "end": (.95, 100000)}  # what is trained on: up to where in the text, tokens; a fortieth of the text behind it is scored
WORTH = .002  # of the nats, what at most it may cost


class Reading:
    """Runs on one part of the text."""

    def __init__(self, lab, part):
        self.lab, self.part = lab, part
        at, self.tokens = PARTS[part]
        data = TEXT.read_bytes()
        cuts = [data.rindex(b"\f", 0, int(len(data) * f)) if f < 1 else len(data) for f in (at, at + .025)]
        self.train, self.held_out = (lab.options.work / f"{part}_{at}_{name}.txt" for name in ("train", "held_out"))
        self.train.write_bytes(data[:cuts[0]])
        self.held_out.write_bytes(data[cuts[0] + 1:cuts[1]])

    def run(self, threshold, seed=1, model=None, keys=(), name=""):
        upper = [f"level.{l}.activation_threshold={threshold}" for l in UPPER if threshold > 0]
        words = (f"world.tokens={self.tokens}", *SETTINGS, *upper, *keys)
        call = ["evaluate", "--config", "experiments/config/reuters.ini", "--text", self.train, "--held-out", self.held_out]
        summary = self.lab.run(f"{self.part}{name}{'_read' if model else ''}_{threshold}_{seed}", [*call, *sets(*words), *(["--model", model] if model else [])], seed)
        return summary | {"model": summary["folder"] / "model.h5"}

    def thinned(self, base, sparse):
        """About as many ticks as `sparse` took while it was read, but by the clock."""
        rarer = [base["levels"][l]["ticks_per_token"] / sparse["levels"][l]["ticks_per_token"] for l in UPPER]
        keys = [f"level.{l}.{key}={round(factor * value)}" for key, values in (("tick", TICKS), ("broad_interval", BROAD)) for l, value, factor in zip(UPPER, values, rarer)]
        return self.run(EVERY, keys=keys, name="_thinned")


def work(levels):
    return sum(level.get("operations_per_token", 0) for level in levels)


def row(name, found, base):
    nats = found["nats_per_token"]
    training = found["training"]["levels"] if found["trained"] else None
    cells = [name, f"{nats:.4f}", f"{100 * (nats / base['nats_per_token'] - 1):+.2f} %"]
    cells += [f"{found['levels'][l]['prediction_nats']:.3f}" for l in UPPER]
    cells += [" ".join(f"{found['levels'][l]['ticks_per_token']:.3f}" for l in UPPER)]
    for levels, of in ((found["levels"], base["levels"]), (training, base["training"]["levels"])):
        cells.append(f"{work(levels) / 1000:.1f} ({100 * (1 - work(levels) / work(of)):+.0f} %)" if levels else "")
    cells.append(f"{found['training']['seconds']:.0f}" if training else "")
    return "| " + " | ".join(cells) + " |"


HEAD = ["| threshold | nats per token | more | broad nats 1 | 2 | 3 | ticks per token 1 2 3 | thousands read (saved) | learned from (saved) | seconds of training |", "|" + " --- |" * 10]


def choice_lines(lab):
    reading = Reading(lab, "choice")
    base = reading.run(0) | {"trained": True}
    lines = [*HEAD, row("0", base, base), row("0, but blocks of those that tick", reading.run(EVERY) | {"trained": True}, base)]
    trained = {threshold: reading.run(threshold) | {"trained": True} for threshold in TRIED}
    lines += [row(f"{threshold}", found, base) for threshold, found in trained.items()]
    for threshold in TRIED:
        lines.append(row(f"{threshold}, only where it is read", reading.run(threshold, model=base["model"]) | {"trained": False}, base))
    thinned = reading.thinned(base, trained[CHOSEN]) | {"trained": True}
    return [*lines, row(f"0, ticks and broad predictions as rare as with {CHOSEN}, by the clock, blocks", thinned, base), ""]


def end_lines(lab):
    reading = Reading(lab, "end")
    lines, more, only, read, learned = [*HEAD], [], [], [], []
    for seed in range(1, lab.options.seeds + 1):
        base, sparse = ({**reading.run(threshold, seed), "trained": True} for threshold in (0, CHOSEN))
        only_read = reading.run(CHOSEN, seed, model=base["model"]) | {"trained": False}
        lines += [row(f"0, seed {seed}", base, base), row(f"{CHOSEN}, seed {seed}", sparse, base), row(f"{CHOSEN}, only where it is read, seed {seed}", only_read, base)]
        for into, found in ((more, sparse), (only, only_read)):
            into.append(100 * (found["nats_per_token"] / base["nats_per_token"] - 1))
        read.append(100 * (1 - work(sparse["levels"]) / work(base["levels"])))
        learned.append(100 * (1 - work(sparse["training"]["levels"]) / work(base["training"]["levels"])))
    lines += ["", f"The upper levels' work is less by {mean(read, 1)} % reading and {mean(learned, 1)} % learning (mean ± standard deviation over {lab.options.seeds} seeds)."]
    for name, costs in (("trained with it", more), ("only read with it", only)):
        error = statistics.stdev(costs) / len(costs) ** .5 if len(costs) > 1 else float("nan")
        held = min(*read, *learned) >= 50 and statistics.mean(costs) + 2 * error < 100 * WORTH
        lines.append(f"Models {name} lose {statistics.mean(costs):.2f} ± {error:.2f} % of the nats (standard error; {min(costs):.2f} to {max(costs):.2f} %): at least half saved at under "
                     f"{100 * WORTH:g} %, by more than two standard errors, {'holds' if held else 'does not hold'}.")
    return [*lines, ""]


INTRODUCTION = (
    "Reuters, a vocabulary of 4,000, one pass. A tick of a level above the token level is left out where the errors since the last one are less than `activation_threshold` "
    "times what usual ones add up to in a tick (levels/activation.hpp); a broad prediction due at it is not made, so that broad nats are of fewer moments, not of the same. "
    "Work: multiply-adds of the three upper levels' dense products, per token, as they were done. 'Blocks': nothing is left out, but products take only the streams "
    "that tick. Seconds are of runs that may have shared their core with others.")
SECTIONS = {"choice": (f"Chosen on the training side ({PARTS['choice'][1]} tokens, seed 1)", choice_lines),
            "end": (f"The end of the text, threshold {CHOSEN} ({PARTS['end'][1]} tokens)", end_lines)}


def main():
    parser = arguments(__doc__, seeds=5)
    parser.add_argument("--only", nargs="+", choices=list(SECTIONS), default=list(SECTIONS), help="what is made anew (all)")
    options = settled(parser)
    for name in options.only:
        title, lines_of = SECTIONS[name]
        lab = Lab(options, f"tests/bench/language/sparse.py --only {name} --seeds {options.seeds}")
        renew(REFERENCE / "sparse.md", "What upper levels need not compute", [INTRODUCTION], [known for known, _ in SECTIONS.values()], title, [*lines_of(lab), *lab.made()])


if __name__ == "__main__":
    main()
