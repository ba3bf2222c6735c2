#!/usr/bin/env python3
"""Installs the build into a temporary prefix, builds tests/package/consumer against it through find_package(strata) and runs it.

The build tree stands in STRATA_BUILD_DIR. The prefix is moved after the installation: an installed package must not know where it was put.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile


def run(*command):
    print("+", *command, flush=True)
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        print(done.stdout)
        sys.exit(f"exit code {done.returncode}")
    return done.stdout


def main():
    source, build = pathlib.Path(__file__).resolve().parents[2], pathlib.Path(os.environ["STRATA_BUILD_DIR"]).resolve()
    cache = dict(re.findall(r"^([A-Za-z_0-9]+):[A-Z]+=(.*)$", (build / "CMakeCache.txt").read_text(), re.M))
    cmake = cache["CMAKE_COMMAND"]
    sanitize = cache.get("STRATA_SANITIZE", "")
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        run(cmake, "--install", build, "--prefix", scratch / "first")
        shutil.move(scratch / "first", scratch / "second")
        prefix = scratch / "second"
        for file in prefix.rglob("*.cmake"):
            for place in (source, build, scratch / "first"):
                if str(place) + "/" in file.read_text():
                    sys.exit(f"{file.name} names {place}")
        consumer = scratch / "consumer"
        run(cmake, "-S", source / "tests/package/consumer", "-B", consumer, "-G", cache["CMAKE_GENERATOR"], f"-DCMAKE_PREFIX_PATH={prefix}",
            f"-DCMAKE_CXX_COMPILER={cache['CMAKE_CXX_COMPILER']}", "-DCMAKE_BUILD_TYPE=Release",
            f"-DCMAKE_CXX_FLAGS={'-fsanitize=' + sanitize if sanitize else ''}")
        run(cmake, "--build", consumer)
        said = run(consumer / "consumer")
        print(said)
        if not re.search(r"^strata \d+\.\d+\.\d+\nconfiguration errors exit with 2$", said.strip()):
            sys.exit("the consumer said something else than expected")
        if (prefix / "bin/strata").exists():
            print(run(prefix / "bin/strata", "list"))


if __name__ == "__main__":
    main()
