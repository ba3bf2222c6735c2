"""Figures of what `strata analyse` measures of every level: each takes the levels' records with "label" (lowest first) and the whole summary, and returns a
matplotlib figure, or None where nothing of its kind was measured. Plain rows of dots are made by panels.py; matrices and curves here."""
import numpy as np

from . import panels, style
from .panels import ROOM, WHITE, Panel
from .style import plt
from .summary import is_number, measured

MODEL, EXACT, SHIFTED = "the model", "exact observer", "shifted by half of the recording"


def numbers(row, key):
    """A list of numbers, or None."""
    held = row.get(key)
    return held if isinstance(held, list) and held and all(is_number(entry) for entry in held) else None


def labels(levels):
    return [row["label"] for row in levels]


def beside(key, prefix, first, second):
    """Keys of a panel: the value filled, what stands beside it under PREFIX hollow."""
    return (key, first), (prefix + key, second)


# ---------------------------------------------------------------- rows of dots
def containment_figure(levels, summary):
    """Rows: the levels that have one below them."""
    rows = [(index, row) for index, row in enumerate(levels) if is_number(row.get("containment_span"))]
    if not any(measured(row, "containment_nats") for _, row in rows):
        return None
    methods = {str(row.get("containment_method", "")) for _, row in rows if measured(row, "containment_nats")}
    by = f", by {methods.pop()}" if len(methods) == 1 else ""
    names = {index: f"{row['label']}, of {levels[index - 1]['label'] if index else 'the level below'}\nover {row['containment_span']:,.4g} tokens" for index, row in rows}
    return panels.level_figure(
        levels, (Panel("Shared information", f"mutual information (nats{by})", (("containment_nats", ""),), "linear", (0.0, ""), True),
                 Panel("As part of what the level could know", "share of the level's own entropy", (("containment_fraction", ""),), "linear", (0.0, ""), True)),
        "What a level knows of the level below over its own span", names)


def gain_figure(levels, summary):
    return panels.level_figure(
        levels, (Panel("Gain", "gain: change of the belief per unit of innovation", (("gain", ""),), "log", None, True),
                 Panel("Tokens that the belief is worth", "1 / gain (tokens)", (("effective_tokens", ""),), "log", None, True),
                 Panel("Share of the change that this explains", "explained share of the change", (("gain_explained", ""),), "share", (1.0, "all of it"), True)),
        "How far a unit of innovation moves a level's belief")


def captured_figure(levels, summary):
    return panels.level_figure(
        levels, (Panel("Way to the optimum that the level covers", "captured fraction", (("captured_fraction", ""),), "share", (1.0, "all there is"), True),
                 Panel("Its gain over the exact observer's", "gain of the model / gain of the exact observer", (("captured_gain", ""),), "linear", (1.0, "as much"),
                       True),
                 Panel("What there is to gain", "gain of the exact observer (nats per token)", (("exact_gain_nats", ""),), "linear", (0.0, ""), True)),
        "How much of what a level could be worth the model has captured")


def worth_figure(levels, summary):
    nats, unit = (((f"topdown_gain_{kind}", "slow mean instead"), (f"topdown_swap_{kind}", "another stream's instead")) for kind in ("nats", "per_unit"))
    return panels.level_figure(
        levels, (Panel("To each token", "nats per token lost without it", nats, "symlog", (0.0, "")),
                 Panel("While the level's state lasts", "nats per time constant lost without it", unit, "symlog", (0.0, ""))),
        "What a level hands down is worth to the next token")


def inertia_figure(levels, summary):
    if not any(measured(row, "exact_tokens_to_switch") for row in levels):
        return None
    return panels.level_figure(
        levels, (Panel("Tokens to switch", "tokens until the new context is believed", beside("tokens_to_switch", "exact_", MODEL, EXACT), "tokens"),
                 Panel("Evidence to switch", "log-likelihood ratio taken until then (nats)", beside("evidence_nats", "exact_", MODEL, EXACT)),
                 Panel("Inertia", "tokens of the model / of the exact observer", (("inertia_ratio", MODEL),), "linear", (1.0, "normative"), True)),
        "How heavy a level's belief is when its context switches")


def boundaries_figure(levels, summary):
    f1, pk, window = (beside(f"boundary_{key}", "shifted_", "found from the error", SHIFTED) for key in ("f1", "pk", "window_diff"))
    return panels.level_figure(
        levels, (Panel("Hits (higher is better)", "F1", f1), Panel("Windows cut wrongly (lower is better)", "Pk", pk),
                 Panel("Windows miscounted (lower is better)", "WindowDiff", window)),
        "Does a level's error rise where its situation changed?")


def following_figure(levels, summary):
    window = f" in {summary['window']:,.4g} tokens" if is_number(summary.get("window")) else ""
    return panels.level_figure(
        levels, (Panel("How far", f"slope: displacement{window} per displacement below", (("reflection_slope", ""),), "linear", (0.0, ""), True),
                 Panel("How closely", f"correlation of the displacements{window}", (("reflection_r", ""),), "linear", (0.0, ""), True)),
        "Does a level move when the level below it moves?", {index: row["label"] for index, row in enumerate(levels) if index})


# ---------------------------------------------------------------- the whole hierarchy
def gap_figure(levels, summary):
    """Nats per token of the three observers, and how much of the gap between two of them the model has closed."""
    closed = measured(summary, "gap_closed")
    if closed is None:
        return None
    figure, (left, right) = plt.subplots(1, 2, figsize=(11.6, 3.3), width_ratios=(1.15, 1))
    rows = (("exact observer", "bayes_nats", "#e08214"), ("model", "nats_per_token", style.INK), ("unigram", "unigram_nats", style.SOFT))
    for row, (_, key, colour) in enumerate(rows):
        value = measured(summary, key)
        if value is not None:
            left.plot(value.interval or (value.value,), [row] * len(value.interval or (0,)), color=colour, linewidth=3.2, alpha=0.55, solid_capstyle="butt")
            left.plot([value.value], [row], marker="o", markersize=9, color=colour, markeredgecolor="white", zorder=5)
            left.annotate(value.text(3), (value.value, row), xytext=(0, 8), textcoords="offset points", ha="center", fontsize=9.5)
    left.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    left.set_ylim(-0.5, len(rows) - 0.3)
    left.margins(x=0.12)
    left.set_title("What a token costs")
    left.set_xlabel("nats per token (lower is better)")
    style.grid(left, "x")
    draw_way(right, closed)
    panels.heading(figure, "How much of the way from the unigram to the exact observer the model has gone")
    style.frame(figure, 0.04, 0.36)
    return figure


def draw_way(axes, closed):
    """The way as a bar: 0 the unigram, 100 % the exact observer."""
    low, high = (100 * end for end in closed.interval or (closed.value, closed.value))
    share = 100 * closed.value
    axes.barh([0], [100], height=0.34, color=style.SHADE, zorder=1)
    axes.barh([0], [share], height=0.34, color=style.SOFT, alpha=0.4, zorder=2)
    axes.plot([low, high], [0, 0], color=style.INK, linewidth=3.2, alpha=0.6, solid_capstyle="butt", zorder=3)
    axes.plot([share], [0], marker="o", markersize=10, color=style.INK, markeredgecolor="white", zorder=5)
    axes.annotate(f"{share:.1f} %" + (f" [{low:.1f}, {high:.1f}]" if closed.interval else ""), (50, 0.2), xytext=(0, 4), textcoords="offset points",
                  ha="center", fontsize=10.5, fontweight="bold", bbox=WHITE)
    for end, name in ((0, "unigram"), (100, "exact observer")):
        axes.axvline(end, zorder=4, **style.RULE)
        axes.annotate(name, (end, -0.2), xytext=(0, -4), textcoords="offset points", ha="center", va="top", fontsize=9.5, color=style.SOFT, bbox=WHITE, zorder=5)
    axes.set_xlim(min(-16, low - 10), max(116, high + 10))
    axes.set_ylim(-0.55, 0.6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_title("Gap closed")
    axes.set_xlabel("gap closed (%)")


# ---------------------------------------------------------------- matrices
def contexts_of(levels, prefix):
    """Numbers of the contexts of which some level holds prefix + number, ascending."""
    return sorted({int(key[len(prefix):]) for row in levels for key in row if key.startswith(prefix) and key[len(prefix):].isdigit()})


def draw_matrix(axes, levels, prefix, contexts, top, digits):
    """Rows: levels, columns: contexts; each cell its value and, below it, its interval."""
    held = [[measured(row, f"{prefix}{k}") for k in contexts] for row in levels]
    values = np.array([[np.nan if value is None else value.value for value in row] for row in held])
    highest = top if top is not None else max(float(np.nanmax(values)), 1e-9)
    axes.imshow(values, origin="lower", aspect="auto", cmap="cividis", vmin=0.0, vmax=highest)
    for i, row in enumerate(held):
        for j, value in enumerate(row):
            if value is None:
                continue
            ink = "black" if value.value > 0.55 * highest else "white"
            axes.text(j, i + (0.13 if value.interval else 0.0), value.text(digits), ha="center", va="center", fontsize=11, color=ink)
            if value.interval:
                axes.text(j, i - 0.2, value.interval_text(digits), ha="center", va="center", fontsize=8.5, color=ink)
    axes.set_yticks(range(len(levels)), [style.drawable(row["label"]) for row in levels])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def context_name(summary, k, prefix=""):
    """A column's heading: its number, and what chance and the exact observer reach where that was measured."""
    found = ((name, summary.get(f"{prefix}_{key}_{k}")) for key, name in (("chance", "chance"), ("bayes", "exact")))
    reached = [f"{name} {value:.2f}" for name, value in found if is_number(value)]
    return f"context {k}" + ("\n" + ", ".join(reached) if reached else "")


def read_out_figure(levels, summary):
    """Without an exact observer there is no share of his, and the accuracy itself is shown."""
    prefix = next((prefix for prefix in ("read_out_", "read_out_accuracy_") if contexts_of(levels, prefix)), None)
    if prefix is None:
        return None
    contexts = contexts_of(levels, prefix)
    figure, axes = plt.subplots(figsize=(max(2.8 + 1.9 * len(contexts), 6.4), 2.2 + ROOM * len(levels)))
    draw_matrix(axes, levels, prefix, contexts, 1.0, 2)
    axes.set_xticks(range(len(contexts)), [context_name(summary, k, "read_out") for k in contexts])
    axes.set_xlabel("(accuracy − chance) / (exact − chance)" if prefix == "read_out_" else "accuracy (share that is right)", labelpad=9)
    panels.heading(figure, "Which context can be read from which level")
    style.frame(figure, 0.04, 0.36)
    return figure


def reflection_figure(levels, summary):
    """The matrix of worlds, and beside it each level's own value (the context below it) against that of shifted changes."""
    contexts = contexts_of(levels, "reflection_context_")
    if not contexts:
        return None
    own = panels.drawn((Panel("One level below, against chance", "nats per window", (("reflection_nats", "as recorded"), ("reflection_shifted_nats", SHIFTED)),
                              "linear", (0.0, "")),), levels)
    figure, grid = plt.subplots(1, 1 + len(own), figsize=(3.0 + 1.75 * len(contexts) + 4.6 * len(own), 2.3 + ROOM * len(levels)), squeeze=False, sharey=True,
                                width_ratios=(1.75 * len(contexts),) + (4.2,) * len(own))
    draw_matrix(grid[0][0], levels, "reflection_context_", contexts, None, 4)
    grid[0][0].set_xticks(range(len(contexts)), [context_name(summary, k) for k in contexts])
    grid[0][0].set_xlabel("nats per window" + (f" of {summary['window']:,.4g} tokens" if is_number(summary.get("window")) else ""))
    grid[0][0].set_title("Which context's changes")
    for axes, panel in zip(grid[0][1:], own):
        panels.level_panel(axes, panel, levels, range(len(levels)))
        axes.set_ylim(-0.5, len(levels) - 0.5)
    bottom = panels.legends(figure, grid[0][1:], own) if own else 0.04
    panels.heading(figure, "What a level's changes tell of changes in the world")
    style.frame(figure, bottom, 0.36)
    return figure
