#!/usr/bin/python3
"""Writes results/reference/performance.md: how fast the classic network learns and the demo's hierarchy reads, against what the machine can do
at its best in the same run, and every operation of the device.

usage: tests/bench/performance.py [--bench build/release/tests/strata_bench] [--repetitions 9]

Leave the machine to it: a few minutes. Every figure is the median of the repetitions, with the lowest and highest beside it;
the million tokens are read once.
"""

import argparse
import datetime
import json
import pathlib
import re
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from laboratory import TOP, commit, median, processor, table, write  # noqa: E402


def middle(runs, key):
    return statistics.median(run[key] for run in runs)


def in_order(item):
    """By name, numbers in it by their size: runs come interleaved."""
    return [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", item[0])]


def text_tables(found, million):
    """The demo's hierarchy: what it does in a second, and how that depends on its sizes."""
    text = {name.removeprefix("text/").removesuffix("/real_time"): runs for name, runs in sorted(found.items(), key=in_order) if name.startswith("text/")}
    rows = []
    for name, runs in text.items():
        if name.startswith("law/"):
            continue
        share = median([run["peak_share"] for run in runs], 1, 100)
        rows.append([name.replace("/", ", ").replace(":", " "), median([run["tokens/s"] for run in runs], 0), median([run["GFLOP/s"] for run in runs], 1), share])
    rate = {name: middle(runs, "tokens/s") for name, runs in text.items()}
    laws = []
    for name, runs in text.items():
        if name.startswith("law/"):
            what, value = name.removeprefix("law/").split(":")
            laws.append([what, f"{int(value):,}", f"{rate[name]:,.0f}", f"{1e6 / rate[name]:.1f}", f"{middle(runs, 'parameters') / 1e6:.2f}", f"{middle(runs, 'bytes') / 2**20:.1f}"])
    cost = [1e6 / rate[f"law/levels:{n}"] for n in range(1, 7)]
    recording = [1 - b / a for a, b in zip((run["tokens/s"] for run in text["train/threads:1"]), (run["tokens/s"] for run in text["train/recording"]))]
    added = ", ".join(f"{b - a:.1f}" for a, b in zip(cost, cost[1:]))
    return [
        "## The demo's hierarchy", "",
        "Four levels, 8,192 words, 32 streams, four sweeps, drawn words with Zipf's frequencies; a learning step is eight tokens of every stream. Counted are the "
        "operations that the output layer and the token level's own weights need; what situation levels do besides is not. Peak is that of float, also where products are bfloat16.", "",
        *table(["what", "tokens per second", "GFLOP/s", "per cent of peak"], rows), "",
        f"One thread: forecasting without inference {rate['forecast/threads:1'] / rate['train/threads:1']:.2f} times the tokens per second of training, inference alone "
        f"{rate['infer/threads:1'] / rate['train/threads:1']:.2f} times. Recording what is recorded by default, every step "
        f"of all 32 streams, costs {median(recording, 1, 100)} per cent.", "",
        "What it costs, training, one thread, all else as above:", "",
        *table(["what grows", "to", "tokens per second", "microseconds per token", "million weights", "MiB held"], laws), "",
        f"Microseconds per token that each level adds to those below it, from level 1 on: {added} (differences of a tenth of the whole are noise). Four levels cost {cost[3] / cost[0]:.2f} times the token level alone, "
        f"of which level 1, with whom the output stream comes, makes {(cost[1] - cost[0]) / cost[0]:.2f}.", "",
        f"A stream holds {(middle(text['law/streams:128'], 'bytes') - middle(text['law/streams:32'], 'bytes')) / 96 / 1024:.0f} KiB (128 streams against 32). "
        f"Reading a million tokens while learning (2,048 words, 32 units, one sweep, 4 streams) held {middle(million, 'bytes_early') / 2**20:.2f} MiB after "
        f"100,000 tokens and {middle(million, 'bytes') / 2**20:.2f} MiB at the end.", ""]


def operation_tables(found):
    """What every operation of the device reaches: one row per operation, its sizes side by side."""
    moved, products, latency = {}, [], []
    for name, runs in sorted(found.items(), key=in_order):
        if not name.startswith("operation/"):
            continue
        what, *sizes = name.removeprefix("operation/").split("/units:")
        time = statistics.median(run["real_time"] for run in runs)
        if "peak_share" in runs[0]:
            products.append([what.replace("/", " "), f"{time / 1000:,.1f}", median([run["GFLOP/s"] for run in runs], 1), median([run["peak_share"] for run in runs], 0, 100)])
        elif middle(runs, "GB/s") == 0:
            latency.append(f"{what} {time / 32:.1f}")
        else:
            moved.setdefault(what, {})[sizes[0]] = f"{time / 1000:,.2f} · {median([run['GB/s'] for run in runs], 0)} · {middle(runs, 'bandwidth_share'):.2f}"
    sizes = ["64/streams:32", "8192/streams:32", "8192/streams:1024"]
    bandwidth = statistics.median(run["bandwidth"] for runs in found.values() for run in runs if "bandwidth" in run) * 1e-9
    return [
        "## Operations", "",
        f"Every operation of the device, one thread. y = a x + z on arrays beyond every cache moves {bandwidth:.1f} GB/s in the same run. Of operations on n units x B streams: microseconds · "
        "GB/s of what must be read and written once · share of that bandwidth; in cache it lies above 1.", "",
        *table(["operation", "64 x 32", "8,192 x 32", "8,192 x 1,024"], [[what, *(by_size.get(s, "–") for s in sizes)] for what, by_size in moved.items()]), "",
        f"Nanoseconds per entry of those on single entries: {', '.join(latency)}.", "",
        "Products, m x n summed over k; softmax layers of two parts, 64 and 48 units, their weights kept packed or packed anew in every call:", "",
        *table(["product", "microseconds", "GFLOP/s", "per cent of peak"], products), ""]


def measure(bench, names, seconds, repetitions):
    """Runs of every benchmark whose name begins with one of `names`."""
    made = subprocess.run([bench, f"--benchmark_filter=^({names})", f"--benchmark_min_time={seconds}", f"--benchmark_repetitions={repetitions}",
                           "--benchmark_enable_random_interleaving=true", "--benchmark_format=json"], capture_output=True, text=True, check=True).stdout
    found = {}
    for run in json.loads(made)["benchmarks"]:
        if run.get("run_type") == "iteration" and not run.get("error_occurred"):
            found.setdefault(run["run_name"], []).append(run)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default=str(TOP / "build/release/tests/strata_bench"))
    parser.add_argument("--repetitions", type=int, default=9)
    options = parser.parse_args()
    found = measure(options.bench, "classic/|text/(train|infer|forecast|law)/", .3, options.repetitions)
    million = next(iter(measure(options.bench, "text/million", 1, 1).values()))
    operations = measure(options.bench, "operation/", .02, options.repetitions)
    rows, pairs = [], {}
    for name, runs in sorted(found.items(), key=in_order):
        if not name.startswith("classic/"):
            continue
        _, width, activation, samples, threads = name.split("/")[:5]
        threads = int(threads.split(":")[1])
        milliseconds = [run["real_time"] for run in runs]
        pairs[(width, activation, samples, threads)] = statistics.median(milliseconds)
        if threads == 1:
            rows.append([width, activation, samples, median(milliseconds, 2), median([run["GFLOP/s"] for run in runs], 1),
                         median([run["peak_share"] for run in runs], 1, 100), f"{statistics.median(run['samples/s'] for run in runs):,.0f}"])
    threads = [[w, a, s, f"{pairs[(w, a, s, 1)] / pairs[(w, a, s, 2)]:.2f}"] for w, a, s, t in pairs if t == 2 and s == "256"]
    peak = statistics.median(run["fma_peak"] for runs in found.values() for run in runs) * 1e-9
    both = statistics.median(run["fma_two"] for runs in found.values() for run in runs if "fma_two" in run)
    write("performance.md", "How fast", [
        f"{processor()}, {datetime.date.today()}, commit {commit()}; median of {options.repetitions} (least to greatest). Peak of one thread: {peak:.1f} GFLOP/s, fused "
        f"multiply-adds in registers alone, float, in the same run; two threads of that loop: {both:.2f} times one.", "",
        "## The classic network", "",
        "784-256-256-10 (256) and 784-512-512-512-10 (512): one learning step, T = 20 steps of settling and one update of the weights. Counted are the operations "
        "that are needed, the clamped input's product once.", "",
        *table(["network", "f", "samples", "milliseconds", "GFLOP/s", "per cent of peak", "samples per second"], rows), "",
        "Two threads against one:", "", *table(["network", "f", "samples", "times as fast"], threads), "",
        *text_tables(found, million), *operation_tables(operations), "Made by", "", f"    tests/bench/performance.py --repetitions {options.repetitions}" + (f" --bench {options.bench}" if options.bench != parser.get_default("bench") else ""), ""])


if __name__ == "__main__":
    main()
