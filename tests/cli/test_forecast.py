#!/usr/bin/python3
"""forecast: what each level expects at the end of a text, from a file or standard input; run forecasts: the same held against what came."""
import json
import math
import os
import signal
import subprocess
import time

import support
from support import CommandTest, sets

LEVELS = ["token", "sentence", "paragraph", "document"]


class Forecast(CommandTest):
    needs_model = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.begun = support.text(documents=1, seed=5).rstrip()
        cls.open = cls.begun.rstrip(".?!")  # inside its last sentence

    def forecast(self, text, *words, **options):
        return json.loads(self.strata("forecast", "--model", "model.h5", "--json", "--quiet", *words, input=text, **options))

    def test_every_level(self):
        found = self.forecast(self.open, "--set", "forecast.words=7")
        self.assertEqual([level["name"] for level in found["levels"]], LEVELS)
        self.assertEqual([level["horizon"] for level in found["levels"]], [1, 60, 300, 2000])
        self.assertEqual((found["documents"], found["ending"]), (1, "inside a sentence"))
        for number, level in enumerate(found["levels"]):
            self.assertEqual([len(level[key]) for key in ("words", "probability", "lift")], [7, 7, 7])
            self.assertLess(sum(level["probability"]), 1)
            self.assertGreater(min(level["probability"]), 0)
            self.assertGreater(level["background_kl_nats"], 0)
            self.assertTrue(0 < level["entropy_nats"] < math.log(400))
            self.assertTrue(2 < level["surprise_nats"] < 8)
            if number == 0:
                self.assertEqual(level["probability"], sorted(level["probability"], reverse=True))
            else:
                self.assertEqual(level["lift"], sorted(level["lift"], reverse=True))
                self.assertGreater(min(level["lift"]), 1)
                self.assertGreaterEqual(min(level["probability"]), .001)
                self.assertEqual([word for word in level["words"] if word.startswith("+")], [])
        token = found["levels"][0]
        self.assertLess(token["entropy_nats"], found["levels"][3]["entropy_nats"])

    def test_control_characters(self):
        said = self.strata("forecast", "--model", "model.h5", "--quiet", input=self.open + " \x1b[31mred\x1b[0m")
        self.assertNotIn("\x1b", said)
        self.assertIn("?[31mred?[0m", said.splitlines()[0])

    def test_table(self):
        said = self.strata("forecast", "--model", "model.h5", "--quiet", input=self.open)
        lines = said.splitlines()
        self.assertIn("inside a sentence: ...", lines[0])
        self.assertTrue(lines[0].endswith(self.open.split()[-1]), lines[0])
        self.assertEqual([line.split()[:2] for line in lines[5:9]], [[str(i), name] for i, name in enumerate(LEVELS)])
        heading = lines[10].split()
        self.assertEqual([word for word in heading if word in LEVELS], LEVELS)
        self.assertEqual(len(lines), 23)
        self.assertIn("lift: ", lines[-1])
        self.assertNotIn("\u2581", said)

    def test_file_or_standard_input(self):
        self.write("begun.txt", self.open)
        by_file = self.forecast("", "--text", "begun.txt")
        self.assertEqual(by_file, self.forecast(self.open))
        self.assertEqual(by_file, self.forecast(self.open, "--text", "-"))
        self.assertEqual(by_file, self.forecast(self.open, "--threads", 1))

    def test_an_interrupt_ends_it_while_it_waits(self):
        with subprocess.Popen([support.STRATA, "forecast", "--model", "model.h5", "--quiet"], cwd=self.base, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
            time.sleep(1)
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(timeout=20), -signal.SIGINT)

    def test_what_stands_at_the_very_end(self):
        """White space there is the editor's; a line with a form feed ends the document; a full stop ends the sentence."""
        found = self.forecast(self.open)
        for more in ("\n", " ", "\n\n", " \t\r\n\n"):
            self.assertEqual(self.forecast(self.open + more), found)
        sentence = self.forecast(self.open + ".\n")
        self.assertEqual((sentence["ending"], sentence["tokens"]), ("at the end of a sentence", found["tokens"] + 1))
        self.assertEqual(self.forecast(self.open + ".\n\n\n"), sentence)
        document = self.forecast(self.open + ".\n\f\n")
        self.assertEqual((document["ending"], document["tokens"]), ("at the end of a document", found["tokens"] + 2))
        self.assertEqual(self.forecast(self.open + ".\n\f"), document)
        two = self.forecast(self.begun + "\n\f\n" + self.open)
        self.assertEqual((two["documents"], two["ending"]), (2, "inside a sentence"))

    def test_the_next_token_is_scored_by_the_forecast(self):
        """Where one more word is a token, what reading it adds to the summed surprise is -ln of the probability that was printed."""
        before = self.forecast(self.open, "--set", "forecast.words=60")
        tried = 0
        for word, p in zip(before["levels"][0]["words"], before["levels"][0]["probability"]):
            after = self.forecast(self.open + " " + word)
            if not word.isalpha() or after["tokens"] != before["tokens"] + 1:
                continue
            spent = [found["levels"][0]["surprise_nats"] * found["tokens"] for found in (before, after)]
            self.assertAlmostEqual(spent[1] - spent[0], -math.log(p), places=3)
            tried += 1
            if tried == 3:
                return
        self.assertGreater(tried, 0)

    def test_one_word(self):
        found = self.forecast("ba")
        self.assertEqual(found["documents"], 1)
        self.assertGreaterEqual(found["tokens"], 1)

    def test_refused(self):
        ask = ("forecast", "--model", "model.h5")
        self.refused(2, ["--model", "strata train"], "forecast", input=self.open)
        self.refused(3, ["standard input", "empty"], *ask, input="")
        self.refused(3, ["standard input", "white space"], *ask, input=" \n\n")
        self.write("latin.txt", b"Caf\xe9 au lait.\n")
        self.refused(3, ["latin.txt", "UTF-8"], *ask, "--text", "latin.txt")
        self.refused(6, ["absent.txt", "no such file"], *ask, "--text", "absent.txt")
        self.refused(6, "absent.h5", "forecast", "--model", "absent.h5", input=self.open)
        self.refused(2, ["--text", "standard input"], *ask, "--text", "-", "--text", "prose.txt", input=self.open)
        self.refused(2, ["--held-out", "means nothing"], *ask, "--held-out", "prose.txt")
        self.refused(2, ["forecast.wrds", "'forecast.words'"], *ask, "--set", "forecast.wrds=3", input=self.open)
        self.refused(2, ["forecasts.words", "'forecast.words'"], *ask, "--set", "forecasts.words=3", input=self.open)
        self.strata("train", "--world", "linear_gaussian", "--set", "world.tokens=2000", "--out", "numbers", "--quiet")
        self.refused(2, ["numbers/model.h5", "linear_gaussian", "text"], "forecast", "--model", "numbers/model.h5", input=self.open)

    def test_of_other_tokens(self):
        for kind in ("words", "characters", "bytes"):
            self.strata("train", "--text", "prose.txt", *support.TINY, "--set", f"text.tokenizer={kind}", "--set", "world.tokens=4000",
                        "--model", f"{kind}.h5", "--out", kind, "--quiet")
            found = [json.loads(self.strata("forecast", "--model", f"{kind}.h5", "--json", "--quiet", input=self.open + more))
                     for more in ("", "\n \n", "\n\f\n")]
            self.assertEqual(found[0], found[1])
            self.assertEqual([one["ending"] for one in found], ["inside a sentence", "inside a sentence", "at the end of a document"])
            self.assertGreater(found[2]["tokens"], found[0]["tokens"])


class Measured(CommandTest):
    needs_model = True

    def test_against_what_came(self):
        said = self.strata("run", "forecasts", "--model", "model.h5", "--held-out", "prose.txt", "--out", "measured", "--quiet",
                           *sets(forecasts={"every": 5, "streams": 4, "distances": "1, 10, 100, 100000"}))
        found = self.summary("measured")
        self.assertEqual(found["experiment"], "forecasts")
        self.assertEqual([level["name"] for level in found["levels"]], LEVELS)
        for level in found["levels"]:
            distances = level["distances"]
            self.assertEqual([entry["distance"] for entry in distances], [1, 10, 100, 100000])
            self.assertNotIn("gain_nats", distances[3], "no document reaches so far")
            for entry in distances[:3]:
                self.assertAlmostEqual(entry["gain_nats"], entry["unigram_nats"] - entry["prediction_nats"], places=9)
                low, high = entry["gain_nats_ci95"]
                self.assertLess(low, high)
            moments = [entry["moments"] for entry in distances[:3]]
            self.assertEqual(moments, sorted(moments, reverse=True))
            self.assertEqual(found["moments"], moments[0])
        gain = [[entry["gain_nats"] for entry in level["distances"][:3]] for level in found["levels"]]
        self.assertGreater(gain[0][0], gain[0][1])  # made for the next token, stale ten tokens later
        self.assertNotIn("came", found["levels"][0])
        for level in found["levels"][1:]:
            self.assertTrue(0 < level["came"] < 1)
            for key in ("came_by_chance", "came_frequent", "came_recent", "came_recent_raised"):
                self.assertTrue(0 < level[key] < 1)
            self.assertGreater(level["departure_nats"], 0)
            self.assertGreater(level["entropy_nats"], 0)
            self.assertTrue(1 / 1.3 < level.get("temperature", 1) < 1 / .75)
            self.assertAlmostEqual(level["came_over_chance"], level["came"] - level["came_by_chance"], places=9)
        departures = [level["departure_nats"] for level in found["levels"][1:]]
        for level, below, own in zip(found["levels"][2:], departures, departures[1:]):
            self.assertAlmostEqual(level["departure_below_minus_own_nats"], below - own, places=9)
            low, high = level["window_below_minus_own_nats_ci95"]
            self.assertTrue(low <= level["window_below_minus_own_nats"] <= high)
            self.assertNotEqual(low, high)
        for key in ("departure_below_minus_own_nats", "window_below_minus_own_nats"):
            self.assertNotIn(key, found["levels"][1])
        for name in LEVELS:
            self.assertIn(name, said)
        self.assertIn("      -", said)
        try:
            import matplotlib  # noqa: F401
        except ImportError:
            return
        self.assertTrue(os.path.exists(self.path("measured/figures/forecasts.png")))
        with open(self.path("measured/report.html"), encoding="utf-8") as file:
            page = file.read()
        for table in ("Gain over the background, nats per token", "10 tokens\nlater", "the part that came", "How broad they are"):
            self.assertIn(table, page)

    def test_the_same_moments_for_all_distances(self):
        self.strata("run", "forecasts", "--model", "model.h5", "--held-out", "prose.txt", "--out", "same", "--quiet",
                    *sets(forecasts={"every": 7, "streams": 4, "distances": "1, 100", "reach": 100}))
        for level in self.summary("same")["levels"]:
            self.assertEqual(len({entry["moments"] for entry in level["distances"]}), 1)

    def test_refused(self):
        for keys, said in (({"distances": "1, x"}, "forecasts.distances"), ({"distances": "1.5"}, "whole numbers"), ({"distances": ""}, "forecasts.distances")):
            self.refused(2, said, "run", "forecasts", "--model", "model.h5", "--held-out", "prose.txt", *sets(forecasts=keys), "--out", "refused")


if __name__ == "__main__":
    support.main()
