#!/usr/bin/python3
"""strata_plots on synthetic traces: files are made, the report is self-contained, errors are one line with their exit code.

Run by the interpreter that has the Debian packages; prints `SKIPPED: reason` where they are absent. Warnings of the plotting process are errors, so a
missing glyph or an overflow of the layout fails the test.
"""
import html.parser
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODULES = ("h5py", "numpy", "matplotlib", "xarray", "h5netcdf")
PNG = b"\x89PNG\r\n\x1a\n"
LIMIT = 12 << 20


class Outside(html.parser.HTMLParser):
    """Collects whatever a browser would fetch, ids, and images without a text."""

    FETCHING = {"src", "srcset", "data", "poster", "background", "action"}

    def __init__(self):
        super().__init__()
        self.fetched, self.ids, self.mute, self.scripts, self.kind = [], [], 0, [], None

    def handle_starttag(self, tag, attributes):
        held = dict(attributes)
        self.ids += [held["id"]] if "id" in held else []
        self.mute += tag == "img" and not held.get("alt")
        self.kind = held.get("id") or tag if tag == "script" else None
        for name, value in held.items():
            if name in self.FETCHING or (name == "href" and tag != "a"):
                self.fetched += [value] if value and not value.startswith("data:") else []

    def handle_data(self, data):
        if self.kind:
            self.scripts.append((self.kind, data))

    def handle_endtag(self, tag):
        self.kind = None


def environment(home):
    return {**os.environ, "PYTHONPATH": os.path.join(ROOT, "analysis", "python"), "PYTHONDONTWRITEBYTECODE": "1", "MPLCONFIGDIR": home, "LC_ALL": "C.UTF-8"}


class PlotsTest(unittest.TestCase):
    """A folder of synthetic results, and what a report must be like."""

    @classmethod
    def setUpClass(cls):
        cls.base = tempfile.mkdtemp(prefix="strata_plots_")
        cls.home = os.path.join(cls.base, "matplotlib")
        os.mkdir(cls.home)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.base, ignore_errors=True)

    @classmethod
    def path(cls, *parts):
        return os.path.join(cls.base, *parts)

    @classmethod
    def make(cls, kind, name, *options):
        maker = os.path.join(ROOT, "tests", "support", "make_trace.py")
        subprocess.run([sys.executable, maker, kind, cls.path(name), *options], check=True, env=environment(cls.home))

    def plots(self, *arguments):
        return subprocess.run([sys.executable, "-W", "error", "-m", "strata_plots", *arguments], env=environment(self.home), capture_output=True, text=True,
                              timeout=300, check=False)

    def copied(self, name):
        """A result folder of its own, for tests that change it."""
        made = tempfile.mkdtemp(dir=self.base)
        for entry in os.listdir(self.path(name)):
            if os.path.isfile(self.path(name, entry)):
                shutil.copy(self.path(name, entry), made)
        return made

    def check_run(self, out, figures, *arguments):
        done = self.plots(*arguments, "--out", out)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(sorted(os.listdir(os.path.join(out, "figures"))), sorted(f"{name}.png" for name in figures))
        self.assertEqual(sorted(os.listdir(out)), ["figures", "report.html"])
        for name in figures:
            with open(os.path.join(out, "figures", f"{name}.png"), "rb") as stream:
                data = stream.read()
            self.assertEqual(data[:8], PNG)
            self.assertGreater(int.from_bytes(data[16:20], "big"), 1000, name)
            self.assertLess(len(data), 1 << 20, name)
        return self.check_report(os.path.join(out, "report.html"), len(figures))

    def check_report(self, path, figures):
        self.assertLess(os.path.getsize(path), LIMIT)
        with open(path, encoding="utf-8") as stream:
            page = stream.read()
        found = Outside()
        found.feed(page)
        self.assertEqual(found.fetched, [])
        self.assertEqual(found.mute, 0)
        self.assertEqual(len(found.ids), len(set(found.ids)))
        self.assertNotRegex(page, r"@import|url\(\s*['\"]?(https?:)?//")
        self.assertEqual(page.count("data:image/png;base64,"), figures)
        self.assertNotRegex(re.sub(r"base64,[^\"]*", "", page), r"\b(nan|NaN|None|inf)\b")
        return page, dict(found.scripts)

    def check_error(self, code, needle, *arguments):
        done = self.plots(*arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertRegex(done.stderr, needle)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def folder_of(self, summary, name="made"):
        """A folder that holds a summary alone."""
        made = os.path.join(tempfile.mkdtemp(dir=self.base), name)
        os.makedirs(made)
        with open(os.path.join(made, "summary.json"), "w", encoding="utf-8") as stream:
            json.dump(summary, stream)
        return made


class Plots(PlotsTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for kind in ("surprise_recovery", "belief_inertia"):
            cls.make(kind, kind, "--tokens", "320", "--trials", "8", "--units", "6")
        cls.make("foreign", "foreign.h5", "--tokens", "200", "--trials", "3", "--units", "4")

    def test_joint_report(self):
        page, scripts = self.check_run(self.path("joint"), ("demo", "recovery", "surprise", "surprise_work", "surprise_document", "twin", "switch", "weight"),
                                       self.path("surprise_recovery"), self.path("belief_inertia"))
        places = json.loads(scripts["places"])
        self.assertEqual({place["condition"] for place in places}, {"sentence_work", "sentence_document", "paragraph_work", "paragraph_document"})
        self.assertIn("겨울", page)
        self.assertIn("3 document", page)
        self.assertRegex(page, r"≥ \d")
        inside = [word for word in places[0]["words"] if word[2]]
        self.assertTrue(inside and len(inside) < len(places[0]["words"]))

    def test_evaluation(self):
        """A summary of `evaluate` without a trace; what was not measured has no column, and the interval of an absent value draws nothing."""
        levels = [{"name": "token", "time_constant": 1.0, "prediction_nats": 4.8}, {"name": "문장", "prediction_nats": 5.5, "baseline_nats": 5.4}]
        given = {"experiment": "evaluate", "levels": levels, "perplexity": 121.5, "unigram_nats": 5.6}
        page, _ = self.check_run(self.path("scores_only"), ("scores",), self.folder_of(given))
        self.assertIn("<td>4.800</td><td>–</td><td>5.600</td>", page)
        self.assertNotIn("worth: mean", page)
        self.assertNotIn("passages.json", page)
        levels[1].update(topdown_gain_nats=-0.0009, topdown_gain_nats_ci95=[-0.0041, 0.0024], topdown_swap_nats=-0.00001)
        given["stream"] = {"topdown_gain_nats": 0.05, "topdown_gain_nats_ci95": [0.04, 0.06]}
        page, _ = self.check_run(self.path("scores_and_worth"), ("scores",), self.folder_of(given))
        self.assertIn("-0.0009 [-0.0041, 0.0024]", page)
        self.assertIn("whole stream", page)
        self.assertNotIn("-0.0000", page)

    def test_inference(self):
        levels = [{"name": "token"}, {"name": "sentence", "error_gain_response": [0, 0.51, 1, 1.98], "error_gain_shift": 0.034, "error_gain_ticks": 100,
                                      "error_gain_monotonic": True}]
        given = {"experiment": "inference", "levels": levels, "free_energy": [4.6, 4.3, 4.2], "settling_worth_nats": 0.15, "settling_worth_nats_ci95": [0.14, 0.17]}
        page, _ = self.check_run(self.path("settling"), ("settling",), self.folder_of(given))
        self.assertIn("<td>0.510</td><td>1.000</td><td>1.980</td><td>3.40 %</td><td>100</td><td>yes</td>", page)
        self.assertIn("0.150 [0.140, 0.170]", page)

    def test_seeds(self):
        """Three seeds, one of them with a bound and one without that level's value: dots and arrows, no mean where one is missing."""
        runs = [[{"name": "token", "half_life": 2.0 + seed}, {"name": "sentence", **held}]
                for seed, held in enumerate(({"half_life": 40.0}, {"half_life_at_least": 300.0}, {}))]
        whole = self.folder_of({"experiment": "belief_inertia", "seeds": 3, "levels": [{"name": "token", "half_life": 3.0, "half_life_sd": 1.0}, {"name": "sentence"}],
                                "half_life_rho": 3.9, "half_life_rho_sd": 0.4})
        for seed, levels in enumerate(runs):
            os.mkdir(os.path.join(whole, f"seed_{seed + 1}"))
            with open(os.path.join(whole, f"seed_{seed + 1}", "summary.json"), "w", encoding="utf-8") as stream:
                json.dump({"experiment": "belief_inertia", "levels": levels}, stream)
        page, _ = self.check_run(self.path("seeds"), ("seeds",), whole)
        self.assertIn("<td>3.0 ± 1.0</td>", page)
        self.assertIn("3.90 ± 0.40", page)
        os.remove(os.path.join(whole, "seed_2", "summary.json"))
        self.check_error(6, "seed_2/summary.json: no such file", whole)

    def test_experiment_without_drawing(self):
        """What no drawing knows still gets its report, with every number of the summary, under words and with its interval."""
        given = {"experiment": "unheard_of", "levels": [{"name": "token", "wobble": 0.125}, {"name": "sentence", "wobble": 7, "sway": 3}], "tilt": 0.5, "seed": 9,
                 "half_life_rho_at_least": 3.5, "sway_nats": -0.0, "lean_nats": 2.5, "lean_nats_ci95": [1, 4], "lean_nats_ci95_high_open": True}
        out = self.path("unheard_of")
        done = self.plots(self.folder_of(given), "--out", out)
        self.assertEqual((done.returncode, done.stderr, os.listdir(out)), (0, "", ["report.html"]))
        page, _ = self.check_report(os.path.join(out, "report.html"), 0)
        for row in ("wobble</th><td>0.125</td><td>7</td>", "sway</th><td>–</td><td>3</td>", "tilt</th><td>0.5</td>",
                    "half-life, ratio per level</th><td>≥ 3.5</td>", "sway (nats)</th><td>0</td>", "lean (nats)</th><td>2.5 [1, ≥ 4]</td>"):
            self.assertIn(row, page)
        self.assertNotIn("_ci95", page)

    def test_recipe(self):
        """README.md's recipe: one file and one line draw a new experiment."""
        package = os.path.join(tempfile.mkdtemp(dir=self.base), "python")
        shutil.copytree(os.path.join(ROOT, "analysis", "python"), package)
        with open(os.path.join(package, "README.md"), encoding="utf-8") as stream:
            module = re.search(r"drawings/oddball.py`:\n\n((?: {4}.*\n|\n)+)", stream.read()).group(1)
        with open(os.path.join(package, "strata_plots", "drawings", "oddball.py"), "w", encoding="utf-8") as stream:
            stream.write(re.sub(r"(?m)^ {4}", "", module))
        path = os.path.join(package, "strata_plots", "drawings", "__init__.py")
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text.replace('    "beliefs",\n', '    "beliefs",\n    "oddball",\n'))
        given = {"experiment": "oddball", "levels": [{"name": "token", "mismatch_nats": 1.5}, {"name": "sentence", "mismatch_nats": 0.25}]}
        out = self.path("oddball")
        done = subprocess.run([sys.executable, "-W", "error", "-m", "strata_plots", self.folder_of(given), "--out", out],
                              env={**environment(self.home), "PYTHONPATH": package}, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(os.listdir(os.path.join(out, "figures")), ["oddball.png"])
        page, _ = self.check_report(os.path.join(out, "report.html"), 1)
        self.assertIn("<td>1.50</td>", page)

    def test_words_keep_text_and_nats(self):
        with open(self.path("surprise_recovery", "passages.json"), encoding="utf-8") as stream:
            given = json.load(stream)[0]["tokens"]
        self.check_run(self.path("words"), ("demo", "recovery", "surprise", "surprise_work", "surprise_document", "switch", "weight"), self.path("surprise_recovery"))
        with open(self.path("words", "report.html"), encoding="utf-8") as stream:
            found = Outside()
            found.feed(stream.read())
        words = json.loads(dict(found.scripts)["places"])[0]["words"]
        self.assertEqual("".join(word[0] for word in words), "".join(token["text"] for token in given))
        self.assertAlmostEqual(sum(word[1] for word in words), sum(token["surprise"] for token in given), delta=0.01 * len(words))

    def test_one_folder(self):
        page, scripts = self.check_run(self.path("inertia"), ("demo", "twin", "switch", "weight"), self.path("belief_inertia"))
        self.assertNotIn("places", scripts)
        self.assertIn("passages.json is absent", page)

    def test_default_out_is_the_folder(self):
        folder = self.copied("belief_inertia")
        self.assertEqual(self.plots(folder, "--quiet").returncode, 0)
        self.assertTrue(os.path.exists(os.path.join(folder, "report.html")))

    def test_foreign_trace(self):
        self.check_run(self.path("foreign"), ("demo", "twin"), self.path("foreign.h5"))

    def test_known_half_life(self):
        """The generator's twins differ by exp(-t / tau): the curve crosses one half at tau ln 2 (trials' tau differ a little)."""
        code = ("import sys; sys.path.insert(0, sys.argv[1]); from strata_plots import curves; from strata_plots.trace import TraceFile\n"
                "trace = TraceFile(sys.argv[2]); a, b = trace.condition('twin'), trace.root\n"
                "print(*[curves.twin_curve(a, b, level).at(half) for level, half in ((1, 11.0 * 0.693147), (2, 60.0 * 0.693147))])")
        done = subprocess.run([sys.executable, "-c", code, os.path.join(ROOT, "analysis", "python"), self.path("belief_inertia", "trace.h5")],
                              env=environment(self.home), capture_output=True, text=True, check=True)
        for value in map(float, done.stdout.split()):
            self.assertAlmostEqual(value, 0.5, delta=0.04)

    def test_what_a_leaky_integrator_would_do(self):
        """A tenth is left after tau ln 10, half after tau ln 2; when an error is back follows from no time constant."""
        code = ("import sys; sys.path.insert(0, sys.argv[1]); from strata_plots import weight\n"
                "for keys in (('recovery', 'error_recovery'), ('half_life', 'tokens_to_switch')):\n"
                "    row = {'label': '1 sentence', 'time_constant': 5.0, **{key: 20.0 for key in keys}}\n"
                "    drawn = weight.weight_figure([row, {**row, 'time_constant': 40.0}]).axes\n"
                "    print(*[' '.join(text.get_text() for text in axes.texts if 'dotted' in text.get_text()).split('\\n')[0] or 'none' for axes in drawn], sep=';')")
        done = subprocess.run([sys.executable, "-c", code, os.path.join(ROOT, "analysis", "python")], env=environment(self.home), capture_output=True,
                              text=True, check=True)
        dotted = "dotted: time constant × ln "
        self.assertEqual(done.stdout.splitlines(), [f"{dotted}10;none", f"{dotted}2;{dotted}2"])

    def test_awkward_names_and_bounds(self):
        """Korean and script-like names, letters no font has, bounds, absent values, one censored end: no warning, nothing breaks out of the page."""
        folder = self.copied("surprise_recovery")
        with open(os.path.join(folder, "summary.json"), encoding="utf-8") as stream:
            summary = json.load(stream)
        for level, name in zip(summary["levels"], ("낱말", "$문장_1$", "</script><b>단락", "문서\U0001F4D6\u0e01")):
            level["name"] = name
        summary["levels"][3] = {"name": "문서", "recovery_at_least": 319, "censored_fraction": 1}
        summary["levels"][0] = {"name": "낱말", "recovery_at_most": 1, "recovery_ci95": [0, 1], "recovery_ci95_low_open": True}
        summary["conditions"] = {}
        with open(os.path.join(folder, "summary.json"), "w", encoding="utf-8") as stream:
            json.dump(summary, stream)
        hostile = [{"trial": 0, "condition": "paragraph_work", "title": "<i>제목", "tokens": [
            {"text": "</script><script>alert(1)</script>", "surprise": 2.0, "passage": False, "document": 0}, {"text": "", "passage": True, "document": 1},
            {"text": "\f", "surprise": 1.0, "passage": True, "document": 1}]}]
        with open(os.path.join(folder, "passages.json"), "w", encoding="utf-8") as stream:
            json.dump(hostile, stream)
        page, scripts = self.check_run(self.path("awkward"), ("demo", "surprise_work", "surprise_document", "switch", "weight"), folder)
        self.assertNotIn("<script>alert", page)
        self.assertIn("≤ 1", page)
        self.assertEqual(json.loads(scripts["places"])[0]["words"][0][0], "</script><script>alert(1)</script>")

    def test_korean_glyphs(self):
        """Hangul is drawn, not replaced; what no font holds is replaced by a dot."""
        code = ("import sys; sys.path.insert(0, sys.argv[1]); from strata_plots import style; style.set_up()\n"
                "print(ascii(style.drawable('\uacbd\uc6b8 a\U000f1234')))")
        done = subprocess.run([sys.executable, "-W", "error", "-c", code, os.path.join(ROOT, "analysis", "python")], env=environment(self.home),
                              capture_output=True, text=True, check=True)
        if not os.path.exists("/usr/share/fonts/truetype/nanum/NanumGothic.ttf"):
            self.skipTest("fonts-nanum is not installed")
        self.assertEqual(done.stdout.strip(), ascii("\uacbd\uc6b8 a\u00b7"))

    def test_open(self):
        code = ("import sys; sys.path.insert(0, sys.argv[1]); import strata_plots\n"
                "with strata_plots.open(sys.argv[2]) as trace:\n"
                "    print(sorted(trace)[-1], dict(trace['levels/1'].sizes), trace['conditions/twin/levels/0'].belief.dims)")
        for name, expected in (("belief_inertia", "levels/3 {'time': 321, 'stream': 8, 'unit': 6}"), ("foreign.h5", "levels/3 {'time': 200, 'stream': 3, 'unit': 4}")):
            done = subprocess.run([sys.executable, "-c", code, os.path.join(ROOT, "analysis", "python"), self.path(name)], env=environment(self.home),
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            for part in re.findall(r"'\w+': \d+", expected):
                self.assertIn(part, done.stdout)
            self.assertIn("('time', 'stream', 'unit')", done.stdout)

    def test_bad_files(self):
        folder = tempfile.mkdtemp(dir=self.base)
        self.check_error(6, "no such folder", self.path("absent"))
        self.check_error(6, "summary.json: no such file", folder)
        with open(os.path.join(folder, "summary.json"), "w", encoding="utf-8") as stream:
            stream.write('{"levels": [')
        self.check_error(3, "not valid JSON", folder)
        with open(os.path.join(folder, "summary.json"), "w", encoding="utf-8") as stream:
            stream.write('{"levels": []}')
        self.check_error(6, "trace.h5: no such file", folder)
        trace = os.path.join(folder, "trace.h5")
        for content, needle in ((b"", "it is empty"), (b"some text", "it is not HDF5")):
            with open(trace, "wb") as stream:
                stream.write(content)
            self.check_error(6, needle, folder)
        with open(self.path("belief_inertia", "trace.h5"), "rb") as source, open(trace, "wb") as stream:
            stream.write(source.read(200_000))
        self.check_error(6, "truncated", folder)

    def test_foreign_content(self):
        import h5py
        bare = self.path("bare.h5")
        with h5py.File(bare, "w") as stream:
            stream["x"] = [1.0]
        self.check_error(3, "has no /levels/0", bare)
        with h5py.File(bare, "w") as stream:
            stream["levels/0/belief"] = [[[1.0]]]
        self.check_error(3, "nothing to draw", bare)
        with h5py.File(bare, "w") as stream:
            stream["levels/0/belief"], stream["conditions/twin/levels/0/belief"] = [[[1.0]]] * 5, [[[1.0, 2.0]]] * 5
        self.check_error(3, "has 2 units", bare)
        with h5py.File(bare, "w") as stream:
            stream["levels/0/belief"], stream["conditions/twin/levels/0/belief"] = [1.0, 2.0], [2.0, 1.0]
        self.check_error(3, "levels/0/belief is not", bare)
        with h5py.File(bare, "w") as stream:
            stream["levels/0/belief"], stream["conditions/twin/levels/0/belief"] = [[[1.0]]] * 5, [[[1.0]]] * 5
        self.check_error(3, "nothing to draw", bare)
        with h5py.File(bare, "w") as stream:
            for level in (1, 2):
                stream[f"levels/{level}/belief"], stream[f"conditions/twin/levels/{level}/belief"] = [[[1.0]]] * 5, [[[1.0 / (t + 2)]] for t in range(5)]
        page, _ = self.check_run(self.path("numbered"), ("demo", "twin"), bare)
        self.assertIn("1 sentence, 2 paragraph", page)

    def test_usage_and_unwritable(self):
        self.check_error(2, "RESULT_DIR")
        self.check_error(2, "--help", self.path("belief_inertia"), "--colour")
        self.check_error(6, "cannot be written", self.path("belief_inertia"), "--out", self.path("foreign.h5"))


def main(module="__main__"):
    """Runs a module's tests, where the interpreter has what draws."""
    missing = [name for name in MODULES if importlib.util.find_spec(name) is None]
    if missing:
        print(f"SKIPPED: {sys.executable} has no {', '.join(missing)} (python3-{missing[0]})")
        return 0
    return 0 if unittest.main(module, exit=False).result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
