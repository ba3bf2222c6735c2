#!/usr/bin/python3
"""Health of levels while they learn: warnings, what the summary lists, what a cured model is read with, going on after a kill."""
import json
import os
import signal
import subprocess
import time

import h5py
import support
from support import STRATA, TINY, CommandTest, sets

# One timid sweep: beliefs stop half-way. Looks are dense, as the text is short.
TIMID = sets({"relaxation.steps": 1, "relaxation.rate": .05, "monitor.every": 8, "world.passes": 3})
CURE = sets({"monitor.cure": "true"})


class Health(CommandTest):
    def train(self, out, *more):
        return ("train", "--text", "prose.txt", *TINY, "--out", out, *more)

    def found(self, out, kind):
        health = self.summary(out)["training"]["health"]
        return [finding for finding in health.get("findings", []) if finding["kind"] == kind], health

    def test_a_warning_and_a_line_of_the_summary(self):
        result = self.start(*self.train("timid", *TIMID))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr.count("warning: relaxation stops before beliefs have settled"), 1, result.stderr)
        self.assertIn("raise relaxation.steps or relaxation.rate (or let monitor.cure=true do so)", result.stderr)
        self.assertRegex(result.stdout, r"unsettled +\d+ +0\.4\d* +0\.1 +0\.4")
        (finding,), health = self.found("timid", "unsettled")
        self.assertNotIn("level", finding)
        self.assertGreater(finding["value"], finding["threshold"])
        self.assertFalse(finding["restored"])
        self.assertGreater(finding["tokens"], 0)
        self.assertNotIn("treatments", health)

    def test_silence(self):
        brisk = sets({"monitor.every": 8, "world.passes": 3})
        self.strata(*self.train("brisk", *brisk))
        found, health = self.found("brisk", "unsettled")
        self.assertEqual(found, [])
        self.assertGreater(health["looks"], 32)
        self.strata(*self.train("unseen", *sets({"monitor.every": 0, "world.passes": 3})))
        self.assertNotIn("health", self.summary("unseen")["training"])
        self.assert_same_bits("brisk/model.h5", "unseen/model.h5")

    def test_a_cured_model_is_read_as_it_was_cured(self):
        self.strata(*self.train("cured", *TIMID, *CURE))
        (finding,), health = self.found("cured", "unsettled")
        self.assertTrue(finding["restored"])
        last = {step["key"]: step["to"] for step in health["treatments"]}
        self.assertEqual(last["relaxation.rate"], .5)
        with h5py.File(self.path("cured/model.h5")) as model:
            self.assertIn("relaxation.rate = 0.5", model.attrs["cured"])
        with open(self.path("cured/config.ini"), encoding="utf-8") as file:
            config = file.read()
        self.assertRegex(config, r"(?m)^relaxation.rate *= *0.05$")  # what was asked for repeats the run
        score = ("evaluate", "--model", "cured/model.h5", "--text", "prose.txt", "--json", "--quiet")
        as_cured = json.loads(self.strata(*score, "--out", "as_cured"))
        same = json.loads(self.strata(*score, "--out", "same", *sets({key: value for key, value in last.items() if key.startswith("relaxation.rate")})))
        other = json.loads(self.strata(*score, "--out", "other", *sets({"relaxation.rate": .05})))
        fall = [score["free_energy_before"] - score["free_energy_after"] for score in (as_cured, same, other)]
        self.assertEqual(fall[0], fall[1])
        self.assertLess(fall[2], .5 * fall[0])
        # The run that trained it reads it so, too.
        whole = json.loads(self.strata("evaluate", "--text", "prose.txt", *TINY, *TIMID, *CURE, "--json", "--quiet", "--out", "whole"))
        self.assertEqual(whole["free_energy_after"], as_cured["free_energy_after"])

    def test_a_killed_run_is_treated_alike(self):
        arguments = (*TIMID, *CURE, *sets({"learning.checkpoint_seconds": .05, "world.passes": 6}), "--quiet")
        self.strata(*self.train("undisturbed", *arguments))
        process = subprocess.Popen([STRATA, *self.train("killed", *arguments)], cwd=self.base, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        end = time.monotonic() + 60
        while not os.path.exists(self.path("killed.partial/checkpoint.h5")) and time.monotonic() < end:
            time.sleep(.005)
        self.assertIsNone(process.poll(), "ended before it could be killed")
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.strata("train", "--resume", "killed", "--quiet")
        self.assert_same_bits("undisturbed/model.h5", "killed/model.h5")
        self.assertEqual(self.found("undisturbed", "")[1], self.found("killed", "")[1])

    def test_description(self):
        said = self.strata("describe", "monitor")
        for key in ("monitor.every", "monitor.cure"):
            self.assertIn(key, said)


support.main()
