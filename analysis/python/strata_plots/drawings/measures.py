"""What `strata analyse` and `run optimum` measure in worlds with a known optimum, and of any belief: read-out, calibration, autocorrelation, memory,
boundaries, reflection, and how a level's inertia compares with the exact observer's. Drawn where the summary holds it, whatever the experiment."""
import numpy as np

from .. import overview, style
from ..style import plt
from ..summary import is_number, measured
from . import Picture

TITLE = "How near each level comes to the exact observer"
CAPTIONS = {
    "read_out": "Accuracy of a linear decoder of the true context (column) from the belief of a level (row): 0 is chance, 1 is the exact observer. A level that "
                "carries its own context is brightest on the diagonal. Contexts with fewer than 200 switches are left out.",
    "calibration": "Share of tokens whose most probable context is the true one, against the probability that the level gave it; area of a marker: share of "
                   "tokens. On the dotted line (ideal) a level is as sure as it should be; below it, over-confident. Hollow: the exact observer.",
    "autocorrelation": "Correlation of each level's belief with itself some tokens later; thin: the fit m exp(-t/tau) + b. Markers: tau.",
    "past_information": "Nats that the belief still holds about the token so many steps back, found by a linear decoder on text it was not trained on. 0 is the "
                        "token just read.",
    "inertia": "Filled: the model; hollow: the exact observer on the same switches of the true context. Intervals 95 %; an arrow means a bound.",
    "boundaries": "Boundaries found from the level's error at the rate of the true ones. Filled: as found; hollow: the same shifted by half of the recording.",
    "worth": "Nats per token lost when what a level hands down is replaced by its slow mean (filled), or by that of another stream (hollow). Intervals 95 %; the axis is "
             "linear below a thousandth of a nat, logarithmic above.",
    "reflection": "Nats per window that the change of a level's belief (row) tells of whether a true context (column) changed in it.",
}
TERMS = (
    ("Exact observer", "knows the laws of the world and holds the beliefs that follow from them: nothing can predict better."),
    ("Gap closed", "how much of the way from the unigram to the exact observer the model has gone, in nats per token."),
    ("Inertia", "tokens to switch over the exact observer's on the same switches: 1 is normative, above it heavy, below it flighty."),
    ("Calibration error", "mean distance between how sure a level is and how often it is right."),
)
COLUMNS = (overview.COLUMNS[0], overview.COLUMNS[1]) + tuple(
    (heading, lambda index, row, key=key, digits=digits: text(row, key, digits)) for heading, key, digits in (
        ("captured, 95 %", "captured_fraction", 2), ("gain, per gain\nof the exact, 95 %", "captured_gain", 2), ("inertia, 95 %", "inertia_ratio", 2),
        ("calibration\nerror, 95 %", "calibration_error", 3), ("the exact's, 95 %", "exact_calibration_error", 3),
        ("autocorrelation\ntime (tokens), 95 %", "autocorrelation_time", 1), ("past held\n(nats), 95 %", "past_nats", 1),
        ("boundary F1, 95 %", "boundary_f1", 2), ("gain, 95 %", "gain", 3)))


def text(row, key, digits):
    value = measured(row, key)
    return overview.ABSENT if value is None else " ".join(filter(None, (value.text(digits), value.interval_text(digits))))


def numbers(row, key):
    """A list of numbers, or None."""
    held = row.get(key)
    return held if isinstance(held, list) and held and all(is_number(entry) for entry in held) else None


def labelled(result):
    return [dict(level, label=label) for level, label in zip(result.levels, result.labels)]


def pictures(results, rows):
    taken = set()
    for result in results:
        levels = [] if result.seeds else labelled(result)
        for name, title, draw in (("read_out", "What can be read from which level", read_out_figure), ("inertia", "Tokens to switch", inertia_figure),
                                  ("calibration", "Calibration", calibration_figure), ("autocorrelation", "Autocorrelation", autocorrelation_figure),
                                  ("past_information", "What a level holds of the past", past_figure), ("boundaries", "Boundaries", boundaries_figure),
                                  ("reflection", "Changes reflected", reflection_figure),
                                  ("worth", "What a level is worth to the next token", worth_figure if "world" in result.summary else lambda _: None)):
            figure = None if name in taken else draw(levels)
            if figure is not None:
                taken.add(name)
                yield Picture(name, title, CAPTIONS[name], figure, "narrow")


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


# ---------------------------------------------------------------- matrices
def contexts_of(levels, prefix):
    """Numbers of the contexts of which some level holds prefix + number, ascending."""
    return sorted({int(key[len(prefix):]) for row in levels for key in row if key.startswith(prefix) and key[len(prefix):].isdigit()})


def matrix_figure(levels, prefix, label, top):
    contexts = contexts_of(levels, prefix)
    if not contexts:
        return None
    values = np.array([[row.get(f"{prefix}{k}", np.nan) for k in contexts] for row in levels], dtype=float)
    highest = top if top is not None else max(float(np.nanmax(values)), 1e-9)
    figure, axes = plt.subplots(figsize=(2.6 + 1.25 * len(contexts), 1.7 + 0.62 * len(levels)))
    axes.imshow(values, origin="lower", aspect="auto", cmap="cividis", vmin=0.0, vmax=highest)
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            if value == value:
                axes.text(j, i, f"{value:.2f}" if top is not None else f"{value:.2g}", ha="center", va="center", fontsize=10,
                          color="black" if value > 0.55 * highest else "white")
    axes.set_xticks(range(len(contexts)), [f"context {k}" for k in contexts])
    axes.set_yticks(range(len(levels)), [style.drawable(row["label"]) for row in levels])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_xlabel(label)
    style.frame(figure, 0.04)
    return figure


def read_out_figure(levels):
    return matrix_figure(levels, "read_out_", "(accuracy − chance) / (exact − chance)", 1.0)


def reflection_figure(levels):
    return matrix_figure(levels, "reflection_context_", "nats per window", None)


# ---------------------------------------------------------------- curves
def calibration_figure(levels):
    if not any(numbers(row, "calibration_confidence") for row in levels):
        return None
    figure, axes = plt.subplots(figsize=(7.0, 6.6))
    axes.plot([0, 1], [0, 1], zorder=1, **style.RULE)
    for index, row in enumerate(levels):
        for prefix, hollow in (("exact_", True), ("", False)):
            found = [numbers(row, f"{prefix}calibration_{name}") for name in ("confidence", "accuracy", "share")]
            if not all(found):
                continue
            colour = style.colour(index, len(levels))
            axes.plot(found[0], found[1], zorder=3, alpha=0.35 if hollow else 1.0, **style.line(index, len(levels)))
            axes.scatter(found[0], found[1], s=12 + 260 * np.array(found[2]), marker=style.MARKERS[index % len(style.MARKERS)], zorder=4,
                         facecolor="white" if hollow else colour, edgecolor=colour if hollow else "white", linewidth=1.0)
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("probability of the most probable context")
    axes.set_ylabel("share that is right")
    style.grid(axes, "both")
    style.frame(figure)
    style.legend(figure, [row["label"] for row in levels], rule="ideal")
    return figure


def autocorrelation_figure(levels):
    drawn = [index for index, row in enumerate(levels) if numbers(row, "autocorrelation_lags") and numbers(row, "autocorrelation_values")]
    if not drawn:
        return None
    figure, axes = plt.subplots(figsize=(7.6, 5.2))
    for index in drawn:
        row = levels[index]
        lags = np.array(row["autocorrelation_lags"])
        axes.plot(lags, row["autocorrelation_values"], zorder=3, **style.line(index, len(levels)))
        tau, scale, offset = (measured(row, f"autocorrelation_{name}") for name in ("time", "scale", "offset"))
        if tau and scale and offset:
            axes.plot(lags, scale.value * np.exp(-lags / tau.value) + offset.value, color=style.colour(index, len(levels)), linewidth=0.8, zorder=4)
            if lags[0] <= tau.value <= lags[-1]:
                axes.plot([tau.value], [scale.value * np.exp(-1.0) + offset.value], zorder=6, **style.marker(index, len(levels)))
    style.token_axis(axes, max(levels[index]["autocorrelation_lags"][-1] for index in drawn))
    axes.axhline(0, zorder=1, **style.RULE)
    axes.set_xlabel("tokens")
    axes.set_ylabel("autocorrelation of the belief")
    style.grid(axes)
    style.frame(figure)
    style.legend(figure, [row["label"] for row in levels], only=drawn)
    return figure


def past_figure(levels):
    drawn = [index for index, row in enumerate(levels) if numbers(row, "past_lags") and numbers(row, "past_profile_nats")]
    if not drawn:
        return None
    figure, axes = plt.subplots(figsize=(7.6, 5.2))
    for index in drawn:
        row = levels[index]
        axes.plot(row["past_lags"], row["past_profile_nats"], zorder=3, **{**style.marker(index, len(levels), 6.0), **style.line(index, len(levels))})
    style.token_axis(axes, max(levels[index]["past_lags"][-1] for index in drawn))
    axes.axhline(0, zorder=1, **style.RULE)
    axes.set_xlabel("tokens back")
    axes.set_ylabel("nats held")
    style.grid(axes)
    style.frame(figure)
    style.legend(figure, [row["label"] for row in levels], only=drawn)
    return figure


# ---------------------------------------------------------------- a level's value beside its control
def pair_figure(levels, key, control, label, log=False):
    if not any(measured(row, key) and measured(row, control) for row in levels):
        return None
    figure, axes = plt.subplots(figsize=(7.6, 1.6 + 0.62 * len(levels)))
    for index, row in enumerate(levels):
        for name, hollow, height in ((control, True, index - 0.13), (key, False, index + 0.13)):
            value = measured(row, name)
            if value is not None:
                style.draw_time(axes, value, height, index, len(levels), hollow=hollow)
    axes.set_yticks(range(len(levels)), [style.drawable(row["label"]) for row in levels])
    axes.set_ylim(-0.6, len(levels) - 0.4)
    if log:
        ends = [end for row in levels for value in (measured(row, key), measured(row, control)) if value is not None for end in (value.value, *(value.interval or ()))]
        style.token_axis(axes, 1.15 * max(ends))
    axes.set_xlabel(label)
    style.grid(axes, "x")
    style.frame(figure, 0.04)
    return figure


def inertia_figure(levels):
    return pair_figure(levels, "tokens_to_switch", "exact_tokens_to_switch", "tokens until the new context is believed", log=True)


def boundaries_figure(levels):
    return pair_figure(levels, "boundary_f1", "shifted_boundary_f1", "F1")


def worth_figure(levels):
    figure = pair_figure(levels, "topdown_gain_nats", "topdown_swap_nats", "nats per token")
    if figure is not None:
        axes = figure.axes[0]
        held = [value for row in levels for value in (measured(row, "topdown_gain_nats"), measured(row, "topdown_swap_nats")) if value is not None]
        ends = [end for value in held for end in (value.value, *(value.interval or ()))]
        low, high = min(1.3 * min(ends), -1e-4), max(1.3 * max(ends), 1e-3)
        axes.set_xscale("symlog", linthresh=1e-3)
        ticks = [tick for tick in (-0.1, -0.01, -0.001, 0, 0.001, 0.01, 0.1, 1, 10, 100) if low <= tick <= high]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_xticks([], minor=True)
        axes.set_xlim(low, high)
        axes.axvline(0, zorder=1, **style.RULE)
        style.frame(figure, 0.04)
    return figure
