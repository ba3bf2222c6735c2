#!/usr/bin/python3
"""tests/bench/language/lstm.py, where PyTorch is there: it learns, keeps to its number of weights, and its state is measured on strata's own trials."""
import os
import subprocess
import sys

import support
from support import CommandTest, sets

LANGUAGE = os.path.join(support.ROOT, "tests", "bench", "language")
sys.path.insert(0, LANGUAGE)
import beside_lstm  # noqa: E402
import lstm  # noqa: E402  (says SKIPPED and ends where PyTorch is absent)
import numpy  # noqa: E402
import readings  # noqa: E402
import torch  # noqa: E402

torch.set_num_threads(1)


def model(vocabulary=30, units=6, layers=1):
    torch.manual_seed(1)
    return lstm.Lstm(vocabulary, units, layers, 0., torch.zeros(vocabulary)).eval()


class Peer(CommandTest):
    needs_model = True

    def test_the_state_is_carried_and_begins_anew(self):
        """Documents read side by side, in strips or one by one get the same scores; a document's begin forgets all before it."""
        its, draw = model(), numpy.random.default_rng(1)
        documents = [draw.integers(0, 30, n) for n in (40, 25, 700)]
        alone = numpy.concatenate(lstm.score(its, documents))
        target, before, begins = lstm.streams_of(documents, [0, 1, 2], 1)
        with torch.no_grad():
            hidden, _ = its.read(before, begins, its.rest(1))
            together = its.log_probabilities(hidden[:, 0]).gather(1, target).exp()[:, 0].numpy()
        self.assertLess(abs(alone - together).max(), 1e-5)
        self.assertEqual(alone[0], lstm.score(its, [documents[0][:1]])[0][0])

    def test_width_and_cache(self):
        for layers in (1, 2):
            units = lstm.width_for(1326318, 10002, layers)
            sizes = [abs(lstm.Lstm.size(10002, n, layers) - 1326318) for n in (units - 1, units, units + 1)]
            self.assertEqual(min(sizes), sizes[1])
        self.assertEqual(sum(p.numel() for p in model(30, 6, 2).weights()), lstm.Lstm.size(30, 6, 2))
        given = lstm.cached([numpy.array([3, 3, 4]), numpy.array([3])], 1 / numpy.log(2))  # a token counts twice what the one before it does
        self.assertEqual(given[[0, 3]].tolist(), [-1, -1])
        self.assertAlmostEqual(given[1], 1)
        self.assertAlmostEqual(given[2], 0)
        uniform = numpy.full(400, .05)
        weight, _ = lstm.choose_cache(uniform, [numpy.arange(400) // 20])
        self.assertGreater(weight, .3)

    def test_the_sampled_softmax_has_the_gradient_of_the_whole(self):
        its, draw = model(200, 6), numpy.random.default_rng(1)
        targets = torch.from_numpy(draw.integers(0, 200, 50))
        hidden = torch.randn(50, 6)
        everything, certain = torch.arange(200), torch.zeros(200)  # every id sampled for certain
        self.assertAlmostEqual(its.loss(hidden, targets).item(), its.loss(hidden, targets, everything, certain).item(), places=5)

    def test_beside_a_run(self):
        self.strata("evaluate", "--model", "model.h5", "--text", "prose.txt", "--out", "run", "--quiet")
        for name, keys in (("belief_inertia", {**support.SMALL_INERTIA, "pairs": 6, "single": "false"}),
                           ("surprise_recovery", {**support.SMALL_RECOVERY, "places": 6, "history": 130, "context": 110, "paragraph": 50})):
            self.strata("run", name, "--model", "model.h5", "--text", "prose.txt", *sets(**{name: keys}), "--out", name, "--quiet")
        call = [sys.executable, "-B", os.path.join(LANGUAGE, "lstm.py"), "--strata", support.STRATA, "--beside", "run", "--out", "peer", "--minutes", ".05",
                "--trials", "belief_inertia", "surprise_recovery"]
        result = subprocess.run(call, cwd=self.base, capture_output=True, text=True, timeout=250, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        found, run = self.summary("peer"), self.summary("run")
        self.assertEqual(found["held_out_tokens"], run["held_out_tokens"])
        self.assertLess(abs(found["parameters"] / run["parameters"] - 1), .05)
        self.assertLess(found["static"]["nats_per_token"], run["unigram_nats"])
        self.assertEqual([level["name"] for level in found["belief_inertia"]["half_life"]["levels"]], ["hidden", "cell"])
        for level in found["belief_inertia"]["half_life"]["levels"]:
            self.assertGreater(level.get("half_life", 0), 0)
        self.assertIn("paragraph_document", found["surprise_recovery"]["recovery"]["conditions"])
        self.check_page(found)

    def check_page(self, found):
        """What language.py makes of it; the trials that it stands beside are those of strata's own summaries."""
        with open(self.path("refused.json"), "w", encoding="utf-8") as file:
            file.write('["surprise_recovery: one document"]')
        lab = type("Lab", (), {"commands": [], "texts": lambda _, corpus: ["--text", "shared/prose.txt"], "shown": lambda _, call: " ".join(call).replace("shared/", "DATA/"),
                               "folder": lambda _, corpus, name, seed: readings.pathlib.Path(self.path("." if name == "lstm" else name))})()
        row = beside_lstm.row("prose", [found], [100.], lambda values: f"{values[0]:.2f}").split(" | ")
        self.assertEqual([row[0], row[4], row[-1]], ["| prose", f"{found['static']['perplexity']:.2f}", "**100.00** |"])
        page = "\n".join(beside_lstm.lines(lab, "prose", [found]))
        for said in ("| half-life | strata, sentence |", "| half-life | LSTM, cell |", "paragraph of another document | LSTM, hidden |", "Not measured on prose: surprise_recovery"):
            self.assertIn(said, page)
        self.assertEqual(lab.commands[0].split()[:4], ["run", "belief_inertia", "--text", "DATA/prose.txt"])

    def test_trials_are_read_as_documents_are(self):
        """Side by side, with histories of different length, some ended early: the same surprise, and the state behind the token of each time."""
        its, draw = model(layers=2), numpy.random.default_rng(1)
        own, zero, before, after = [draw.integers(0, 30, n) for n in (60, 90, 35)], [20, 50, 30], 10, 25
        times, held, surprise, ids, valid = lstm.follow(its, readings.Trials("/", "/", own, zero, None), before, after)
        self.assertEqual(valid.tolist(), [25, 25, 5])
        self.assertEqual(times, list(range(-8, 25)))
        for s, (text, at) in enumerate(zip(own, zero)):
            end = at + int(valid[s])
            self.assertEqual(ids[:before + valid[s], s].tolist(), text[at - before:end].tolist())
            self.assertTrue((ids[before + valid[s]:, s] == -1).all() and numpy.isnan(surprise[before + valid[s]:, s]).all())
            expected = -numpy.log(lstm.score(its, [text])[0][at - before:end])
            self.assertLess(abs(surprise[:before + valid[s], s] - expected).max(), 1e-4)
            with torch.no_grad():
                begins = torch.zeros(at + 4, 1, dtype=torch.bool)
                begins[0] = True
                _, state = its.read(torch.from_numpy(numpy.concatenate([[0], text[:at + 3]])).unsqueeze(1), begins, its.rest(1))
            for part in range(4):  # behind the token at time 2
                self.assertLess(abs(held[part, times.index(2), s] - state[part % 2][part // 2, 0].numpy()).max(), 1e-5)


if __name__ == "__main__":
    support.main()
