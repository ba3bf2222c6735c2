#!/usr/bin/python3
"""level.L.activation_threshold and what levels say of their work."""
import json

import support
from support import TINY, CommandTest, sets


class Sparse(CommandTest):
    def test_work_is_told_and_saved(self):
        trained = json.loads(self.strata("train", *TINY, "--text", "prose.txt", "--out", "model", "--json", "--quiet"))
        call = ("evaluate", "--model", "model/model.h5", "--text", "prose.txt")
        found = {}
        for threshold in (0, 1.5, 1e9):
            keys = sets({f"level.{level}.activation_threshold": threshold for level in (1, 2, 3)})
            found[threshold] = json.loads(self.strata(*call, *keys, "--out", f"read_{threshold}", "--json", "--quiet"))
        self.assertNotIn("operations_per_token", found[0]["levels"][0])
        for level in (1, 2, 3):
            for key in ("operations_per_token", "ticks_per_token"):
                values = [found[threshold]["levels"][level][key] for threshold in found]
                self.assertGreater(values[0], values[1])
                self.assertGreater(values[1], values[2])
                self.assertGreater(values[2], 0)
            # Learning computes more than reading.
            self.assertGreater(trained["training"]["levels"][level]["operations_per_token"], found[0]["levels"][level]["operations_per_token"])
        printed = self.strata(*call, "--out", "printed")
        number = f"{found[0]['levels'][1]['operations_per_token']:.0f}"
        self.assertRegex(printed, rf"\nmultiply-adds per token   \w+ {number} \(1\.0000 ticks\)   \w+ \d+ \(0\.\d+ ticks\)")
        self.refused(2, "activation_threshold", *call, "--out", "refused", *sets({"level.1.activation_threshold": -1}))


if __name__ == "__main__":
    support.main()
