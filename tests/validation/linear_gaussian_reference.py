#!/usr/bin/python3
"""Writes results/reference/linear_gaussian.md: half-lives and gains of linear-Gaussian chains, measured by the command, against their closed forms.

usage: tests/validation/linear_gaussian_reference.py --strata build/release/strata [--seeds 3] [--work DIR]

Two chains, each met by a hierarchy of Gaussian levels with its own weights and precisions lambda*, nothing learned, and by its exact observer; then the world's
default chain by a hierarchy that learns everything. Closed form: twins approach one another by Phi = (I - K e_0') A from where they start, gains are K.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile

import h5py
import numpy as np

TOP = pathlib.Path(__file__).resolve().parents[2]
CONFIG = "experiments/config/linear_gaussian.ini"
INERTIA = ["--set", "belief_inertia.history=8000", "--set", "belief_inertia.switches=off"]  # the covariances come to rest
OPTIMUM = ["--set", "optimum.warm_up=8000", "--set", "optimum.steps=8000", "--set", "optimum.streams=8"]


class Chain:
    """x_l(t) = a_l x_l(t-1) + (1 - a_l) g x_(l+1)(t) + N(0, q_l), y = x_0 + N(0, r); symbols as in worlds/linear_gaussian/kalman.hpp."""

    def __init__(self, name, loss, gain, variance, noise):
        a = 1 - np.asarray(loss)
        levels = a.size
        q, one = variance * (1 - a**2), np.eye(levels)
        spread = np.linalg.inv(one - np.diag(((1 - a) * gain)[:-1], 1))
        transition = spread @ np.diag(a)
        covariance = np.eye(levels) * variance
        for _ in range(100000):
            error = np.diag(a) @ covariance @ np.diag(a) + np.diag(q)
            predicted = spread @ error @ spread.T
            gains = predicted[:, 0] / (predicted[0, 0] + noise)
            covariance = predicted - np.outer(gains, predicted[0])
        self.name, self.gains = name, gains
        closed_loop = (one - np.outer(gains, one[0])) @ transition
        self.half_lives = np.sort(np.log(2) / -np.log(abs(np.linalg.eigvals(closed_loop))))
        self.step = transition @ closed_loop @ np.linalg.inv(transition)  # of what the levels expect
        self.keys = {"world.tau": ",".join(f"{tau:.12g}" for tau in -1 / np.log(a)), "world.gain": gain, "world.noise": ",".join(f"{x:.12g}" for x in q),
                     "world.observation_noise": noise, "level.0.noise": noise}
        for level, precision in enumerate(spread[0] / (error @ spread[0])):
            self.keys.update({f"level.{level}.precision": f"{precision:.9g}", f"level.{level}.gain": gain})

    def half_life(self, start):
        """Per level, twins that start with the differences `start` (levels x pairs): as the measure averages and interpolates."""
        found, now, before = np.full(start.shape[0], np.nan), start, np.ones(start.shape[0])
        for t in range(1, 20000):
            now = self.step @ now
            ratio = abs(now).mean(axis=1) / abs(start).mean(axis=1)
            crossed = np.isnan(found) & (ratio <= .5)
            found[crossed] = t - 1 + np.log(before[crossed] / .5) / np.log(before[crossed] / ratio[crossed])
            if not np.isnan(found).any():
                break
            before = ratio
        return found


COMMITS = set()


def ran(options, name, *words):
    out = pathlib.Path(options.work) / name
    if not out.exists():
        subprocess.run([options.strata, "run", *words, "--world", "linear_gaussian", "--set", "run.figures=false", "--out", str(out), "--quiet"],
                       check=True, cwd=TOP, stdout=subprocess.DEVNULL)
    summary = json.loads((out / "summary.json").read_text())
    COMMITS.add(summary["commit"][:7] + (" with changes" if summary["dirty"] else ""))
    return out, summary


def start_of(path):
    """What the twins expect of every level at time -1: differences, levels x pairs."""
    with h5py.File(path) as trace:
        rows = []
        for level in sorted(trace["levels"]):
            at = int(np.flatnonzero(trace[f"levels/{level}/time"][()] == -1)[0])
            rows.append(trace[f"levels/{level}/prediction"][at, :, 0] - trace[f"conditions/twin/levels/{level}/prediction"][at, :, 0])
        return np.asarray(rows, dtype=float)


def sets(keys):
    return [word for key, value in keys.items() for word in ("--set", f"{key}={value}")]


def percent(values):
    off = 100 * max(abs(v - 1) for v in values)
    return "< 0.001 %" if off < .001 else f"{off:.2g} %"


def chain_rows(options, chain):
    closed, ratios, gains, gaps = [], {"model": [], "exact": []}, [], []
    for seed in range(1, options.seeds + 1):
        out, summary = ran(options, f"inertia_{chain.name}_{seed}", "belief_inertia", "--config", CONFIG, "--seed", str(seed), *INERTIA, *sets(chain.keys))
        for who, levels, trace in (("model", summary["levels"], "trace.h5"), ("exact", summary["exact"]["levels"], "exact.h5")):
            expected = chain.half_life(start_of(out / trace))
            ratios[who].append([level["half_life"] / x for level, x in zip(levels, expected)])
            if who == "model":
                closed.append(expected)
        _, summary = ran(options, f"optimum_{chain.name}_{seed}", "optimum", "--config", CONFIG, "--seed", str(seed), *OPTIMUM, *sets(chain.keys))
        gains.append([level["gain"] / k for level, k in zip(summary["levels"], chain.gains)])
        gaps.append(summary["gap_closed"])
    for level in range(len(chain.gains)):
        yield (f"| {chain.name} | {level} | {chain.half_lives[level]:.3g} | {', '.join(f'{x[level]:.3g}' for x in closed)} | {percent([x[level] for x in ratios['model']])} | "
               f"{percent([x[level] for x in ratios['exact']])} | {chain.gains[level]:.4f} | {percent([x[level] for x in gains])} | {min(gaps):.4f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strata", required=True, type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--work", default=None)
    options = parser.parse_args()
    options.work = options.work or tempfile.mkdtemp(prefix="strata_linear_gaussian_")
    lines = ["# Half-lives and gains where the answer is known", "",
             f"Linear-Gaussian chains, {options.seeds} seeds each. Half-life: of 48 pairs of twins (normalised together); closed form from where each seed's pairs start. Deviations:",
             "the largest over seeds. `model`: the ready hierarchy, `exact`: the Kalman filter; both measured by `belief_inertia`. Gain of the model, measured by `optimum`.",
             "Twins that start along a mode of the closed loop have its half-life at every level: tests/validation/linear_gaussian_inertia.cpp.", "",
             "| chain | level | half-life of the closed loop's mode | closed form, seeds | model off by | exact off by | Kalman gain | model off by | gap closed, worst |",
             "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
    spacing = 8. ** np.arange(4)
    for chain in (Chain("wide", .25 / spacing, 1, 1, 1), Chain("narrow", 1 - np.exp(-.5 / spacing), .5, .2, .5)):
        lines += chain_rows(options, chain)
    lines += ["", "The default chain (wide), everything learned from one online pass of 100,000 steps by four default Gaussian levels:", "",
              "| seed | gap closed [95 %] | nats per step | Kalman filter | tokens/s | Kalman filter, tokens/s |", "| --- | --- | --- | --- | --- | --- |"]
    gaps = []
    for seed in range(1, options.seeds + 1):
        _, s = ran(options, f"learned_{seed}", "optimum", "--seed", str(seed), "--set", "world.tokens=100000", "--set", "optimum.steps=1000",
                   "--set", "optimum.streams=4")
        low, high = s["gap_closed_ci95"]
        gaps.append(s["gap_closed"])
        lines.append(f"| {seed} | {100 * s['gap_closed']:.1f} % [{100 * low:.1f}, {100 * high:.1f}] | {s['nats_per_token']:.4f} | {s['bayes_nats']:.4f} | "
                     f"{s['model_tokens_per_second']:,.0f} | {s['exact_tokens_per_second']:,.0f} |")
    lines += ["", f"Median {100 * statistics.median(gaps):.1f} %, worst {100 * min(gaps):.1f} %. Speeds depend on the machine and on what else it did. Made at "
              + ", ".join(sorted(COMMITS)) + " by", "", "    tests/validation/linear_gaussian_reference.py --strata build/release/strata", ""]
    (TOP / "results" / "reference" / "linear_gaussian.md").write_text("\n".join(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
