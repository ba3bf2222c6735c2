#!/usr/bin/python3
"""Times the classic network's learning step against others that take the same step: same numbers, T and threads. Each peer's weights after one step
are compared with strata's first (within 1e-4 of the largest); then the two are timed in turn, round by round. A peer that is not installed is
skipped and said; how to install it stands at the top of its file.

usage: tests/bench/peers/compare.py [--step build/release/tests/classic_step] [--rounds 9] [--samples 64 256] [--threads 1]

Writes results/reference/peers.md. Leave the machine to it.
"""

import argparse
import datetime
import importlib
import os
import pathlib
import statistics
import subprocess
import sys
import time

import numpy

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "support")]
from laboratory import TOP, commit, median, processor, table, write  # noqa: E402

PEERS = ["torch_by_hand"]
NETWORKS = {"784-256-256-10": (784, 256, 256, 10), "784-512-512-512-10": (784, 512, 512, 512, 10)}
STEPS, RATE, LEARNING_RATE = 20, .1, .05


def arrays(units, samples, activation):
    """Input, target and weights, samples x units and n_l x n_(l-1): row-major, which the other side reads as column-major units x samples."""
    draw = numpy.random.default_rng(1)
    out = [draw.random((samples, units[0]), dtype=numpy.float32), numpy.eye(units[-1], dtype=numpy.float32)[draw.integers(units[-1], size=samples)]]
    for n, m in zip(units[1:], units):
        out += [(draw.standard_normal((n, m)) * ((2 if activation == "relu" else 1) / m) ** .5).astype(numpy.float32), numpy.zeros((n, 1), numpy.float32)]
    return out


class Strata:
    def __init__(self, command, activation, threads, numbers):
        self.command, self.activation, self.threads, self.numbers = command, activation, threads, numbers
        self.units = [numbers[0].shape[1], *(w.shape[0] for w in numbers[2::2])]

    def run(self, repeat):
        """Weights after the first step, and the median milliseconds of `repeat` more."""
        words = [self.command, self.activation, STEPS, RATE, LEARNING_RATE, self.numbers[0].shape[0], self.threads, repeat, *self.units]
        fed = [a if i < 2 else a.T for i, a in enumerate(self.numbers)]  # W is column-major there
        made = subprocess.run([str(w) for w in words], input=b"".join(numpy.ascontiguousarray(a).tobytes() for a in fed), capture_output=True, check=True)
        flat, weights = numpy.frombuffer(made.stdout, numpy.float32), []
        for shape in (a.shape for a in self.numbers[2:]):
            size = shape[0] * shape[1]
            weights.append(flat[:size].reshape(shape[::-1]).T)
            flat = flat[size:]
        return weights, statistics.median([float(line) for line in made.stderr.split()] or [0])


def timed(peer, repeat):
    taken = []
    for _ in range(repeat):
        begin = time.perf_counter()
        peer.step()
        taken.append(1000 * (time.perf_counter() - begin))
    return statistics.median(taken)


def compare(strata, make, rounds):
    """Spread of both and of their ratio, and how far the weights are apart after one step."""
    peer = make()
    peer.step()
    ours = strata.run(0)[0]
    pairs = list(zip(peer.weights(), ours))
    sizes = [max(float(abs(ours[i]).max()), float(abs(ours[i + 1]).max())) for i in range(0, len(ours), 2)]  # of a layer, its biases included
    apart = max(float(abs(a.reshape(b.shape) - b).max()) / sizes[i // 2] for i, (a, b) in enumerate(pairs))
    if not apart < 1e-4:
        raise SystemExit(f"compare.py: after one step the weights are {apart:.1e} apart; not timed")
    timed(peer, 3)
    pairs = [(timed(peer, 15), strata.run(30)[1]) for _ in range(rounds)]
    return pairs, apart


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--step", default=str(TOP / "build/release/tests/classic_step"))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--samples", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if os.environ.get("OPENBLAS_NUM_THREADS") != str(options.threads):  # read when numpy is imported, which has happened: start anew
        os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(options.threads)
        os.execv(sys.executable, [sys.executable, *sys.argv])
    rows, versions, missing = [], [], []
    for name in PEERS:
        try:
            peer = importlib.import_module(name)
        except ImportError as error:
            missing.append(f"{name} ({error})")
            print(f"SKIPPED: {missing[-1]}; see the top of tests/bench/peers/{name}.py")
            continue
        versions.append(f"{peer.NAME} {peer.version()}")
        for network, units in NETWORKS.items():
            for activation in ("tanh", "relu"):
                for samples in options.samples:
                    numbers = arrays(units, samples, activation)
                    strata = Strata(options.step, activation, options.threads, numbers)
                    for hoist in (False, True):
                        pairs, apart = compare(strata, lambda: peer.Step(activation, STEPS, RATE, LEARNING_RATE, options.threads, numbers, hoist), options.rounds)
                        rows.append([peer.NAME + (", hoisted" if hoist else ""), network, activation, samples, median([p for p, _ in pairs], 2),
                                     median([s for _, s in pairs], 2), median([p / s for p, s in pairs], 2), f"{apart:.0e}"])
                        print(*rows[-1], sep="  ", flush=True)
    if not rows:
        raise SystemExit("compare.py: no peer is installed, nothing was compared")
    page = [f"{processor()}, {datetime.date.today()}, commit {commit()}; {', '.join(versions)}; {options.threads} thread{'s' if options.threads > 1 else ''}; median of "
            f"{options.rounds} rounds (least to greatest), the two timed in turn.", "",
            f"One learning step of the classic network on the same numbers: T = {STEPS} steps of settling, one update. \"Hoisted\": the peer, too, computes the clamped input's "
            "product once, which strata always does. The last column is how far the weights are apart after one step, relative to the largest.", "",
            *table(["peer", "network", "f", "samples", "peer (ms)", "strata (ms)", "times as fast", "apart"], rows), ""]
    page += ["jpc, pcx, PRECO and Torch2PC are not compared: the Python registry has no jpc for Debian 12's Python, other packages under two of these names, and not the fourth.", ""]
    if missing:
        page += ["Not installed, skipped: " + "; ".join(missing) + ".", ""]
    page += ["Made by", "", f"    tests/bench/peers/compare.py --step {options.step}" if options.step != parser.get_default("step") else "    tests/bench/peers/compare.py", ""]
    write("peers.md", "Against peers", page)


if __name__ == "__main__":
    main()
