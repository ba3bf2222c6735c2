"""Dots with intervals, panel beside panel: what a measure says of every level (level_figure: one row per level), or of every condition (group_figure:
one row per condition, a dot for each level)."""
from collections import namedtuple

from matplotlib.transforms import ScaledTranslation

from . import style, weight
from .style import heading, plt
from .summary import BOUNDS, measured

# keys: ((field, what it is), ...): the first filled, the second hollow, the third half filled; scale: linear, share (linear, 0 to 1 in view),
# tokens (log10(1 + x)), log, symlog; rule: (x, what it is) of a dotted line; written: the first quantity's value stands above its marker.
Panel = namedtuple("Panel", "title label keys scale rule written", defaults=("linear", None, False))
OFFSETS = {1: (0.0,), 2: (0.14, -0.14), 3: (0.24, 0.0, -0.24)}
ROOM = 0.62  # inches of height per level
THRESHOLD = 1e-3  # symlog: linear below
WHITE = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}  # behind a text
TICKS = tuple(sign * 10.0 ** power for sign in (-1, 1) for power in range(-3, 4)) + (0.0,)


def ends_of(values, panel):
    """Every end that the axis has to hold; on a log axis those above 0 only."""
    ends = [end for value in values for end in (value.value, *(value.interval or ()))] + ([panel.rule[0]] if panel.rule else [])
    ends += [0.0, 1.0] if panel.scale == "share" else []
    return [end for end in ends if end > 0] if panel.scale == "log" else ends


def set_axis(axes, panel, values):
    """Scale and limits; room for the arrow of a bound."""
    ends = ends_of(values, panel)
    low, high = min(ends), max(ends)
    bounds = {value.bound for value in values} | {"at_least" for value in values if value.high_open} | {"at_most" for value in values if value.low_open}
    if panel.scale == "tokens":
        style.token_axis(axes, (2.0 if "at_least" in bounds else 1.2) * max(high, 2.5))
    elif panel.scale == "log":
        axes.set_xscale("log")
        axes.set_xlim(low / (3.0 if "at_most" in bounds else 1.8), high * (3.0 if "at_least" in bounds else 1.8))
        weight.plain_ticks(axes.xaxis, *axes.get_xlim())
    elif panel.scale == "symlog":
        axes.set_xscale("symlog", linthresh=THRESHOLD)
        low, high = min(1.5 * low, -1e-4), max(1.5 * high, THRESHOLD)
        ticks = sorted(tick for tick in TICKS if low <= tick <= high)
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_xticks([], minor=True)
        axes.set_xlim(low, high)
    else:
        room = 0.08 * max(high - low, 1e-9)
        axes.set_xlim(low - room * (2.2 if "at_most" in bounds else 1), high + room * (2.2 if "at_least" in bounds else 1))
        axes.xaxis.set_major_locator(plt.MaxNLocator(6, steps=(1, 2, 2.5, 5, 10)))
    if panel.rule:
        axes.axvline(panel.rule[0], zorder=1, **style.RULE)


def place(axes, panel, value, height, level, count, number=0):
    """One marker with its interval. What a log axis cannot hold is cut at its edge."""
    written = short(value)
    if panel.scale == "log":
        edge = axes.get_xlim()[0]
        value.value = max(value.value, edge)
        value.interval = value.interval and tuple(max(end, edge) for end in value.interval)
    style.draw_time(axes, value, height, level, count, 9.0 if number == 0 else 8.0, number)
    if panel.written and number == 0:
        axes.annotate(written, (value.value, height), xytext=(0, 7), textcoords="offset points", ha="center", va="bottom", fontsize=9, zorder=7)


def short(value):
    """Three significant digits, no decimals from 100 on."""
    return BOUNDS[value.bound] + (f"{value.value:,.0f}" if abs(value.value) >= 100 else f"{value.value:.3g}")


def handles(panel):
    """Legend of a panel, by look: what is filled, hollow, dotted; nothing where there is but one kind of marker and no line."""
    made = {number: plt.Line2D([], [], label=name, **{"marker": "s", "markersize": 8, "color": style.INK, "linestyle": "none", **style.fill(number, style.INK)})
            for number, (_, name) in enumerate(panel.keys) if len(panel.keys) > 1}
    return {**made, **({"rule": plt.Line2D([], [], label=panel.rule[1], **style.RULE)} if panel.rule and panel.rule[1] else {})}


def legends(figure, grid, panels, inside=False):
    """One legend below the figure where every look means one thing in all panels, else (or inside a figure that has another legend) one below each panel;
    returns the inches that the figure needs below."""
    made = [handles(panel) for panel in panels]
    together = {kind: handle for one in made for kind, handle in one.items()}
    if not together:
        return 0.04
    if not inside and all(handle.get_label() == together[kind].get_label() for one in made for kind, handle in one.items()):
        found = list(together.values())
        figure.legend(handles=found, ncols=len(found), loc="lower center", borderaxespad=0.0, bbox_to_anchor=(0.5, 0.06 / figure.get_size_inches()[1]))
        return 0.36
    for axes, one in zip(grid, made):
        if one:
            below = axes.transAxes + ScaledTranslation(0, -0.5 - 0.18 * axes.get_xlabel().count("\n"), figure.dpi_scale_trans)
            axes.legend(handles=list(one.values()), loc="upper center", bbox_to_anchor=(0.5, 0), bbox_transform=below, fontsize=9.5, ncols=len(one),
                        handletextpad=0.4, columnspacing=1.2, borderaxespad=0.0)
    return 0.04


def drawn(panels, records):
    """The panels of which a record holds the first quantity, with the quantities that some record holds."""
    found = []
    for panel in panels:
        values = {key: [value for value in (measured(record, key[0]) for record in records) if value is not None] for key in panel.keys}
        if values[panel.keys[0]]:
            made = panel._replace(keys=tuple(key for key in panel.keys if values[key]))
            none_above = made.scale == "log" and not ends_of(sum(values.values(), []), made)
            found.append(made._replace(scale="linear") if none_above else made)
    return found


def say_unmeasured(axes, row, half=0.46):
    """A pale band over the row, `half` its height, that says why it is empty."""
    axes.axhspan(row - half, row + half, color="#f5f5f5", zorder=1.5, linewidth=0)
    axes.text(0.5, row, "not measured", transform=axes.get_yaxis_transform(), ha="center", va="center", fontsize=9, style="italic", color=style.SOFT)


def level_panel(axes, panel, levels, rows):
    """A row for each of the levels numbered in `rows`; one that was not measured says so."""
    values = [measured(levels[index], key) for index in rows for key, _ in panel.keys]
    set_axis(axes, panel, [value for value in values if value is not None])
    for row, index in enumerate(rows):
        found = [measured(levels[index], key) for key, _ in panel.keys]
        if not any(found):
            say_unmeasured(axes, row)
        for number, value in enumerate(found):
            if value is not None:
                place(axes, panel, value, row + OFFSETS[len(found)][number], index, len(levels), number)
    axes.set_title(panel.title)
    axes.set_xlabel(panel.label)
    axes.set_ylim(-0.6, len(rows) - 0.3)
    style.grid(axes, "x")


def level_figure(levels, panels, title, names=None):
    """A figure of the panels that hold something, or None. levels: records with "label"; names: {index of a level: name of its row}, where not all levels
    have a row or the label does not say enough."""
    panels, names = drawn(panels, levels), names or {index: level["label"] for index, level in enumerate(levels)}
    if not panels:
        return None
    wide = 7.8 if len(panels) == 1 else 1.5 + 4.1 * len(panels)
    figure, grid = plt.subplots(1, len(panels), figsize=(wide, 2.1 + ROOM * len(names)), squeeze=False, sharey=True)
    for axes, panel in zip(grid[0], panels):
        level_panel(axes, panel, levels, list(names))
    grid[0][0].set_yticks(range(len(names)), [style.drawable(name) for name in names.values()])
    heading(figure, title)
    style.frame(figure, legends(figure, grid[0], panels), 0.36)
    return figure


def group_panel(axes, panel, groups, count):
    """A row per group from the top down, in it a marker per level in the order of the legend, a hollow one below each where there is a second quantity;
    a group or a level in which it was not measured says so."""
    held = [(row, (index + (number + 0.5) / len(panel.keys)) / count, index, number, measured(record, key)) for row, (_, levels) in enumerate(groups)
            for index, record in enumerate(levels[:count]) for number, (key, _) in enumerate(panel.keys)]
    held = [entry for entry in held if entry[-1] is not None]
    set_axis(axes, panel, [entry[-1] for entry in held])
    for row, part, index, number, value in held:
        place(axes, panel, value, row + 0.66 * (part - 0.5), index, count, number)
    there = {(row, index) for row, _, index, _, _ in held}
    for row in range(len(groups)):
        missing = [index for index in range(count) if (row, index) not in there]
        if len(missing) == count:
            say_unmeasured(axes, row)
            continue
        for index in missing:
            axes.text(0.02, row + 0.66 * ((index + 0.5) / count - 0.5), "not measured", transform=axes.get_yaxis_transform(), va="center", fontsize=8,
                      style="italic", color=style.SOFT)
    for row in range(1, len(groups)):
        axes.axhline(row - 0.5, color=style.GRID, linewidth=0.7)
    axes.set_title(panel.title)
    axes.set_xlabel(panel.label)
    axes.set_ylim(len(groups) - 0.5, -0.5)
    style.grid(axes, "x")


def group_figure(groups, labels, panels, title):
    """A figure of the panels that hold something, or None. groups: [(name, records per level)]; more than four panels stand in rows of three."""
    panels = drawn(panels, [record for _, levels in groups for record in levels])
    if not panels:
        return None
    columns = 3 if len(panels) > 4 else len(panels)
    lines = -(-len(panels) // columns)
    several = max(len(panel.keys) for panel in panels)
    size = 2.2 + 3.6 * max(columns, 2), 0.9 + lines * (1.1 + len(groups) * (0.34 + 0.17 * len(labels) * (1 + 0.6 * (several - 1))))
    figure, grid = plt.subplots(lines, columns, figsize=size, squeeze=False, sharey=True)
    for axes, panel in zip(grid.flat, panels):
        group_panel(axes, panel, groups, len(labels))
    for axes in grid.flat[len(panels):]:
        axes.set_axis_off()
    for line in grid:
        line[0].set_yticks(range(len(groups)), [style.drawable(name) for name, _ in groups])
    heading(figure, title)
    style.legend(figure, labels, hollow=next((panel.keys[1][1] for panel in panels if len(panel.keys) > 1), None))
    style.frame(figure, top=0.36)
    return figure
