#!/usr/bin/env python3
"""Everything that a graphics processor is needed for, in one command of about eight minutes: conformance, a training run against cpu, --device check,
compute-sanitizer where it is installed, and the benchmarks. Writes results/reference/cuda.md.

usage: tests/bench/cuda_check.py [--build build/cuda] [--minutes 8] [--out results/reference/cuda.md]
       tests/bench/cuda_check.py --pack FILE.tar.xz [--build build/cuda]     on the machine that builds
       tests/bench/cuda_check.py --blank [--build build/cuda]                the page without a single figure

Build before, here or elsewhere:  cmake --preset cuda && cmake --build --preset cuda --target strata test_conformance strata_bench
--pack puts these three and the libraries they need, but for the driver's and CUDA's own, into one archive; on the machine with the processor, unpack it
and name its folder with --build. Nothing is built or fetched here. A part that found no time or failed says so in the page, and the exit code is 1.
"""

import argparse
import datetime
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
ABSENT = "not yet measured"
BINARIES = {"strata": "strata", "test_conformance": "tests/test_conformance", "strata_bench": "tests/strata_bench"}
LEFT_OUT = re.compile(r"lib(cu|nv|c\.|m\.|dl\.|rt\.|pthread\.)|ld-linux")
SIZES = ["64/streams:32", "8192/streams:32", "8192/streams:1024", "8192/streams:4096"]


def table(head, rows):
    return [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |", *[f"| {' | '.join(map(str, row))} |" for row in rows]]


class Check:
    def __init__(self, build, minutes):
        self.folder = pathlib.Path(build).resolve()
        self.end = time.monotonic() + 60 * minutes
        self.parts, self.failed = [], False
        libraries = self.folder / "lib"
        self.environment = dict(os.environ, STRATA_BENCH_DEVICE="cuda")
        if libraries.is_dir():
            self.environment["LD_LIBRARY_PATH"] = f"{libraries}:{os.environ.get('LD_LIBRARY_PATH', '')}"

    def binary(self, name):
        for path in (self.folder / BINARIES[name], self.folder / name):
            if path.is_file():
                return str(path)
        sys.exit(f"cuda_check.py: {self.folder} has no {name}; build it: cmake --preset cuda && cmake --build --preset cuda --target {name}")

    def run(self, command, seconds):
        """(exit code or None where time ran out, output)"""
        left = min(seconds, self.end - time.monotonic())
        if left < 5:
            return None, ""
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=left, env=self.environment, cwd=tempfile.gettempdir())
        except subprocess.TimeoutExpired as late:
            return None, (late.stdout or b"").decode(errors="replace") if isinstance(late.stdout, bytes) else late.stdout or ""
        return done.returncode, done.stdout + done.stderr

    def part(self, name, command, seconds):
        began = time.monotonic()
        code, output = self.run(command, seconds)
        last = next((line for line in reversed(output.strip().splitlines()) if line.strip(" =-")), "")
        skipped = "SKIPPED: " in output
        said = "no time left, or took too long" if code is None else "skipped: no GPU" if skipped else f"exit code {code}: {last}" if code else last or "done"
        self.failed |= code != 0 or skipped
        self.parts.append((name, said, f"{time.monotonic() - began:.0f} s"))
        print(*self.parts[-1], sep=": ", flush=True)
        if code:
            print(output[-4000:], flush=True)

    def benchmark(self, pattern, seconds, least, repetitions):
        command = [self.binary("strata_bench"), f"--benchmark_filter={pattern}", f"--benchmark_min_time={least}",
                   f"--benchmark_repetitions={repetitions}", "--benchmark_format=json"]
        began = time.monotonic()
        code, output = self.run(command, seconds)
        runs = {}
        try:
            for run in json.loads(output[output.index("{"):output.rindex("}") + 1])["benchmarks"]:
                if run.get("run_type") == "iteration" and not run.get("error_occurred"):
                    runs.setdefault(run["run_name"], []).append(run)
        except ValueError:
            self.failed = True
        self.parts.append((f"benchmarks {pattern}", f"{len(runs)} measured" if code == 0 else f"failed ({code})", f"{time.monotonic() - began:.0f} s"))
        print(*self.parts[-1], sep=": ", flush=True)
        return runs

    def names(self):
        listed = subprocess.run([self.binary("strata_bench"), "--benchmark_list_tests"], capture_output=True, text=True, env=self.environment, check=True)
        return listed.stdout.split()


def tiny_text(folder):
    """Invented prose, enough for a few hundred steps."""
    words = [f"{a}{b}" for a in ("ba", "lo", "mi", "tu", "re") for b in ("ka", "no", "si", "ver", "dal", "pin")]
    lines = [" ".join(words[(7 * i + j * j) % len(words)] for j in range(9)).capitalize() + "." for i in range(1500)]
    path = pathlib.Path(folder) / "prose.txt"
    path.write_text("\n\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def correctness(check, folder):
    test, strata = check.binary("test_conformance"), check.binary("strata")
    check.part("every operation against the reference, bits that come again, training against cpu", [test, "[cuda]"], 240)
    text, small = tiny_text(folder), ["--set", "hierarchy.units=8", "--set", "level.0.units=8", "--set", "level.0.hidden=16", "--set", "text.vocabulary=300"]
    train = [strata, "train", "--text", text, "--quiet", "--set", "world.passes=1", *small]
    check.part("train --device cuda", [*train, "--device", "cuda", "--model", f"{folder}/a.h5", "--out", f"{folder}/a"], 60)
    check.part("train --device check, run.checked=cuda", [*train, "--device", "check", "--set", "run.checked=cuda", "--model", f"{folder}/b.h5", "--out", f"{folder}/b"], 90)
    tool = shutil.which("compute-sanitizer")
    for kind in ("memcheck", "racecheck"):
        if tool is None:
            check.parts.append((f"compute-sanitizer {kind}", "not installed", "0 s"))
        else:
            for case in ("settling is the same launched*", "host spans are free*", "what the cuda device made*"):
                check.part(f"compute-sanitizer {kind}, {case}", [tool, "--tool", kind, "--error-exitcode", "9", test, case], 60)


def figure(runs, key, scale=1.0, digits=1):
    return f"{scale * statistics.median(run[key] for run in runs):,.{digits}f}" if runs else ABSENT


def in_order(name):
    return [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name)]


def tables(names, runs):
    moved, products, classic, text = {}, [], [], []
    for name in sorted(names, key=in_order):
        found = runs.get(name, [])
        micro = figure(found, "real_time", 1e-3)
        if name.startswith("operation/") and "/units:" in name:
            what, size = name.removeprefix("operation/").split("/units:")
            cell = f"{micro} · {figure(found, 'GB/s', 1, 0)} · {figure(found, 'bandwidth_share', 1, 2)}" if found else ABSENT
            moved.setdefault(what, {})[size] = cell
        elif name.startswith("operation/"):
            products.append([name.removeprefix("operation/").replace("/", " "), micro, figure(found, "GFLOP/s", 1, 0), figure(found, "peak_share", 100)])
        elif name.startswith("classic/") and "threads:1/" in name:
            classic.append([name.split("/")[1], name.split("/")[2], name.split("/")[3], figure(found, "real_time", 1, 3), figure(found, "GFLOP/s", 1, 0),
                            figure(found, "samples/s", 1, 0)])
        elif re.match(r"text/(train|infer|forecast|law)/", name) and "threads:2" not in name:
            text.append([name.removeprefix("text/").removesuffix("/real_time").replace("/", ", ").replace(":", " "), figure(found, "tokens/s", 1, 0),
                         figure(found, "GFLOP/s", 1, 0)])
    rows = [[what, *(by.get(size, "–") for size in SIZES)] for what, by in moved.items()]
    every = [run for all_runs in runs.values() for run in all_runs]
    moves = [run for run in every if "bandwidth" in run]
    bandwidth = f"{figure(moves, 'bandwidth', 1e-9, 0)} GB/s" if moves else ABSENT
    return [
        "## Operations", "",
        f"Microseconds · GB/s of what must be read and written once · share of what y = a x + y moves on arrays of 256 MB in the same run ({bandwidth}). The two smaller "
        "sizes lie in the second cache level, the largest beyond it. Calls follow one another without waiting, 32 at a time.", "",
        *table(["operation", "64 x 32", "8,192 x 32", "8,192 x 1,024", "8,192 x 4,096"], rows), "",
        "Products, m x n summed over k, and softmax layers of two parts, 64 and 48 units; per cent of what a product of 8,192 x 8,192 x 8,192 in float reaches:", "",
        *table(["product", "microseconds", "GFLOP/s", "per cent"], products), "",
        "## The classic network", "", "784-256-256-10 (256) and 784-512-512-512-10 (512): one learning step, T = 20, settling replayed as one graph.", "",
        *table(["network", "f", "samples", "milliseconds", "GFLOP/s", "samples per second"], classic), "",
        "## The demo's hierarchy", "", "As in performance.md: four levels, 8,192 words, 32 streams, four sweeps, where a row does not say other.", "",
        *table(["what", "tokens per second", "GFLOP/s"], text), ""]


def page(check, names, runs, measured):
    head = ["# The cuda device", ""]
    if measured:
        processor = subprocess.run(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"], capture_output=True, text=True, check=False).stdout.strip()
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=TOP, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
        head += [f"{processor or 'unknown processor'}, {datetime.date.today()}, commit {commit}; medians.", ""]
        parts = check.parts
    else:
        head += ["No graphics processor was at hand yet: every figure below is still to be measured. tests/cuda runs the device on the host in the meantime.", ""]
        parts = [(name, ABSENT, "–") for name in ("every operation against the reference, bits that come again, training against cpu", "train --device cuda",
                                                   "train --device check, run.checked=cuda", "compute-sanitizer memcheck", "compute-sanitizer racecheck")]
    return "\n".join([*head, "## Is it right", "", *table(["part", "came to", "took"], parts), "", *tables(names, runs), "Made by", "", "    tests/bench/cuda_check.py", ""])


def pack(check, target):
    libraries = set()
    with tarfile.open(target, "w:xz") as archive:
        for name in BINARIES:
            path = check.binary(name)
            archive.add(path, f"cuda_check/{name}")
            for line in subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout.splitlines():
                match = re.match(r"\s*(\S+) => (/\S+)", line)
                if match and not LEFT_OUT.match(match.group(1)):
                    libraries.add(match.groups())
        for name, path in sorted(libraries):
            archive.add(os.path.realpath(path), f"cuda_check/lib/{name}")
    print(f"{target}: {os.path.getsize(target) / 2**20:.0f} MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(TOP / "build/cuda"))
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--out", default=str(TOP / "results/reference/cuda.md"))
    parser.add_argument("--pack")
    parser.add_argument("--blank", action="store_true")
    options = parser.parse_args()
    check = Check(options.build, options.minutes)
    if options.pack:
        return pack(check, options.pack)
    runs = {}
    names = check.names()
    if not options.blank:
        with tempfile.TemporaryDirectory() as folder:
            correctness(check, folder)
        runs.update(check.benchmark("^classic/.*/threads:1/", 60, .1, 5))
        runs.update(check.benchmark("^text/(train|infer|forecast)/.*(threads:1|products)|^text/train/recording|^text/law/", 100, .2, 1))
        runs.update(check.benchmark("^operation/", 150, .01, 3))
    written = page(check, names, runs, not options.blank)
    pathlib.Path(options.out).write_text(written, encoding="utf-8")
    print(written if not options.blank else options.out)
    sys.exit(1 if check.failed else 0)


if __name__ == "__main__":
    main()
