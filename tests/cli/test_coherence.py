#!/usr/bin/python3
"""run coherence: text as it was written told from text disturbed at the scale of sentences, paragraphs and documents."""

import json
import os

import support
from support import CommandTest, sets

TESTS = ["sentence order", "intruder", "next paragraph", "second half", "paragraph order"]


class Coherence(CommandTest):
    needs_model = True

    def test_choices(self):
        said = self.strata("run", "coherence", "--model", "model.h5", "--text", "prose.txt", "--out", "all", "--quiet", *sets(coherence={"items": 30, "streams": 8}))
        found = self.summary("all")
        self.assertEqual([test["name"] for test in found["tests"]], TESTS)
        for test in found["tests"]:
            self.assertGreaterEqual(test["items"], 2)
            self.assertIn(test["chance"], (.5, .25))
            for key in ("accuracy", "bag_of_words", "token_alone"):
                self.assertTrue(0 <= test[key] <= 1)
                self.assertEqual(key + "_ci95" in test, test["items"] >= 10, "of fewer there is none to speak of")
                low, high = test.get(key + "_ci95", (test[key], test[key]))
                self.assertLessEqual(low, test[key])
                self.assertLessEqual(test[key], high)
            self.assertAlmostEqual(test["above_bag_of_words"], test["accuracy"] - test["bag_of_words"], places=9)
            self.assertAlmostEqual(test["above_token_alone"], test["accuracy"] - test["token_alone"], places=9)
            self.assertEqual([level["name"] for level in test["levels"]], ["token", "sentence", "paragraph", "document"])
            self.assertIn(test["name"], said)
        # Documents of invented prose keep to a topic and have no order: whose half it is shows, the order does not.
        self.assertGreater(found["tests"][3]["bag_of_words"], .6)
        again = self.strata("run", "coherence", "--model", "model.h5", "--text", "prose.txt", "--out", "again", "--quiet",
                            *sets(coherence={"items": 30, "streams": 3}))
        self.assertEqual(said.splitlines()[1:6], again.splitlines()[1:6], "how many texts are read side by side changes nothing")

    def test_topics_are_known_and_order_is_not(self):
        """Fresh documents keep to the topics that were learned, and their sentences have no order: nothing but a topic tells them apart."""
        self.write("fresh.txt", support.text(60, seed=5))
        self.strata("run", "coherence", "--model", "model.h5", "--text", "prose.txt", "--held-out", "fresh.txt", "--out", "fresh", "--quiet",
                    *sets(coherence={"items": 60}))
        tests = {test["name"]: test for test in self.summary("fresh")["tests"]}
        accuracy = {name: test["accuracy"] for name, test in tests.items()}
        for name, least in (("intruder", .68), ("next paragraph", .38), ("second half", .6)):
            self.assertGreater(accuracy[name], least)
        for name in ("sentence order", "paragraph order"):
            self.assertTrue(.3 < accuracy[name] < .7, f"{name}: {accuracy[name]}: something but the words tells it")
        # A token level of a few words' reach does not keep a topic: what was trained beside the hierarchy is no second one.
        self.assertGreater(tests["second half"]["above_token_alone_ci95"][0], .1)
        self.assertGreater(accuracy["next paragraph"], tests["next paragraph"]["token_alone"])
        said = self.strata("inspect", "fresh/token_alone.h5")
        self.assertIn("hierarchy.levels = 1\n", said)
        self.assertIn("/parameters/level_0/", said)
        self.assertNotIn("/parameters/level_1/", said)

    def test_without_a_text_to_train_on(self):
        self.strata("run", "coherence", "--model", "model.h5", "--held-out", "prose.txt", "--out", "held", "--quiet", *sets(coherence={"items": 10}))
        for test in self.summary("held")["tests"]:
            self.assertNotIn("token_alone", test)
            self.assertIn("accuracy", test)

    def test_levels_that_woke(self):
        """Beside a model of dynamic depth stands a token level that is one from the beginning."""
        self.strata("run", "coherence", *support.TINY, "--text", "prose.txt", "--out", "grown", "--quiet", *sets(coherence={"items": 10}, growth={"dynamic": "true"}))
        self.assertTrue(all(0 <= test["token_alone"] <= 1 for test in self.summary("grown")["tests"]))

    def test_levelwise_evaluation(self):
        small = sets(coherence={"items": 10, "alone": "false"}, surprise_recovery=support.SMALL_RECOVERY, belief_inertia=support.SMALL_INERTIA,
                     evaluate={"levelwise": "true", "entropy_every": 2, "stream_every": 2})
        said = self.strata("evaluate", "--model", "model.h5", "--text", "prose.txt", "--out", "levelwise", "--quiet", *small)
        found = self.summary("levelwise")
        self.assertEqual([test["name"] for test in found["coherence"]["tests"]], TESTS)
        self.assertGreater(found["belief_inertia"]["levels"][3]["half_life"], found["belief_inertia"]["levels"][1]["half_life"])
        self.assertIn("recovery", found["surprise_recovery"]["levels"][1])
        self.assertEqual(sorted(name for name in os.listdir(self.path("levelwise")) if name.endswith(".h5")), ["belief_inertia.h5", "surprise_recovery.h5", "trace.h5"])
        again = json.loads(self.strata("analyse", "reflection", "levelwise/trace.h5", "--json"))
        for level, same in zip(found["reflection"]["levels"][1:], again["levels"][1:], strict=True):
            self.assertAlmostEqual(level["reflection_slope"], same["reflection_slope"])
        for name in ("coherence", "surprise_recovery", "belief_inertia", "reflection"):
            self.assertIn(f"\n{name}\n", said)
        # What is expected with the levels above is narrower than without them, and each level's part is less than all of them together.
        whole = found["stream"]["narrowing_nats"]
        self.assertGreater(whole, 0)
        for level in found["levels"][1:]:
            self.assertLess(level["narrowing_nats"], whole)
        self.assertGreater(max(level["narrowing_nats"] for level in found["levels"][1:]), 0)

    def test_levelwise_of_a_text_that_is_too_short(self):
        self.write("few.txt", support.text(3, seed=7))
        self.strata("evaluate", "--model", "model.h5", "--held-out", "few.txt", "--out", "few", "--quiet", *sets(evaluate={"levelwise": "true"}))
        found = self.summary("few")
        self.assertIn("histories", found["belief_inertia"]["not_measured"])
        self.assertGreater(found["perplexity"], 1)

    def test_refused(self):
        self.write("short.txt", "One sentence only.\n")
        self.refused(3, ["short.txt", "three sentences"], "run", "coherence", "--model", "model.h5", "--held-out", "short.txt", "--out", "no")
        self.refused(2, ["text.vocabulary", "that it learned"], "evaluate", "--model", "model.h5", "--held-out", "prose.txt", *sets(text={"vocabulary": 77}), "--out", "no")
        self.refused(2, "coherence.items", "run", "coherence", "--model", "model.h5", "--held-out", "prose.txt", *sets(coherence={"items": 1}), "--out", "no")
        self.assertFalse(os.path.exists(self.path("no")))


if __name__ == "__main__":
    support.main()
