#!/usr/bin/python3
"""The events in the traces of the experiments: at the tokens where they happened, in every condition, for every reader."""
import os
import pathlib
import subprocess
import sys
from collections import Counter

import h5py
import numpy
import support
from support import TINY, CommandTest, sets

SENTENCE, PARAGRAPH, DOCUMENT, ON, OFF, SWITCH = FLAGS = (1, 2, 4, 8, 16, 32)
# More trials than are read side by side; what is recorded holds the longest passage.
RECOVERY = {**support.SMALL_RECOVERY, "places": 70, "history": 140, "context": 125}
INERTIA = {**support.SMALL_INERTIA, "pairs": 70}
STRUCTURE = SENTENCE | PARAGRAPH | DOCUMENT


class Condition:
    """Tokens and events of one condition, by trial and time."""

    def __init__(self, group):
        self.reference, self.home = group.attrs.get("reference"), group.attrs.get("home")
        self.passage = group["passage_length"][:] if "passage_length" in group else None
        self.time = group["tokens/time"][:]
        self.id, self.document, self.begin, self.end = (group[f"tokens/{name}"][:] for name in ("id", "document", "byte_begin", "byte_end"))
        table = group["events"]
        self.rows = list(zip(*(table[name][:].tolist() for name in ("time", "stream", "kind"))))
        self.trials = self.id.shape[1]

    def at(self, array, time, trial):
        return array[int(time) - int(self.time[0]), trial]

    def times(self, kind, trial):
        return [time for time, stream, what in self.rows if stream == trial and what == kind]

    def kinds(self):
        """(time, trial) -> bits of what ended there."""
        found = Counter()
        for time, stream, kind in self.rows:
            found[time, stream] |= kind & STRUCTURE
        return found


def conditions(file):
    found = {"/": Condition(file)}
    found.update({f"/conditions/{name}": Condition(group) for name, group in file["conditions"].items()})
    return found


class Events(CommandTest):
    needs_model = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.write("held.txt", support.text(documents=30, seed=2))
        given = ["--text", "prose.txt", "--held-out", "held.txt", "--model", "model.h5", "--quiet"]
        for words in (["run", "surprise_recovery", *given, *sets(surprise_recovery=RECOVERY), "--out", "recovery"],
                      ["run", "belief_inertia", *given, *sets(belief_inertia=INERTIA), "--out", "inertia"],
                      ["evaluate", *given, *TINY, "--out", "read"]):
            result = cls.start(*words)
            assert result.returncode == 0, result.stderr
        cls.found = {}
        for name in ("recovery", "inertia"):
            with h5py.File(cls.path(f"{name}/trace.h5"), "r") as file:
                cls.found[name] = conditions(file)

    def test_the_python_package_opens_every_group(self):
        """strata_plots.open keeps the names of the dimensions as they were written."""
        root = pathlib.Path(__file__).resolve().parents[2] / "analysis" / "python"
        script = ("import sys, strata_plots\n"
                  "with strata_plots.open(sys.argv[1]) as trace:\n"
                  "    assert trace['events']['kind'].ndim == 1 and 'time' in trace['events'], trace['events']\n"
                  "    assert trace['levels/1'].surprise.dims[0] == 'time', trace['levels/1']\n")
        for folder in ("recovery", "inertia", "read"):
            result = subprocess.run([sys.executable, "-c", script, self.path(folder)], env={**os.environ, "PYTHONPATH": str(root)},
                                    capture_output=True, text=True, check=False)
            self.assertEqual(result.returncode, 0, folder + ": " + result.stderr)

    def test_passages_lie_between_their_marks(self):
        """Taking out the tokens from surprise_on to surprise_off leaves the undisturbed text, byte for byte."""
        checked, homes = 0, {condition.home for condition in self.found["recovery"].values()}
        for name, condition in self.found["recovery"].items():
            if condition.passage is None:
                if name in homes:
                    continue
                for trial in range(condition.trials):
                    self.assertEqual(condition.times(ON, trial) + condition.times(OFF, trial), [], name)
                continue
            undisturbed = self.found["recovery"][condition.reference]
            for trial, length in enumerate(condition.passage.tolist()):
                (on,), (off,) = condition.times(ON, trial), condition.times(OFF, trial)
                self.assertEqual((on, off), (-length, -1), name)
                for time in range(on, off):  # the passage is one piece of text
                    self.assertEqual(condition.at(condition.end, time, trial), condition.at(condition.begin, time + 1, trial))
                self.assertEqual(condition.at(condition.end, on - 1, trial), condition.at(condition.begin, 0, trial), "the text goes on behind it")
                self.assertNotEqual(condition.at(condition.end, on - 1, trial), condition.at(condition.begin, on, trial))
                self.assertEqual(condition.at(condition.begin, 0, trial), undisturbed.at(undisturbed.begin, 0, trial))
                self.assertEqual(condition.at(condition.end, on - 1, trial), undisturbed.at(undisturbed.end, -1, trial))
                self.assertEqual(condition.at(condition.document, on - 1, trial), undisturbed.at(undisturbed.document, -1, trial))
                checked += 1
        self.assertGreaterEqual(checked, 2 * RECOVERY["places"])

    def test_passages_are_read_where_they_belong(self):
        """The tokens of every passage once more, behind those of its own document; of one without a context there nothing is read."""
        read = left_out = 0
        for condition in self.found["recovery"].values():
            if condition.home is None:
                continue
            home = self.found["recovery"][condition.home]
            for trial, length in enumerate(condition.passage.tolist()):
                inside = [(copy.id[-length - int(copy.time[0]):-int(copy.time[0]), trial]) for copy in (condition, home)]
                if home.times(ON, trial):
                    self.assertEqual((home.times(ON, trial), home.times(OFF, trial)), ([-length], [-1]))
                    self.assertEqual(inside[0].tolist(), inside[1].tolist())
                    self.assertEqual(home.at(home.document, -length - 1, trial), home.at(home.document, -1, trial))
                    self.assertEqual(home.at(home.end, -length - 1, trial), home.at(home.begin, -length, trial))
                    if -length - 20 >= home.time[0]:  # a context of its own
                        self.assertEqual(home.at(home.document, -length - 20, trial), home.at(home.document, -1, trial))
                    read += 1
                else:
                    self.assertEqual(set(inside[1].tolist()), {-1})
                    self.assertNotEqual(home.at(home.id, -length - 1, trial), -1)
                    left_out += 1
                self.assertEqual(home.at(home.id, 0, trial), -1, "it ends with the passage")
        self.assertGreater(read, left_out)

    def test_switches_are_at_time_0(self):
        """Where a copy goes on in another document, and nowhere else."""
        homes = {condition.home for condition in self.found["recovery"].values()}
        for experiment, switched in (("recovery", {"/conditions/switch"}), ("inertia", {"/", "/conditions/twin", "/conditions/switch",
                                                                                                         *(f"/conditions/twin_l{level}" for level in range(4))})):
            self.assertLessEqual(switched, set(self.found[experiment]))
            for name, condition in self.found[experiment].items():
                for trial in range(condition.trials):
                    self.assertEqual(condition.times(SWITCH, trial), [0] if name in switched else [], f"{experiment} {name}")
                    if condition.passage is None and name not in homes:
                        other = condition.at(condition.document, -1, trial) != condition.at(condition.document, 0, trial)
                        self.assertEqual(other, name in switched, f"{experiment} {name}")

    def test_structure_is_that_of_the_text(self):
        """A token ends the same sentence, paragraph or document in a trial as where the held-out text is read from end to end."""
        with h5py.File(self.path("read/trace.h5"), "r") as file:
            text = Condition(file)
        places = {(text.document[t, s], text.begin[t, s]): (t, s) for t, s in zip(*numpy.nonzero(text.id >= 0))}
        whole = text.kinds()
        for found in self.found.values():
            for name, condition in found.items():
                here, seen = condition.kinds(), Counter()
                for t, s in zip(*numpy.nonzero(condition.id >= 0)):
                    time = int(condition.time[t])
                    kinds = here[time, s]
                    self.assertEqual(kinds, whole[places[condition.document[t, s], condition.begin[t, s]]], f"{name} trial {s} time {time}")
                    seen.update(flag for flag in (SENTENCE, PARAGRAPH) if kinds & flag)
                self.assertGreater(seen[SENTENCE], seen[PARAGRAPH])
                self.assertGreater(seen[PARAGRAPH], 0)

    def test_table(self):
        """One row per kind, in order of time, then of trials, inside what was recorded."""
        for found in self.found.values():
            for name, condition in found.items():
                self.assertEqual(condition.rows, sorted(set(condition.rows)), name)
                for time, stream, kind in condition.rows:
                    self.assertIn(kind, FLAGS)
                    self.assertGreaterEqual(condition.at(condition.id, time, stream), 0, name)

    def test_readers(self):
        try:
            import xarray
        except ImportError:
            self.skipTest("python3-xarray is absent")
        for name, found in self.found.items():
            path = self.path(f"{name}/trace.h5")
            self.assertIn("events/kind", self.strata("inspect", path))
            for condition, held in found.items():
                prefix = "" if condition == "/" else condition[1:] + "/"
                with xarray.open_dataset(path, engine="h5netcdf", group=f"{prefix}events") as events:
                    self.assertEqual(list(zip(*(events[column].values.tolist() for column in ("time", "stream", "kind")))), held.rows)
                    self.assertEqual((events.kind.dtype, events.kind.attrs["flag_values"].dtype), ("uint8", "uint8"))
                    self.assertEqual(tuple(events.kind.attrs["flag_values"]), FLAGS)
                    self.assertEqual(events.kind.attrs["flag_meanings"].split(),
                                     ["sentence", "paragraph", "document", "surprise_on", "surprise_off", "switch"])
                    self.assertTrue(all(events[column].attrs["units"] for column in events.data_vars))
                swapped = condition.rpartition("twin_l")[2]  # one level swapped, that one recorded
                for group in ("tokens", *(f"levels/{level}" for level in (swapped if swapped.isdigit() else range(4)))):
                    with xarray.open_dataset(path, engine="h5netcdf", group=prefix + group) as level:
                        self.assertEqual(level.sizes["stream"], held.trials)


if __name__ == "__main__":
    support.main()
