#!/usr/bin/env python3
"""The kernels compiled for one instruction set share no inline function with the rest of the program.

A weak symbol would let the linker merge a copy compiled for x86-64-v4 into code that an older machine runs. The build tree stands in STRATA_BUILD_DIR.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

SHARED = re.compile(r"^\S* ([VWu]) (\S+)")


def shared_symbols(listing):
    return [match.group(2) for match in map(SHARED.match, listing.splitlines()) if match]


def main():
    assert shared_symbols("0000000000000010 W _ZSt3maxIiE\n00000000 T f\n                 U g\n") == ["_ZSt3maxIiE"]
    build = pathlib.Path(os.environ["STRATA_BUILD_DIR"])
    objects = sorted(build.glob("CMakeFiles/strata_kernels_*.dir/**/*.o"))
    if not objects or not shutil.which("nm"):
        print("SKIPPED: no kernel objects in this build, or no nm")
        return
    if not re.search(r"^STRATA_SANITIZE:STRING=$", (build / "CMakeCache.txt").read_text(), re.M):
        print("SKIPPED: sanitizers add symbols of their own")
        return
    failures = 0
    for file in objects:
        listing = subprocess.run(["nm", "--defined-only", str(file)], capture_output=True, text=True, check=True).stdout
        for symbol in shared_symbols(listing):
            failures += 1
            print(f"{file.name} in {file.parts[-5] if len(file.parts) > 5 else file.parent}: {symbol} may be merged with other copies")
    print(f"{len(objects)} objects read, {failures} complaints")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
