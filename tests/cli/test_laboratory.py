#!/usr/bin/python3
"""tests/support/laboratory.py: runs are kept by what was called, pages say what made them, and a section made anew leaves the others."""
import argparse
import os
import pathlib
import subprocess
import sys

import support
from support import CommandTest, sets

sys.path.insert(0, os.path.join(support.ROOT, "tests", "support"))
import laboratory  # noqa: E402


class Laboratory(CommandTest):
    def lab(self):
        options = argparse.Namespace(strata=support.STRATA, work=pathlib.Path(self.path("work")), threads=1, seeds=2)
        options.work.mkdir(exist_ok=True)
        return laboratory.Lab(options, "script.py --seeds 2")

    def test_a_run_is_made_once_for_a_call(self):
        lab, call = self.lab(), ["evaluate", "--text", self.prose, *support.TINY]
        first = [lab.run(f"small_{seed}", call, seed) for seed in (1, 2)]
        self.assertNotEqual(first[0]["nats_per_token"], first[1]["nats_per_token"])
        self.assertTrue((first[0]["folder"] / "model.h5").exists())
        self.assertFalse((first[0]["folder"] / "trace.h5").exists(), "only what is kept stays")
        self.assertTrue(any("perplexity" in line for line in first[0]["said"]))
        when = self.made_at("small_1")
        lab.run("small_1", call, 1)
        self.assertEqual(self.made_at("small_1"), when, "it is there")
        other = lab.run("small_1", [*call, *sets({"world.tokens": 2000})], 1)
        self.assertNotEqual(self.made_at("small_1"), when, "another call")
        self.assertNotEqual(other["training_tokens"], first[0]["training_tokens"])
        made = lab.made()
        self.assertIn(other["commit"][:7], made[0])
        self.assertIn("script.py --seeds 2", made[0])
        commands = [line for line in made if line.startswith("    strata ")]
        self.assertEqual(len(commands), 2, "one for all seeds")
        self.assertTrue(all(line.endswith("--seed N") and self.base not in line.replace(self.prose, "") for line in commands))
        self.assertEqual([line for line in lab.made() if line.startswith("    strata ")], [], "what comes after belongs to the next section")

    def test_a_run_is_made_anew_for_another_configuration(self):
        lab, config = self.lab(), self.path("small.ini")
        call = ["evaluate", "--config", config, "--text", self.prose, *support.TINY]
        self.write("small.ini", "[world]\ntokens = 3000\n")
        more = lab.run("configured", call, 1)
        when = self.made_at("configured")
        lab.run("configured", call, 1)
        self.assertEqual(self.made_at("configured"), when, "it is there")
        self.write("small.ini", "[world]\ntokens = 2000\n")
        less = lab.run("configured", call, 1)
        self.assertGreater(more["training_tokens"], less["training_tokens"])

    def made_at(self, name):
        return os.stat(self.path(f"work/{name}/summary.json")).st_mtime_ns

    def test_a_run_goes_on(self):
        call, once = ["train", "--text", self.prose, *support.TINY, *sets({"world.passes": 6, "learning.checkpoint_seconds": .05})], self.lab()
        once.options.strata = self.path("hasty")
        self.write("hasty", f'#!/bin/sh\n"{support.STRATA}" "$@" &\nuntil [ -e "{self.path("work/long.partial/checkpoint.h5")}" ]; do sleep .02; done\nkill -TERM $!\nwait $!\n')
        os.chmod(once.options.strata, 0o755)
        with self.assertRaises(subprocess.CalledProcessError):
            once.run("long", call, 1)
        self.assertTrue(os.path.exists(self.path("work/long.partial/run.json")))
        lab = self.lab()
        self.assertEqual(lab.run("long", call, 1)["threads"], 1, "not as many as there are")
        with open(self.path("work/long/log.txt"), encoding="utf-8") as file:
            self.assertIn("going on after", file.read())
        lab.run("read", ["evaluate", "--text", self.prose, "--model", self.path("work/long/model.h5")])
        self.assertIn(f"    strata evaluate --text {self.prose} --model WORK/long/model.h5", lab.made())

    def test_a_section_is_renewed(self):
        page = pathlib.Path(self.path("page.md"))
        for section, line in (("second", "b"), ("first", "a"), ("unknown", "x"), ("second", "c")):
            laboratory.renew(page, "Title", ["Introduction."], ["first", "second"], section, [line, "", "    strata evaluate ## no title", ""])
        self.assertEqual(page.read_text(), "# Title\n\nIntroduction.\n\n## first\n\na\n\n    strata evaluate ## no title\n\n## second\n\nc\n\n    strata evaluate ## no title\n")

    def test_figures(self):
        self.assertEqual(laboratory.median([3., 1., 2.], 1), "2.0 (1.0 to 3.0)")
        self.assertEqual(laboratory.mean([1., 3.], 2), "2.00 ± 1.41")
        self.assertEqual(laboratory.estimate({"x": .5, "x_ci95": [.25, .75]}, "x", 1, 100), "50.0 [25.0, 75.0]")
        self.assertEqual(laboratory.estimate({"x_at_least": 9, "x_ci95": [8, 9], "x_ci95_high_open": True}, "x", 0), "≥ 9 [8, ≥ 9]")
        self.assertEqual(laboratory.estimate({}, "x"), "–")


if __name__ == "__main__":
    support.main()
