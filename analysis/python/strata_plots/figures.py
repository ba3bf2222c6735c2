"""The figures: around the passage, twins, switch, weight. Each takes open results and returns a matplotlib figure, or None when nothing is there."""
import numpy as np

from . import curves, style
from .panels import WHITE, Panel, group_figure, say_unmeasured
from .style import plt
from .summary import condition_levels, main_condition, measured

AFTER = "tokens read since the passage's end\n(shaded: linear; after it: logarithmic)"
HIGHEST = 1.5  # of a displacement: what stands higher is cut, and its height written
ERROR = "prediction error\n(1 = its usual size; a row per level)"
KIND = {"sentence": "foreign sentence", "paragraph": "foreign paragraph"}
SOURCE = {"work": "from another work", "document": "from another document of the same work", "foreign": "from the foreign file",
          "stretch": "from another stretch of the world"}


def passage_title(name):
    """A condition's name in words."""
    kind, _, source = name.partition("_")
    return f"{KIND.get(kind, kind)} {SOURCE.get(source, source)}".strip()


def marks_for(result, name):
    """The measured values of one inserted passage; the top-level ones belong to the main condition."""
    own = condition_levels(result.summary, name)
    return own if own is not None else (result.levels if name == main_condition(result.summary, result.insertions()) else [])


def passage_curves(result, name):
    """(displacement, error): lists over levels of Curve or None."""
    disturbed, undisturbed = result.trace.condition(name), result.trace.reference(name)
    return ([curves.displacement_curve(disturbed, undisturbed, level) for level in result.numbers],
            [curves.error_curve(disturbed, undisturbed, level) for level in result.numbers])


def longest(found):
    """How far the curves reach (tokens)."""
    return max((float(curve.x[-1]) for curve in found if curve is not None), default=100.0)


def reach(found, marks, key):
    """Right end of an axis of tokens: the curves and all marks, with room for the arrow of a lower bound."""
    end = max(longest(found), 20.0)
    for entry in marks:
        value = measured(entry, key)
        if value is not None:
            top = value.interval[1] if value.interval is not None and value.high_open else value.value
            end = max(end, value.value * 1.05, 1.7 * top if value.bound == "at_least" or value.high_open else 0.0)
    return end


def draw_marks(axes, found, marks, key, height):
    """Measured times where the curves cross `height`; a lower bound stands on its curve, which has not got there."""
    for level, (curve, entry) in enumerate(zip(found, marks)):
        value = measured(entry, key)
        if value is not None:
            short = value.bound == "at_least" and curve is not None
            style.draw_time(axes, value, min(max(height, curve.at(value.value)), axes.get_ylim()[1]) if short else height, level, len(found))


def draw_displacement(axes, found, marks, count, band=True):
    """Normalised displacement with the .1 line and recovery points."""
    present = [curve for curve in found if curve is not None]
    style.passage_axis(axes, present[0].length, reach(present, marks[:count], "recovery"))
    for level, curve in enumerate(found):
        if curve is not None:
            style.draw_curve(axes, curve, level, count, band)
    axes.axhline(0.1, **style.RULE)
    top = max(1.15, 1.05 * max(float(np.nanmax(curve.mean)) for curve in present))
    axes.set_ylim(0, min(top, HIGHEST))
    draw_marks(axes, found, marks, "recovery", 0.1)
    say_cut(axes, found, count)
    axes.set_yticks([0, 0.1, 0.25, 0.5, 0.75, 1.0], ["0", "0.1", "0.25", "0.5", "0.75", "1"])
    style.grid(axes)


def say_cut(axes, found, count):
    """How high the curves reach that run off the top, one below the other at the passage's beginning."""
    cut = [(level, float(np.nanmax(curve.mean))) for level, curve in enumerate(found) if curve is not None and np.nanmax(curve.mean) > HIGHEST]
    for line, (level, height) in enumerate(cut):
        axes.annotate(f"↑ {height:.{0 if height >= 10 else 1}f}", (-found[level].length, 1.0), xycoords=axes.get_xaxis_transform(), xytext=(6, -3 - 13 * line),
                      textcoords="offset points", ha="left", va="top", fontsize=9.5, color=style.colour(level, count), zorder=7, bbox=WHITE)


def error_room(found):
    """(below, above): how far the bands of normalised errors reach from 1, at least .1."""
    present = [curve for curve in found if curve is not None]
    return max(0.1, 1.0 - min(float(np.nanmin(curve.low)) for curve in present)), max(0.1, max(float(np.nanmax(curve.high)) for curve in present) - 1.0)


def draw_error(axes, found, count, room=None):
    """Normalised error, a row for each level, the lowest at the bottom: in each 1 is usual. room: of a row below and above 1, as error_room()."""
    present = [curve for curve in found if curve is not None]
    below, above = room or error_room(found)
    step = 0.6 * (below + above)  # widest bands overlap a little, curves do not
    style.passage_axis(axes, max(present[0].length, 1.0), max(longest(present), 20.0))
    tick = max(size for size in (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0) if size <= max(0.6 * step, 0.05))
    ticks = []
    for level, curve in enumerate(found):
        if curve is not None:
            row = level * step
            style.draw_curve(axes, curve.raised(row - 1.0), level, count)
            axes.axhline(row, **style.RULE)
            ticks += [(row, "1"), (row + tick, f"{1.0 + tick:g}")]
        else:
            say_unmeasured(axes, level * step, 0.4 * step)
    axes.set_ylim(-below, (count - 1) * step + above)
    axes.set_yticks([height for height, _ in ticks], [name for _, name in ticks])
    style.grid(axes)


def passage_figure(result, source, names):
    """Columns: sentence and paragraph from one source; rows: error, displacement."""
    count = len(result.labels)
    drawn = [(name, *passage_curves(result, name)) for name in names]
    drawn = [entry for entry in drawn if any(curve is not None for curve in entry[1])]
    if not drawn:
        return None
    errors = [curve for entry in drawn for curve in entry[2] if curve is not None]
    figure, grid = plt.subplots(2, len(drawn), figsize=(6.1 * len(drawn), 8.4), squeeze=False)
    for column, (name, moved, wrong) in enumerate(drawn):
        present = next(curve for curve in moved if curve is not None)
        top, below = grid[0][column], grid[1][column]
        if any(curve is not None for curve in wrong):
            draw_error(top, wrong, count, error_room(errors))
        draw_displacement(below, moved, marks_for(result, name), count)
        heading = KIND.get(name.split("_")[0], name.split("_")[0]).capitalize()
        top.set_title(f"{heading}: {present.length:.0f} tokens on average, {present.trials} places")
        below.set_xlabel(AFTER)
    share_height(grid)
    grid[0][0].set_ylabel(ERROR)
    grid[1][0].set_ylabel("displacement from the undisturbed copy\n(passage's end = 1)")
    figure.suptitle(style.drawable(f"A passage {SOURCE.get(source, source)} is inserted (shaded): surprise and recovery"), fontsize=13,
                    fontweight="bold", x=0.01, y=0.99, ha="left", va="top")
    style.legend(figure, result.labels, rule="usual error; a tenth left = recovered")
    style.frame(figure, top=0.32)
    return figure


def share_height(grid):
    """One vertical range per row that holds every column (each column has set its own)."""
    for row in grid:
        ranges = [axes.get_ylim() for axes in row if axes.lines]
        for axes in row:
            if axes.lines:
                axes.set_ylim(min(low for low, _ in ranges), max(high for _, high in ranges))
            else:
                axes.set_axis_off()


def twin_curves(result, name):
    """Normalised distance of condition NAME and its reference, per level."""
    first, second = result.trace.condition(name), result.trace.reference(name)
    return [curves.twin_curve(first, second, level, **as_measured(result)) for level in result.numbers]


def as_measured(result):
    """How far apart copies are, as their half-lives were measured."""
    return {"variation": result.summary.get("distance") == "total_variation", "together": result.summary.get("normalised") == "together"}


def draw_twin(axes, found, marks, count, band=True, key="half_life"):
    """Distance on a log axis, half lives marked at one half."""
    present = [curve for curve in found if curve is not None]
    style.token_axis(axes, reach(present, marks[:count], key))
    axes.set_yscale("log")
    for level, curve in enumerate(found):
        if curve is not None:
            style.draw_curve(axes, curve, level, count, band)
    axes.axhline(0.5, **style.RULE)
    set_distance(axes, 1.35 * max(1.0, max(float(np.nanmax(curve.mean)) for curve in present)))
    draw_marks(axes, found, marks, key, 0.5)
    style.grid(axes)


def set_distance(axes, top):
    """The log axis of a distance whose start is 1."""
    ticks = [tick for tick in (0.03, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if tick <= top and (tick <= 1 or top > 3)]
    axes.set_ylim(0.03, top)
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_yticks([], minor=True)


def single_curves(result):
    """Each level's own distance when only its state was swapped (conditions twin_lL); None where it was not recorded."""
    present = set(result.trace.conditions())
    found = []
    for level in result.numbers:
        name = f"twin_l{level}"
        found.append(curves.twin_curve(result.trace.condition(name), result.trace.reference(name), level, **as_measured(result)) if name in present else None)
    return found


def twin_figure(result):
    """Twins (all levels' histories differ) and, where recorded, one level swapped alone."""
    if "twin" not in result.trace.conditions():
        return None
    count, found = len(result.labels), twin_curves(result, "twin")
    if not any(curve is not None for curve in found):
        return None
    alone = single_curves(result)
    panels = [(found, "half_life", "Different histories, then the same text")]
    if any(curve is not None for curve in alone):
        panels.append((alone, "half_life_single", "Only this level's state swapped"))
    figure, grid = plt.subplots(1, len(panels), figsize=(9.0 if len(panels) == 1 else 12.4, 5.2), squeeze=False, sharey=True)
    tops = []
    for axes, (shown, key, title) in zip(grid[0], panels):
        draw_twin(axes, shown, result.levels, count, key=key)
        tops.append(axes.get_ylim()[1])
        trials = next(curve.trials for curve in shown if curve is not None)
        axes.set_title(f"{title} ({trials} pairs)" if trials > 1 else title)
        axes.set_xlabel("common tokens read")
    set_distance(grid[0][0], max(tops))
    grid[0][0].set_ylabel("distance of the twins' expectations\n(start = 1, log axis)")
    style.legend(figure, result.labels, rule="one half")
    style.frame(figure)
    return figure


def switch_figure(result):
    """After a switch of document: share of the way still to go, or, without `stayed`, the distance to the copy that always read it."""
    present = set(result.trace.conditions())
    if not {"switch", "always"} <= present:
        return None
    count = len(result.labels)
    switch, always = result.trace.condition("switch"), result.trace.condition("always")
    figure, axes = plt.subplots(figsize=(9.0, 5.2))
    if "stayed" in present:
        stayed = result.trace.condition("stayed")
        found = [curves.way_curve(switch, always, stayed, level) for level in result.numbers]
        if any(curve is not None for curve in found):
            draw_way(axes, found, result.levels, count)
    else:
        found = twin_curves(result, "switch")
        if any(curve is not None for curve in found):
            draw_twin(axes, found, [], count)
            axes.set_ylabel("distance to the copy that always read it\n(start = 1, log axis)")
    if not any(curve is not None for curve in found):
        plt.close(figure)
        return None
    trials = next(curve.trials for curve in found if curve is not None)
    axes.set_title(f"Switch to another document ({trials} switches)")
    axes.set_xlabel("tokens read since the switch")
    style.legend(figure, result.labels, rule="half-way: switched" if "stayed" in present else "one half")
    style.frame(figure)
    return figure


def draw_way(axes, found, marks, count):
    present = [curve for curve in found if curve is not None]
    style.token_axis(axes, reach(present, marks[:count], "tokens_to_switch"))
    for level, curve in enumerate(found):
        if curve is not None:
            style.draw_curve(axes, curve, level, count)
    axes.axhline(0.5, **style.RULE)
    axes.set_ylim(0, 1.05)
    draw_marks(axes, found, marks, "tokens_to_switch", 0.5)
    axes.set_ylabel("share of the way still to go\n(1 old document, 0 new document)")
    style.grid(axes)


RECOVERY = (Panel("Displacement at its end", "distance (L2) from the undisturbed copy", (("displacement", ""),)),
            Panel("Recovery: a tenth is left", "tokens after it", (("recovery", ""),), "tokens"))
SURPRISE = (Panel("Peak error", "times its usual size", (("peak_error", ""),), "linear", (1.0, "")),
            Panel("Error back to usual", "tokens after it", (("error_recovery", ""),), "tokens"),
            Panel("Peak surprise", "nats", (("peak_surprise", ""),)),
            Panel("Excess in the passage", "nats above the usual", (("excess_nats_passage", ""),), "linear", (0.0, "")),
            Panel("Excess after it", "nats above the usual", (("excess_nats_after", ""),), "linear", (0.0, "")),
            Panel("Displacement with excess", "correlation over passages (r)", (("displacement_excess_r", ""), ("displacement_context_r", "with what the passage costs more than where it belongs")), "linear", (0.0, "")))


def groups(result):
    """What was measured after every disturbance, and over all of them together: [(name, records per level)]."""
    held = result.summary.get("conditions")
    names = sorted(held, key=lambda name: (name == "switch", name.partition("_")[2], not name.startswith("sentence"))) if isinstance(held, dict) else []
    found = [("switch of text" if name == "switch" else passage_title(name).replace(" from ", "\nfrom ").replace(" of the ", "\nof the "),
              condition_levels(result.summary, name)) for name in names]
    pooled = result.summary.get("pooled", result.summary)
    together = [level for level in pooled.get("levels", []) if isinstance(level, dict)] if isinstance(pooled, dict) else []
    if any(measured(level, "displacement_excess_r") and "insertions" in level for level in together):
        found.append(("all passages together", together))
    return [(name, levels) for name, levels in found if levels]


def disturbance_figure(result, panels, title):
    """A row per condition, a dot per level; None where no condition holds any of it."""
    found = groups(result)
    keys = [panel.keys[0][0] for panel in panels]
    found = [(name, levels) for name, levels in found if any(measured(level, key) for level in levels for key in keys)]
    return group_figure(found, result.labels, panels, title) if found else None
