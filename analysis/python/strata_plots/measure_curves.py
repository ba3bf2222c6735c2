"""Figures of measures that are curves, each beside the numbers taken from them: calibration, autocorrelation, information about the past. As in measure_figures.py."""
import numpy as np

from . import panels, style
from .measure_figures import EXACT, MODEL, beside, labels, numbers
from .panels import ROOM, Panel
from .style import plt
from .summary import measured

COPIES = (("", "Driven by its input", "driven"), ("free_", "Free-running", "free-running"), ("exact_", "Exact observer", "exact observer"))
CALIBRATION = (Panel("How far from right, on average", "calibration error (probability)", beside("calibration_error", "exact_", MODEL, EXACT), "linear", (0.0, "")),
               Panel("Too sure (above 0) or not sure enough", "over-confidence (probability)", beside("overconfidence", "exact_", MODEL, EXACT), "linear", (0.0, "")),
               Panel("What the true context costs", "nats per token", beside("context_nats", "exact_", MODEL, EXACT), "linear", (0.0, "")))


def calibration_figure(levels, summary):
    if not any(numbers(row, "calibration_confidence") for row in levels):
        return None
    own = panels.drawn(CALIBRATION, levels)
    figure = plt.figure(figsize=(12.8, max(6.6, 1.6 + len(own) * (0.85 + 0.36 * len(levels)))))
    grid = figure.add_gridspec(max(len(own), 1), 2, width_ratios=(1.25, 1))
    draw_reliability(figure.add_subplot(grid[:, 0]), levels)
    for row, panel in enumerate(own):
        axes = figure.add_subplot(grid[row, 1])
        panels.level_panel(axes, panel, levels, range(len(levels)))
        axes.set_yticks(range(len(levels)), [style.drawable(label) for label in labels(levels)])
    panels.heading(figure, "Is a level right as often as it says?")
    style.legend(figure, labels(levels), rule="ideal", hollow=EXACT if any(len(panel.keys) > 1 for panel in own) else None)
    style.frame(figure, top=0.36)
    return figure


def draw_reliability(axes, levels):
    """Share that is right against the probability given to it; area: share of tokens."""
    axes.plot([0, 1], [0, 1], zorder=1, **style.RULE)
    for prefix, hollow in (("exact_", True), ("", False)):
        for index, row in enumerate(levels):
            found = [numbers(row, f"{prefix}calibration_{name}") for name in ("confidence", "accuracy", "share")]
            if not all(found):
                continue
            colour = style.colour(index, len(levels))
            axes.plot(found[0], found[1], zorder=2 if hollow else 3, **{**style.line(index, len(levels)), **({"alpha": 0.35, "linewidth": 1.2} if hollow else {})})
            axes.scatter(found[0], found[1], s=12 + 260 * np.array(found[2]), marker=style.MARKERS[index % len(style.MARKERS)], zorder=2.5 if hollow else 4,
                         facecolor="white" if hollow else colour, edgecolor=colour if hollow else "white", linewidth=1.0, clip_on=False)
    axes.set_xlim(0, 1.03)
    axes.set_ylim(0, 1.03)
    axes.set_title("Reliability; a marker's area: its share of tokens")
    axes.set_xlabel("probability of the most probable context")
    axes.set_ylabel("share that is right")
    style.grid(axes, "both")


# ---------------------------------------------------------------- autocorrelation
def autocorrelation_figure(levels, summary):
    """A panel of curves for every copy that was recorded, and each level's time in all of them."""
    copies = [copy for copy in COPIES if any(curve(row, copy[0]) for row in levels)]
    if not copies:
        return None
    time = panels.drawn((Panel("Its time constant", "tokens", tuple((f"{prefix}autocorrelation_time", name) for prefix, _, name in copies), "log"),), levels)
    count = len(copies) + len(time)
    columns = 2 if count == 4 else count
    figure, grid = plt.subplots(-(-count // columns), columns, figsize=(1.0 + 5.2 * columns, 0.4 + 4.8 * -(-count // columns)), squeeze=False)
    drawn = set()
    for axes, (prefix, title, _) in zip(grid.flat, copies):
        drawn |= draw_resemblance(axes, levels, prefix)
        axes.set_title(title)
        axes.set_xlabel("lag (tokens)")
        axes.set_ylabel("autocorrelation of the belief")
    for axes, panel in zip(grid.flat[len(copies):], time):
        panels.level_panel(axes, panel, levels, range(len(levels)))
        axes.set_yticks(range(len(levels)), [style.drawable(label) for label in labels(levels)])
    panels.legends(figure, grid.flat[len(copies):], time, inside=True)
    panels.heading(figure, "How long a belief resembles itself; thin: fit m exp(−lag / τ) + b, marker: τ")
    style.legend(figure, labels(levels), only=sorted(drawn))
    style.frame(figure, top=0.36)
    return figure


def bar(level, count):
    """How an interval is drawn."""
    return {"color": style.colour(level, count), "linewidth": 3.2, "alpha": 0.55, "solid_capstyle": "butt"}


def curve(row, prefix):
    lags, values = numbers(row, f"{prefix}autocorrelation_lags"), numbers(row, f"{prefix}autocorrelation_values")
    return (np.array(lags), values) if lags and values and len(lags) == len(values) else None


def draw_resemblance(axes, levels, prefix):
    """Curves with their fits; returns the levels drawn. A fitted time beyond the last lag has no marker here."""
    drawn, count = {index: curve(row, prefix) for index, row in enumerate(levels) if curve(row, prefix)}, len(levels)
    style.token_axis(axes, max(lags[-1] for lags, _ in drawn.values()))
    for index, (lags, values) in drawn.items():
        axes.plot(lags, values, zorder=3, **style.line(index, count))
        tau, scale, offset = (measured(levels[index], f"{prefix}autocorrelation_{name}") for name in ("time", "scale", "offset"))
        if not (tau and scale and offset):
            continue
        axes.plot(lags, scale.value * np.exp(-lags / tau.value) + offset.value, color=style.colour(index, count), linewidth=0.8, zorder=4)
        if lags[0] <= tau.value <= lags[-1]:
            height = scale.value * np.exp(-1.0) + offset.value
            if tau.interval and not tau.bound:
                axes.plot(np.clip(tau.interval, 0, lags[-1]), [height, height], zorder=5, **bar(index, count))
            axes.plot([tau.value], [height], zorder=6, **style.marker(index, count))
    axes.axhline(0, zorder=1, **style.RULE)
    style.grid(axes)
    return set(drawn)


# ---------------------------------------------------------------- the past
PAST = Panel("Summed over the tokens read", "nats", (("past_nats", "held"), ("past_control_nats", "of shuffled tokens")), "linear", (0.0, ""))


def past_figure(levels, summary):
    drawn = [index for index, row in enumerate(levels) if numbers(row, "past_lags") and numbers(row, "past_profile_nats")]
    if not drawn:
        return None
    total = panels.drawn((PAST,), levels)
    figure, grid = plt.subplots(1, 1 + len(total), figsize=(7.0 + 5.0 * len(total), max(5.2, 2.6 + ROOM * len(levels))), squeeze=False)
    axes = grid[0][0]
    for index in drawn:
        row = levels[index]
        axes.plot(row["past_lags"], row["past_profile_nats"], zorder=3, **{**style.marker(index, len(levels), 6.0), **style.line(index, len(levels))})
        present = measured(row, "present_nats")
        if present and present.interval and row["past_lags"][0] == 0:
            axes.plot([0, 0], present.interval, zorder=2, clip_on=False, **bar(index, len(levels)))
    style.token_axis(axes, max(levels[index]["past_lags"][-1] for index in drawn))
    axes.axhline(0, zorder=1, **style.RULE)
    axes.set_title("Token by token")
    axes.set_xlabel("tokens back (0: the one just read)")
    axes.set_ylabel("nats held about that token")
    style.grid(axes)
    for beside_it, panel in zip(grid[0][1:], total):
        panels.level_panel(beside_it, panel, levels, range(len(levels)))
        beside_it.set_yticks(range(len(levels)), [style.drawable(label) for label in labels(levels)])
    panels.legends(figure, grid[0][1:], total, inside=True)
    panels.heading(figure, "What a level still holds of the text that it has read")
    style.legend(figure, labels(levels), only=drawn)
    style.frame(figure, top=0.36)
    return figure
