"""What the scripts that write results/reference have in common: runs of the command, kept by their call, and pages that say what made them."""

import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
DATA = TOP.parent / "shared" / "data"
REFERENCE = TOP / "results" / "reference"


def arguments(doc, seeds=3, threads=1):
    """A parser of what every such script takes; `settled` reads it."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strata", required=True, help="the command, as a rule build/release/strata")
    parser.add_argument("--seeds", type=int, default=seeds, help=f"({seeds})")
    parser.add_argument("--threads", type=int, default=threads, help=f"of every run; 0: all ({threads})")
    parser.add_argument("--work", default=None, help="where runs are kept and found again (a new temporary folder)")
    return parser


def settled(parser):
    """The options that were typed, with whole paths."""
    options = parser.parse_args()
    options.strata = str(pathlib.Path(options.strata).resolve())
    options.work = pathlib.Path(options.work or tempfile.mkdtemp(prefix="strata_reference_")).resolve()
    options.work.mkdir(parents=True, exist_ok=True)
    options.threads = options.threads or len(os.sched_getaffinity(0))
    return options


def sets(*settings):
    """KEY=VALUE, ... as arguments."""
    return [word for setting in settings for word in ("--set", setting)]


class Lab:
    """Runs the command, once per call, and keeps what a page must say of where its figures come from.

    What a run left lies in WORK/NAME; beside it NAME.call, what was called with which configuration, and NAME.txt, what was printed. A run whose call has
    changed is made anew, one that was interrupted goes on. Another build measures again where WORK is another.
    """

    def __init__(self, options, script, called=None):
        """`script`: how a page names it, with the options that decide what it measures. `called`: what a page calls paths of this machine."""
        self.options, self.script, self.called = options, script, called or {}
        self.forget()

    def forget(self):
        self.commits, self.threads, self.commands = set(), set(), []

    def shown(self, call):
        """A call as a page shows it."""
        text = " ".join(f"'{word}'" if " " in word else word for word in map(str, call))
        for short, folder in {"WORK": self.options.work, **self.called, "../shared/data": DATA, ".": TOP}.items():
            text = re.sub(re.escape(str(folder)) + r"(?=[/ ']|$)", short, text)
        return text

    def run(self, name, call, seed=None, keep=("model.h5",)):
        """summary.json of `strata CALL --seed SEED`, with its `folder` and the lines that it `said`; of its HDF5 files those of `keep` stay."""
        call, out = list(map(str, call)), self.options.work / name
        shown = self.shown(call)
        if (line := shown if seed is None else shown.replace(f"_{seed}/", "_N/") + " --seed N") not in self.commands:
            self.commands.append(line)
        config = TOP / call[call.index("--config") + 1] if "--config" in call else None
        stamp = shown + "\n\n" + (config.read_text() if config else "")
        of, said, partial = (out.with_name(out.name + ending) for ending in (".call", ".txt", ".partial"))
        same = of.exists() and of.read_text() == stamp
        if not (same and (out / "summary.json").exists() and said.exists()):
            print(shown, f"--seed {seed}" if seed is not None else "", flush=True)
            words = [call[0], "--resume", out, "--threads", self.options.threads]
            said.unlink(missing_ok=True)
            if not (same and (partial / "run.json").exists()):
                for left in (out, partial):
                    shutil.rmtree(left, ignore_errors=True)
                of.write_text(stamp)
                words = [*call, *(["--seed", seed] if seed is not None else []), "--threads", self.options.threads, "--set", "run.figures=false", "--out", out]
            done = subprocess.run([self.options.strata, *map(str, words), "--quiet"], check=True, cwd=TOP, stdout=subprocess.PIPE, text=True)
            said.write_text(done.stdout)
            for file in out.glob("*.h5"):
                if file.name not in keep:
                    file.unlink()
        summary = json.loads((out / "summary.json").read_text())
        self.commits.add(summary["commit"][:7] + (" with changes" if summary["dirty"] else ""))
        self.threads.add(summary["threads"])
        return {**summary, "folder": out, "said": [line for line in said.read_text().splitlines() if not line.startswith(("results:", "model:"))]}

    def made(self):
        """The lines that end a page or a section of one; what is run after it belongs to the next."""
        lines = [f"Made at {', '.join(sorted(self.commits)) or 'no commit'} by `{self.script}`, which ran (threads: {', '.join(map(str, sorted(self.threads))) or 'none'}; without figures):", "",
                 *[f"    strata {command}" for command in self.commands], ""]
        self.forget()
        return lines


def commit():
    """Of this tree, for what is measured with a build of it."""
    name = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=TOP, capture_output=True, text=True, check=True).stdout.strip()
    changed = subprocess.run(["git", "status", "--porcelain", "--untracked-files=no"], cwd=TOP, capture_output=True, text=True, check=True).stdout.strip()
    return name + (" with changes" if changed else "")


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown processor"


def write(name, title, lines):
    """A page of results/reference."""
    text = "\n".join([f"# {title}", "", *lines])
    REFERENCE.mkdir(parents=True, exist_ok=True)
    (REFERENCE / name).write_text(text)
    print(text, flush=True)


def renew(page, title, introduction, order, section, lines):
    """Puts one section into its place on a page of several, in the `order` of their titles; the others stay as they are."""
    standing = dict(part.split("\n", 1) for part in page.read_text().split("\n## ")[1:]) if page.exists() else {}
    standing[section] = "\n".join(["", *lines])
    page.write_text("\n".join([f"# {title}", "", *introduction, "", *(f"## {known}\n{standing[known].rstrip()}\n" for known in order if known in standing)]))
    print("\n".join([f"## {section}", "", *lines]), flush=True)


def table(head, rows):
    return ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head), *["| " + " | ".join(map(str, row)) + " |" for row in rows]]


def plural(n, word):
    return f"{n} {word}{'s' if n > 1 else ''}"


def median(values, digits=2, factor=1):
    """Median (least to greatest)."""
    middle, least, greatest = (f"{factor * x:.{digits}f}" for x in (statistics.median(values), min(values), max(values)))
    return middle if len(values) == 1 else f"{middle} ({least} to {greatest})"


def mean(values, digits=2):
    """Mean ± standard deviation."""
    text = f"{statistics.mean(values):.{digits}f}"
    return text if len(values) == 1 else f"{text} ± {statistics.stdev(values):.{digits}f}"


def value(record, key):
    """A measured value, or its bound; None where it was not measured."""
    return next((record[key + ending] for ending in ("", "_at_least", "_at_most") if key + ending in record), None)


def estimate(record, key, digits=2, factor=1):
    """`value [low, high]` of a measured value; ≥ and ≤ where it is a bound, or an end of its interval is one."""
    if value(record, key) is None:
        return "–"
    sign = "" if key in record else "≥ " if key + "_at_least" in record else "≤ "
    text = f"{sign}{factor * value(record, key):.{digits}f}"
    low, high = record.get(key + "_ci95", (None, None))
    if low is None or high is None:
        return text
    open_ends = ("≤ " if key + "_ci95_low_open" in record else "", "≥ " if key + "_ci95_high_open" in record else "")
    return f"{text} [{open_ends[0]}{factor * low:.{digits}f}, {open_ends[1]}{factor * high:.{digits}f}]"
