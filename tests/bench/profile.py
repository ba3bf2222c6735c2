#!/usr/bin/python3
"""Writes results/reference/profile.md: where the time of training the demo's hierarchy goes, sampled by perf (Debian: linux-perf).

usage: tests/bench/profile.py [--bench build/release/tests/strata_bench]

Samples are sorted by what they ran: oneDNN's products say their kernel's name (DNNL_JIT_PROFILE), ours the function. Kernels of packed
weights (brgemm) are the products over words; products of other weights run oneDNN's sgemm.
"""

import argparse
import datetime
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from laboratory import TOP, commit, processor, table, write  # noqa: E402

CONDITIONS = {"float, four sweeps": "text/train/threads:1/real_time", "bfloat16, four sweeps": "text/train/products:bfloat16/real_time",
              "bfloat16, two sweeps": "text/train/products:bfloat16/sweeps:2/real_time"}
KINDS = [("products over words, packed weights", r"brgemm|avx512_core_bf16"), ("other products", r"gemm|smalln|copy_an|copy_at|copy_bn|copy_bt"),
         ("exponentials of words", r"exp_sum|log_sum_exp|softmax_summary"), ("bias, largest logit, shares of tiles", r"axpby|maximum"),
         ("packing and copying", r"reorder|memmove|memset|to_brief|copy"), ("Adam", r"adam"), ("dropout", r"dropout_mask"),
         ("other vector kernels", r"kernels_v\d"), ("the rest of oneDNN", r"^libdnnl"), ("the kernel", r"^\[kernel")]


def sampled(bench, name, folder):
    """Per cent of the samples of each kind."""
    data = pathlib.Path(folder) / "perf.data"
    subprocess.run(["perf", "record", "-q", "-F", "999", "-o", str(data), bench, f"--benchmark_filter=^{re.escape(name)}$", "--benchmark_min_time=10"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "DNNL_JIT_PROFILE": "2"})
    report = subprocess.run(["perf", "report", "-i", str(data), "--no-children", "--sort", "dso,sym", "--stdio", "-w", "40,300"], check=True, capture_output=True, text=True).stdout
    shares = dict.fromkeys([kind for kind, _ in KINDS] + ["everything else"], 0.)
    for line in report.splitlines():
        match = re.match(r"\s*([\d.]+)%\s+(.*\S)", line)
        if match:
            kind = next((kind for kind, pattern in KINDS if re.search(pattern, match.group(2))), "everything else")
            shares[kind] += float(match.group(1))
    return shares


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default=str(TOP / "build/release/tests/strata_bench"))
    options = parser.parse_args()
    if shutil.which("perf") is None:
        sys.exit("profile.py: perf is missing; on Debian: apt install linux-perf")
    with tempfile.TemporaryDirectory() as folder:
        found = {condition: sampled(options.bench, name, folder) for condition, name in CONDITIONS.items()}
    kinds = [k for k in next(iter(found.values())) if any(shares[k] >= .1 for shares in found.values())]
    page = [f"{processor()}, {datetime.date.today()}, commit {commit()}. Training the demo's hierarchy (8,192 words, 32 streams, one thread) as performance.md times it: "
            "per cent of the samples that perf took.", "",
            *table(["", *found], [[kind, *(f"{shares[kind]:.1f}" for shares in found.values())] for kind in kinds]), "", "Made by", "", "    tests/bench/profile.py" + (f" --bench {options.bench}" if options.bench != parser.get_default("bench") else ""), ""]
    write("profile.md", "Where the time goes", page)


if __name__ == "__main__":
    main()
