#!/usr/bin/python3
"""The words of the command: help, lists, descriptions, inspection, analysis of anybody's trace, what goes to which stream, where files go."""
import json
import os
import pty
import re
import signal
import subprocess
import unittest

import support
from support import STRATA, TINY, CommandTest, sets

FOREIGN_TRACE = """
import h5py, numpy
chance = numpy.random.default_rng(1)
time, streams, units = 200, 30, 5
with h5py.File("foreign.h5", "w") as file:
    for level, half_life in enumerate((4, 32)):
        belief = chance.normal(size=(time, streams, units)).astype("f4")
        apart = chance.normal(size=(1, streams, units)) * .5 ** (numpy.arange(time) / half_life)[:, None, None]
        file[f"levels/{level}/belief"] = belief
        file[f"conditions/twin/levels/{level}/belief"] = (belief + apart).astype("f4")
"""


class Looking(CommandTest):
    needs_model = True

    def test_help(self):
        said = self.strata("--help")
        for word in ("train", "run NAME", "evaluate", "analyse", "inspect", "list", "describe", "devices", "--text", "--held-out", "--foreign",
                     "--model", "--out", "--config", "--set", "--resume", "--seed", "--seeds", "--threads", "--device", "--quick", "--json",
                     "--quiet", "130"):
            self.assertIn(word, said)
        self.assertEqual(said, self.strata("help"))
        self.assertEqual(said, self.strata("devices", "-h"))
        self.assertLessEqual(max(map(len, said.splitlines())), 120)
        alone = self.start()
        self.assertEqual((alone.returncode, alone.stdout, alone.stderr), (2, "", said))
        self.assertRegex(self.strata("--version"), r"^strata \d+\.\d+\.\d+ \(.+\)\n$")

    def test_help_of_a_command(self):
        """Behind the general page: the keys of that very command, and where to read more."""
        page = self.strata("--help")
        for words, facts in ((("run", "surprise_recovery"), ("surprise_recovery.places", "strata describe recovery", "strata describe GROUP", "README.md")),
                             (("run", "baselines"), ("baselines.",)),
                             (("run",), ("surprise_recovery ", "belief_inertia ", "strata run NAME --help")),
                             (("evaluate",), ("evaluate.streams", "learning ")),
                             (("train",), ("learning ", "hierarchy ", "level ", "text ", "experiments/config")),
                             (("forecast",), ("forecast.words",)),
                             (("analyse",), ("half_life ", "strata analyse NAME --help")),
                             (("analyse", "surprise"), ("analyse.window", "held"))):
            with self.subTest(words=words):
                said = self.strata(*words, "--help")
                self.assertTrue(said.startswith(page))
                for fact in facts:
                    self.assertIn(fact, said[len(page):])
                self.assertEqual(said, self.strata("help", *words))
        self.assertNotIn("strata describe GROUP", self.strata("run", "baselines", "--help"), "it trains nothing")

    def fallback(self, key):
        """The default that the first kind of level has of a key."""
        return next(line.split()[1] for line in self.strata("describe", key).splitlines() if line.startswith(f"  {key} "))

    def test_a_key_is_described(self):
        for key, owner in (("learning.rate", "learning"), ("level.0.ngrams", "token"), ("level.3.broad_from_above", "situation"), ("evaluate.streams", "evaluate")):
            said = self.strata("describe", key)
            self.assertEqual([line.split()[0] for line in said.splitlines() if line.startswith("  ")], [key], said)
            self.assertIn(owner, said)
        said = self.strata("describe", "world.tokens")
        self.assertIn("how much", self.strata("describe", "world"))
        for owner in ("a key of nested", "a key of world"):
            self.assertIn(owner, said, "every one that has the key")
        self.assertNotEqual(self.fallback("level.1.tau"), self.fallback("level.3.tau"), "the default is that of the level asked for")
        self.assertEqual(self.strata("describe", "level.0"), self.strata("describe", "token"))
        self.assertEqual(self.strata("describe", "level.2"), self.strata("describe", "situation"))
        self.assertIn("level.0.ngrams", self.strata("describe", "level"))
        self.assertIn("level.1.broad_from_above", self.strata("describe", "level"))
        self.assertIn("text.*", self.strata("list", "settings"))

    def test_half_a_name_is_led_on(self):
        self.refused(2, ["level.1.tau", "level.0.tau"], "describe", "tau")
        self.refused(2, ["is a command", "--help"], "describe", "train")

    def test_everything_listed_is_described(self):
        sections, name = {}, ""
        listed, _, closing = self.strata("list").partition("\n\n")
        self.assertIn("strata describe NAME", closing)
        for line in listed.splitlines():
            if line.startswith("  "):
                word, summary = line.split(maxsplit=1)
                self.assertGreater(len(summary), 10)
                sections[name].append(word)
            else:
                name = line
                sections[name] = []
        self.assertEqual(list(sections), ["levels", "terms", "experiments", "worlds", "measures", "settings"])
        for wanted in ("surprise_recovery", "belief_inertia", "evaluate"):
            self.assertIn(wanted, sections["experiments"])
        every = [word for words in sections.values() for word in words]
        self.assertEqual(len(every), len(set(every)), "a name stands for one thing")
        for word in every:
            said = self.strata("describe", word)
            self.assertTrue(said.startswith(word), said)
            self.assertGreater(len(said.splitlines()), 3)
        for name, words in sections.items():
            self.assertEqual([line.split()[0] for line in self.strata("list", name).partition("\n\n")[0].splitlines()[1:]], words)

    def test_described_keys_are_all_of_config(self):
        """Whatever config.ini holds can be looked up, and the other way round."""
        keys = set()
        for name in ("token", "situation", "text", "learning", "monitor", "growth", "relaxation", "hierarchy", "world", "run", "record"):
            keys |= set(re.findall(r"^  ([a-z_]+\.[a-z0-9_.]+) ", self.strata("describe", name), re.M))
        with open(self.path("trained/config.ini"), encoding="utf-8") as file:
            held = set(re.findall(r"^([a-z_]+\.[a-z0-9_.]+) =", file.read(), re.M))
        levels = re.compile(r"level\.[0-9]\.kind|level\.[23]\.|evaluate\.")  # kinds are chosen; levels 2 and 3 are situations as level 1 is
        self.assertEqual({key for key in held if not levels.match(key)} ^ keys, set())

    def test_devices(self):
        said = self.strata("devices")
        for name in ("reference", "cpu", "check"):
            self.assertRegex(said, rf"(?m)^{name} +available")

    def test_inspect_model(self):
        said = self.strata("inspect", "model.h5")
        for fact in ("strata model", "seed 1", "prose.txt (", "tokens", "parameters", "hierarchy.units = 8", "level_3/memory_in", "400 x 8"):
            self.assertIn(fact, said)
        self.assertNotIn("run.text", said, "a model travels; where the text lay on this machine is nobody's business")
        self.refused(6, "none.h5", "inspect", "none.h5")


class Analysis(CommandTest):
    needs_model = True

    def test_anybodys_trace(self):
        subprocess.run([support.sys.executable, "-c", FOREIGN_TRACE], cwd=self.base, check=True)
        measured = json.loads(self.strata("analyse", "half_life", "foreign.h5", "--json"))
        found = [level["half_life"] for level in measured["levels"]]
        self.assertAlmostEqual(found[0], 4, delta=.5)
        self.assertAlmostEqual(found[1], 32, delta=3)
        ratio, (low, high) = (measured["levels"][1][key] for key in ("half_life_ratio", "half_life_ratio_ci95"))
        self.assertTrue(low <= ratio <= high)
        self.assertAlmostEqual(ratio, 8, delta=1.2)
        self.assertIn("half", self.strata("analyse", "half_life", "foreign.h5"))
        self.assertIn("30 streams, 5 units", self.strata("inspect", "foreign.h5"))
        self.refused(2, "analyse.resampels", "analyse", "half_life", "foreign.h5", "--set", "analyse.resampels=10")
        self.refused(3, "foreign.h5", "analyse", "recovery", "foreign.h5")

    def test_experiments(self):
        """Both main experiments on a tiny model: summary, trace, table; analyse finds in the trace what the run found."""
        self.strata("run", "belief_inertia", "--text", "prose.txt", "--model", "model.h5", *sets(belief_inertia=support.SMALL_INERTIA),
                    "--out", "inertia", "--quiet")
        summary, trace = self.summary("inertia"), "inertia/trace.h5"
        for name in ("half_life", "evidence", "tokens_to_switch"):
            self.assertIsInstance(json.loads(self.strata("analyse", name, trace, "--json")), dict)
        again = json.loads(self.strata("analyse", "half_life", trace, "--json"))
        self.assertEqual([level.get("half_life") for level in again["levels"]], [level.get("half_life") for level in summary["levels"]])
        said = self.strata("inspect", trace)
        for fact in ("a trace", "belief_inertia", "token, time constant", "twin, to be compared with the root levels", "seed 1"):
            self.assertIn(fact, said)
        table = self.strata("run", "surprise_recovery", "--text", "prose.txt", "--model", "model.h5",
                            *sets(surprise_recovery=support.SMALL_RECOVERY), "--out", "recovery", "--quiet")
        for name in ("token", "sentence", "paragraph", "document"):
            self.assertIn(name, table)
        self.assertEqual([level["name"] for level in self.summary("recovery")["levels"]], ["token", "sentence", "paragraph", "document"])
        self.assertLessEqual({"config.ini", "log.txt", "summary.json", "trace.h5"}, set(os.listdir(self.path("recovery"))))
        self.assertNotIn("run.json", os.listdir(self.path("recovery")))

    def test_xarray_opens_a_trace(self):
        try:
            import xarray
        except ImportError:
            self.skipTest("python3-xarray is absent")
        self.strata("evaluate", "--text", "prose.txt", "--model", "model.h5", *TINY, "--out", "opened", "--quiet")
        with xarray.open_dataset(self.path("opened/trace.h5"), engine="h5netcdf", group="levels/1") as level:
            self.assertIn("time", level.sizes)
            self.assertTrue(all("units" in level[name].attrs for name in level.data_vars))


class Warnings(CommandTest):
    """One line where a run is none that says much; silence where it is."""

    needs_model = True

    def test_too_little_to_learn_from(self):
        self.write("little.txt", support.text(documents=6, paragraphs=4))
        said = self.start("train", "--text", "little.txt", *TINY, "--set", "world.streams=32", "--out", "little").stderr
        self.assertRegex(said, r"only \d+ tokens in 32 streams, which is \d+ updates? of the weights: too little to learn from")
        much = self.start("train", "--text", "prose.txt", *TINY, "--set", "world.passes=3", "--out", "much").stderr
        self.assertNotIn("too little", much)

    def test_another_language(self):
        korean = "겨울 항구는 아침부터 조용했고 아무도 그 까닭을 말하지 않았다.\n"
        said = self.start("forecast", "--model", "model.h5", input=korean)
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertRegex(said.stderr, r"most of the given text \(\d+ % of its tokens\) is outside the model's vocabulary")
        self.write("korean.txt", korean * 20)
        self.assertIn("most of the held-out text", self.start("evaluate", "--model", "model.h5", "--held-out", "korean.txt", "--out", "foreign").stderr)
        self.assertNotIn("outside the model's vocabulary", self.start("forecast", "--model", "model.h5", input="Balo mi tu.").stderr)

    def test_why_nothing_stands_there(self):
        self.write("alone.txt", support.document(1, support.random.Random(1)))
        said = self.strata("evaluate", "--model", "model.h5", "--held-out", "alone.txt", "--out", "alone", "--quiet")
        self.assertIn("top-down gain, swap and narrows were not measured: they need two documents", said)
        said = self.strata("evaluate", "--model", "model.h5", "--text", "prose.txt", *TINY, "--set", "evaluate.stream_every=0", "--out", "skipped", "--quiet")
        self.assertIn("not measured: evaluate.stream_every is 0", said)
        self.write("long.txt", support.text(documents=4, seed=2, paragraphs=20))
        self.assertNotIn("not measured", self.strata("evaluate", "--model", "model.h5", "--held-out", "long.txt", "--out", "several", "--quiet"))

    def test_missing_files_are_told_of_alike(self):
        for arguments in (["train", "--text", "absent"], ["train", "--text", "prose.txt", "--config", "absent"], ["inspect", "absent"],
                          ["evaluate", "--text", "prose.txt", "--model", "absent"]):
            self.refused(6, "absent: there is no such file or folder", *arguments)


class Processors(CommandTest):
    def test_threads_are_those_that_may_be_used(self):
        """Not those of the machine: a job pinned to one processor has one thread."""
        allowed = sorted(os.sched_getaffinity(0))
        for processors in {1, min(2, len(allowed))}:
            out = f"on_{processors}"
            self.strata("train", "--text", "prose.txt", *TINY, "--out", out, "--quiet", preexec_fn=lambda: os.sched_setaffinity(0, allowed[:processors]))
            self.assertEqual(self.summary(out)["threads"], processors)
            self.assertIn(f" {processors} thread{'s' if processors > 1 else ''}, seed", self.strata("inspect", f"{out}/model.h5"))


class Streams(CommandTest):
    """What goes where: progress to standard error, results to standard output."""

    def test_nobody_reads_on(self):
        """What `head` leaves unread is no fault: a silent end, by the signal that the system has for it; a full disk is one."""
        self.strata("train", "--text", "prose.txt", *TINY, "--model", "piped.h5", "--out", "piped", "--quiet")
        words = [STRATA, "forecast", "--model", "piped.h5", "--text", "prose.txt", "--json", "--quiet"]
        reader, writer = os.pipe()
        os.close(reader)
        ended = subprocess.run(words, cwd=self.base, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=100, check=False)
        os.close(writer)
        self.assertEqual((ended.returncode, ended.stderr), (-signal.SIGPIPE, ""))
        with open("/dev/full", "w", encoding="utf-8") as full:
            ended = subprocess.run(words, cwd=self.base, stdout=full, stderr=subprocess.PIPE, text=True, timeout=100, check=False)
        self.assertEqual(ended.returncode, 6)
        self.assertIn("is the disk full?", ended.stderr)

    def test_json_and_quiet(self):
        noisy = self.start("evaluate", "--text", "prose.txt", *TINY, "--out", "noisy", "--json")
        self.assertEqual(noisy.returncode, 0, noisy.stderr)
        self.assertEqual(json.loads(noisy.stdout), self.summary("noisy"))
        self.assertIn("training", noisy.stderr)
        self.assertNotIn("\r", noisy.stderr, "no bar where nobody looks")
        silent = self.start("evaluate", "--text", "prose.txt", *TINY, "--out", "silent", "--json", "--quiet")
        self.assertEqual(silent.stderr, "")
        self.assertEqual(support.without_times(json.loads(silent.stdout)), support.without_times(json.loads(noisy.stdout)))
        shown = self.start("evaluate", "--text", "prose.txt", *TINY, "--out", "shown", "--quiet")
        self.assertEqual(shown.stderr, "")
        for fact in ("perplexity", "bits/byte", "document", "results: shown", "model: shown/model.h5"):
            self.assertIn(fact, shown.stdout)

    def test_summary(self):
        summary = json.loads(self.strata("evaluate", "--text", "prose.txt", *TINY, "--out", "scored", "--json", "--threads", 2))
        for key in ("experiment", "strata_version", "commit", "seed", "device", "isa", "threads", "seconds", "peak_memory_bytes", "levels",
                    "perplexity", "bits_per_byte", "nats_per_token", "unigram_nats"):
            self.assertIn(key, summary)
        self.assertEqual((summary["experiment"], summary["seed"], summary["threads"]), ("evaluate", 1, 2))
        self.assertLess(summary["nats_per_token"], summary["unigram_nats"], "it learned something")
        self.assertEqual([level["name"] for level in summary["levels"]], ["token", "sentence", "paragraph", "document"])
        self.assertNotIn("null", json.dumps(summary))
        self.assertNotIn("NaN", json.dumps(summary))

    def test_default_folder(self):
        said = self.strata("train", "--text", "prose.txt", *TINY, "--quiet")
        folder = re.search(r"results: (results/train/\d{8}-\d{6}-[0-9a-f]{8})", said)
        self.assertTrue(folder, said)
        self.assertEqual(sorted(os.listdir(self.path(folder.group(1)))), ["config.ini", "log.txt", "model.h5", "summary.json"])

    def test_model_option_of_train(self):
        said = self.strata("train", "--text", "prose.txt", *TINY, "--model", "deep/down/m.h5", "--out", "made", "--quiet")
        self.assertIn("model: deep/down/m.h5", said)
        self.assert_same_bits("made/model.h5", "deep/down/m.h5")
        self.assertEqual(os.listdir(self.path("deep/down")), ["m.h5"])

    def test_corrected_command_finds_its_place_free(self):
        self.refused(2, "learning.rat", "train", "--text", "prose.txt", *TINY, "--set", "learning.rat=1", "--out", "corrected")
        self.refused(2, "learning.rat", "train", "--text", "prose.txt", *TINY, "--set", "learning.rat=1", "--out", "corrected", "--seeds", 2)
        self.strata("train", "--text", "prose.txt", *TINY, "--out", "corrected", "--quiet")

    def test_two_at_once(self):
        words = ["train", "--text", "prose.txt", *TINY, *sets({"world.passes": 6, "learning.checkpoint_seconds": 0.05}), "--out", "shared"]
        with subprocess.Popen([STRATA, *words, "--quiet"], cwd=self.base, stdout=subprocess.DEVNULL) as first:
            while not os.path.exists(self.path("shared.partial/log.txt")) and first.poll() is None:
                pass
            self.refused(6, "shared", *words)
            self.assertEqual(first.wait(timeout=60), 0)

    def test_bar_on_a_terminal(self):
        """A bar that rewrites its line, with tokens per second and time left, no wider than 80 columns."""
        mother, child = pty.openpty()
        with subprocess.Popen([STRATA, "train", "--text", "prose.txt", *TINY, *sets({"world.passes": 4}), "--out", "bar"], cwd=self.base,
                              stdout=subprocess.DEVNULL, stderr=child) as process:
            os.close(child)
            said = b""
            try:
                while part := os.read(mother, 4096):
                    said += part
            except OSError:  # the other end is closed
                pass
            self.assertEqual(process.wait(timeout=60), 0)
        os.close(mother)
        lines = [line for line in re.split(r"[\r\n]+", said.decode().replace("\x1b[K", "")) if line.startswith("training [")]
        self.assertGreater(len(lines), 2)
        for line in lines:
            self.assertLess(len(line), 80)
        self.assertRegex(lines[1], r"\[#*\.*\] +\d+ %  [\d.]+k? tokens/s  left \d+:\d\d  [\d.]+ nats/token")
        self.assertRegex(lines[-1], r"\[#+\] 100 %  [\d.]+k? tokens/s  took \d+:\d\d")


if __name__ == "__main__":
    support.main()
