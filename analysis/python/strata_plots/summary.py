"""summary.json: what the experiment measured. Values are taken from here, never estimated again for the figures.

Read per level (all optional; what was not measured is absent):
    name, time_constant, half_life, recovery, error_recovery, tokens_to_switch (tokens), evidence_nats, peak_error (times its usual size),
    peak_surprise, excess_nats_passage, excess_nats_after (nats), half_life_low_surprise, half_life_middle_surprise, half_life_high_surprise
    (tokens), censored_fraction, tokens_to_switch_censored_fraction; each number NAME with NAME_ci95 = [low, high].
A bound stands under NAME_at_least or NAME_at_most instead of NAME; NAME_ci95_low_open / NAME_ci95_high_open = true marks an end that is a bound.
Read at the top: levels, experiment, conditions or parts (NAME -> {levels: [...]}), condition (the one that `levels` describes), and whatever
RUN_FACTS of report.py lists.
"""
import json
import os

from .errors import DataError, FileError
from .trace import NoTrace, default_name

PREFERRED = ("paragraph_work", "paragraph_foreign", "paragraph_document", "paragraph_stretch",
             "sentence_work", "sentence_foreign", "sentence_document", "sentence_stretch")
BOUNDS = {"": "", "at_least": "≥ ", "at_most": "≤ "}
INERTIA_KEYS = ("half_life", "tokens_to_switch", "evidence_nats")


class Value:
    """One measured number: value, interval (low, high) or None, bound ("", "at_least", "at_most"), and which ends of the interval are bounds."""

    def __init__(self, value, interval=None, bound="", low_open=False, high_open=False):
        self.value, self.interval, self.bound, self.low_open, self.high_open = value, interval, bound, low_open, high_open

    def text(self, digits=0):
        return BOUNDS[self.bound] + number(self.value, digits)

    def interval_text(self, digits=0):
        if self.interval is None:
            return ""
        low, high = (number(end, digits) for end in self.interval)
        return f"[{'≤ ' if self.low_open else ''}{low}, {'≥ ' if self.high_open else ''}{high}]"


def number(value, digits=0):
    """Thousands apart; one decimal below 10 where it says something, none above."""
    if digits == 0 and abs(value) < 10 and abs(value - round(value)) > 0.05:
        digits = 1
    return f"{round(value, digits) + 0.0:,.{digits}f}"  # + 0.0: no minus before a nought


def signed(value, digits):
    """With its sign, a nought without one."""
    return f"{round(value, digits):+,.{digits}f}" if round(value, digits) else number(0.0, digits)


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value and abs(value) != float("inf")


def measured(level, *keys):
    """The first of `keys` that the level holds, as a Value; None when none was measured."""
    for key in keys:
        for bound in ("", "at_least", "at_most"):
            value = level.get(f"{key}_{bound}" if bound else key)
            if is_number(value):
                interval = level.get(f"{key}_ci95")
                if not (isinstance(interval, list) and len(interval) == 2 and all(is_number(end) for end in interval)):
                    interval = None
                return Value(value, interval, bound, level.get(f"{key}_ci95_low_open") is True, level.get(f"{key}_ci95_high_open") is True)
    return None


def load(path):
    """The object in a summary.json, checked as far as the figures rely on it."""
    try:
        with open(path, encoding="utf-8") as stream:
            found = json.load(stream)
    except FileNotFoundError as problem:
        raise FileError(f"{path}: no such file; give the folder of a finished run") from problem
    except OSError as problem:
        raise FileError(f"{path}: {problem.strerror or problem}") from problem
    except (ValueError, RecursionError) as problem:
        raise DataError(f"{path}: not valid JSON ({str(problem)[:120]}); run the experiment again") from problem
    if not isinstance(found, dict) or not all(isinstance(level, dict) for level in listed(found.get("levels", []), path)):
        raise DataError(f"{path}: not a summary of a run; it has no list `levels`")
    return found


def listed(value, path):
    if not isinstance(value, list):
        raise DataError(f"{path}: `levels` is not a list")
    return value


def condition_levels(summary, name):
    """The levels' measurements for one condition, or None when the summary does not give them."""
    held = summary.get("conditions", summary.get("parts"))
    if isinstance(held, list):
        held = {entry.get("name"): entry for entry in held if isinstance(entry, dict)}
    if isinstance(held, dict) and isinstance(held.get(name), dict):
        levels = held[name].get("levels")
        if isinstance(levels, list) and all(isinstance(level, dict) for level in levels):
            return levels
    return None


def main_condition(summary, present):
    """Which inserted passage the top-level `levels` speak of."""
    named = summary.get("condition")
    if named in present:
        return named
    return next((name for name in PREFERRED if name in present), None)


def merge(results):
    """Per level one dict of all folders' measurements; censored_fraction is kept apart by experiment."""
    count = max(len(result.labels) for result in results)
    rows = [{} for _ in range(count)]
    for result in results:
        for row, level in zip(rows, result.levels):
            inertia = any(measured(level, key) for key in INERTIA_KEYS)
            for key, value in level.items():
                row.setdefault("half_life_censored_fraction" if inertia and key == "censored_fraction" else
                               "recovery_censored_fraction" if key == "censored_fraction" else key, value)
    for index, row in enumerate(rows):
        for result in results:
            if index < len(result.labels):
                row.setdefault("label", result.labels[index])
                if result.time_constants[index] is not None:
                    row.setdefault("time_constant", result.time_constants[index])
    return rows


def seeds_of(folder):
    """{seed: summary} of the runs seed_N in a folder of several."""
    found = {}
    for name in os.listdir(folder):
        if name.startswith("seed_") and name[5:].isdigit() and os.path.isdir(os.path.join(folder, name)):
            found[int(name[5:])] = load(os.path.join(folder, name, "summary.json"))
    return dict(sorted(found.items()))


def in_place(levels, names):
    """The records, one per level of the trace: a measure that says nothing of some levels leaves them out, and is found by the names of the others."""
    own = [level.get("name") for level in levels]
    if not levels or len(levels) >= len(names) or len(set(own)) < len(own) or not set(own) <= set(names):
        return levels
    return [levels[own.index(name)] if name in own else {"name": name} for name in names]


def label_of(number, name):
    """A level's number and name; a name that says no more than the number is enough."""
    return name if name == f"level {number}" else f"{number} {name}"


class Result:
    """One result folder: trace (open), summary, passages' path; `path` may also be a trace file alone. A folder of several seeds also holds the
    summaries of its runs: {seed: summary}."""

    def __init__(self, path, open_trace):
        self.path = str(path)
        folder = os.path.isdir(self.path)
        if not os.path.exists(self.path):
            raise FileError(f"{self.path}: no such folder; give the folder that `strata run` wrote")
        self.summary = load(os.path.join(self.path, "summary.json")) if folder else {}
        self.levels = self.summary.get("levels", [])
        self.seeds = seeds_of(self.path) if is_number(self.summary.get("seeds")) else {}
        trace = os.path.join(self.path, "trace.h5") if folder else self.path
        if self.levels and not os.path.exists(trace):
            self.trace, self.numbers = NoTrace(trace), list(range(len(self.levels)))
            names, self.time_constants = [default_name(number) for number in self.numbers], [None] * len(self.levels)
        else:
            self.trace = open_trace(trace)
            self.numbers, names, self.time_constants = self.trace.root.levels(), self.trace.level_names(), self.trace.time_constants()
            self.levels = in_place(self.levels, names)
        self.folder = self.path if folder else os.path.dirname(os.path.abspath(self.path))
        self.passages = os.path.join(self.folder, "passages.json") if folder else None
        for index, level in enumerate(self.levels[:len(names)]):
            names[index] = level.get("name", names[index])
            if is_number(level.get("time_constant")):
                self.time_constants[index] = level["time_constant"]
        self.labels = [label_of(number, name) for number, name in zip(self.numbers, names)]
        self.experiment = str(self.summary.get("experiment") or self.trace.attributes().get("experiment") or "trace")

    def has_trace(self):
        return not isinstance(self.trace, NoTrace)

    def insertions(self):
        """Conditions with an inserted passage, sentence before paragraph."""
        found = [name for name in self.trace.conditions() if name.startswith(("sentence_", "paragraph_"))]
        rank = ("work", "foreign", "document")
        return sorted(found, key=lambda name: (rank.index(name.split("_", 1)[1]) if name.split("_", 1)[1] in rank else len(rank),
                                               name.split("_", 1)[1], not name.startswith("sentence")))
