#!/usr/bin/python3
"""tests/bench/language/readings.py: the tokens that strata read, and what the trials of its experiments read, taken from what it recorded."""
import os
import sys

import support
from support import CommandTest, sets

sys.path.insert(0, os.path.join(support.ROOT, "tests", "bench", "language"))
import readings  # noqa: E402

KINDS = ("words", "characters", "bytes", "bpe")


class Tokens(CommandTest):
    def texts(self, out, text, keys, *words):
        self.strata("evaluate", "--text", text, *support.TINY, *sets(keys), *words, "--seed", 3, "--threads", 1, "--out", out, "--quiet")
        return readings.read_texts(support.STRATA, self.path(out), self.path(out + "_read"), 1)

    def started_here(self, *arguments):
        before = os.getcwd()
        os.chdir(self.base)  # config.ini names the texts as they were given
        try:
            return self.texts(*arguments)
        finally:
            os.chdir(before)

    def test_every_tokenizer(self):
        """read_texts() itself compares numbers of tokens and the unigram's score with the run's."""
        for kind in KINDS:
            texts = self.started_here(kind, "prose.txt", {"text.tokenizer": kind})
            self.assertEqual([d.index for d in texts.held_out], [9, 19, 29, 39])
            self.assertEqual(len(texts.training), 36)
            self.assertEqual([d.ids.size for d in texts.held_out], texts.summary["document_tokens"])
            if kind == "bytes":
                with open(self.prose, "rb") as file:
                    prose = file.read()
                for d in texts.training + texts.held_out:
                    self.assertEqual(bytes(d.ids.tolist()), prose[d.begin[0]:d.end[-1]])

    def test_held_out_text_and_the_end_of_one_document(self):
        self.write("other.txt", support.text(documents=3, seed=5))
        texts = self.started_here("given", "prose.txt", {"text.tokenizer": "words"}, "--held-out", "other.txt")
        self.assertEqual((len(texts.training), len(texts.held_out)), (40, 3))
        texts = self.started_here("two", "prose.txt", {"text.tokenizer": "words"}, "--text", "other.txt")
        self.assertEqual((len(texts.training), len(texts.held_out)), (39, 4))
        self.write("one.txt", support.document(1, support.random.Random(1), paragraphs=60))
        for kind in KINDS:
            texts = self.started_here("one_" + kind, "one.txt", {"text.tokenizer": kind, "text.hold_out": "last"})
            self.assertEqual((len(texts.training), len(texts.held_out)), (1, 1))
            self.assertEqual(texts.training[0].end[-1], texts.held_out[0].begin[0])

    def test_other_tokens_are_refused(self):
        texts = self.started_here("changed", "prose.txt", {"text.tokenizer": "words"})
        texts.held_out[0].ids[0] = 1 if texts.held_out[0].ids[0] != 1 else 2
        with self.assertRaisesRegex(ValueError, "unigram_nats"):
            readings.require_same(texts)


class Trials(CommandTest):
    needs_model = True

    def trials(self, experiment, **keys):
        self.strata("run", experiment, "--model", "model.h5", "--text", "prose.txt", *sets(**{experiment: keys}), "--out", experiment, "--quiet")
        self.strata("evaluate", "--model", "model.h5", "--text", "prose.txt", "--out", experiment + "_text", "--quiet")
        documents = readings.documents_of(self.path(experiment + "_text/trace.h5"))
        trace = self.path(experiment + "/trace.h5")
        return documents, trace, readings.trials_of(trace, documents)

    def check_window(self, trace, conditions):
        """What was recorded of a condition is what its trials are said to read there."""
        with support.h5py.File(trace, "r") as file:
            for c in conditions:
                group = file if c.name == "/" else file["conditions"][c.name]
                time, ids = group["tokens/time"][()], group["tokens/id"][()]
                for s, (own, zero) in enumerate(zip(c.ids, c.zero)):
                    there = (ids[:, s] >= 0) & (time + zero >= 0)
                    self.assertEqual(ids[there, s].tolist(), own[time[there] + zero].tolist())
                    self.assertEqual(own.size - zero, group["valid"][s])

    def test_twins_and_switches(self):
        documents, trace, conditions = self.trials("belief_inertia", **{**support.SMALL_INERTIA, "pairs": 6, "history": 150})
        self.assertEqual(sorted(c.name for c in conditions), ["/", "always", "stayed", "switch", "twin"])
        self.check_window(trace, conditions)
        starts = {tuple(d.ids[:40].tolist()) for d in documents}
        for c in conditions:
            self.assertTrue(all(40 <= z <= 190 for z in c.zero))
            self.assertTrue(all(tuple(i[:40].tolist()) in starts for i in c.ids))  # every history is a document from its start
        named = {c.name: c for c in conditions}
        for a, b in zip(named["/"].ids, named["twin"].ids):
            self.assertEqual(a[-100:].tolist(), b[-100:].tolist())

    def test_passages(self):
        history = 130
        _, trace, conditions = self.trials("surprise_recovery", **{**support.SMALL_RECOVERY, "places": 6, "history": history, "context": 110, "paragraph": 50})
        named = {c.name: c for c in conditions}
        self.check_window(trace, conditions)
        for name, plain in (("sentence_document", "/"), ("paragraph_document", "undisturbed")):
            for own, zero, length, other, its in zip(named[name].ids, named[name].zero, named[name].passage, named[plain].ids, named[plain].zero):
                self.assertEqual(zero - length, its)  # the same history, then the passage, then the same text
                self.assertEqual((own[:its].tolist(), own[zero:].tolist()), (other[:its].tolist(), other[its:].tolist()))
                self.assertLessEqual(its, history)


if __name__ == "__main__":
    support.main()
