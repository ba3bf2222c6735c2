#!/usr/bin/python3
"""Writes results/reference/linear_gaussian.md: half-lives and gains of linear-Gaussian chains, measured by the command, against their closed forms.

usage: tests/validation/linear_gaussian_reference.py --strata build/release/strata [--seeds 3] [--work DIR]

Two chains, each met by a hierarchy of Gaussian levels with its own weights and precisions lambda*, nothing learned, and by its exact observer; then the world's
default chain by a hierarchy that learns everything. Closed form: twins approach one another by Phi = (I - K e_0') A from where they start, gains are K.
"""

import pathlib
import statistics
import sys

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from laboratory import Lab, arguments, estimate, sets, settled, table, write  # noqa: E402

CONFIG = ("--config", "experiments/config/linear_gaussian.ini")
INERTIA = ("belief_inertia.history=8000", "belief_inertia.switches=off")  # the covariances come to rest
OPTIMUM = ("optimum.warm_up=8000", "optimum.steps=8000", "optimum.streams=8")


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


def run(lab, name, experiment, seed, *settings, config=()):
    return lab.run(name, ["run", experiment, "--world", "linear_gaussian", *config, *sets(*settings)], seed, keep=("trace.h5", "exact.h5"))


def start_of(path):
    """What the twins expect of every level at time -1: differences, levels x pairs."""
    with h5py.File(path) as trace:
        rows = []
        for level in sorted(trace["levels"]):
            at = int(np.flatnonzero(trace[f"levels/{level}/time"][()] == -1)[0])
            rows.append(trace[f"levels/{level}/prediction"][at, :, 0] - trace[f"conditions/twin/levels/{level}/prediction"][at, :, 0])
        return np.asarray(rows, dtype=float)


def percent(values):
    off = 100 * max(abs(v - 1) for v in values)
    return "< 0.001 %" if off < .001 else f"{off:.2g} %"


def chain_rows(lab, chain):
    closed, ratios, gains, gaps = [], {"model": [], "exact": []}, [], []
    keys = [f"{key}={value}" for key, value in chain.keys.items()]
    for seed in range(1, lab.options.seeds + 1):
        found = run(lab, f"inertia_{chain.name}_{seed}", "belief_inertia", seed, *INERTIA, *keys, config=CONFIG)
        for who, levels, trace in (("model", found["levels"], "trace.h5"), ("exact", found["exact"]["levels"], "exact.h5")):
            expected = chain.half_life(start_of(found["folder"] / trace))
            ratios[who].append([level["half_life"] / x for level, x in zip(levels, expected)])
            if who == "model":
                closed.append(expected)
        found = run(lab, f"optimum_{chain.name}_{seed}", "optimum", seed, *OPTIMUM, *keys, config=CONFIG)
        gains.append([level["gain"] / k for level, k in zip(found["levels"], chain.gains)])
        gaps.append(found["gap_closed"])
    return [[chain.name, level, f"{chain.half_lives[level]:.3g}", ", ".join(f"{x[level]:.3g}" for x in closed), percent([x[level] for x in ratios["model"]]),
             percent([x[level] for x in ratios["exact"]]), f"{chain.gains[level]:.4f}", percent([x[level] for x in gains]), f"{min(gaps):.4f}"] for level in range(len(chain.gains))]


def main():
    options = settled(arguments(__doc__))
    lab = Lab(options, f"tests/validation/linear_gaussian_reference.py --seeds {options.seeds}")
    spacing = 8. ** np.arange(4)
    chains = [row for chain in (Chain("wide", .25 / spacing, 1, 1, 1), Chain("narrow", 1 - np.exp(-.5 / spacing), .5, .2, .5)) for row in chain_rows(lab, chain)]
    learned = [run(lab, f"learned_{seed}", "optimum", seed, "world.tokens=100000", "optimum.steps=1000", "optimum.streams=4") for seed in range(1, options.seeds + 1)]
    gaps = [found["gap_closed"] for found in learned]
    rows = [[seed, estimate(found, "gap_closed", 1, 100), f"{found['nats_per_token']:.4f}", f"{found['bayes_nats']:.4f}", f"{found['model_tokens_per_second']:,.0f}",
             f"{found['exact_tokens_per_second']:,.0f}"] for seed, found in enumerate(learned, 1)]
    write("linear_gaussian.md", "Half-lives and gains where the answer is known", [
        f"Linear-Gaussian chains, {options.seeds} seeds each. Half-life: of 48 pairs of twins (normalised together); closed form from where each seed's pairs start. Deviations: "
        "the largest over seeds. `model`: the ready hierarchy, `exact`: the Kalman filter; both measured by `belief_inertia`. Gain of the model, measured by `optimum`. "
        "Twins that start along a mode of the closed loop have its half-life at every level: tests/validation/linear_gaussian_inertia.cpp.", "",
        *table(["chain", "level", "half-life of the closed loop's mode", "closed form, seeds", "model off by", "exact off by", "Kalman gain", "model off by", "gap closed, worst"], chains), "",
        "The default chain (wide), everything learned from one online pass of 100,000 steps by four default Gaussian levels:", "",
        *table(["seed", "gap closed (%) [95 %]", "nats per step", "Kalman filter", "tokens/s", "Kalman filter, tokens/s"], rows), "",
        f"Median {100 * statistics.median(gaps):.1f} %, worst {100 * min(gaps):.1f} %. Speeds depend on the machine and on what else it did.", "", *lab.made()])


if __name__ == "__main__":
    main()
