"""Weight per level: half-life, tokens to switch, evidence; and recovery. All values come from summary.json."""
import math

from . import style
from .style import plt
from .summary import is_number, measured

PANELS = (("half_life", "Half-life (tokens)", True), ("tokens_to_switch", "Tokens to switch", True), ("evidence_nats", "Evidence (nats)", False))
RECOVERIES = (("recovery", "Recovery (tokens)", True), ("error_recovery", "Error recovery (tokens)", True))


def time_constant(entry):
    value = entry.get("time_constant")
    return float(value) if is_number(value) and value > 0 else None


def place(entry):
    """x of a level: its time constant; a level without one (the token level has no memory of its own) stands at 1 token."""
    found = time_constant(entry)
    return max(found, 1.0) if found is not None else 1.0


def weight_figure(rows):
    """Measured weight against the level's own time constant. rows: merged measurements per level."""
    panels = [panel for panel in PANELS if any(measured(row, panel[0]) for row in rows)]
    if not panels:
        panels = [panel for panel in RECOVERIES if any(measured(row, panel[0]) for row in rows)]
    if not panels:
        return None
    figure, grid = plt.subplots(1, len(panels), figsize=(max(5.4, 4.6 * len(panels)), 5.0), squeeze=False)
    for axes, (key, title, log) in zip(grid[0], panels):
        draw_panel(axes, rows, key, log)
        axes.set_title(title)
        axes.set_xlabel("level's own time constant (tokens)")
    times = [axes for axes, panel in zip(grid[0], panels) if panel[2]]
    low, high = min(axes.get_ylim()[0] for axes in times) if times else 0, max((axes.get_ylim()[1] for axes in times), default=0)
    for axes in times:
        axes.set_ylim(low, high)
        reference_line(axes)
    style.legend(figure, [row["label"] for row in rows])
    style.frame(figure)
    return figure


def draw_panel(axes, rows, key, log):
    """One measure with intervals; a lower bound carries an arrow upwards."""
    spots = [place(row) for row in rows]
    found = [(index, measured(row, key)) for index, row in enumerate(rows)]
    found = [(index, value) for index, value in found if value is not None and (not log or value.value >= 0)]
    floor = 0.5 if log else 0.0
    tops, bottoms = [], []
    for index, value in found:
        style_of = style.colour(index, len(rows))
        height = max(value.value, floor) if log else value.value
        tops.append(height)
        bottoms.append(height)
        if value.interval is not None and not value.bound:
            low, high = (max(end, floor) if log else end for end in value.interval)
            axes.errorbar([spots[index]], [height], yerr=[[max(height - low, 0)], [max(high - height, 0)]], color=style_of, linewidth=1.8, capsize=4)
            tops.append(high)
            bottoms.append(low)
        if value.bound or value.high_open:
            foot = max(value.interval[1], floor) if value.interval is not None and not value.bound else height
            style.arrow(axes, (spots[index], foot), (0, -26 if value.bound == "at_most" else 26), style_of)
            tops.append(foot * 1.6)
        axes.plot([spots[index]], [height], zorder=6, **style.marker(index, len(rows), 9.5))
        axes.annotate(value.text(0 if log else 1), (spots[index], height), xytext=(-9, 3), textcoords="offset points", ha="right", va="bottom",
                      fontsize=9.5, zorder=7)
    axes.set_xscale("log")
    axes.set_xlim(min(spots) / 3.0, max(spots) * 2.2)
    plain_ticks(axes.xaxis, *axes.get_xlim())
    if log:
        axes.set_yscale("log")
        axes.set_ylim(min(bottoms) / 1.8, max(tops) * 1.9)
        plain_ticks(axes.yaxis, *axes.get_ylim())
    else:
        axes.set_ylim(min(0.0, min(bottoms) * 1.15), max(max(tops) * 1.15, 1e-3))
    axes.grid(True, color=style.GRID, linewidth=0.7)


def plain_ticks(axis, low, high):
    """1, 10, 100 as plain numbers; 3, 30 between them where the range is short."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    short = math.log10(high / low) < 2.2
    ticks = [factor * 10.0 ** power for power in decades for factor in ((1, 3) if short else (1,))]
    ticks = [tick for tick in ticks if low <= tick <= high]
    axis.set_ticks(ticks, [f"{tick:,.0f}" if tick >= 1 else f"{tick:g}" for tick in ticks])
    axis.set_ticks([], minor=True)


def reference_line(axes):
    """A leaky integrator of that time constant: half-life tau ln 2. Drawn for scale; the levels are not fitted to it."""
    low, high = axes.get_xlim()
    bottom, top = axes.get_ylim()
    axes.plot([low, high], [low * math.log(2), high * math.log(2)], color=style.SOFT, linewidth=1.0, linestyle=(0, (2, 2)), zorder=1)
    axes.set_xlim(low, high)
    axes.set_ylim(bottom, top)
    axes.annotate("dotted: time constant × ln 2\n(one leaky integrator)", (0.98, 0.03), xycoords="axes fraction", fontsize=8.5, color=style.SOFT,
                  ha="right", va="bottom", bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5})


def draw_ladder(axes, rows, keys, labels):
    """One line per level (lowest at the bottom): time constant as a hollow tick, each measure of `keys` as a marker, on one log axis of tokens."""
    count, seen = len(rows), []
    offsets = {1: (0.0,), 2: (0.16, -0.16), 3: (0.24, 0.0, -0.24)}[len(keys)]
    for index, row in enumerate(rows):
        own = time_constant(row)
        if own is not None:
            axes.plot([own, own], [index - 0.36, index + 0.36], color=style.SOFT, linewidth=1.3, zorder=2)
            seen.append(own)
        for number, key in enumerate(keys):
            value = measured(row, key)
            if value is None:
                continue
            value.value = max(value.value, 0.5)
            style.draw_time(axes, value, index + offsets[number], index, count, 10.0 if number == 0 else 8.0, hollow=number > 0)
            seen += [value.value * (2.2 if value.bound == "at_least" else 1.0)] + [max(end, 0.5) for end in value.interval or ()]
    axes.set_xscale("log")
    low, high = min(seen) / 1.9, max(seen) * 2.0
    axes.set_xlim(low, high)
    plain_ticks(axes.xaxis, low, high)
    axes.set_yticks(range(count), [style.drawable(row["label"]) for row in rows])
    axes.set_ylim(-1.15, count - 0.4)
    axes.set_xlabel("tokens (log axis)")
    style.grid(axes, "x")
    handles = [plt.Line2D([], [], marker="s", markersize=8, color=style.INK, linestyle="none", label=labels[0])]
    if len(keys) > 1:
        handles.append(plt.Line2D([], [], marker="s", markersize=7, color=style.INK, markerfacecolor="white", markeredgewidth=2, linestyle="none",
                                  label=labels[1]))
    handles.append(plt.Line2D([], [], color=style.SOFT, linewidth=1.3, marker="|", markersize=11, linestyle="none", label="its time constant"))
    axes.legend(handles=handles, loc="lower center", fontsize=9.5, handletextpad=0.2, borderaxespad=0.1, ncols=3, columnspacing=1.4)
