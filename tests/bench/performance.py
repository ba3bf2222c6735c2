#!/usr/bin/python3
"""Writes results/reference/performance.md: how fast the classic network learns, against what the machine can do at its best in the same run.

usage: tests/bench/performance.py [--bench build/release/tests/strata_bench] [--repetitions 9]

Leave the machine to it: a few minutes. Every figure is the median of the repetitions, with the lowest and highest beside it.
"""

import argparse
import datetime
import json
import pathlib
import statistics
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]


def table(head, rows):
    return [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |", *[f"| {' | '.join(map(str, row))} |" for row in rows]]


def spread(values, digits=1, factor=1):
    """Median (least to greatest)."""
    return f"{factor * statistics.median(values):.{digits}f} ({factor * min(values):.{digits}f} to {factor * max(values):.{digits}f})"


def commit():
    name = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=TOP, capture_output=True, text=True, check=True).stdout.strip()
    changed = subprocess.run(["git", "status", "--porcelain", "--untracked-files=no"], cwd=TOP, capture_output=True, text=True, check=True).stdout.strip()
    return name + (" with changes" if changed else "")


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown processor"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default=str(TOP / "build/release/tests/strata_bench"))
    parser.add_argument("--repetitions", type=int, default=9)
    options = parser.parse_args()
    made = subprocess.run([options.bench, "--benchmark_filter=^classic/", "--benchmark_min_time=0.3", f"--benchmark_repetitions={options.repetitions}",
                           "--benchmark_enable_random_interleaving=true", "--benchmark_format=json"], capture_output=True, text=True, check=True).stdout
    found = {}
    for run in json.loads(made)["benchmarks"]:
        if run.get("run_type") == "iteration":
            found.setdefault(run["run_name"], []).append(run)
    rows, pairs = [], {}
    for name, runs in found.items():
        _, width, activation, samples, threads = name.split("/")[:5]
        threads = int(threads.split(":")[1])
        milliseconds = [run["real_time"] for run in runs]
        pairs[(width, activation, samples, threads)] = statistics.median(milliseconds)
        if threads == 1:
            rows.append([width, activation, samples, spread(milliseconds, 2), spread([run["GFLOP/s"] for run in runs]),
                         spread([run["peak_share"] for run in runs], 1, 100), f"{statistics.median(run['samples/s'] for run in runs):,.0f}"])
    threads = [[w, a, s, f"{pairs[(w, a, s, 1)] / pairs[(w, a, s, 2)]:.2f}"] for w, a, s, t in pairs if t == 2 and s == "256"]
    peak = statistics.median(run["fma_peak"] for runs in found.values() for run in runs) * 1e-9
    both = statistics.median(run["fma_two"] for runs in found.values() for run in runs)
    page = [
        "# How fast", "",
        f"{processor()}, {datetime.date.today()}, commit {commit()}; median of {options.repetitions} (least to greatest). Peak of one thread: {peak:.1f} GFLOP/s, fused "
        f"multiply-adds in registers alone, float, in the same run; two threads of that loop: {both:.2f} times one.", "",
        "## The classic network", "",
        "784-256-256-10 (256) and 784-512-512-512-10 (512): one learning step, T = 20 steps of settling and one update of the weights. Counted are the operations "
        "that are needed, the clamped input's product once.", "",
        *table(["network", "f", "samples", "milliseconds", "GFLOP/s", "per cent of peak", "samples per second"], rows), "",
        "Two threads against one:", "", *table(["network", "f", "samples", "times as fast"], threads), "",
        "Made by", "", f"    tests/bench/performance.py --bench {options.bench}" if options.bench != parser.get_default("bench") else "    tests/bench/performance.py", ""]
    (TOP / "results" / "reference" / "performance.md").write_text("\n".join(page))
    print("\n".join(page))


if __name__ == "__main__":
    main()
