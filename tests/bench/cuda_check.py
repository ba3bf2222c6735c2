#!/usr/bin/env python3
"""Everything that a graphics processor is needed for, in one command of about eight minutes: conformance, a training run against cpu, --device check,
the benchmarks, and compute-sanitizer where it is installed and may be used. Writes results/reference/cuda.md.

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
import site
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
ABSENT = "not yet measured"
BINARIES = {"strata": "strata", "test_conformance": "tests/test_conformance", "strata_bench": "tests/strata_bench"}
LEFT_OUT = re.compile(r"lib(cudart|cublas|cublasLt|cuda|nv[A-Za-z-]*|c|m|mvec|dl|rt|pthread|resolv|util|anl|nsl|nss_\w+)\.so|ld-linux")  # CUDA's and glibc's
PARTS = {  # in their order, with shares of the time; what one leaves over goes to those after it
    "conformance": 130, "train": 25, "check": 35, "classic": 30, "text": 70, "64/streams:32": 20, "8192/streams:32": 20, "8192/streams:1024": 25,
    "8192/streams:4096": 35, "products": 25, "probe": 10, "memcheck": 30, "racecheck": 25}
SANITIZED = "another cuda device gives*,settling is the same launched*,host spans are free*,what the cuda device made*"  # every operation, and what is kept
SIZES = ["64/streams:32", "8192/streams:32", "8192/streams:1024", "8192/streams:4096"]


def table(head, rows):
    return [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |", *[f"| {' | '.join(map(str, row))} |" for row in rows]]


def library_folders():
    """Where CUDA's libraries go by default, or by pip."""
    packages = [*site.getsitepackages(), site.getusersitepackages()]
    return [path for path in ("/usr/local/cuda/lib64", "/usr/local/cuda/lib", *(f"{p}/nvidia/cu13/lib" for p in packages)) if os.path.isdir(path)]


class Check:
    def __init__(self, build, minutes):
        self.folder = pathlib.Path(build).resolve()
        self.end = time.monotonic() + 60 * minutes
        self.ahead = dict(PARTS)
        self.parts, self.failed = [], False
        folders = [str(self.folder / "lib"), *os.environ.get("LD_LIBRARY_PATH", "").split(":"), *library_folders()]
        self.environment = dict(os.environ, STRATA_BENCH_DEVICE="cuda", LD_LIBRARY_PATH=":".join(filter(None, folders)))

    def binary(self, name):
        for path in (self.folder / BINARIES[name], self.folder / name):
            if path.is_file():
                return str(path)
        sys.exit(f"cuda_check.py: {self.folder} has no {name}; build it: cmake --preset cuda && cmake --build --preset cuda --target {name}")

    def run(self, share, command):
        """(exit code or None where time ran out, standard output, standard error); `share` of PARTS says how long it may take."""
        left = (self.end - time.monotonic()) * self.ahead[share] / sum(self.ahead.values())
        for name in list(self.ahead):  # what comes before it, too, takes no time any more
            del self.ahead[name]
            if name == share:
                break
        if left < 2:
            return None, "", ""
        try:
            done = subprocess.run(command, capture_output=True, timeout=left, env=self.environment, cwd=tempfile.gettempdir(), check=False)
        except subprocess.TimeoutExpired as late:
            return None, (late.stdout or b"").decode(errors="replace"), (late.stderr or b"").decode(errors="replace")
        return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    def note(self, name, said, began):
        self.parts.append((name, said.replace("|", "/"), f"{time.monotonic() - began:.0f} s"))
        print(*self.parts[-1], sep=": ", flush=True)

    def part(self, name, share, command):
        began = time.monotonic()
        code, out, error = self.run(share, command)
        skipped = "SKIPPED: " in out
        last = last_line(out) or last_line(error)
        said = "no time left, or took too long" if code is None else "skipped: no GPU" if skipped else f"exit code {code}: {last}" if code else last or "done"
        self.failed |= code != 0 or skipped
        self.note(name, said, began)
        if code != 0:
            print(out[-4000:], error[-4000:], sep="\n", flush=True)

    def need_processor(self):
        done = subprocess.run([self.binary("strata"), "devices"], capture_output=True, text=True, timeout=120, env=self.environment, check=False)
        line = next((line for line in done.stdout.splitlines() if line.startswith("cuda ")), "")
        if line.split()[1:2] != ["available"]:
            sys.exit(f"cuda_check.py: no cuda device: {line or last_line(done.stderr) or f'strata devices: exit code {done.returncode}'}")
        self.processor = line.split(None, 2)[2]

    def sanitize(self):
        """compute-sanitizer, where it is installed and may have the processor: tried on one small case first."""
        tool, test = shutil.which("compute-sanitizer", path=f"{os.environ.get('PATH', '')}:/usr/local/cuda/bin"), self.binary("test_conformance")
        began = time.monotonic()
        if tool is not None:
            command = [tool, "--report-api-errors", "no", "--error-exitcode", "9"]
            code, out, error = self.run("probe", [*command, "--tool", "memcheck", test, "what the cuda device made*"])
            refused = code not in (0, 9) or "SKIPPED: " in out
        if tool is None or refused:
            why = "not installed" if tool is None else "not usable here: " + ("took too long" if code is None else last_line(error) or last_line(out))
            self.note("compute-sanitizer", why, began)
            return
        for kind in ("memcheck", "racecheck"):
            self.part(f"compute-sanitizer {kind}, every operation and what is kept", kind, [*command, "--tool", kind, test, SANITIZED])

    def benchmark(self, share, pattern, least, repetitions):
        began = time.monotonic()
        code, out, error = self.run(share, [self.binary("strata_bench"), f"--benchmark_filter={pattern}", f"--benchmark_min_time={least}",
                                            f"--benchmark_repetitions={repetitions}", "--benchmark_format=json"])
        runs, failures = {}, []
        for run in whole_runs(out):
            if run.get("error_occurred"):
                failures.append(run.get("error_message", run["run_name"]))
            elif run.get("run_type") == "iteration":
                runs.setdefault(run["run_name"], []).append(run)
        self.failed |= code != 0 or bool(failures) or not runs
        said = f"{len(runs)} measured" + (", then no time left" if code is None else f", then exit code {code} {last_line(error)}" if code else "")
        self.note(f"benchmarks: {share}", said + (f"; failed: {failures[0]}" if failures else ""), began)
        return runs

    def names(self):
        listed = subprocess.run([self.binary("strata_bench"), "--benchmark_list_tests"], capture_output=True, text=True, env=self.environment, check=True)
        return listed.stdout.split()


def answer(*command):
    try:
        return subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def last_line(text):
    return next((line.strip(" =") for line in reversed(text.splitlines()) if line.strip(" =-")), "")


def whole_runs(text):
    """Every run that was written to its end: where time ran out, the list breaks off."""
    position = text.find('"benchmarks": [')
    position = text.find("{", position) if position >= 0 else -1
    while position >= 0:
        try:
            run, end = json.JSONDecoder().raw_decode(text, position)
        except ValueError:
            return
        yield run
        position = text.find("{", end)


def tiny_text(folder):
    """Invented prose, enough for a few hundred steps."""
    words = [f"{a}{b}" for a in ("ba", "lo", "mi", "tu", "re") for b in ("ka", "no", "si", "ver", "dal", "pin")]
    lines = [" ".join(words[(7 * i + j * j) % len(words)] for j in range(9)).capitalize() + "." for i in range(1500)]
    path = pathlib.Path(folder) / "prose.txt"
    path.write_text("\n\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def correctness(check, folder):
    test, strata = check.binary("test_conformance"), check.binary("strata")
    check.part("every operation against the reference, bits that come again, training against cpu", "conformance", [test, "[cuda]"])
    text, small = tiny_text(folder), ["--set", "hierarchy.units=8", "--set", "level.0.units=8", "--set", "level.0.hidden=16", "--set", "text.vocabulary=300"]
    train = [strata, "train", "--text", text, "--quiet", "--set", "world.passes=1", *small]
    check.part("train --device cuda", "train", [*train, "--device", "cuda", "--model", f"{folder}/a.h5", "--out", f"{folder}/a"])
    check.part("train --device check, run.checked=cuda", "check", [*train, "--device", "check", "--set", "run.checked=cuda", "--model", f"{folder}/b.h5", "--out", f"{folder}/b"])


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
        f"Microseconds · GB/s of what must be read and written once · share of what y = a x + y moves on arrays of 256 MB in the same process (median {bandwidth}). The two smaller "
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
        processor = answer("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader") or check.processor
        commit = answer("git", "rev-parse", "--short", "HEAD") or "unknown"
        head += [f"{processor}, {datetime.date.today()}, commit {commit}; medians.", ""]
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
    runs, names = {}, check.names()
    if not options.blank:
        check.need_processor()
        with tempfile.TemporaryDirectory() as folder:
            correctness(check, folder)
        runs |= check.benchmark("classic", "^classic/.*/threads:1/", .1, 5)
        runs |= check.benchmark("text", "^text/(train|infer|forecast)/.*(threads:1|products)|^text/train/recording|^text/law/", .2, 1)
        for size in SIZES:
            runs |= check.benchmark(size, f"^operation/.*/units:{size}$", .01, 3)
        runs |= check.benchmark("products", "^operation/(gemm|affine|outer_product|softmax_layer)/", .01, 3)
        check.sanitize()
    written = page(check, names, runs, not options.blank)
    pathlib.Path(options.out).write_text(written, encoding="utf-8")
    print(written if not options.blank else options.out)
    sys.exit(1 if check.failed else 0)


if __name__ == "__main__":
    main()
