#!/usr/bin/env python3
"""The files that CONTRIBUTING.md shows compile in their rooms (test_long_recipes.py builds and runs them).

The build tree stands in STRATA_BUILD_DIR.
"""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

from test_long_recipes import RECIPE


def flags_of(build, room):
    """How the build compiles the sources of a room: the command without its source and outputs."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if f"/{room}/" in entry["file"]:
            words = shlex.split(entry["command"])
            words = [w for w in words[: words.index("-o")] if "ccache" not in w]
            return words
    sys.exit(f"the build compiles nothing in {room}/")


def main():
    source, build = pathlib.Path(__file__).resolve().parents[2], pathlib.Path(os.environ["STRATA_BUILD_DIR"]).resolve()
    files = [(path, text) for kind, path, text in RECIPE.findall((source / "CONTRIBUTING.md").read_text()) if kind == "file"]
    if len(files) < 3:
        sys.exit(f"CONTRIBUTING.md shows {len(files)} files")
    failed = []
    with tempfile.TemporaryDirectory() as scratch:
        for path, text in files:
            if (source / path).exists():
                sys.exit(f"{path} of the recipe is there already")
            target = pathlib.Path(scratch) / pathlib.Path(path).name
            target.write_text(text)
            command = flags_of(build, path.split("/")[0]) + ["-I", str(source), "-fsyntax-only", str(target)]
            done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
            if done.returncode != 0:
                print(re.sub(re.escape(scratch), "", done.stderr)[-3000:])
                failed.append(path)
    if failed:
        sys.exit("does not compile: " + ", ".join(failed))
    print("compiled:", *(path for path, _ in files))


if __name__ == "__main__":
    main()
