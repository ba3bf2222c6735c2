#!/usr/bin/python3
"""Every measure that `strata analyse NAME TRACE.h5 --json` prints has a figure when kept as summary.json beside a trace.h5: its numbers and its intervals are
in the picture, its axes say what they are, and each row bears the name of its own level."""
import os
import re
import sys
import tempfile
import unittest.mock
import warnings

import test_plots
from test_plots import ROOT, PlotsTest

NAMES, TAUS = ("token", "sentence", "paragraph", "document"), (1.4, 11.0, 60.0, 380.0)
OPEN = 119.0  # tokens at which the made-up texts end


def put(entry, key, value, spread=0.1, bound=""):
    """A value with its interval, as result.cpp writes it."""
    entry[f"{key}_{bound}" if bound else key] = value
    entry[f"{key}_ci95"] = [value - spread * abs(value), value + spread * abs(value)]
    if bound == "at_least":
        entry[f"{key}_ci95"][1] = value
        entry[f"{key}_ci95_high_open"] = True


def levels(first=0, **keys):
    """Records of the levels from `first` on: for every key a value per level, None where that level was not measured."""
    made = [{"name": name, "time_constant": tau} for name, tau in zip(NAMES, TAUS)][first:]
    for key, values in keys.items():
        for entry, value in zip(made, values):
            if value is not None:
                put(entry, key, value)
    return made


def half_life():
    made = levels(half_life=(2.1, 9.7, 44.0), half_life_single=(1.9, 7.3, 31.0), half_life_low_surprise=(2.4, 11.3, 52.0), half_life_middle_surprise=(2.2, 9.1, 41.0),
                  half_life_high_surprise=(1.7, 8.3, 36.0))
    for key in ("half_life", "half_life_single"):
        put(made[3], key, OPEN - (key == "half_life_single"), bound="at_least")
    return {"levels": made, "pairs": 8}


def switches():
    """Neither evidence nor tokens of the highest level: it had too few switches, and is left out."""
    made = levels(tokens_to_switch=(3.1, 8.7, 29.0), exact_tokens_to_switch=(2.3, 5.3, 17.0), evidence_nats=(2.9, 3.7, 4.3), exact_evidence_nats=(2.6, 3.3, 3.9),
                  inertia_ratio=(1.35, 1.64, 1.71))
    return {"form": "log-likelihood ratio at switches of known contexts", "levels": made[:3]}


def disturbances(**keys):
    """Three conditions, each a little longer than the one before."""
    return {name: {"levels": levels(**{key: [value * factor for value in values] for key, values in keys.items()})}
            for name, factor in (("sentence_work", 1.0), ("paragraph_work", 1.17), ("switch", 1.31))}


def surprise():
    made = disturbances(peak_error=(2.6, 2.3, 1.9, 1.4), error_recovery=(3.0, 14.0, 47.0, 93.0), peak_surprise=(7.7, 6.1, 5.7, 5.2), excess_nats_passage=(19.0, 16.0, 11.0, 7.0),
                        excess_nats_after=(0.6, 2.2, 5.9, 9.4), displacement_excess_r=(0.11, 0.23, 0.37, 0.41))
    pooled = levels(displacement_excess_r=(0.13, 0.29, 0.33, 0.43))
    for level in pooled:
        level["insertions"] = 16
    return {"levels": pooled, "conditions": made}


def read_out():
    made = {"levels": levels(read_out_0=(0.81, 0.33, 0.12, 0.04), read_out_1=(0.16, 0.92, 0.44, 0.21), read_out_accuracy_0=(0.7, 0.5, 0.4, 0.3)), "read_out_diagonal": True}
    return {**made, "read_out_chance_0": 0.26, "read_out_bayes_0": 0.71, "read_out_chance_1": 0.36, "read_out_bayes_1": 0.89}


def autocorrelation():
    made = levels()
    for prefix, factor in (("", 1.0), ("free_", 1.4), ("exact_", 0.7)):
        for entry in made:
            for key, value in (("time", factor * entry["time_constant"]), ("scale", 0.9), ("offset", 0.05)):
                put(entry, f"{prefix}autocorrelation_{key}", value)
            entry[f"{prefix}autocorrelation_lags"] = [1.0, 3.0, 10.0, 100.0]
            entry[f"{prefix}autocorrelation_values"] = [0.93, 0.8, 0.5, 0.07]
    return {"levels": made}


def calibration():
    """The lowest level carries no context, and is left out."""
    made = levels(1, calibration_error=(0.031, 0.057, 0.121), exact_calibration_error=(0.011, 0.013, 0.017), overconfidence=(0.023, -0.047, 0.113),
                  exact_overconfidence=(0.003, -0.007, 0.009), context_nats=(0.51, 0.73, 1.27), exact_context_nats=(0.37, 0.43, 0.61))
    for prefix in ("", "exact_"):
        for entry in made:
            entry.update({f"{prefix}calibration_confidence": [0.35, 0.62, 0.91], f"{prefix}calibration_accuracy": [0.32, 0.57, 0.88], f"{prefix}calibration_share": [0.2, 0.3, 0.5]})
    return {"levels": made}


def boundaries():
    """Nor has the lowest level boundaries of its own; of the highest there were too few."""
    made = levels(1, boundary_f1=(0.61, 0.47), shifted_boundary_f1=(0.31, 0.22), boundary_pk=(0.28, 0.35), shifted_boundary_pk=(0.49, 0.52), boundary_window_diff=(0.33, 0.41),
                  shifted_boundary_window_diff=(0.54, 0.57))
    return {"levels": made, "notes": ["document: not measured, fewer than ten true boundaries"]}


def past_information():
    made = levels(past_nats=(3.7, 9.3, 17.1, 12.9), present_nats=(0.83, 0.27, 0.11, 0.09))
    for entry in made:
        entry.update(past_control_nats=0.017, past_lags=[0.0, 1.0, 8.0, 64.0], past_profile_nats=[entry["present_nats"], 0.21, 0.13, 0.019])
    return {"lags": 64, "levels": made}


def containment():
    made = levels(1, containment_nats=(0.137, 0.093), containment_fraction=(0.21, 0.071))
    for entry in made:
        entry.update(containment_span=entry["time_constant"], containment_method="counts")
    return {"levels": made, "notes": ["document: not measured, the recording holds 1 spans of 380 tokens, 20 are needed over all streams"]}


def reflection():
    made = levels(reflection_context_0=(0.047, 0.0021, 0.0009, 0.0003), reflection_context_1=(0.0034, 0.019, 0.0071, 0.0012), reflection_slope=(None, 0.42, -0.13, 0.07),
                  reflection_r=(None, 0.37, -0.11, 0.06), reflection_nats=(None, 0.0024, 0.0076, 0.0013))
    for entry in made[1:]:
        entry["reflection_shifted_nats"] = 0.00017
    return {"window": 8, "levels": made}


def local_global_effects():
    made = levels(**{f"{prefix}{effect}_{kind}": [0.1 * place + base + (0.031 if prefix else 0.0) + (0.017 if kind == "d" else 0.0) for place in range(1, 5)]
                     for base, effect in enumerate(("local_in_xxxxx_blocks", "local_in_xxxxY_blocks", "global_of_xxxxx", "global_of_xxxxY", "global"))
                     for prefix in ("fifth_", "") for kind in ("d", "relative")})
    for entry in made:
        entry["fifth_error_means"] = entry["error_means"] = [0.2, 0.9, 0.4, 0.7]
    return {"trials": 300, "levels": made, "fifth_surprise_nats": [0.37, 2.9, 1.43, 0.57], "exact_fifth_surprise_nats": [0.33, 2.7, 1.53, 0.47]}


def repetition():
    made = {"surprise_by_repetition": [2.44, 1.71, 1.19, 0.83], "exact_surprise_by_repetition": [2.53, 1.67, 1.13, 0.79]}
    for key, value in (("surprise_correlation", 0.973), ("surprise_slope", 1.06), ("deviant_nats", 2.44), ("last_standard_nats", 0.83), ("exact_deviant_nats", 2.53),
                       ("exact_standard_nats", 0.79)):
        put(made, key, value, 0.01)
    made["levels"] = levels(error_correlation=(0.91, 0.83, 0.62, 0.44), deviant_error_ratio=(2.2, 1.8, 1.5, 1.2))
    for entry in made["levels"]:
        entry["error_by_repetition"] = [0.66, 0.6, 0.51, 0.66 / entry["deviant_error_ratio"]]
    return made


def learning_rate():
    made = {}
    for prefix, factor in (("", 1.0), ("exact_", 0.93), ("without_volatility_", 1.21)):
        for key, value in (("stable", 0.104), ("volatile", 0.159), ("rise", 0.055), ("ratio", 1.53)):
            put(made, f"{prefix}learning_rate_{key}", value * factor)
    put(made, "rate_correlation", 0.944, 0.01)
    return made


def gap_closed():
    made = {"scored_tokens": 21856.0, "from": 0.6666}
    for key, value, spread in (("gap_closed", 0.867, 0.05), ("nats_per_token", 3.061, 0.01), ("bayes_nats", 3.009, 0.01), ("unigram_nats", 3.399, 0.01)):
        put(made, key, value, spread)
    return made


def alignment():
    """The highest level had not forgotten when the texts ended."""
    made = levels(alignment_time=(1.7, 4.1, 14.3, 61.0), forgetting_time=(1.9, 3.7, 15.1), forgetting_per_alignment=(1.12, 0.9, 1.06))
    put(made[3], "forgetting_time", OPEN, bound="at_least")
    for entry in made:
        for key, values in (("alignment", [0.02, 0.31, 0.97]), ("forgetting", [1.0, 0.43, 0.01])):
            entry.update({f"{key}_elapsed": [0.0, 10.0, 100.0], f"{key}_correlation": values})
    return {"pairs": 48, "levels": made}


def divergence():
    return {"trials": 24, "levels": levels(divergence=(0.31, 0.37, 0.43, 0.57), control_divergence=(0.33, 0.34, 0.29, 0.23), divergence_per_control=(0.94, 1.09, 1.48, 2.48))}


MADE = {
    "half_life": half_life, "evidence": switches, "tokens_to_switch": switches, "surprise": surprise, "read_out": read_out, "autocorrelation": autocorrelation,
    "calibration": calibration, "boundaries": boundaries, "past_information": past_information, "containment": containment, "reflection": reflection,
    "local_global_effects": local_global_effects, "repetition": repetition, "learning_rate": learning_rate, "gap_closed": gap_closed,
    "alignment": alignment, "divergence": divergence,
    "recovery": lambda: {"conditions": disturbances(recovery=(3.3, 13.0, 43.0, 97.0), displacement=(0.61, 0.92, 1.13, 1.37))},
    "gain": lambda: {"innovation": "prediction error of the level below", "levels": levels(gain=(None, 0.31, 0.087, 0.023), effective_tokens=(None, 3.23, 11.5, 43.5),
                                                                                           gain_explained=(None, 0.81, 0.63, 0.37))},
    "captured_fraction": lambda: {"levels": levels(captured_fraction=(0.58, 0.66, 0.71, 0.41), captured_gain=(0.43, 1.01, 1.14, 0.97), lesion_nats=(3.13, 3.16, 3.15, 3.1),
                                                   exact_gain_nats=(0.167, 0.101, 0.087, 0.037))},
    "topdown_gain": lambda: {"levels": levels(topdown_gain_nats=(0.071, 0.103, -0.0004, 0.033), topdown_swap_nats=(0.151, 0.227, 0.013, 0.079),
                                              topdown_gain_per_unit=(0.099, 1.13, -0.024, 12.5), topdown_swap_per_unit=(0.21, 2.5, 0.78, 30.0))},
}
# Figure in which the fields of a measure must be seen, value and interval; a number per unit where the picture shows it so.
WORLD = ("evidence_nats", "exact_evidence_nats", "tokens_to_switch", "exact_tokens_to_switch", "inertia_ratio")
SHOWN = {
    "half_life": ("weight", ("half_life", "half_life_single", "half_life_low_surprise", "half_life_middle_surprise", "half_life_high_surprise")),
    "evidence": ("inertia", WORLD), "tokens_to_switch": ("inertia", WORLD), "recovery": ("recovery", ("recovery", "displacement")),
    "surprise": ("surprise", ("peak_error", "error_recovery", "peak_surprise", "excess_nats_passage", "excess_nats_after", "displacement_excess_r")),
    "gain": ("gain", ("gain", "effective_tokens", "gain_explained")), "gap_closed": ("gap_closed", ("nats_per_token", "bayes_nats", "unigram_nats")),
    "captured_fraction": ("captured_fraction", ("captured_fraction", "captured_gain", "exact_gain_nats")),
    "topdown_gain": ("worth", ("topdown_gain_nats", "topdown_swap_nats", "topdown_gain_per_unit", "topdown_swap_per_unit")),
    "read_out": ("read_out", ("read_out_0", "read_out_1")),
    "autocorrelation": ("autocorrelation", ("autocorrelation_time", "free_autocorrelation_time", "exact_autocorrelation_time")),
    "calibration": ("calibration", ("calibration_error", "exact_calibration_error", "overconfidence", "exact_overconfidence", "context_nats", "exact_context_nats")),
    "boundaries": ("boundaries", ("boundary_f1", "shifted_boundary_f1", "boundary_pk", "shifted_boundary_pk", "boundary_window_diff", "shifted_boundary_window_diff")),
    "past_information": ("past_information", ("past_nats", "present_nats", "past_control_nats")),
    "containment": ("containment", ("containment_nats", "containment_fraction")),
    "reflection": ("reflection", ("reflection_context_0", "reflection_context_1", "reflection_nats", "reflection_shifted_nats")),
    "local_global_effects": ("local_global_effects", tuple(f"{prefix}{effect}_{kind}" for effect in ("local_in_xxxxx_blocks", "global_of_xxxxY", "global")
                                                           for prefix in ("fifth_", "") for kind in ("d", "relative"))),
    "repetition": ("repetition", ("deviant_nats", "last_standard_nats", "exact_deviant_nats", "exact_standard_nats", "error_correlation", "surprise_correlation")),
    "alignment": ("alignment", ("alignment_time", "forgetting_time", "forgetting_per_alignment")),
    "divergence": ("divergence", ("divergence", "control_divergence", "divergence_per_control")),
    "learning_rate": ("hazard", tuple(f"{prefix}learning_rate_{kind}" for prefix in ("", "exact_", "without_volatility_") for kind in ("stable", "volatile", "rise")) +
                      ("rate_correlation",)),
}
ALSO = {"half_life": {"demo", "switch", "twin"}, "evidence": {"weight"}, "tokens_to_switch": {"weight"}, "reflection": {"following"}, "local_global_effects": {"local_global"}}


class Seen:
    """What a figure shows: titles, labels of its axes, names of rows, numbers at which something is drawn, numbers written."""

    def __init__(self, figure):
        heading = figure._suptitle.get_text() if figure._suptitle else ""
        self.titles = [text for text in [heading] + [axes.get_title(loc="left") for axes in figure.axes] if text]
        self.axes, self.rows, self.written, self.numbers, self.hollow, self.arrows = [], [], [], set(), set(), 0
        for axes in filter(lambda axes: axes.axison, figure.axes):
            beside = axes is not figure.axes[0] and axes.get_shared_y_axes().joined(axes, figure.axes[0])
            self.look(axes, beside or not axes.get_yticks().size)
        self.legend = [text.get_text() for legend in figure.legends for text in legend.get_texts()]

    def look(self, axes, shared):
        names = [label.get_text() for label in axes.get_yticklabels()]
        self.rows.append([name for name in names if re.search("[a-z]", name)])
        worded = any(re.search("[a-z]", label.get_text()) for label in axes.get_xticklabels()) or not any(label.get_visible() for label in axes.get_xticklabels())
        self.axes.append((axes.get_title(loc="left"), axes.get_xlabel() or worded, axes.get_ylabel() or any(names) or shared))
        for line in axes.get_lines():
            self.numbers.update(float(x) for data in (line.get_xdata(), line.get_ydata()) for x in data)
            if line.get_markerfacecolor() == "white":
                self.hollow.update(float(x) for x in [*line.get_xdata(), *line.get_ydata()])
        for drawn in axes.collections:
            if hasattr(drawn, "get_segments"):
                self.numbers.update(float(x) for segment in drawn.get_segments() for x in segment.ravel())
        for patch in axes.patches:
            if hasattr(patch, "get_height"):
                self.numbers.update((float(patch.get_height()), float(patch.get_width())))
        legend = axes.get_legend()
        self.written += [text.get_text() for text in axes.texts + (legend.get_texts() if legend else [])] + [axes.get_title(loc="left"), axes.get_xlabel()]
        self.arrows += sum(getattr(text, "arrow_patch", None) is not None for text in axes.texts)

    def holds(self, number):
        """Drawn at it, or written with two decimals or more."""
        if any(abs(number - other) <= 1e-6 * max(abs(number), 1e-3) for other in self.numbers):
            return True
        found = [text for line in self.written for text in re.findall(r"-?\d[\d,]*\.\d{2,}", line)]
        return any(abs(number - float(text.replace(",", ""))) <= 0.501 * 10.0 ** -len(text.split(".")[1]) for text in found)


class Measures(PlotsTest):
    drawn = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.environ["MPLCONFIGDIR"] = cls.home
        sys.path.insert(0, os.path.join(ROOT, "analysis", "python"))
        cls.make("reading", "reading.h5", "--tokens", "60", "--trials", "2", "--units", "3")
        cls.make("belief_inertia", "inertia", "--tokens", "120", "--trials", "6", "--units", "3")

    def folder(self, summary, trace="reading.h5"):
        made = self.folder_of(summary)
        os.symlink(self.path(trace), os.path.join(made, "trace.h5"))
        return made

    def seen(self, summary, trace="reading.h5"):
        """{name: Seen} of what is drawn; a warning is an error, and the report opens by itself."""
        import strata_plots
        from strata_plots import style
        found, save = {}, style.save

        def keep(figure, path):
            found[os.path.basename(path).removesuffix(".png")] = Seen(figure)
            save(figure, path)

        out = tempfile.mkdtemp(dir=self.base)
        with unittest.mock.patch.object(style, "save", keep), warnings.catch_warnings():
            warnings.simplefilter("error")
            strata_plots.plot([self.folder(summary, trace)], out)
        self.check_report(os.path.join(out, "report.html"), len(found))
        return found

    def measured(self, name):
        if name not in self.drawn:
            self.drawn[name] = self.seen(MADE[name](), "inertia/trace.h5" if name == "half_life" else "reading.h5")
        return self.drawn[name]

    def check_holds(self, figure, entry, key):
        """Value, or bound, and the interval of what is no bound."""
        number = entry.get(key, entry.get(f"{key}_at_least"))
        ends = entry.get(f"{key}_ci95", []) if key in entry else []
        for expected in [number, *ends] if number is not None else []:
            self.assertTrue(figure.holds(expected), f"{key} of {entry.get('name', 'the whole')}: {expected} is not in the picture")
        return number is not None

    def test_every_measure_has_a_figure(self):
        with open(os.path.join(ROOT, "analysis", "list.inc"), encoding="utf-8") as stream:
            measures = re.findall(r"^STRATA_MEASURE\((\w+)\)", stream.read(), re.M)
        self.assertEqual(sorted(measures), sorted(MADE), "a new measure needs a figure, and its summary here")
        for name in measures:
            with self.subTest(measure=name):
                made, seen = MADE[name](), self.measured(name)
                figure, keys = SHOWN[name]
                self.assertEqual(set(seen), {figure} | ALSO.get(name, set()))
                entries = [made, *made.get("levels", []), *(level for part in made.get("conditions", {}).values() for level in part["levels"])]
                for key in keys:
                    self.assertTrue(any([self.check_holds(seen[figure], entry, key) for entry in entries]), f"{key} is nowhere in the summary")

    def test_axes_say_what_they_are(self):
        for name in MADE:
            for figure, seen in self.measured(name).items():
                with self.subTest(measure=name, figure=figure):
                    self.assertTrue(seen.titles)
                    self.assertTrue(seen.axes)
                    for title, x, y in seen.axes:
                        self.assertTrue(x, f"no words under {title}")
                        self.assertTrue(y, f"no words left of {title}")

    def test_levels_that_are_left_out(self):
        """A measure says nothing of some levels: the others keep their numbers and their rows, and what was not measured is said."""
        seen = self.measured("containment")["containment"]
        self.assertEqual(seen.rows[0], ["1 sentence, of 0 token\nover 11 tokens", "2 paragraph, of 1 sentence\nover 60 tokens", "3 document, of 2 paragraph\nover 380 tokens"])
        self.assertEqual(seen.written.count("not measured"), 2)
        for name, rows in (("boundaries", "boundaries"), ("calibration", "calibration"), ("evidence", "inertia")):
            seen = self.measured(name)[rows]
            self.assertIn(["0 token", "1 sentence", "2 paragraph", "3 document"], seen.rows, name)
            self.assertIn("not measured", seen.written, name)

    def test_half_life_of_one_level_alone(self):
        """Hollow beside the half-life, an arrow where either is a bound; on the curves of the level swapped alone."""
        from strata_plots import style
        seen = self.measured("half_life")
        weight, twin = seen["weight"], seen["twin"]
        self.assertTrue({1.9, 7.3, 31.0, OPEN - 1} <= weight.hollow, weight.hollow)
        self.assertFalse({2.1, 9.7, 44.0, OPEN} & weight.hollow)
        self.assertEqual(weight.arrows, 2)
        self.assertIn("its state alone swapped", weight.legend)
        self.assertIn("≥ 118", weight.written)
        for value in (1.9, 7.3, 31.0, 2.1, 9.7, 44.0):
            self.assertTrue(twin.holds(value), value)
        self.assertEqual(twin.arrows, 2)
        self.assertEqual(style.fill(1, "#000000")["markerfacecolor"], "white")

    def test_bounds_have_arrows(self):
        made = MADE["recovery"]()
        level = made["conditions"]["switch"]["levels"][3]
        del level["recovery"]
        put(level, "recovery", OPEN, bound="at_least")
        self.assertEqual(self.seen(made)["recovery"].arrows, 1)
        self.assertEqual(self.measured("recovery")["recovery"].arrows, 0)

    def test_gap_closed(self):
        seen = self.measured("gap_closed")["gap_closed"]
        self.assertIn("86.7 % [82.4, 91.0]", seen.written)
        self.assertTrue(all(seen.holds(100 * end) for end in (0.867, *MADE["gap_closed"]()["gap_closed_ci95"])))

    def test_whatever_the_experiment(self):
        """A measure of a trace of hazard, roving or local_global draws itself and nothing empty beside it."""
        import h5py
        with h5py.File(self.path("reading.h5"), "r") as source, h5py.File(self.path("hazard.h5"), "w") as goal:
            for name in source:
                source.copy(name, goal)
            goal.attrs["experiment"] = "hazard"
        self.assertEqual(set(self.seen(MADE["containment"](), "hazard.h5")), {"containment"})
        self.assertEqual(set(self.seen(MADE["learning_rate"](), "reading.h5")), {"hazard"})

    def test_without_an_exact_observer(self):
        """The accuracy stands where there is no share of the exact observer's; a level's own switches where there is none to compare."""
        made = {"levels": levels(read_out_accuracy_0=(0.81, 0.53, 0.42, 0.34)), "read_out_chance_0": 0.31}
        seen = self.seen(made)["read_out"]
        self.assertIn("accuracy (share that is right)", seen.axes[0][1])
        self.assertTrue(all(seen.holds(value) for value in (0.81, 0.53, 0.42, 0.34)))
        self.assertEqual(set(self.seen({"levels": levels(tokens_to_switch=(3.1, 8.7, 29.0))[:3]})), {"weight"})

    def test_a_belief_that_never_moves(self):
        """Gains of 0 alone leave a log axis nothing to hold."""
        self.assertTrue(self.seen({"levels": levels(gain=(0.0, 0.0, 0.0, 0.0))})["gain"].holds(0.0))

    def test_as_a_person_runs_it(self):
        """From a shell, with warnings as errors, names that no font has, and values at the edges of their axes."""
        made = MADE["gain"]()
        made["levels"][1].update(gain=0.0, gain_ci95=[0.0, 0.0])
        made["levels"][0]["name"], made["levels"][3]["name"] = "낱말\U0001F4D6", "$\\frac{문서}$"
        page, _ = self.check_run(self.path("gain"), ("gain",), self.folder(made))
        self.assertIn("Kalman gain", page)
        self.assertIn("0.087 [0.078, 0.096]", page)


if __name__ == "__main__":
    sys.exit(test_plots.main(__name__))
