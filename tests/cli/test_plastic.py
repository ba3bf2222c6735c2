#!/usr/bin/python3
"""evaluate --plastic and evaluate.experts: a text scored while it is learned from, and beside what counting says."""
import json

import support
from support import TINY, CommandTest, sets


class Plastic(CommandTest):
    def scored(self, out, *arguments):
        return json.loads(self.strata("evaluate", *TINY, "--text", "prose.txt", "--out", out, "--json", "--quiet", *arguments))

    def test_readings_stand_side_by_side(self):
        keys = sets({"evaluate.experts": "true", "evaluate.streams": 2, "level.0.ngrams": 2, "level.0.recent_time": 50, "world.passes": 2})
        with_all = self.scored("all", "--plastic", *keys)
        for name in ("experts", "plastic", "plastic_experts"):
            for key in ("perplexity", "nats_per_token", "bits_per_byte"):
                self.assertGreater(with_all[name][key], 0)
        shares = [with_all["experts"][f"share_{name}"] for name in ("hierarchy", "ngrams", "cache")]
        self.assertAlmostEqual(sum(shares), 1)
        self.assertTrue(all(share > 0 for share in shares))
        # The reading that learns nothing does not depend on what is read after it.
        plain = self.scored("plain", *keys[2:])
        self.assertEqual(plain["nats_per_token"], with_all["nats_per_token"])
        self.assertNotIn("plastic", plain)

    def test_it_learns(self):
        """A text unlike the one learned from: going on learning must help, and a rate of nothing still counts n-grams."""
        self.write("other.txt", "zq vw xk jq " * 400 + "\n")
        keys = ("--held-out", "other.txt", "--plastic", *sets({"level.0.ngrams": 2, "evaluate.streams": 1}))
        learned = self.scored("learned", *keys)
        self.assertLess(learned["plastic"]["nats_per_token"], .7 * learned["nats_per_token"])
        counted = self.scored("counted", *keys, *sets({"evaluate.plastic_rate": 0}))
        self.assertLess(counted["plastic"]["nats_per_token"], .8 * counted["nats_per_token"])

    def test_weights_are_pulled_back(self):
        """Pulled the whole way, dense weights learn nothing; the terms of the objective are worth something, and are printed."""
        self.strata("train", *TINY, "--text", "prose.txt", "--out", "pulled_model", "--quiet", *sets({"level.1.stability": .01, "level.2.contrastive": .01}))
        scores = {}
        for pull in (0, .5, 1):
            keys = sets({"evaluate.plastic_pull": pull, "evaluate.plastic_rate": .01, "evaluate.streams": 1})
            scores[pull] = json.loads(self.strata("evaluate", "--model", "pulled_model/model.h5", "--text", "prose.txt", "--plastic", "--out", f"pulled_{pull}", "--json", "--quiet", *keys))
        self.assertNotEqual(scores[0]["plastic"]["nats_per_token"], scores[.5]["plastic"]["nats_per_token"])
        self.assertEqual(scores[1]["plastic"]["nats_per_token"], scores[1]["nats_per_token"])
        found = scores[0]["levels"][1]["objective"]["stability"]
        self.assertEqual(found["weight"], .01)
        self.assertGreater(found["nats"], 0)
        import h5py

        with h5py.File(self.path("pulled_0/trace.h5")) as trace:
            recorded = trace["levels/1/objective_stability"][:]
            self.assertEqual(recorded.shape, trace["levels/1/surprise"].shape)
            self.assertTrue((recorded >= 0).all() and recorded.max() > 0)
            self.assertNotIn("objective_stability", trace["levels/2"])
        again = ("evaluate", "--model", "pulled_model/model.h5", "--text", "prose.txt", *sets({"evaluate.streams": 2}))
        printed = self.strata(*again, "--out", "printed")
        self.assertRegex(printed, r"terms of the objective.*\n1 \w+ +stability \d\.\d+ x 0\.01\n2 \w+ +contrastive ")
        # Terms are counted in: without the broad predictions what the objective holds beside nats per token is theirs, once a token of the windows they spoke of.
        silent = sets({f"level.{level}.broad_weight": 0 for level in (1, 2, 3)})
        with_terms = json.loads(self.strata(*again, "--out", "with_terms", "--json", "--quiet", *silent))
        terms = [with_terms["levels"][1]["objective"]["stability"], with_terms["levels"][2]["objective"]["contrastive"]]
        most = sum(term["weight"] * term["nats"] for term in terms)
        more = with_terms["objective_nats"] - with_terms["nats_per_token"]
        self.assertGreater(terms[1]["nats"], 0)
        self.assertGreater(more, .5 * most)
        self.assertLess(more, 1.0001 * most)

    def test_a_model_alone_is_enough(self):
        self.strata("train", *TINY, "--text", "prose.txt", "--out", "model", "--quiet")
        summary = json.loads(self.strata("evaluate", "--model", "model/model.h5", "--held-out", "prose.txt", "--plastic", "--out", "from_model",
                                         *sets({"evaluate.streams": 2}), "--json", "--quiet"))
        self.assertGreater(summary["plastic"]["perplexity"], 1)
        self.refused(2, "experts count the training text", "evaluate", "--model", "model/model.h5", "--held-out", "prose.txt", "--out", "no_text",
                     *sets({"evaluate.experts": "true"}))

    def test_a_model_is_not_scored_on_what_it_learned_from(self):
        self.strata("train", *TINY, "--text", "prose.txt", "--out", "tenth", "--quiet")
        self.refused(2, ["text.hold_out", "every"], "evaluate", "--model", "tenth/model.h5", "--text", "prose.txt", *sets({"text.hold_out": "last"}))
        self.strata("evaluate", "--model", "tenth/model.h5", "--text", "prose.txt", "--out", "same", "--quiet", *sets({"evaluate.streams": 2}))

    def test_a_model_of_other_weights_says_which_keys_to_take_back(self):
        self.strata("train", *TINY, "--text", "prose.txt", "--out", "tied", "--quiet")
        for key, made, value in (("hierarchy.feedback", "tied", "mirrored"), ("level.0.embeddings", "tied", "separate")):
            self.refused(6, [f"made with {key} = {made} (here {value})", "take back"], "evaluate", "--model", "tied/model.h5", "--text", "prose.txt", "--out", "no", *sets({key: value}))
        self.refused(2, ["hierarchy.levels", "the model has 4"], "evaluate", "--model", "tied/model.h5", "--text", "prose.txt", "--out", "no", *sets({"hierarchy.levels": 2}))

    def test_units_of_the_text_grow_with_the_level(self):
        self.refused(2, ["level.2.unit", "may not be smaller"], "train", *TINY, "--text", "prose.txt", "--out", "no", *sets({"level.1.unit": "document", "level.2.unit": "sentence"}))

    def test_where_it_means_nothing(self):
        self.refused(2, "--plastic", "train", *TINY, "--text", "prose.txt", "--plastic")
        self.refused(2, "is for text", "evaluate", "--world", "nested", "--plastic", "--quick", *sets({"world.tokens": 2000}))


if __name__ == "__main__":
    support.main()
