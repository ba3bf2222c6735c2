#!/usr/bin/env python3
"""Reads every include of the tree and enforces the direction of dependence.

    core <- levels <- experiments      core <- analysis <- experiments      experiments/main*.cpp sits on all; nothing includes main or tests

and which third-party header may appear where. Argument: the source tree, by default the one this file lies in.
The rules are tried on made-up violations first, so that a rule that catches nothing fails here.
"""
import pathlib
import re
import sys

ROOMS = ("core", "levels", "experiments", "analysis", "tests")
MAIN = r"experiments/main[^/]*\.(cpp|hpp)"

# Project headers: (files it holds for, what they may include, what they may not). The first rule that matches the file decides.
PROJECT = [
    (r"tests/", r".*", None),
    (MAIN, r"(core|levels|experiments|analysis)/", None),
    (r"core/", r"core/", None),
    # Levels open no file and name no device.
    (r"levels/build\.", r"(core|levels)/", r"core/(io|simulation|recorder)|core/device/(?!device\.hpp)"),  # stacks them into a hierarchy
    (r"levels/", r"(core|levels)/", r"core/(io|simulation|hierarchy|relaxation|recorder)|core/device/(?!device\.hpp)"),
    # Worlds never see a level.
    (r"experiments/worlds/", r"(core|experiments/worlds)/", r"core/(level|lexicon|hierarchy|simulation|relaxation|learning|device/)"),
    (r"experiments/", r"(core|levels|experiments|analysis)/", None),
    # Measures read recorded arrays and never run a network.
    (r"analysis/", r"(core|analysis)/", r"core/(level|lexicon|hierarchy|simulation|relaxation|learning|device/)"),
]
NOBODY = MAIN + r"|tests/"  # included by no file outside tests

# Third-party headers: (header, files that may include it). The first rule that matches the header decides.
THIRD_PARTY = [
    (r"(oneapi/)?tbb(/|\.h)|(oneapi/)?dnnl(/|\.h)|omp\.h|.*intrin\.h|cpuid\.h", r"core/device/cpu/|tests/"),
    (r"cuda|cublas|nv", r"core/device/cuda/|tests/cuda/"),
    (r"hdf5(_hl)?\.h|H5", r"core/io/|tests/"),
    (r"boost/program_options", MAIN + r"|core/parameter\.cpp"),
    (r"nlohmann/", r"(core/io|analysis|experiments|levels)/.*\.cpp|tests/"),
    (r"unicode/|sentencepiece", r"experiments/worlds/text/|tests/"),
    (r"Eigen/", r".*"),
    (r"catch2/|benchmark/", r"tests/"),
    # The system: files and signals.
    (r"(sys/[a-z]+|unistd|spawn|fcntl|signal|dirent|pthread|sched|poll)\.h", r"core/(?!device/reference)|experiments/(?!worlds/)|tests/"),
    (r"(dlfcn|malloc)\.h", r"tests/"),  # what the process itself does
    (r"([a-z0-9_]+|(math|string|stdlib|stdio|stdint|errno|time)\.h)$", r".*"),  # the standard library
]


def complaints_about(path, text, exists):
    """Complaints about the includes of one file; `exists` says whether a header from the repository root is there."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r"\s*#\s*include\s*(<([^>]+)>|\"([^\"]+)\")", line)
        if not match:
            continue
        where = f"{path}:{number}: "
        if match.group(2):
            header = match.group(2)
            rule = next((allowed for pattern, allowed in THIRD_PARTY if re.match(pattern, header)), None)
            if rule is None:
                found.append(where + f"<{header}> is known to no rule")
            elif not re.match(rule, path):
                found.append(where + f"<{header}> may not be included here")
            continue
        header = match.group(3)
        if not exists(header):
            found.append(where + f"\"{header}\" is no file from the repository root")
            continue
        rule = next((rule for rule in PROJECT if re.match(rule[0], path)), None)
        if rule is None or not re.match(rule[1], header) or (rule[2] and re.match(rule[2], header)):
            found.append(where + f"\"{header}\" lies against the direction of dependence")
        elif re.match(NOBODY, header) and not path.startswith("tests/"):
            found.append(where + f"\"{header}\" may be included by nobody")
    return found


VIOLATIONS = [
    ("core/a.cpp", '#include "levels/token.hpp"'),
    ("core/a.cpp", "#include <hdf5.h>"),
    ("core/a.cpp", "#include <nlohmann/json.hpp>"),
    ("core/a.cpp", "#include <tbb/parallel_for.h>"),
    ("core/a.cpp", "#include <oneapi/dnnl/dnnl.hpp>"),
    ("core/device/cpu/a.cpp", "#include <cuda_runtime.h>"),
    ("core/io/a.hpp", "#include <nlohmann/json.hpp>"),
    ("core/a.cpp", '#include "error.hpp"'),
    ("core/a.cpp", '#include "tests/support/a.hpp"'),
    ("levels/a.cpp", '#include "experiments/a.hpp"'),
    ("levels/a.cpp", '#include "core/io/hdf5.hpp"'),
    ("levels/a.cpp", '#include "core/device/cpu/cpu.hpp"'),
    ("levels/a.cpp", '#include "analysis/a.hpp"'),
    ("experiments/a.cpp", '#include "tests/support/a.hpp"'),
    ("experiments/a.cpp", '#include "experiments/main.hpp"'),
    ("experiments/a.cpp", "#include <boost/program_options.hpp>"),
    ("experiments/a.cpp", "#include <unicode/brkiter.h>"),
    ("experiments/worlds/a.cpp", '#include "levels/token.hpp"'),
    ("experiments/worlds/a.cpp", '#include "analysis/a.hpp"'),
    ("analysis/a.cpp", '#include "experiments/a.hpp"'),
    ("experiments/worlds/a.cpp", '#include "core/level.hpp"'),
    ("analysis/a.cpp", '#include "levels/token.hpp"'),
    ("analysis/a.cpp", '#include "core/simulation.hpp"'),
    ("analysis/a.cpp", "#include <catch2/catch.hpp>"),
    ("analysis/a.cpp", "#include <vendor/thing.h>"),
]
ALLOWED = [
    ("core/io/a.cpp", "#include <hdf5.h>"),
    ("core/device/cpu/a.cpp", "#include <tbb/parallel_for.h>"),
    ("levels/a.cpp", '#include "core/device/device.hpp"'),
    ("levels/a.cpp", "#include <vector>"),
    ("experiments/main.cpp", '#include "analysis/a.hpp"'),
    ("experiments/worlds/text/a.cpp", "#include <unicode/brkiter.h>"),
    ("tests/unit/a.cpp", '#include "levels/token.hpp"'),
]


def main():
    top = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    failures = []
    there = lambda header: header != "error.hpp"
    for path, text in VIOLATIONS:
        if len(complaints_about(path, text, there)) != 1:
            failures.append(f"the rules let pass: {text} in {path}")
    for path, text in ALLOWED:
        failures += [f"the rules forbid what is allowed: {found}" for found in complaints_about(path, text, there)]

    exists = lambda header: (top / header).is_file() or (top / (header + ".in")).is_file()
    files = [f for room in ROOMS for f in sorted((top / room).rglob("*")) if f.suffix in (".cpp", ".hpp", ".inc", ".cu", ".cuh")]
    files = [f for f in files if not str(f.relative_to(top)).startswith("tests/package/")]  # a consumer includes as a stranger does
    for file in files:
        failures += complaints_about(str(file.relative_to(top)), file.read_text(encoding="utf-8"), exists)
    print(*failures, sep="\n")
    print(f"{len(files)} files read, {len(failures)} complaints")
    sys.exit(1 if failures or not files else 0)


if __name__ == "__main__":
    main()
