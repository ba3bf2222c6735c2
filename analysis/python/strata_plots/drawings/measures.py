"""What `strata analyse` and `run optimum` measure in worlds with a known optimum, and of any belief: how near the exact observer the model comes, what each
level is worth and captures, gain, read-out, calibration, autocorrelation, memory, containment, boundaries, reflection, inertia. Drawn where the summary holds
it, whatever the experiment."""
from .. import measure_curves as curves, measure_figures as figures, overview
from ..summary import measured
from . import Picture, evaluate

TITLE = "What each level holds and is worth, and how near it comes to the exact observer"
INTERVALS = " Intervals 95 %; an arrow means a bound."
# name: (title, figure, caption)
PICTURES = {
    "gap_closed": ("Gap closed", figures.gap_figure,
                   "Left: nats per token of the model, of the exact observer, who knows the laws of the world, and of the unigram, on the same tokens. Right: "
                   "the share of the way from the unigram to the exact observer, resampled together, which is why its interval is narrower than those of the "
                   "three. Intervals 95 %."),
    "read_out": ("What can be read from which level", figures.read_out_figure,
                 "Accuracy of a linear decoder of the true context (column) from the belief of a level (row): 0 is chance, 1 is the exact observer; without an "
                 "exact observer the accuracy itself. Below each value its 95 % interval. A level that carries its own context is brightest on the diagonal. "
                 "Contexts with fewer than 200 switches are left out."),
    "inertia": ("Tokens to switch", figures.inertia_figure,
                "Filled: the model; hollow: the exact observer on the same switches of the true context. Inertia: tokens of the one over those of the other; "
                "above 1 heavy, below 1 flighty." + INTERVALS),
    "calibration": ("Calibration", curves.calibration_figure,
                    "Left: share of tokens whose most probable context is the true one, against the probability that the level gave it. On the dotted line "
                    "(ideal) a level is as sure as it should be; below it, over-confident. Right: mean distance from that line, the same with its sign, and nats "
                    "that the true context costs. Hollow: the exact observer. Intervals 95 %."),
    "autocorrelation": ("Autocorrelation", curves.autocorrelation_figure,
                        "Correlation of each level's belief with itself some tokens later, of every copy that was recorded; thin: the fit m exp(-t/tau) + b. "
                        "Right: tau." + INTERVALS),
    "past_information": ("What a level holds of the past", curves.past_figure,
                         "Nats that the belief still holds about the token so many steps back, found by a linear decoder on text it was not trained on; below 0 "
                         "there is nothing but noise. Right: summed over all lags, beside the same with shuffled tokens. Intervals 95 %."),
    "containment": ("What a level knows of the level below", figures.containment_figure,
                    "Mutual information of a level's belief and of what the belief of the level below was over the level's own span. 0: nothing in common. The "
                    "share is of the entropy of the level's own states, where beliefs are categorical. Intervals 95 %."),
    "gain": ("Gain", figures.gain_figure,
             "Root mean square of the change of the belief that the innovation explains, over that of the innovation; where all is linear, the Kalman gain. 1 / "
             "gain: the number of tokens that the belief is worth. Right: share of the change that is explained. Intervals 95 %."),
    "boundaries": ("Boundaries", figures.boundaries_figure,
                   "Boundaries found from the level's error at the rate of the true ones. Filled: as found; hollow: the same shifted by half of the recording, "
                   "which is chance. F1: one to one with the true ones; Pk and WindowDiff: share of windows of half the mean segment. Intervals 95 %."),
    "worth": ("What a level is worth to the next token", figures.worth_figure,
              "Nats lost when what a level hands down is replaced by its slow mean (filled), or by that of another stream (hollow): per token, and per time "
              "constant of the level. Intervals 95 %; the axes are linear below a thousandth of a nat, logarithmic above."),
    "captured_fraction": ("What a level has captured", figures.captured_figure,
                          "Left: the share of the lesioned model's distance to the exact observer that the level covers. Middle: what the level gains the model "
                          "over what it gains the exact observer (right); above 1 a lesion hurts more than the level is worth, for lower levels have adapted to "
                          "it. Intervals 95 %."),
    "reflection": ("Changes reflected", figures.reflection_figure,
                   "Nats per window that the change of a level's belief (row) tells of whether a true context (column) changed in it. Right: of the context one "
                   "level below, beside the same with the changes shifted by half of the recording, which is chance. Intervals 95 %."),
    "following": ("A level follows the level below", figures.following_figure,
                  "Displacement of a level's belief over a window against that of the level below: slope and correlation. 0: it does not follow. Intervals 95 %."),
}
TERMS = (
    ("Exact observer", "knows the laws of the world and holds the beliefs that follow from them: nothing can predict better."),
    ("Gap closed", "how much of the way from the unigram to the exact observer the model has gone, in nats per token."),
    ("Inertia", "tokens to switch over the exact observer's on the same switches: 1 is normative, above it heavy, below it flighty."),
    ("Captured", "share of the way from the model without the level to the exact observer that the level covers."),
    ("Gain", "change of a belief per unit of innovation; 1 / gain is the number of tokens that the belief is worth."),
    ("Of the level below", "mutual information of a level's belief with what the level below was over the level's time constant."),
    ("Calibration error", "mean distance between how sure a level is and how often it is right."),
)
COLUMNS = (overview.COLUMNS[0], overview.COLUMNS[1]) + tuple(
    (heading, lambda index, row, key=key, digits=digits: text(row, key, digits)) for heading, key, digits in (
        ("captured, 95 %", "captured_fraction", 2), ("gain, per gain\nof the exact, 95 %", "captured_gain", 2), ("inertia, 95 %", "inertia_ratio", 2),
        ("calibration\nerror, 95 %", "calibration_error", 3), ("the exact's, 95 %", "exact_calibration_error", 3),
        ("autocorrelation\ntime (tokens), 95 %", "autocorrelation_time", 1), ("past held\n(nats), 95 %", "past_nats", 1),
        ("boundary F1, 95 %", "boundary_f1", 2), ("gain, 95 %", "gain", 3), ("of the level below\n(nats), 95 %", "containment_nats", 3)))


def text(row, key, digits):
    value = measured(row, key)
    return overview.ABSENT if value is None else " ".join(filter(None, (value.text(digits), value.interval_text(digits))))


def labelled(result):
    return [dict(level, label=label) for level, label in zip(result.levels, result.labels)]


def pictures(results, rows):
    """Each once. What a level is worth has its place in the picture of `evaluate` already."""
    taken = set()
    for result in results:
        if result.seeds:
            continue
        for name, (title, draw, caption) in PICTURES.items():
            there = name in taken or (name == "worth" and "world" not in result.summary and evaluate.scored(result))
            figure = None if there else draw(labelled(result), result.summary)
            if figure is not None:
                taken.add(name)
                yield Picture(name, title, caption, figure, "wide")


def tables(results, rows):
    for result in results:
        levels = [] if result.seeds else labelled(result)
        kept = tuple(column for column in COLUMNS if any(column[1](index, row) not in (overview.ABSENT, "") for index, row in enumerate(levels)))
        if len(kept) > 2:
            yield "Against the exact observer; intervals 95 %.", kept, levels


def facts(result):
    for key, label in (("gap_closed", "gap closed"), ("nats_per_token", "model, nats per token"), ("bayes_nats", "exact observer, nats per token"),
                       ("unigram_nats", "unigram, nats per token")):
        value = measured(result.summary, key)
        if value is not None and measured(result.summary, "gap_closed"):
            yield label, f"{value.text(3)} {value.interval_text(3)}".strip()
