"""local_global, roving, hazard: the laboratory's signatures, each beside the control in which it must fail; and the measures that they are made of, of any
trace that holds what they need."""
import re

import numpy as np

from .. import overview, panels, style
from ..measure_figures import numbers
from ..panels import Panel
from ..style import plt
from ..summary import measured, signed
from . import Picture

TITLE = "Signatures of the laboratory"
CELLS = (("xxxxx", 0, 2), ("xxxxY", 1, 3))  # kind of trial; place of its mean in blocks of either rule
BLOCKS = (("xxxxx is the rule", "#8c6bb1", 0.0), ("xxxxY is the rule", "#e08214", 0.38))
CAPTIONS = {
    "local_global": "Mean error at the fifth tone, by kind of trial and rule of the block. Local effect: xxxxY stands above xxxxx in both colours. Global "
                    "effect: each kind costs more where the other one is the rule. Below, where it was recorded (clamped), every top-down message is held at its "
                    "slow mean: the global effect must go, the local one stay.",
    "local_global_effects": "Local effect: the error at xxxxY against that at xxxxx, in blocks of either rule. Global effect: the error at a trial where its "
                            "kind is rare against where it is the rule. As Cohen's d, and relative to the mean error of the four cells. Hollow: the same with "
                            "every top-down message held at its slow mean. Intervals 95 %.",
    "roving": "Mean surprise by repetitions since the tone changed, beside the exact observer that counts and forgets; dotted: a tone among many standards, as "
              "rare as a deviant. Right: every level's error, in units of its error at the deviant. Bars: 95 %, of the deviant and of the last standard.",
    "hazard": "Change of the prediction per unit of prediction error, with 95 % intervals, in stable and in volatile blocks. It must rise with volatility, as "
              "the exact observer's does. With the volatility level's message held fixed only that rise may stay which an observer without volatility shows, "
              "from uncertainty about the outcome alone; where all blocks have one hazard, none.",
}
TERMS = (
    ("Cohen's d", "difference of two means in units of their pooled standard deviation."),
    ("Relative", "difference of two means over the mean of all four kinds of trial; stands where errors hardly vary and d has no bound."),
)


KINDS = ("stable", "volatile")  # blocks
CLAMPED = "top-down messages clamped"
ALL_EFFECTS = (("local effect,\nxxxxx blocks", "local_in_xxxxx_blocks"), ("local effect,\nxxxxY blocks", "local_in_xxxxY_blocks"),
               ("global effect,\ntrials xxxxx", "global_of_xxxxx"), ("global effect,\ntrials xxxxY", "global_of_xxxxY"), ("global effect,\nmean of both", "global"))
EFFECTS = (("local,\nxxxxx blocks", "fifth_local_in_xxxxx_blocks"), ("local,\nxxxxY blocks", "fifth_local_in_xxxxY_blocks"),
           ("global,\nxxxxx", "fifth_global_of_xxxxx"), ("global,\nxxxxY", "fifth_global_of_xxxxY"))
COLUMNS = (overview.COLUMNS[0],) + tuple((f"{title}\n(d)", overview.estimate(f"{key}_d")) for title, key in EFFECTS) + tuple(
    (f"{title}\n(relative)", overview.estimate(f"{key}_relative", 3)) for title, key in EFFECTS)


def held(result, name):
    return result.experiment == name and not result.seeds


def pictures(results, rows):
    """Whatever the experiment, where the summary holds it; in a report once each."""
    taken = set()
    for result in results:
        for name, title, draw in (("local_global", "Error at the fifth tone", local_global_figure), ("local_global_effects", "Local and global effects", effects_figure),
                                  ("roving" if held(result, "roving") else "repetition", "Repetition", roving_figure), ("hazard", "Learning rate", hazard_figure)):
            figure = None if result.seeds or name in taken else draw(result)
            if figure is not None:
                taken.add(name)
                yield Picture(name, title, CAPTIONS["roving" if name == "repetition" else name], figure, "" if name == "hazard" else "wide")


def tables(results, rows):
    for result in results:
        if held(result, "local_global"):
            for caption, summary in (("Effects at the fifth tone", result.summary), ("The same with top-down messages clamped", result.summary.get("clamped", {}))):
                yield caption, COLUMNS, [dict(level, label=label) for level, label in zip(summary.get("levels", []), result.labels)]


def readings_of(result, key):
    """(name, summary) of the run and of the one with top-down messages clamped, where some level holds `key`."""
    found = (("intact", result.summary), ("clamped", result.summary.get("clamped", {})))
    return [(name, summary) for name, summary in found if any(key in level for level in summary.get("levels", []))]


def local_global_figure(result):
    """Errors of every level, a row per reading; last the surprise, beside the exact observer's."""
    readings = readings_of(result, "fifth_error_means")
    if not readings:
        return None
    surprise = any(four(summary, "fifth_surprise_nats") for _, summary in readings)
    exact = any(four(summary, "exact_fifth_surprise_nats") for _, summary in readings)
    columns = len(result.labels) + surprise
    figure, grid = plt.subplots(len(readings), columns, figsize=(max(3.5 * columns + 0.6, 7.4), 1.2 + 3.0 * len(readings)), squeeze=False, sharex="col", sharey="col")
    for row, (reading, summary) in zip(grid, readings):
        titles = [style.drawable(label) for label in result.labels] + ["surprise (nats)"] * surprise
        for axes, title in zip(row, titles):
            axes.set_title(f"{title}, {reading}" if len(readings) > 1 else title, fontsize=10.5)
        for axes, level in zip(row, summary["levels"]):
            draw_cells(axes, four(level, "fifth_error_means"))
        if surprise:
            draw_cells(row[-1], four(summary, "fifth_surprise_nats"), four(summary, "exact_fifth_surprise_nats"))
        row[0].set_ylabel("error at the fifth tone")
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour, label=name) for name, colour, _ in BLOCKS]
    handles += [plt.Line2D([], [], color=style.INK, linewidth=2.2, label="exact observer")] if exact else []
    figure.legend(handles=handles, ncols=len(handles), loc="lower center", borderaxespad=0.0, bbox_to_anchor=(0.5, 0.01))
    panels.heading(figure, "Error and surprise at the fifth tone, by kind of trial and rule of the block" if surprise else
                   "Each level's error at the fifth tone, by kind of trial and rule of the block")
    style.frame(figure, 0.42, 0.36)
    return figure


def four(record, key):
    """The means of the four cells, or None."""
    found = numbers(record, key)
    return found if found and len(found) == 4 else None


def draw_cells(axes, means, exact=None):
    """Bars of the four cells; a line across each where the exact observer stands."""
    for block, (_, colour, shift) in enumerate(BLOCKS):
        for place, cell in enumerate(CELLS):
            if means:
                axes.bar([place + shift], [means[cell[1 + block]]], width=0.36, color=colour)
            if exact:
                axes.plot([place + shift - 0.18, place + shift + 0.18], [exact[cell[1 + block]]] * 2, color=style.INK, linewidth=2.2)
    axes.set_xticks([place + 0.19 for place in range(2)], [cell[0] for cell in CELLS])
    style.grid(axes)


def effects_figure(result):
    """Rows: the effects; a marker per level, filled as recorded, hollow with top-down messages clamped. Columns: at the fifth tone and over the steps from
    it, as Cohen's d and relative."""
    readings = readings_of(result, "error_means")
    if not readings:
        return None
    columns = [Panel(title, label, ((prefix + kind, "intact"), (f"clamped_{prefix}{kind}", CLAMPED)), "linear", (0.0, ""))
               for prefix, title in (("fifth_", "At the fifth tone"), ("", "From the fifth tone on"))
               for kind, label in (("d", "Cohen's d"), ("relative", "difference / mean error"))]
    groups = [(name, [{} for _ in result.labels]) for name, _ in ALL_EFFECTS]
    for reading, summary in readings:
        for (_, records), (_, effect) in zip(groups, ALL_EFFECTS):
            for record, level in zip(records, summary["levels"]):
                record.update(effect_of(level, effect, "clamped_" if reading == "clamped" else ""))
    return panels.group_figure(groups, result.labels, columns, "Local and global effect on each level's error")


def effect_of(level, effect, prefix):
    """What a level's record says of one effect, under fifth_d, fifth_relative, d, relative and their _ci95."""
    found = {}
    for key, value in level.items():
        match = re.fullmatch(rf"(fifth_)?{effect}_((?:d|relative)(?:_.*)?)", key)
        if match:
            found[f"{prefix}{match[1] or ''}{match[2]}"] = value
    return found


def roving_figure(result):
    """Surprise by repetition beside the exact observer's, and every level's error; intervals where they were recorded: at the deviant and the last standard."""
    summary, control = result.summary, result.summary.get("many_standards", {})
    if not numbers(summary, "surprise_by_repetition"):
        return None
    errors = [index for index, level in enumerate(result.levels) if (numbers(level, "error_by_repetition") or [0])[0] > 0]
    figure, grid = plt.subplots(1, 2 if errors else 1, figsize=(11.6 if errors else 7.0, 5.2), squeeze=False)
    draw_surprise(grid[0][0], summary, control)
    if errors:
        draw_errors(grid[0][1], result, errors)
    for axes in grid[0]:
        axes.set_xlabel("repetitions since the token changed (0: the deviant)")
        axes.xaxis.set_major_locator(plt.MaxNLocator(integer=True))
        axes.legend()
        style.grid(axes)
    panels.heading(figure, "How surprise and error fall as a tone is repeated")
    style.frame(figure, 0.04, 0.36)
    return figure


def draw_surprise(axes, summary, control):
    for prefix, last, label, colour in (("", "last_standard_nats", "model", style.INK), ("exact_", "exact_standard_nats", "exact observer", "#e08214")):
        nats = numbers(summary, f"{prefix}surprise_by_repetition") or []
        axes.plot(nats, color=colour, marker="o", markersize=5, label=label)
        for place, key in ((0, f"{prefix}deviant_nats"), (len(nats) - 1, last)):
            value = measured(summary, key)
            if nats and value and value.interval:
                draw_end(axes, place, value, color=colour, capsize=4, linewidth=1.6)
        value = measured(control, f"{prefix}deviant_nats")
        if value:
            axes.axhline(value.value, color=colour, linestyle=":", linewidth=1.3, label=f"{'exact' if prefix else 'model'}, many standards")
            if value.interval:
                axes.axhspan(*value.interval, color=colour, alpha=0.1, linewidth=0)
    found = measured(summary, "surprise_correlation")
    axes.set_title(f"Surprise; with the exact's, r = {found.text(3)} {found.interval_text(3)}".rstrip() if found else "Surprise")
    axes.set_ylabel("surprise (nats)")


def draw_errors(axes, result, drawn):
    """Errors over that at the deviant; the last interval is that of the recorded ratio of the two, turned over."""
    for index in drawn:
        level, colour = result.levels[index], style.colour(index, len(result.labels))
        error, found, ratio = np.asarray(level["error_by_repetition"]), measured(level, "error_correlation"), measured(level, "deviant_error_ratio")
        name = style.drawable(result.labels[index]) + (f", r = {found.text(2)} {found.interval_text(2)}".rstrip() if found else "")
        axes.plot(error / error[0], marker=style.MARKERS[index % len(style.MARKERS)], label=name, **style.line(index, len(result.labels)))
        if ratio and ratio.interval and ratio.interval[0] > 0:
            axes.plot([error.size - 1] * 2, [1 / ratio.interval[1], 1 / ratio.interval[0]], color=colour, linewidth=3.2, alpha=0.55, solid_capstyle="butt")
    axes.set_title("Error; r: with the exact observer's surprise")
    axes.set_ylabel("error (deviant = 1)")
    axes.set_ylim(bottom=0)


def draw_end(axes, place, value, **look):
    """A value with its interval, upright."""
    low, high = value.interval or (value.value, value.value)
    axes.errorbar([place], [value.value], [[max(value.value - low, 0)], [max(high - value.value, 0)]], **look)


def hazard_figure(result):
    """Learning rate in stable and in volatile blocks, of every observer that was recorded; written: the rise."""
    summary = result.summary
    rows = (("exact\nobserver", summary, "exact_"), ("model", summary, ""), ("exact, without\nvolatility", summary, "without_volatility_"),
            ("model, volatility\nmessage clamped", summary.get("fixed_volatility", {}), ""),
            ("one hazard:\nexact", summary.get("no_volatility", {}), "exact_"), ("one hazard:\nmodel", summary.get("no_volatility", {}), ""))
    rows = [(name, [measured(found, f"{prefix}learning_rate_{kind}") for kind in (*KINDS, "rise")]) for name, found, prefix in rows]
    rows = [(name, ends) for name, ends in rows if ends[0] and ends[1]]
    if not rows:
        return None
    figure, axes = plt.subplots(figsize=(3.0 + 1.15 * max(len(rows), 4), 5.2))
    for place, (_, (stable, volatile, rise)) in enumerate(rows):
        axes.plot([place - 0.12, place + 0.12], [stable.value, volatile.value], color=style.INK, linewidth=1.0, alpha=0.4)
        if rise:
            top = max(end for value in (stable, volatile) for end in (value.value, *(value.interval or ())))
            axes.annotate(f"{signed(rise.value, 3)}\n{rise.interval_text(3)}".rstrip(), (place, top), xytext=(0, 8), textcoords="offset points", ha="center",
                          va="bottom", fontsize=9)
    for shift, kind, colour in ((-0.12, 0, "#8c6bb1"), (0.12, 1, "#e08214")):
        for place, (_, ends) in enumerate(rows):
            draw_end(axes, place + shift, ends[kind], color=colour, marker="o", markersize=7, capsize=3, label=f"{KINDS[kind]} blocks" if place == 0 else None)
    axes.set_xticks(range(len(rows)), [name for name, _ in rows])
    axes.set_xlim(-0.6, len(rows) - 0.4)
    axes.set_ylim(0, 1.18 * axes.get_ylim()[1])
    axes.set_ylabel("learning rate (change of prediction per prediction error)")
    value = measured(summary, "rate_correlation")
    axes.set_xlabel(f"trial by trial, with the exact observer's: r = {value.text(3)} {value.interval_text(3)}".rstrip() if value else "")
    axes.legend(loc="lower left")
    style.grid(axes)
    panels.heading(figure, "Learning rate in stable and in volatile blocks; above: its rise")
    style.frame(figure, 0.04, 0.36)
    return figure
