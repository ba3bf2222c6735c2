#!/usr/bin/python3
"""Every run leaves its figures and its report: which interpreter draws them, what a run says where none can, what is left when drawing fails or is stopped."""
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
import unittest

import support
from support import ROOT, STRATA, TINY, CommandTest, sets

try:
    import matplotlib  # noqa: F401  (the child needs it)
except ImportError:
    print("SKIPPED: python3-matplotlib is absent")
    sys.exit(0)

PNG = b"\x89PNG\r\n\x1a\n"
EVALUATE = ("evaluate", "--text", "prose.txt", "--model", "model.h5")
INERTIA = ("run", "belief_inertia", "--text", "prose.txt", "--model", "model.h5", *sets(belief_inertia=support.SMALL_INERTIA))
LATER = re.compile(r"^the figures were not drawn: (.+); draw them later with: (PYTHONPATH=.+ -m strata_plots .+)$", re.M)


def living(group):
    """Processes of a group that still run. One that has ended may stand there unreaped, where nothing adopts orphans."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as stream:
                state, _, owner = stream.read().rsplit(")", 1)[1].split()[:3]
        except OSError:
            continue
        found += [int(name)] if int(owner) == group and state not in "ZX" else []
    return found


class Figures(CommandTest):
    needs_model = True

    def environment(self, **more):
        return {**os.environ, "MPLCONFIGDIR": self.path("matplotlib"), **more}

    def script(self, name, body):
        """An interpreter of our own making."""
        path = self.write(name, f"#!/bin/sh\n{body}\n")
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
        return path

    def check_drawn(self, folder, names):
        self.assertEqual(sorted(os.listdir(self.path(f"{folder}/figures"))), sorted(f"{name}.png" for name in names))
        for name in names:
            with open(self.path(f"{folder}/figures/{name}.png"), "rb") as stream:
                self.assertEqual(stream.read(8), PNG)
        with open(self.path(f"{folder}/report.html"), encoding="utf-8") as stream:
            page = stream.read()
        self.assertEqual(page.count("data:image/png;base64,"), len(names))
        self.assertTrue(page.endswith("</html>\n"))
        self.assertNotIn("drawing.partial", os.listdir(self.path(folder)))

    def check_undrawn(self, folder):
        """What the run found is there, nothing of the pictures is."""
        self.assertLessEqual({"config.ini", "log.txt", "summary.json"}, set(os.listdir(self.path(folder))))
        self.assertFalse({"figures", "report.html", "drawing.partial"} & set(os.listdir(self.path(folder))))

    def log(self, folder):
        with open(self.path(f"{folder}/log.txt"), encoding="utf-8") as stream:
            return stream.read()

    def test_every_experiment_leaves_figures(self):
        said = self.start(*INERTIA, "--out", "inertia", "--json", env=self.environment())
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertEqual(json.loads(said.stdout), self.summary("inertia"))
        self.check_drawn("inertia", ("demo", "twin", "switch", "weight"))
        quiet = self.start(*EVALUATE, "--out", "scored", "--quiet", env=self.environment())
        self.assertEqual((quiet.returncode, quiet.stderr), (0, ""))
        self.assertIn("report: scored/report.html\n", quiet.stdout)
        self.check_drawn("scored", ("scores",))
        self.strata("run", "inference", "--text", "prose.txt", "--model", "model.h5", "--set", "inference.ticks=4", "--set", "inference.history=20",
                    "--out", "settled", env=self.environment())
        self.check_drawn("settled", ("settling",))
        self.strata("run", "surprise_recovery", "--text", "prose.txt", "--model", "model.h5", *sets(surprise_recovery=support.SMALL_RECOVERY),
                    "--out", "recovered", env=self.environment())
        self.assertLessEqual({"demo.png", "weight.png"}, set(os.listdir(self.path("recovered/figures"))))

    def test_each_seed_and_the_whole(self):
        said = self.strata("evaluate", "--text", "prose.txt", *TINY, "--seeds", 2, "--out", "seeds", "--quiet", env=self.environment())
        for folder in ("seeds/seed_1", "seeds/seed_2"):
            self.check_drawn(folder, ("scores",))
        self.check_drawn("seeds", ("seeds",))
        self.assertIn("report: seeds/report.html", said)

    def test_not_wanted(self):
        self.strata(*EVALUATE, "--set", "run.figures=false", "--out", "plain", env=self.environment())
        self.check_undrawn("plain")
        self.assertNotIn("drawing", self.log("plain"))

    def test_without_python(self):
        """One line says what is missing and how to draw later; that line, typed into a shell, draws."""
        made = self.start(*EVALUATE, "--out", "it's later", env=self.environment(STRATA_PYTHON=self.path("none")))
        self.assertEqual(made.returncode, 0, made.stderr)
        found = LATER.findall(made.stderr)
        self.assertEqual(len(found), 1, made.stderr)
        self.assertIn(f"{self.path('none')} (STRATA_PYTHON) cannot be run: No such file", found[0][0])
        self.check_undrawn("it's later")
        self.assertIn(found[0][0], self.log("it's later"))
        subprocess.run(["sh", "-c", found[0][1]], cwd=self.base, env=self.environment(), check=True, capture_output=True)
        self.check_drawn("it's later", ("scores",))
        silent = self.start(*EVALUATE, "--out", "silent", "--quiet", env=self.environment(STRATA_PYTHON=self.path("none")))
        self.assertEqual((silent.returncode, silent.stderr), (0, ""))
        self.check_undrawn("silent")

    def test_without_packages(self):
        bare = self.script("bare", f'exec "{sys.executable}" -S "$@"')
        made = self.start(*EVALUATE, "--out", "bare_run", env=self.environment(STRATA_PYTHON=bare))
        self.assertEqual(made.returncode, 0, made.stderr)
        found = LATER.findall(made.stderr)
        self.assertEqual(len(found), 1, made.stderr)
        self.assertRegex(found[0][0], r"has no module (numpy|h5py|matplotlib); install it \(apt-get")
        self.assertIn("strata_plots: ", self.log("bare_run"))
        self.check_undrawn("bare_run")

    def test_chosen_interpreter(self):
        chosen = self.script("chosen", f'touch "{self.path("asked")}"\necho a word from the child\nexec "{sys.executable}" "$@"')
        made = self.start(*EVALUATE, "--out", "by_choice", "--json", env=self.environment(STRATA_PYTHON=chosen))
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertTrue(os.path.exists(self.path("asked")))
        self.check_drawn("by_choice", ("scores",))
        self.assertEqual(json.loads(made.stdout), self.summary("by_choice"))
        self.assertNotIn("a word from the child", made.stderr)
        self.assertIn("a word from the child", self.log("by_choice"))

    @unittest.skipUnless(os.access("/usr/bin/python3", os.X_OK), "no /usr/bin/python3")
    def test_other_pythons_do_not_matter(self):
        """Another python3 first on PATH, its home, and modules of the same names in the current folder."""
        self.script("other/python3", f'touch "{self.path("wrong")}"\nexit 1')
        for name in ("json.py", "numpy.py"):
            self.write(name, "raise SystemExit('the wrong module')\n")
        try:
            made = self.start(*EVALUATE, "--out", "aside", env=self.environment(
                PATH=f"{self.path('other')}:{os.environ['PATH']}", PYTHONHOME=self.path("other"), PYTHONPATH=self.base))
        finally:
            for name in ("json.py", "numpy.py"):
                os.remove(self.path(name))
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertFalse(os.path.exists(self.path("wrong")))
        self.check_drawn("aside", ("scores",))

    def test_nothing_half_drawn(self):
        """Drawn, then dead: all or nothing. Nothing drawn, yet content: not believed."""
        for name, body, needle in (("dying", f'"{sys.executable}" "$@"\nkill -9 $$', "signal 9"), ("idle", "exit 0", "ended with code 0 and drew nothing"),
                                   ("failing", f'"{sys.executable}" "$@"\necho something broke; exit 5', "something broke")):
            made = self.start(*EVALUATE, "--out", f"{name}_run", env=self.environment(STRATA_PYTHON=self.script(name, body)))
            self.assertEqual(made.returncode, 0, made.stderr)
            self.assertIn(needle, LATER.findall(made.stderr)[0][0])
            self.check_undrawn(f"{name}_run")

    def interrupt(self, out, *words):
        """Runs with an interpreter that hangs after a first picture, presses Ctrl-C there; returns the process, ended."""
        os.makedirs(self.path("hung"), exist_ok=True)
        hanging = self.script("hanging", f'echo $$ > "{self.path("hung")}/pid"\nmkdir -p "$5/figures"; echo half > "$5/figures/demo.png"\nsleep 100')
        if os.path.exists(self.path("hung/pid")):
            os.remove(self.path("hung/pid"))
        process = subprocess.Popen([STRATA, *words, "--out", out], cwd=self.base, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=self.environment(STRATA_PYTHON=hanging))
        deadline = time.monotonic() + 120
        while not os.path.exists(self.path("hung/pid")) and time.monotonic() < deadline and process.poll() is None:
            time.sleep(.02)
        time.sleep(.2)
        process.send_signal(signal.SIGINT)
        process.said, process.complained = process.communicate(timeout=60)
        with open(self.path("hung/pid"), encoding="utf-8") as stream:
            self.assertEqual(living(int(stream.read())), [])
        return process

    def test_stopped(self):
        ended = self.interrupt("stopped", *EVALUATE)
        self.assertEqual(ended.returncode, 130, ended.complained)
        self.assertIn("results: stopped\n", ended.said)
        self.assertEqual(len(LATER.findall(ended.complained)), 1, ended.complained)
        self.check_undrawn("stopped")
        self.assertFalse(os.path.exists(self.path("stopped.partial")))

    def test_stopped_between_seeds(self):
        """Ctrl-C while the first seed is drawn: that seed is complete, the others wait for --resume."""
        ended = self.interrupt("waiting", "evaluate", "--text", "prose.txt", *TINY, "--seeds", "2")
        self.assertEqual(ended.returncode, 130, ended.complained)
        self.assertIn("--resume waiting", ended.complained)
        self.check_undrawn("waiting.partial/seed_1")
        self.assertFalse(os.path.exists(self.path("waiting.partial/seed_2")))
        self.strata("evaluate", "--resume", "waiting", "--quiet", env=self.environment())
        self.check_drawn("waiting/seed_2", ("scores",))
        self.check_drawn("waiting", ("seeds",))

    def test_moved_installation(self):
        """The command finds the package from where it stands: share/strata/python beside bin, or not at all."""
        os.makedirs(self.path("prefix/bin"))
        shutil.copy(STRATA, self.path("prefix/bin/strata"))
        words = [self.path("prefix/bin/strata"), *EVALUATE, "--out"]
        run = {"cwd": self.base, "capture_output": True, "text": True, "check": False, "env": self.environment()}
        alone = subprocess.run([*words, "alone"], **run)
        self.assertEqual(alone.returncode, 0, alone.stderr)
        self.assertIn("strata_plots (share/strata/python) is not beside", LATER.findall(alone.stderr)[0][0])
        shutil.copytree(os.path.join(ROOT, "analysis", "python"), self.path("prefix/share/strata/python"))
        moved = subprocess.run([*words, "moved"], **run)
        self.assertEqual(moved.returncode, 0, moved.stderr)
        self.check_drawn("moved", ("scores",))


if __name__ == "__main__":
    support.main()
