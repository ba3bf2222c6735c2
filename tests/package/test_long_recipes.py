#!/usr/bin/env python3
"""Follows the recipes of CONTRIBUTING.md on a copy of the tree: each file and each line it shows, then the build, then `strata list`.

The build tree stands in STRATA_BUILD_DIR.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

RECIPE = re.compile(r"^The (file|line in) `([\w/.]+)`:\n\n```\w+\n(.*?)^```", re.M | re.S)
ROOMS = ("core", "levels", "experiments", "analysis", "tests")


def run(*command):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        print("+", *command)
        print(done.stdout[-6000:])
        sys.exit(f"exit code {done.returncode}")
    return done.stdout


def main():
    source, build = pathlib.Path(__file__).resolve().parents[2], pathlib.Path(os.environ["STRATA_BUILD_DIR"]).resolve()
    cmake = re.search(r"^CMAKE_COMMAND:INTERNAL=(.*)$", (build / "CMakeCache.txt").read_text(), re.M).group(1)
    recipes = RECIPE.findall((source / "CONTRIBUTING.md").read_text())
    if not recipes:
        sys.exit("CONTRIBUTING.md shows no recipe")
    with tempfile.TemporaryDirectory() as scratch:
        copy = pathlib.Path(scratch) / "strata"
        copy.mkdir()
        for room in ROOMS:
            shutil.copytree(source / room, copy / room)
        for file in ("CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md"):
            shutil.copy(source / file, copy)
        names = []
        for kind, path, text in recipes:
            target = copy / path
            if kind == "file":
                if target.exists():
                    sys.exit(f"{path} of the recipe is there already")
                target.write_text(text)
            else:
                target.write_text(target.read_text() + text)
                names.append(re.search(r"\((\w+)", text).group(1))
        run(cmake, "-S", copy, "-B", copy / "build", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O0",
            "-DSTRATA_TESTS=OFF", "-DSTRATA_WARNINGS=ON", "-DSTRATA_WERROR=ON")
        run(cmake, "--build", copy / "build", "--target", "strata")
        listed = run(copy / "build/strata", "list")
        for name in names:
            if not re.search(rf"\b{name}\b", listed):
                sys.exit(f"strata list does not show {name}:\n{listed}")
            run(copy / "build/strata", "describe", name)
        run("/usr/bin/python3", "-B", copy / "tests/unit/test_include_direction.py", copy)
        print("followed:", *names)


if __name__ == "__main__":
    main()
