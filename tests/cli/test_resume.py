#!/usr/bin/python3
"""Interrupted runs go on with --resume and end in the same bits as uninterrupted ones; threads change no bit; config.ini repeats a run."""
import os
import re
import shutil
import signal
import subprocess
import time

import support
from support import STRATA, TINY, CommandTest, sets

LONG = sets({"world.passes": 6, "learning.checkpoint_seconds": .05})
SLOW_SETTLING = {"relaxation.steps": 16, "relaxation.tolerance": 0}  # leaves time to interrupt
INERTIA = sets(belief_inertia=support.SMALL_INERTIA)


class Resume(CommandTest):
    def begin(self, *arguments):
        return subprocess.Popen([STRATA, *arguments], cwd=self.base, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def wait_for(self, process, *names, seconds=600):
        """Until the running process has made one of these files."""
        end = time.monotonic() + seconds
        while not any(os.path.exists(self.path(name)) for name in names):
            self.assertIsNone(process.poll(), "ended before it could be interrupted")
            self.assertLess(time.monotonic(), end)
            time.sleep(.005)

    def wait_for_another(self, process, name):
        """Until the running process has replaced the file."""
        before = os.stat(self.path(name)).st_mtime_ns
        while process.poll() is None and os.path.exists(self.path(name)) and os.stat(self.path(name)).st_mtime_ns == before:
            time.sleep(.005)

    def end(self, process, sent, expected):
        self.assertIsNone(process.poll(), "ended before it could be interrupted")
        process.send_signal(sent)
        _, said = process.communicate(timeout=600)
        self.assertEqual(process.returncode, expected, said)
        return said

    def train(self, out, *more):
        return ("train", "--text", "prose.txt", *TINY, *LONG, "--out", out, "--quiet", *more)

    def test_training(self):
        self.strata(*self.train("whole"))
        # Ctrl-C says how to go on, and that is true.
        process = self.begin(*self.train("stopped"))
        self.wait_for(process, "stopped.partial/checkpoint.h5")
        said = self.end(process, signal.SIGINT, 130)
        self.assertEqual(len(said.splitlines()), 1, said)
        self.assertFalse(os.path.exists(self.path("stopped")))
        advice = re.search(rf"interrupted; go on with: {re.escape(STRATA)} (train --resume stopped)$", said.strip())  # as it was typed
        self.assertTrue(advice, said)
        # The same place cannot be taken by accident, and the run takes nothing but itself.
        self.refused(6, ["stopped", "--resume"], *self.train("stopped")[:-1])
        self.refused(2, ["--set", "--resume"], "train", "--resume", "stopped", "--set", "learning.rate=.1")
        self.refused(2, ["strata train --resume"], "run", "belief_inertia", "--resume", "stopped")
        # kill -9, twice, then to the end; from another folder and with other threads.
        process = self.begin("train", "--resume", "stopped", "--threads", "1")
        self.wait_for_another(process, "stopped.partial/checkpoint.h5")
        self.end(process, signal.SIGKILL, -signal.SIGKILL)
        os.makedirs(self.path("elsewhere"), exist_ok=True)
        result = subprocess.run([STRATA, "train", "--resume", "../stopped.partial/", "--threads", "3"], cwd=self.path("elsewhere"),
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stderr, r"going on after \d+ tokens")
        self.assert_same_bits("whole/model.h5", "stopped/model.h5")
        self.assert_same_summary("whole", "stopped", but={"threads"})
        self.assertEqual(sorted(os.listdir(self.path("whole"))), sorted(os.listdir(self.path("stopped"))))

    def test_kill_at_once(self):
        process = self.begin(*self.train("killed"))
        self.wait_for(process, "killed.partial/checkpoint.h5")
        self.end(process, signal.SIGKILL, -signal.SIGKILL)
        self.strata("train", "--resume", "killed", "--quiet")
        self.strata(*self.train("unharmed"))
        self.assert_same_bits("unharmed/model.h5", "killed/model.h5")
        self.assert_same_summary("unharmed", "killed")

    def test_second_interrupt_ends_at_once(self):
        process = self.begin(*self.train("twice"))
        self.wait_for(process, "twice.partial/checkpoint.h5")
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=600)
        self.assertEqual(process.returncode, 130)
        self.assertIn("--resume", said)
        self.strata("train", "--resume", "twice", "--quiet")

    def test_no_handler_runs_on_the_stack_of_a_product(self):
        """oneDNN's products keep their stack pointer on the heap for a while: a signal handler would write its frame over what lies there."""
        process = self.begin(*self.train("guarded"))
        self.wait_for(process, "guarded.partial/checkpoint.h5")
        asking = sum(1 << (number - 1) for number in (signal.SIGINT, signal.SIGTERM))
        for thread in os.listdir(f"/proc/{process.pid}/task"):
            with open(f"/proc/{process.pid}/task/{thread}/status", encoding="utf-8") as stream:
                masks = dict(line.split(":\t") for line in stream if line.startswith("Sig"))
            self.assertEqual(int(masks["SigCgt"], 16) & asking, 0, "a handler is installed")
        self.end(process, signal.SIGTERM, 130)

    def test_nothing_to_resume(self):
        self.refused(6, ["nowhere", "no interrupted run"], "train", "--resume", "nowhere")
        self.strata("train", "--text", "prose.txt", *TINY, "--out", "complete", "--quiet")
        self.refused(6, ["complete", "nothing to resume"], "train", "--resume", "complete")

    def test_a_file_for_more_levels(self):
        """What a configuration says of levels that are not there is passed over when a run goes on, too."""
        self.write("deep.ini", "[hierarchy]\nlevels = 1\n[level.2]\ntau = 77\n")
        process = self.begin("train", "--text", "prose.txt", "--config", "deep.ini", *TINY, *LONG, "--out", "shallow", "--quiet")
        self.wait_for(process, "shallow.partial/checkpoint.h5")
        self.end(process, signal.SIGINT, 130)
        self.strata("train", "--resume", "shallow", "--quiet")

    def test_changed_text(self):
        self.write("changing.txt", support.text(seed=3))
        process = self.begin("train", "--text", "changing.txt", *TINY, *LONG, "--out", "changed", "--quiet")
        self.wait_for(process, "changed.partial/checkpoint.h5")
        self.end(process, signal.SIGINT, 130)
        self.write("changing.txt", support.text(seed=4))
        self.refused(3, ["checkpoint.h5", "other texts"], "train", "--resume", "changed")

    def test_experiment(self):
        """Killed behind the training, an experiment goes on with the trained model."""
        words = ("run", "belief_inertia", "--text", "prose.txt", *TINY, *INERTIA, "--quiet")
        self.strata(*words, "--out", "steady")
        process = self.begin(*words, "--out", "broken")
        self.wait_for(process, "broken.partial/model.h5")
        self.end(process, signal.SIGKILL, -signal.SIGKILL)
        made = os.stat(self.path("broken.partial/model.h5")).st_mtime_ns
        result = self.start("run", "belief_inertia", "--resume", "broken")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("going on with the trained model", result.stderr)
        self.assertEqual(os.stat(self.path("broken/model.h5")).st_mtime_ns, made)
        self.assert_same_summary("steady", "broken")
        self.assert_same_bits("steady/trace.h5", "broken/trace.h5")

    def test_killed_while_recording(self):
        """The trace that a kill left half written is in nobody's way."""
        words = ("evaluate", "--text", "prose.txt", *TINY, *sets(SLOW_SETTLING), "--quiet")
        self.strata(*words, "--out", "scored")
        process = self.begin(*words, "--out", "torn")
        self.wait_for(process, "torn.partial/trace.h5")
        self.end(process, signal.SIGKILL, -signal.SIGKILL)
        self.strata("evaluate", "--resume", "torn", "--quiet")
        self.assert_same_summary("scored", "torn")
        self.assert_same_bits("scored/trace.h5", "torn/trace.h5")

    def test_interrupted_experiment(self):
        more = sets(SLOW_SETTLING) + sets(belief_inertia={**support.SMALL_INERTIA, "pairs": 12})
        process = self.begin("run", "belief_inertia", "--text", "prose.txt", *TINY, *more, "--out", "halted", "--quiet")
        self.wait_for(process, "halted.partial/model.h5")
        said = self.end(process, signal.SIGINT, 130)
        self.assertIn(f"go on with: {STRATA} run belief_inertia --resume halted", said)
        self.strata("run", "belief_inertia", "--resume", "halted", "--quiet")

    def test_seeds(self):
        words = ("train", "--text", "prose.txt", *TINY, *LONG, "--seeds", "2", "--quiet")
        whole = self.strata(*words, "--out", "seeds", "--json")
        process = self.begin(*words, "--out", "parted")
        self.wait_for(process, "parted.partial/seed_2.partial/checkpoint.h5")
        said = self.end(process, signal.SIGINT, 130)
        self.assertIn(f"go on with: {STRATA} train --resume parted\n", said)
        self.strata("train", "--resume", "parted", "--quiet")
        self.assert_same_summary("seeds", "parted")
        for seed in (1, 2):
            self.assert_same_bits(f"seeds/seed_{seed}/model.h5", f"parted/seed_{seed}/model.h5")
        summary, single = self.summary("seeds"), [self.summary(f"seeds/seed_{seed}") for seed in (1, 2)]
        self.assertIn('"seeds": 2', whole)
        nats = [s["training"]["nats_per_token"] for s in single]
        self.assertNotEqual(*nats)
        self.assertAlmostEqual(summary["training"]["nats_per_token"], sum(nats) / 2, places=12)
        self.assertAlmostEqual(summary["training"]["nats_per_token_sd"], abs(nats[0] - nats[1]) / 2**.5, places=12)


class SameBits(CommandTest):
    def test_threads(self):
        for threads in (1, 2, 3):
            self.strata("evaluate", "--text", "prose.txt", *TINY, "--threads", threads, "--out", f"threads_{threads}", "--quiet")
            self.assertEqual(self.summary(f"threads_{threads}")["threads"], threads)
        for threads in (2, 3):
            self.assert_same_bits("threads_1/model.h5", f"threads_{threads}/model.h5")
            self.assert_same_summary("threads_1", f"threads_{threads}", but={"threads"})

    def test_config_repeats_the_run(self):
        self.strata("evaluate", "--text", "prose.txt", *TINY, "--seed", 5, "--set", "level.1.gate=true", "--out", "first", "--quiet")
        self.strata("evaluate", "--config", "first/config.ini", "--out", "again", "--quiet")
        self.assertEqual(self.summary("again")["seed"], 5)
        self.assert_same_summary("first", "again")
        self.assert_same_bits("first/model.h5", "again/model.h5")
        with open(self.path("first/config.ini"), encoding="utf-8") as a, open(self.path("again/config.ini"), encoding="utf-8") as b:
            self.assertEqual(a.read(), b.read())
        # What is typed wins over the file, and the file serves another command too.
        self.strata("evaluate", "--config", "first/config.ini", "--seed", 6, "--out", "other", "--quiet")
        self.assertEqual(self.summary("other")["seed"], 6)
        self.strata("train", "--config", "first/config.ini", "--out", "training", "--quiet")
        self.assert_same_bits("first/model.h5", "training/model.h5")

    def test_model_of_an_experiment_serves_another(self):
        self.strata("evaluate", "--text", "prose.txt", *TINY, *sets({"evaluate.streams": 3}), "--out", "scored", "--quiet")
        self.strata("run", "belief_inertia", "--text", "prose.txt", "--model", "scored/model.h5", *INERTIA, "--out", "weighed", "--quiet")
        shutil.move(self.path("scored/model.h5"), self.path("moved.h5"))
        self.strata("evaluate", "--text", "prose.txt", "--model", "moved.h5", "--out", "rescored", "--quiet", *sets({"evaluate.streams": 3}))
        self.assert_same_summary("scored", "rescored", but={"training"})


if __name__ == "__main__":
    support.main()
