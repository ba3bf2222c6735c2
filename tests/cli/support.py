"""What the tests of the `strata` command share: running it, tiny texts, tiny models, comparing what it wrote."""
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SMALL = {"hierarchy.units": 8, "level.0.units": 8, "level.0.hidden": 16, "text.vocabulary": 400, "world.streams": 4, "evaluate.streams": 4}
SMALL_RECOVERY = {"places": 8, "history": 80, "context": 60, "after": 100, "room": 60, "sentence": 13, "paragraph": 60}
SMALL_INERTIA = {"pairs": 8, "history": 90, "context": 40, "after": 150, "room": 80}
VARYING = {"seconds", "tokens_per_second", "peak_memory_bytes", "created"}


def command_path():
    """The strata command: third argument (as ctest gives it), else $STRATA_COMMAND, else a usual build folder."""
    given = sys.argv[3] if len(sys.argv) > 3 else os.environ.get("STRATA_COMMAND", "")
    for path in (given, *(os.path.join(ROOT, "build", name, "strata") for name in ("ci", "release", "dev"))):
        if path and os.access(path, os.X_OK):
            return os.path.abspath(path)
    print("SKIPPED: the strata command is not built")
    sys.exit(0)


try:
    import h5py  # noqa: F401  (the tests look into files with it)
except ImportError:
    print("SKIPPED: python3-h5py is absent")
    sys.exit(0)
STRATA = command_path()


def sets(values=None, **prefixed):
    """--set arguments: {"a.b": 1} -> ["--set", "a.b=1"]; sets(evaluate={"streams": 4}) -> evaluate.streams=4."""
    every = dict(values or {})
    for prefix, inner in prefixed.items():
        every.update({f"{prefix}.{key}": value for key, value in inner.items()})
    return [word for key, value in every.items() for word in ("--set", f"{key}={value}")]


TINY = sets(SMALL)


def words(topic, count, chance):
    """A few dozen invented words that a topic likes, drawn with falling frequency."""
    syllables = ["ba", "lo", "mi", "tu", "re", "ka", "no", "si", "ver", "dal", "pin", "os"]
    maker = random.Random(f"words {topic}")
    lexicon = ["".join(maker.choices(syllables, k=maker.randint(1, 3))) for _ in range(60)]
    return [lexicon[min(int(chance.expovariate(.08)), len(lexicon) - 1)] for _ in range(count)]


def document(topic, chance, paragraphs=6, sentences=5):
    def sentence():
        said = words(topic if chance.random() < .8 else "common", chance.randint(5, 12), chance)
        return " ".join(said).capitalize() + chance.choice(".....?!")
    return "\n\n".join(" ".join(sentence() for _ in range(sentences)) for _ in range(paragraphs)) + "\n"


def text(documents=40, seed=1, **shape):
    """Documents of invented prose, parted by form feeds; every document has a topic of its own liking."""
    chance = random.Random(f"text {seed}")
    return "\f\n".join(document(i % 7, chance, **shape) for i in range(documents))


def limit_file_size(size):
    """For preexec_fn: what a full disk does, where nothing may be mounted."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def without_times(summary):
    """A summary without what may differ between two runs of the same thing."""
    if isinstance(summary, dict):
        return {key: without_times(value) for key, value in summary.items() if key.removesuffix("_sd") not in VARYING}
    return [without_times(x) for x in summary] if isinstance(summary, list) else summary


class CommandTest(unittest.TestCase):
    """Runs the command in a folder of its own, with a text `prose.txt` and, where asked for, a trained `model.h5`."""

    needs_model = False

    @classmethod
    def setUpClass(cls):
        cls.base = tempfile.mkdtemp(prefix="strata_cli_")
        cls.prose = cls.write("prose.txt", text())
        if cls.needs_model:
            result = cls.start("train", "--text", "prose.txt", *TINY, "--model", "model.h5", "--out", "trained", "--quiet")
            assert result.returncode == 0, result.stderr

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.base, ignore_errors=True)

    @classmethod
    def path(cls, name):
        return os.path.join(cls.base, name)

    @classmethod
    def write(cls, name, content):
        os.makedirs(os.path.dirname(cls.path(name)), exist_ok=True)
        with open(cls.path(name), "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        return cls.path(name)

    @classmethod
    def start(cls, *arguments, **options):
        return subprocess.run([STRATA, *map(str, arguments)], cwd=cls.base, capture_output=True, text=True, timeout=250, check=False, **options)

    def strata(self, *arguments, **options):
        """Runs and expects success; returns standard output."""
        result = self.start(*arguments, **options)
        self.assertEqual(result.returncode, 0, f"strata {' '.join(map(str, arguments))}\n{result.stderr}")
        return result.stdout

    def refused(self, code, said, *arguments, **options):
        """Runs and expects this exit code and exactly one line on standard error that holds every one of `said`."""
        result = self.start(*arguments, "--quiet", **options)
        about = f"strata {' '.join(map(str, arguments))}\n{result.returncode}: {result.stderr}"
        self.assertEqual(result.returncode, code, about)
        self.assertEqual(len(result.stderr.splitlines()), 1, about)
        self.assertTrue(result.stderr.startswith("strata: ") and result.stderr.endswith("\n"), about)
        self.assertEqual(result.stdout, "", about)
        for fact in [said] if isinstance(said, str) else said:
            self.assertIn(fact, result.stderr, about)
        return result.stderr

    def summary(self, folder):
        with open(self.path(f"{folder}/summary.json"), encoding="utf-8") as file:
            return json.load(file)

    def arrays(self, name):
        """Every dataset of an HDF5 file, as bytes with type and shape."""
        found = {}
        with h5py.File(self.path(name), "r") as file:
            file.visititems(lambda path, item: found.update({path: (str(item.dtype), item.shape, item[()].tobytes())})
                            if isinstance(item, h5py.Dataset) else None)
        return found

    def assert_same_bits(self, first, second):
        a, b = self.arrays(first), self.arrays(second)
        self.assertGreater(len(a), 20)
        self.assertEqual(sorted(a), sorted(b))
        self.assertEqual([name for name in a if a[name] != b[name]], [])

    def assert_same_summary(self, first, second, but=()):
        a, b = without_times(self.summary(first)), without_times(self.summary(second))
        self.assertGreater(len(a), 5)
        self.assertEqual({k: v for k, v in a.items() if k not in but}, {k: v for k, v in b.items() if k not in but})


def main():
    unittest.main(argv=sys.argv[:1])
