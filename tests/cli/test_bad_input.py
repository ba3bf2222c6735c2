#!/usr/bin/python3
"""Bad input: each kind has its exit code and exactly one line on standard error that says what is wrong, where, and what to do."""
import os
import shutil
import stat
import subprocess
import unittest

import support
from support import STRATA, TINY, CommandTest, limit_file_size, sets


class Texts(CommandTest):
    def train(self, code, said, name, *more):
        self.refused(code, said, "train", "--text", name, "--out", "out", *TINY, *more)
        self.assertFalse(os.path.exists(self.path("out")))
        self.assertFalse(os.path.exists(self.path("out.partial")), "nothing was learned, so nothing stays")

    def test_missing_file(self):
        self.train(6, ["absent.txt", "no such file"], "absent.txt")
        self.train(6, ["absent.txt", "no such file"], "prose.txt", "--held-out", "absent.txt")
        self.refused(6, ["absent.txt", "no such file"], "run", "surprise_recovery", "--text", "prose.txt", "--foreign", "absent.txt", "--out", "out", *TINY)

    def test_empty_file(self):
        self.write("empty.txt", "")
        self.train(3, ["empty.txt", "empty"], "empty.txt")
        self.write("blank.txt", " \n\n\f\n\n")
        self.train(3, "blank.txt", "blank.txt")

    def test_folder_without_text(self):
        self.write("folder/notes.md", "not a .txt")
        self.train(3, ["folder", ".txt"], "folder")

    def test_not_utf8(self):
        self.write("latin.txt", b"First line.\nCaf\xe9 au lait.\n")
        self.train(3, ["latin.txt", "UTF-8", "15"], "latin.txt")

    def test_three_words(self):
        self.write("short.txt", "Only three words.\n")
        self.train(3, ["short.txt", "--held-out"], "short.txt")
        self.train(3, ["short.txt", "tokens"], "short.txt", "--held-out", "prose.txt")

    def test_nothing_to_hold_out(self):
        """The advice is none that was followed already."""
        self.write("line.txt", "one line that holds no end " * 40 + "\n")
        self.train(3, ["line.txt", "text.sentences=lines"], "line.txt", "--set", "text.hold_out=last")
        followed = ["--set", "text.hold_out=last", "--set", "text.sentences=lines"]
        self.train(3, ["line.txt", "one line", "--held-out"], "line.txt", *followed)
        self.assertNotIn("sentences=lines", self.start("train", "--text", "line.txt", *TINY, *followed).stderr)

    def test_no_text(self):
        self.refused(2, "--text", "train")
        self.refused(2, "--text", "evaluate")


class Words(CommandTest):
    """Everything that is known by name, mistyped: exit 2, and the nearest is named."""

    def test_unknown_names(self):
        text = ["--text", "prose.txt"]
        for said, arguments in (
            (["trian", "'train'"], ["trian"]),
            (["--txet", "'--text'"], ["train", "--txet", "prose.txt"]),
            (["--hold-out", "'--held-out'"], ["train", *text, "--hold-out", "x"]),
            (["learning.rat", "'learning.rate'"], ["train", *text, "--set", "learning.rat=.1"]),
            (["level.9.tau", "levels 0 to 3"], ["train", *text, "--set", "level.9.tau=3"]),
            (["level.2.tu", "'level.2.tau'"], ["train", *text, "--set", "level.2.tu=3"]),
            (["level.1.ta", "levels 0 to 0"], ["train", *text, "--set", "level.1.ta=3", "--set", "hierarchy.levels=1"]),
            (["belief_inerta", "'belief_inertia'"], ["run", "belief_inerta", *text]),
            (["evaluate.stream", "'evaluate.streams'"], ["evaluate", *text, "--set", "evaluate.stream=3"]),
            (["halflife", "'half_life'"], ["analyse", "halflife", "prose.txt"]),
            (["tekst", "'text'"], ["train", *text, "--world", "tekst"]),
            (["situaton", "'situation'"], ["train", *text, "--set", "level.1.kind=situaton"]),
            (["cqu", "'cpu'"], ["train", *text, "--device", "cqu"]),
            (["mesures", "'measures'"], ["list", "mesures"]),
            (["half_lif", "'half_life'"], ["describe", "half_lif"]),
            (["level.3.ta", "'level.3.tau'"], ["describe", "level.3.ta"]),
            (["level.2.hidden", "'level.0.hidden'"], ["describe", "level.2.hidden"]),
            (["trian", "'train'"], ["trian", "--help"]),
            (["belief_inerta", "'belief_inertia'"], ["run", "belief_inerta", "--help"]),
        ):
            with self.subTest(arguments=arguments):
                self.refused(2, said, *arguments)
        self.assertNotIn("did you mean", self.refused(2, "level.9.tau", "train", *text, "--set", "level.9.tau=3"))

    def test_out_of_range(self):
        text = ["--text", "prose.txt"]
        for said, arguments in (
            (["level.1.tau", "-3", "0.5"], ["--set", "level.1.tau=-3"]),
            (["learning.rate", "nan"], ["--set", "learning.rate=nan"]),
            (["learning.rate", "fast"], ["--set", "learning.rate=fast"]),
            (["world.streams", "0", "from 1 to 4096"], ["--set", "world.streams=0"]),
            (["text.vocabulary", "12", "300"], ["--set", "text.vocabulary=12"]),
            (["world.shuffle", "maybe", "true or false"], ["--set", "world.shuffle=maybe"]),
            (["text.tokenizer", "bpa", "'bpe'"], ["--set", "text.tokenizer=bpa"]),
            (["--set", "KEY=VALUE"], ["--set", "learning.rate"]),
            (["--seed", "-1", "from 0"], ["--seed", "-1"]),
            (["--seed", "one", "whole number"], ["--seed", "one"]),
            (["--seeds", "0", "from 1"], ["--seeds", "0"]),
            (["--threads", "-2", "from 0"], ["--threads", "-2"]),
            (["--threads", "1e2", "whole number"], ["--threads", "1e2"]),
            (["isa", "x86-64-v9", "x86-64-v3"], ["--isa", "x86-64-v9"]),
        ):
            with self.subTest(arguments=arguments):
                self.refused(2, said, "train", *text, *arguments)

    def test_usage(self):
        for said, arguments in (
            (["--text", "needs a value"], ["train", "--text"]),
            (["--out", "twice"], ["train", "--out", "a", "--out", "b"]),
            (["run NAME"], ["run", "--text", "prose.txt"]),
            (["analyse NAME TRACE.h5"], ["analyse", "half_life"]),
            (["inspect FILE.h5"], ["inspect"]),
            (["describe NAME"], ["describe"]),
            (["train --text PATH"], ["train", "prose.txt"]),
            (["--json", "strata list"], ["list", "--json"]),
            (["--text", "strata inspect"], ["inspect", "x.h5", "--text", "prose.txt"]),
            (["--model", "seed_N"], ["train", "--text", "prose.txt", "--seeds", "2", "--model", "m.h5"]),
        ):
            with self.subTest(arguments=arguments):
                # --quiet behind `--text` would be read as its value
                result = self.start(*arguments)
                self.assertEqual((result.returncode, len(result.stderr.splitlines())), (2, 1), result.stderr)
                for fact in said:
                    self.assertIn(fact, result.stderr)

    def test_refused_before_anything_is_learned(self):
        """What a text or a configuration does not allow is said at once, with the keys that would help; nothing is left where it ran."""
        small = sets(world={"tokens": 2000})
        for experiment, facts in (("belief_inertia", ("belief_inertia.pairs", "belief_inertia.context", "belief_inertia.room")),
                                  ("surprise_recovery", ("surprise_recovery.places", "surprise_recovery.context", "surprise_recovery.sentence")),
                                  ("construction", ("construction.pairs", "construction.room")),
                                  ("scrambled_story", ("scrambled_story.stories", "scrambled_story.length", "scrambled_story.history")),
                                  ("intrinsic_timescales", ("intrinsic_timescales.streams", "intrinsic_timescales.length")),
                                  ("amplification", ("amplification.texts", "amplification.room")),
                                  ("segmentation", ("segments.ini",))):
            with self.subTest(experiment=experiment):
                self.refused(2 if experiment == "segmentation" else 3, facts, "run", experiment, "--text", "prose.txt", "--out", "runs/no", *small)
                log = self.start("run", experiment, "--text", "prose.txt", "--out", "runs/no", *small).stderr
                self.assertNotIn("training", log)
        # With several seeds, too, the corrected command finds its place free.
        self.refused(3, "belief_inertia.pairs", "run", "belief_inertia", "--text", "prose.txt", "--seeds", 2, "--out", "runs/no", *small)
        self.assertFalse(os.path.exists(self.path("runs/no.partial")))
        self.refused(3, "held-out text", "run", "amplification", "--text", "prose.txt", "--out", "runs/no", *small,
                     *sets(text={"tokenizer": "bytes"}, amplification={"texts": 2, "history": 20, "room": 20}))
        self.refused(2, "evaluate.plastic", "evaluate", "--world", "nested", "--out", "runs/no", "--set", "evaluate.plastic=true")
        for paradigm in ("roving", "hazard"):
            self.refused(2, f"{paradigm}.ini", "run", paradigm, "--out", "runs/no")
        self.refused(2, ["level.1.kind", "clamped"], "run", "hazard", "--out", "runs/no", "--set", "level.0.kind=token", "--set", "level.1.kind=situation",
                     *sets(world={"paradigm": "hazard"}, hierarchy={"levels": 2}, relaxation={"scheme": "gradient"}))
        self.assertFalse(os.path.exists(self.path("runs")), "a folder that a refused command made goes with it")

    def test_options_without_effect(self):
        small = sets(world={"tokens": 2000}, hierarchy={"levels": 2})
        self.refused(2, ["--foreign", "surprise_recovery"], "evaluate", "--text", "prose.txt", "--foreign", "prose.txt", "--out", "no")
        self.refused(2, ["--foreign", "surprise_recovery"], "train", "--text", "prose.txt", "--foreign", "prose.txt", "--out", "no")
        self.refused(2, ["--text", "nested"], "train", "--world", "nested", "--text", "prose.txt", "--out", "no")
        self.refused(2, ["--held-out", "nested"], "train", "--world", "nested", "--held-out", "prose.txt", "--out", "no")
        self.refused(2, ["--foreign", "surprise_recovery"], "run", "surprise_recovery", "--world", "nested", "--foreign", "prose.txt", "--out", "no")
        # A configuration of another run may name texts that this one does not read.
        self.write("of_another.ini", "[run]\ntext = prose.txt\nforeign = prose.txt\nheld_out = prose.txt\n")
        self.strata("train", "--world", "nested", "--config", "of_another.ini", "--out", "nested", "--quiet", *small)
        self.refused(2, ["--model", "nested"], "evaluate", "--world", "oddball", "--model", "nested/model.h5", "--out", "no")
        self.refused(2, ["hierarchy.levels", "3"], "evaluate", "--model", "nested/model.h5", "--out", "no", "--set", "hierarchy.levels=3")
        said = self.start("evaluate", "--model", "nested/model.h5", "--out", "own_world", "--set", "level.1.stubbornness=.5", "--set", "run.figures=false")
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn("level.1.stubbornness = .5 (1)", said.stderr)
        said = self.start("evaluate", "--model", "nested/model.h5", "--out", "same", "--set", "level.1.stubbornness=1.0", "--set", "run.figures=false")
        self.assertNotIn("otherwise", said.stderr, "1.0 is 1")
        self.assertEqual(self.summary("own_world")["world"], "nested")

    def test_configuration_file(self):
        self.write("bad.ini", "[learning]\nrate = .1\nwarm up\n")
        self.refused(2, ["bad.ini:3", "key = value"], "train", "--text", "prose.txt", "--config", "bad.ini")
        self.refused(6, "none.ini", "train", "--text", "prose.txt", "--config", "none.ini")
        self.write("typo.ini", "[learning]\nrats = .1\n")
        self.refused(2, ["learning.rats", "'learning.rate'"], "train", "--text", "prose.txt", "--config", "typo.ini")

    def test_device_absent(self):
        """Not built in, or no processor: one line that says which, and what to do."""
        devices = self.strata("devices")
        cuda = next(line for line in devices.splitlines() if line.startswith("cuda "))
        if " available " in cuda:
            return  # tests/conformance asks it more than this
        helps = "-DSTRATA_CUDA=ON" if "not built in" in cuda else "--device cpu"
        self.refused(5, ["cuda", helps], "train", "--text", "prose.txt", "--device", "cuda")
        self.refused(5, ["cuda", helps], "train", "--text", "prose.txt", "--device", "check", "--set", "run.checked=cuda")

    def test_products(self):
        text = ["train", "--text", "prose.txt"]
        self.refused(2, ["products", "tf32", "cuda"], *text, "--set", "run.products=tf32")
        self.refused(2, ["products", "bfloat16", "cpu"], *text, "--device", "reference", "--set", "run.products=bfloat16")
        self.refused(2, ["checked", "cpu"], *text, "--device", "check", "--set", "run.checked=gpu")


class Models(CommandTest):
    needs_model = True

    def evaluate(self, code, said, model):
        self.refused(code, said, "evaluate", "--text", "prose.txt", "--model", model, "--out", "out")
        self.assertFalse(os.path.exists(self.path("out.partial")))

    def changed(self, name, change):
        import h5py
        shutil.copy(self.path("model.h5"), self.path(name))
        with h5py.File(self.path(name), "r+") as file:
            change(file)
        return name

    def test_missing(self):
        self.evaluate(6, ["absent.h5", "no such file"], "absent.h5")
        self.evaluate(6, "trained", "trained")

    def test_text_file(self):
        self.evaluate(6, "prose.txt", "prose.txt")
        self.refused(6, "prose.txt", "inspect", "prose.txt")
        self.refused(6, "prose.txt", "analyse", "half_life", "prose.txt")

    def test_other_version(self):
        def other(file):
            file.attrs["format_version"] = 99
            file.attrs["strata_version"] = "7.7.7"
        self.evaluate(6, ["other.h5", "99", "7.7.7", "train again"], self.changed("other.h5", other))

    def test_other_kind(self):
        import h5py
        with h5py.File(self.path("strange.h5"), "w") as file:
            file["x"] = [1.0]
        self.evaluate(6, ["strange.h5", "not a strata model"], "strange.h5")

    def test_truncated(self):
        with open(self.path("model.h5"), "rb") as file:
            whole = file.read()
        for part in (len(whole) - 1000, len(whole) // 2, 3000, 100, 0):
            with self.subTest(part=part):
                self.write("cut.h5", whole[:part])
                self.evaluate(6, "cut.h5", "cut.h5")

    def test_array_missing(self):
        def remove(file):
            del file["state/parameters/level_1/memory_in"]
        self.evaluate(6, ["less.h5", "memory_in"], self.changed("less.h5", remove))

    def test_nan_in_a_weight(self):
        def spoil(file):
            file["state/parameters/level_2/memory_in"][1, 2] = float("nan")
        self.evaluate(4, ["nan.h5", "level_2", "memory_in", "nan"], self.changed("nan.h5", spoil))

    def test_other_size(self):
        self.refused(3, ["model.h5", "expected", "was made with hierarchy.units = ", "(here 9)", "take back"], "evaluate", "--text", "prose.txt", "--model", "model.h5", "--set", "hierarchy.units=9")


class Places(CommandTest):
    """Where results go: unwritable, taken, full."""

    needs_model = True

    def test_unwritable_out(self):
        self.write("file", "a file")
        self.refused(6, "file", "train", "--text", "prose.txt", *TINY, "--out", "file/below")
        self.refused(6, ["file", "folder"], "train", "--text", "prose.txt", *TINY, "--out", "file")
        self.refused(6, "/proc/here", "train", "--text", "prose.txt", *TINY, "--out", "/proc/here")
        self.refused(6, "/proc/m.h5", "train", "--text", "prose.txt", *TINY, "--out", "o", "--model", "/proc/m.h5")
        self.refused(2, ["out/model.h5", "another place"], "train", "--text", "prose.txt", *TINY, "--out", "out", "--model", "out/model.h5")
        self.assertFalse(os.path.exists(self.path("out")))

    def test_forbidden(self):
        nobody = {}
        if os.geteuid() == 0:  # root may read and write everything
            os.chmod(self.base, 0o755)
            nobody = {"preexec_fn": lambda: os.setuid(65534)}
            try:
                self.strata("--version", **nobody)
            except (PermissionError, subprocess.SubprocessError):
                self.skipTest("another user may not run the command where it lies")
        os.mkdir(self.path("closed"))
        os.chmod(self.path("closed"), stat.S_IRUSR | stat.S_IXUSR)
        self.refused(6, ["closed", "may write"], "train", "--text", "prose.txt", *TINY, "--out", "closed/run", **nobody)
        self.write("secret.txt", "Nobody may read this.\n")
        os.chmod(self.path("secret.txt"), 0)
        os.mkdir(self.path("open"))
        os.chmod(self.path("open"), 0o777)
        self.refused(6, "secret.txt", "train", "--text", "secret.txt", *TINY, "--out", "open/run", **nobody)

    def test_existing_out(self):
        self.refused(6, ["trained", "--out"], "train", "--text", "prose.txt", *TINY, "--out", "trained")

    def test_full_disk_in_training(self):
        for more in ([], ["--set", "learning.checkpoint_seconds=0"]):
            with self.subTest(more=more):
                self.refused(6, "disk is full", "train", "--text", "prose.txt", *TINY, "--out", "full", *more,
                             preexec_fn=limit_file_size(20000))
                shutil.rmtree(self.path("full.partial"), ignore_errors=True)

    def test_full_disk_in_an_experiment(self):
        small = support.sets(belief_inertia=support.SMALL_INERTIA)
        said = self.refused(6, ["trace.h5", "full"], "run", "belief_inertia", "--text", "prose.txt", "--model", "model.h5", *small,
                            "--out", "full_trace", preexec_fn=limit_file_size(60000))
        self.assertNotIn("HDF5", said)
        self.assertFalse(os.path.exists(self.path("full_trace")))

    def test_full_file_system(self):
        """The same on a small file system of its own, where one may be mounted (in a name space that ends with the command)."""
        os.makedirs(self.path("mounted"), exist_ok=True)
        line = 'mount -t tmpfs -o size=32k none "$1" && shift && exec "$@"'
        command = ["unshare", "--mount", "--map-root-user", "sh", "-c", line, "sh", self.path("mounted")]
        if shutil.which("unshare") is None or subprocess.run([*command, "true"], capture_output=True, check=False).returncode != 0:
            return  # test_full_disk_in_training asks the same by a limit
        result = subprocess.run([*command, STRATA, "train", "--text", self.prose, *TINY, "--out", self.path("mounted/run"), "--quiet"],
                                capture_output=True, text=True, check=False)
        self.assertEqual((result.returncode, len(result.stderr.splitlines())), (6, 1), result.stderr)
        self.assertIn("the disk is full", result.stderr)

    def test_full_standard_output(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            result = subprocess.run([STRATA, "list"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual((result.returncode, len(result.stderr.splitlines())), (6, 1), result.stderr)


if __name__ == "__main__":
    support.main()
