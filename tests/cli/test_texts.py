#!/usr/bin/python3
"""Texts as people have them: line ends of other systems, byte order marks, other scripts, folders, documents parted in several ways."""
import json
import math
import os
import random

import support
from support import TINY, CommandTest, sets


def korean(documents=30, seed=1):
    """Sentences of Hangul syllables in a few shapes: three bytes a letter, no letters in common with Latin."""
    chance = random.Random(f"korean {seed}")
    stems = ["".join(chr(0xAC00 + chance.randrange(11172)) for _ in range(chance.randint(1, 3))) for _ in range(80)]

    def sentence():
        return " ".join(chance.choice(stems) + chance.choice("은는이가을를에") for _ in range(chance.randint(3, 6))) + " " + chance.choice(stems) + "다."
    return "\f\n".join("\n\n".join(" ".join(sentence() for _ in range(4)) for _ in range(4)) + "\n" for _ in range(documents))


class Texts(CommandTest):
    def evaluate(self, out, *arguments, learns=True, bits=True):
        summary = json.loads(self.strata("evaluate", *TINY, "--out", out, "--json", "--quiet", *arguments))
        self.assertTrue(math.isfinite(summary["nats_per_token"]))
        if bits:
            self.assertTrue(0 < summary["bits_per_byte"] < 16, summary["bits_per_byte"])
        else:
            self.assertNotIn("bits_per_byte", summary, "white space and unknown words cost nothing")
        if learns:
            self.assertLess(summary["nats_per_token"], summary["unigram_nats"])
        return summary

    def test_line_ends_and_marks(self):
        plain = support.text(seed=2)
        self.write("plain.txt", plain)
        self.write("windows.txt", "\ufeff" + plain.replace("\n", "\r\n"))
        unix, windows = self.evaluate("unix", "--text", "plain.txt"), self.evaluate("windows", "--text", "windows.txt")
        for key in ("training_documents", "held_out_documents"):
            self.assertEqual(unix[key], windows[key], "CRLF parts documents as LF does")
        # The carriage returns are read, predicted and counted, not dropped: more bytes, nearly all of them expected.
        self.assertGreaterEqual(windows["held_out_tokens"], unix["held_out_tokens"])
        self.assertLess(windows["bits_per_byte"], 1.2 * unix["bits_per_byte"])

    def test_korean(self):
        self.write("korean.txt", korean())
        summary = self.evaluate("korean", "--text", "korean.txt", "--set", "text.vocabulary=600")
        self.assertLess(summary["bits_per_byte"], 5)
        # A model of one script reads another: by bytes, badly, and without an error.
        self.write("english.txt", support.text(documents=6, seed=5))
        strange = json.loads(self.strata("evaluate", "--text", "korean.txt", "--held-out", "english.txt", "--model", "korean/model.h5",
                                         *sets({"evaluate.streams": 4}), "--out", "strange", "--json", "--quiet"))
        self.assertGreater(strange["bits_per_byte"], summary["bits_per_byte"])

    def test_other_tokens(self):
        """Words, characters and bytes are read, learned and scored; what a vocabulary of words does not know is said."""
        for kind, size in (("words", 60), ("characters", 8000), ("bytes", 8000)):
            with self.subTest(kind=kind):
                summary = self.evaluate(kind, "--text", "prose.txt", *sets({"text.tokenizer": kind, "text.vocabulary": size}), learns=False,
                                        bits=kind != "words")
                self.assertAlmostEqual(summary["perplexity"], math.exp(summary["nats_per_token"]))
                with open(self.path(f"{kind}/log.txt"), encoding="utf-8") as file:
                    self.assertEqual("not comparable" in file.read(), kind == "words")

    def test_odd_characters(self):
        odd = "A\u2581b \u0000 \U0001f409 e\u0301 \u200d\u2028 end.\n\n"
        self.write("odd.txt", "\f\n".join(support.document(i, random.Random(i)) + odd for i in range(30)))
        self.evaluate("odd", "--text", "odd.txt")

    def test_tenth_document(self):
        summary = self.evaluate("tenth", "--text", "prose.txt")
        self.assertEqual((summary["training_documents"], summary["held_out_documents"]), (36, 4))

    def test_last_tenth(self):
        summary = self.evaluate("last", "--text", "prose.txt", *sets({"text.hold_out": "last"}))
        self.assertEqual((summary["training_documents"], summary["held_out_documents"]), (36, 4))
        self.write("only.txt", support.document(1, random.Random(1), paragraphs=60))
        summary = self.evaluate("only", "--text", "only.txt", *sets({"text.hold_out": "last"}), learns=False)
        self.assertEqual((summary["training_documents"], summary["held_out_documents"]), (1, 1))
        self.refused(3, "--set text.hold_out=last", "evaluate", "--text", "only.txt", *TINY)

    def test_held_out(self):
        self.write("apart.txt", support.text(documents=5, seed=6))
        summary = self.evaluate("apart", "--text", "prose.txt", "--held-out", "apart.txt")
        self.assertEqual((summary["training_documents"], summary["held_out_documents"]), (40, 5))
        # One long document to learn from is enough where the text to score on is given.
        self.write("one.txt", support.document(1, random.Random(1), paragraphs=60))
        summary = self.evaluate("one", "--text", "one.txt", "--held-out", "apart.txt", learns=False)
        self.assertEqual((summary["training_documents"], summary["held_out_documents"]), (1, 5))

    def test_one_held_out_document(self):
        """What takes several documents to measure is absent then, and nothing else."""
        self.write("single.txt", support.document(2, random.Random(2), paragraphs=10))
        summary = self.evaluate("single", "--text", "prose.txt", "--held-out", "single.txt", "--set", "evaluate.streams=32")
        self.assertEqual(summary["held_out_documents"], 1)
        self.assertNotIn("stream", summary)
        for level in summary["levels"]:
            for key in ("topdown_gain_nats", "topdown_swap_nats", "narrowing_nats"):
                self.assertNotIn(key, level)

    def test_documents_side_by_side(self):
        """What every upper level's share of the stream is worth. Another topic's is worse than none."""
        self.write("many.txt", support.text(documents=120))
        self.write("apart.txt", support.text(documents=14, seed=6))
        summary = self.evaluate("many", "--text", "many.txt", "--held-out", "apart.txt")
        whole, upper = summary["stream"], summary["levels"][1:]
        self.assertEqual(len(upper), 3)
        self.assertNotIn("topdown_gain_nats", summary["levels"][0], "it hands nothing down")
        for share in (whole, *upper):
            for key in ("topdown_gain_nats", "topdown_swap_nats"):
                low, high = share[key + "_ci95"]
                self.assertTrue(0 < low <= share[key] <= high, f"{share.get('name', 'all')} {key}: {low} {share[key]} {high}")
        self.assertGreater(whole["topdown_swap_nats"], 1.3 * whole["topdown_gain_nats"])
        for key in ("topdown_gain_nats", "topdown_swap_nats"):
            self.assertGreater(whole[key], max(level[key] for level in upper))
        for out, why, keys in (("alone", "two documents that are read side by side", {"evaluate.streams": 1}),
                               ("never", "evaluate.stream_every is 0", {"evaluate.stream_every": 0})):
            said = self.strata("evaluate", "--model", "many/model.h5", "--held-out", "apart.txt", *sets(keys), "--out", out, "--quiet")
            self.assertRegex(said, f"swap and narrows were not measured: .*{why}")
            self.assertNotIn("topdown_gain_nats", self.summary(out)["levels"][1])

    def test_folder(self):
        for i in range(20):
            self.write(f"novels/{i:02}.txt", support.document(i % 3, random.Random(i)))
        self.write("novels/README.md", "not read")
        summary = self.evaluate("folder", "--text", "novels")
        self.assertEqual((summary["training_documents"], summary["held_out_documents"]), (18, 2))
        both = self.evaluate("both", "--text", "novels", "--text", "prose.txt", "--text", "novels/00.txt")
        self.assertEqual(both["training_documents"] + both["held_out_documents"], 60, "a file met twice is read once")

    def test_foreign(self):
        self.write("foreign.txt", support.text(documents=8, seed=9))
        words = ("run", "surprise_recovery", "--text", "prose.txt", *TINY, *sets(surprise_recovery=support.SMALL_RECOVERY), "--quiet")
        self.strata(*words, "--foreign", "foreign.txt", "--out", "foreign")
        import h5py
        with h5py.File(self.path("foreign/trace.h5")) as file:
            self.assertIn("sentence_foreign", file["conditions"])
        self.assertIn("foreign.txt", self.strata("inspect", "foreign/trace.h5"))

    def test_quick(self):
        summary = self.evaluate("quick", "--text", "prose.txt", "--quick")
        self.assertLess(summary["seconds"], 60)
        self.assertTrue(os.path.exists(self.path("quick/config.ini")))


if __name__ == "__main__":
    support.main()
