#!/usr/bin/python3
"""Writes results/reference/optimum.md: how near the hierarchies come to the exact observer of the nested worlds, measured from nothing.

usage: tests/validation/worlds_reference.py --strata build/release/strata [--tables 101 102] [--seeds 3] [--work DIR]

One online pass of 300,000 steps per row; gap closed over its last third. Tables 101 and 102 were scored at three stages of the work on the learning rules, but those were chosen on others.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
ROWS = [("direct", "categorical", "nested_direct"), ("geo", "categorical", "nested_geo"), ("nested", "conditional", "nested_nested"),
        ("direct", "gaussian", "gaussian_direct")]
SHORT = ["--set", "optimum.steps=2000", "--set", "optimum.streams=4", "--set", "run.figures=false"]  # the pass is what counts here


def passed(options, config, table, seed):
    """Summary of one run."""
    out = pathlib.Path(options.work) / f"{config}_{table}_{seed}"
    if not out.exists():
        subprocess.run([options.strata, "run", "optimum", "--world", "nested", "--config", f"experiments/config/{config}.ini", "--set",
                        f"world.tables={table}", *SHORT, "--seed", str(seed), "--out", str(out), "--quiet", "--json"],
                       check=True, cwd=TOP, stdout=subprocess.DEVNULL)
    return json.loads((out / "summary.json").read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strata", required=True, type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("--tables", nargs="+", type=int, default=[101, 102])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--work", default=None)
    options = parser.parse_args()
    options.work = options.work or tempfile.mkdtemp(prefix="strata_optimum_")
    lines = ["# How near the optimum", "",
             "Gap closed = (unigram - model) / (unigram - exact observer), nats per token over the last third of one online pass of 300,000 steps.",
             f"Tables {', '.join(map(str, options.tables))}, {options.seeds} seeds each; median over all runs, the worst beside it; each run with its interval.", "",
             "| world | levels | gap closed, median | worst | unigram - exact (nats) | tokens/s | exact observer, tokens/s |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    detail = ["", "| world | levels | table | seed | gap closed [95 %] |", "| --- | --- | --- | --- | --- |"]
    commits = set()
    for kind, level, config in ROWS:
        runs = [(table, seed, passed(options, config, table, seed)) for table in options.tables for seed in range(1, options.seeds + 1)]
        gaps = [run["gap_closed"] for _, _, run in runs]
        commits |= {run["commit"][:7] + (" with changes" if run["dirty"] else "") for _, _, run in runs}
        reach = statistics.median(run["unigram_nats"] - run["bayes_nats"] for _, _, run in runs)
        speed = [statistics.median(run[key] for _, _, run in runs) for key in ("model_tokens_per_second", "exact_tokens_per_second")]
        lines.append(f"| {kind} | {level} | {100 * statistics.median(gaps):.1f} % | {100 * min(gaps):.1f} % | {reach:.2f} | {speed[0]:,.0f} | {speed[1]:,.0f} |")
        for table, seed, run in runs:
            low, high = run["gap_closed_ci95"]
            detail.append(f"| {kind} | {level} | {table} | {seed} | {100 * run['gap_closed']:.1f} [{100 * low:.1f}, {100 * high:.1f}] |")
    lines += detail + ["", "Speeds depend on the machine and on what else it did. Made at " + ", ".join(sorted(commits)) + " by", "",
                       "    tests/validation/worlds_reference.py --strata build/release/strata", ""]
    (TOP / "results" / "reference" / "optimum.md").write_text("\n".join(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
