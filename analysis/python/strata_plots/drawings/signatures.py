"""local_global, roving, hazard: the laboratory's signatures, each beside the control in which it must fail."""
import numpy as np

from .. import overview, style
from ..style import plt
from ..summary import is_number, measured
from . import Picture

TITLE = "Signatures of the laboratory"
CELLS = (("xxxxx", 0, 2), ("xxxxY", 1, 3))  # kind of trial; place of its mean in blocks of either rule
BLOCKS = (("xxxxx is the rule", "#8c6bb1", 0.0), ("xxxxY is the rule", "#e08214", 0.38))
CAPTIONS = {
    "local_global": "Mean error at the fifth tone, by kind of trial and rule of the block. Local effect: xxxxY stands above xxxxx in both colours. Global effect: each "
                    "kind costs more where the other one is the rule. Below (clamped), every top-down message is held at its slow mean: the global effect must go, the local one stay.",
    "roving": "Mean surprise by repetitions since the tone changed, beside the exact observer that counts and forgets; dotted: a tone among many standards, as rare as "
              "a deviant. Right: every level's error, in units of its error at the deviant.",
    "hazard": "Change of the prediction per unit of prediction error, with 95 % intervals, in stable and in volatile blocks. It must rise with volatility, as the exact "
              "observer's does. With the volatility level's message held fixed only that rise may stay which an observer without volatility shows, from uncertainty about "
              "the outcome alone; where all blocks have one hazard, none.",
}
TERMS = (
    ("Cohen's d", "difference of two means in units of their pooled standard deviation."),
    ("Relative", "difference of two means over the mean of all four kinds of trial; stands where errors hardly vary and d has no bound."),
)


def cell_text(key, digits=2):
    def text(index, row):
        value = measured(row, key)
        return f"{value.text(digits)} {value.interval_text(digits)}".strip() if value else overview.ABSENT
    return text


EFFECTS = (("local,\nxxxxx blocks", "fifth_local_in_xxxxx_blocks"), ("local,\nxxxxY blocks", "fifth_local_in_xxxxY_blocks"),
           ("global,\nxxxxx", "fifth_global_of_xxxxx"), ("global,\nxxxxY", "fifth_global_of_xxxxY"))
COLUMNS = (overview.COLUMNS[0],) + tuple((f"{title}\n(d)", cell_text(f"{key}_d")) for title, key in EFFECTS) + tuple(
    (f"{title}\n(relative)", cell_text(f"{key}_relative", 3)) for title, key in EFFECTS)


def held(result, name):
    return result.experiment == name and not result.seeds


def pictures(results, rows):
    for result in results:
        for name, figure in (("local_global", local_global_figure), ("roving", roving_figure), ("hazard", hazard_figure)):
            if held(result, name):
                yield Picture(name, name.replace("_", "-"), CAPTIONS[name], figure(result), "wide" if name == "local_global" else "")


def tables(results, rows):
    for result in results:
        if held(result, "local_global"):
            for caption, summary in (("Effects at the fifth tone", result.summary), ("The same with top-down messages clamped", result.summary.get("clamped", {}))):
                yield caption, COLUMNS, [dict(level, label=label) for level, label in zip(summary.get("levels", []), result.labels)]


def local_global_figure(result):
    readings = (("intact", result.summary), ("clamped", result.summary.get("clamped", {})))
    figure, grid = plt.subplots(2, len(result.labels), figsize=(3.5 * len(result.labels) + 0.6, 6.6), squeeze=False, sharey="col")
    for row, (reading, summary) in zip(grid, readings):
        for axes, level, label in zip(row, summary.get("levels", []), result.labels):
            draw_cells(axes, level.get("fifth_error_means"))
            axes.set_title(style.drawable(f"{label}, {reading}"), fontsize=10.5)
        row[0].set_ylabel("error at the fifth tone")
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour, label=name) for name, colour, _ in BLOCKS]
    figure.legend(handles=handles, ncols=2, loc="lower center", borderaxespad=0.0, bbox_to_anchor=(0.5, 0.01))
    style.frame(figure, 0.42)
    return figure


def draw_cells(axes, means):
    if isinstance(means, list) and len(means) == 4 and all(map(is_number, means)):
        for block, (_, colour, shift) in enumerate(BLOCKS):
            axes.bar([place + shift for place in range(2)], [means[cell[1 + block]] for cell in CELLS], width=0.36, color=colour)
    axes.set_xticks([place + 0.19 for place in range(2)], [cell[0] for cell in CELLS])
    style.grid(axes)


def roving_figure(result):
    summary, control = result.summary, result.summary.get("many_standards", {})
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.9))
    for key, label, colour, line in (("surprise_by_repetition", "model", style.INK, "-"), ("exact_surprise_by_repetition", "exact observer", "#e08214", "-")):
        left.plot(summary.get(key, []), color=colour, linestyle=line, marker="o", markersize=5, label=label)
    for key, label, colour in (("deviant_nats", "model, many standards", style.INK), ("exact_deviant_nats", "exact, many standards", "#e08214")):
        value = measured(control, key)
        if value:
            left.axhline(value.value, color=colour, linestyle=":", linewidth=1.3, label=label)
    value = measured(summary, "surprise_correlation")
    left.set_title(f"Surprise; with the exact's, r = {value.text(3)}" if value else "Surprise")
    left.set_ylabel("surprise (nats)")
    left.legend()
    for index, (level, label) in enumerate(zip(result.levels, result.labels)):
        error = level.get("error_by_repetition", [])
        if error and error[0] > 0:
            right.plot(np.asarray(error) / error[0], marker=style.MARKERS[index % len(style.MARKERS)], label=style.drawable(label), **style.line(index, len(result.labels)))
    right.set_title("Error of each level" if len(result.levels) > 1 else "Error of the level")
    right.set_ylabel("error (deviant = 1)")
    right.set_ylim(bottom=0)
    right.legend()
    for axes in (left, right):
        axes.set_xlabel("repetitions of the tone")
        style.grid(axes)
    style.frame(figure, 0.04)
    return figure


def hazard_figure(result):
    summary = result.summary
    rows = (("exact\nobserver", summary, "exact_"), ("model", summary, ""), ("exact, without\nvolatility", summary, "without_volatility_"),
            ("model, volatility\nmessage clamped", summary.get("fixed_volatility", {}), ""),
            ("one hazard:\nexact", summary.get("no_volatility", {}), "exact_"), ("one hazard:\nmodel", summary.get("no_volatility", {}), ""))
    figure, axes = plt.subplots(figsize=(9.0, 4.9))
    for place, (_, found, prefix) in enumerate(rows):
        ends = [measured(found, f"{prefix}learning_rate_{block}") for block in ("stable", "volatile")]
        if all(ends):
            axes.plot([place - 0.12, place + 0.12], [end.value for end in ends], color=style.INK, linewidth=1.0, alpha=0.4)
    for shift, block, colour in ((-0.12, "stable", "#8c6bb1"), (0.12, "volatile", "#e08214")):
        for place, (_, found, prefix) in enumerate(rows):
            value = measured(found, f"{prefix}learning_rate_{block}")
            if value is None:
                continue
            low, high = value.interval or (value.value, value.value)
            axes.errorbar([place + shift], [value.value], [[value.value - low], [high - value.value]], color=colour, marker="o", markersize=7, capsize=3,
                          label=f"{block} blocks" if place == 0 else None)
    axes.set_xticks(range(len(rows)), [row[0] for row in rows])
    axes.set_ylabel("learning rate")
    axes.set_ylim(bottom=0)
    axes.legend(loc="lower left")
    style.grid(axes)
    style.frame(figure, 0.04)
    return figure
