#!/usr/bin/env python3
"""Nothing that is committed, or would be, names a folder of somebody's machine. Argument: the source tree, by default the one this file lies in."""
import pathlib
import re
import subprocess
import sys

# Written in pieces, so that this file passes its own test.
PATTERN = re.compile(r"(?<![\w.$}/-])/(" + "|".join([r"home/[a-z]\w+", r"Users/[A-Za-z]\w+", r"root/[\w.]", r"work/[a-z]", r"build/[a-z]\w*/strata"]) + ")")


def committed(top):
    """Tracked files and untracked ones that git does not ignore; without git, everything but what builds and runs leave behind."""
    listing = subprocess.run(["git", "-c", "safe.directory=*", "-C", str(top), "ls-files", "-z", "-co", "--exclude-standard"],
                             capture_output=True, check=False)
    if (top / ".git").exists() and listing.returncode == 0:
        return [top / name for name in listing.stdout.decode().split("\0") if name]
    left_behind = ("build", ".git")
    return [f for f in top.rglob("*") if f.is_file() and f.relative_to(top).parts[0] not in left_behind
            and f.relative_to(top).parts[:2] != ("results", "demo")]


def complaints_about(text, top):
    lines = text.splitlines()
    own = str(top) + "/"
    return [(number, line.strip()) for number, line in enumerate(lines, 1) if PATTERN.search(line) or (len(top.parts) > 2 and own in line)]


def main():
    top = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    for text in ("see /" + "home/someone/x", "cd /" + "work/main", '"/' + 'Users/Someone"', "open " + str(top) + "/x"):
        assert complaints_about(text, top) or len(top.parts) <= 2, f"the pattern lets pass: {text}"
    assert not complaints_about("build/release/strata and /usr/bin/python3", top)
    files = committed(top)
    failures = 0
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue  # a picture, or a file removed but not yet committed as such
        for number, line in complaints_about(text, top):
            failures += 1
            print(f"{file.relative_to(top)}:{number}: {line[:120]}")
    print(f"{len(files)} files read, {failures} complaints")
    sys.exit(1 if failures or not files else 0)


if __name__ == "__main__":
    main()
