"""segmentation: boundaries that levels found themselves, against those of the text, beside chance and TextTiling."""
from .. import style
from ..style import plt
from ..summary import is_number, number, signed
from . import Picture

TITLE = "Where situations end"
CAPTION = ("F1 of boundaries within one sentence of the text's own, which no level was told of. Chance: the level's boundaries shifted by half of the text. TextTiling: of the "
           "same words, as many boundaries as the level found, if it finds so many. Bars: 95 % bootstrap over blocks of text.")
TERMS = (
    ("Pk", "part of pairs of places, half a mean segment apart, for which it is wrongly said whether a boundary lies between them; 0 is perfect."),
    ("WindowDiff", "part of such windows in which the number of boundaries is wrong."),
)
TRUTHS = (("paragraph", "Ends of paragraphs and documents"), ("document", "Ends of documents"))
WAYS = (("found", "found by the level", "o"), ("chance", "chance", "x"), ("tiling", "TextTiling, as many at most", "s"))


def levels_of(result, truth):
    if result.experiment != "segmentation" or result.seeds:
        return []
    return [(label, level[truth]) for label, level in zip(result.labels, result.levels) if isinstance(level.get(truth), dict) and "found" in level[truth]]


def pictures(results, rows):
    for result in results:
        if any(levels_of(result, truth) for truth, _ in TRUTHS):
            yield Picture("segmentation", "Boundaries", CAPTION, segmentation_figure(result), "wide")
            return


def interval(cell, key):
    pair = cell.get(f"{key}_ci95")
    return f" [{number(pair[0], 3)}, {number(pair[1], 3)}]" if pair else ""


COLUMNS = (
    ("level", lambda index, row: row["level"]),
    ("against", lambda index, row: row["truth"]),
    ("boundaries", lambda index, row: f"{row['found']['boundaries']:,} of {row['true_boundaries']:,}"),
    ("F1", lambda index, row: f"{row['found']['f1']:.3f}{interval(row['found'], 'f1')}"),
    ("above chance", lambda index, row: f"{signed(row['f1_over_chance'], 3)}{interval(row, 'f1_over_chance')}"),
    ("above TextTiling", lambda index, row: f"{signed(row['f1_over_tiling'], 3)}{interval(row, 'f1_over_tiling')}"),
    ("Pk", lambda index, row: f"{row['found']['pk']:.3f}"),
    ("WindowDiff", lambda index, row: f"{row['found']['window_diff']:.3f}"),
)


def tables(results, rows):
    for result in results:
        lines = [{**cell, "level": label, "truth": title.lower()} for truth, title in TRUTHS for label, cell in levels_of(result, truth)]
        if lines:
            yield "Boundaries that levels found", COLUMNS, lines


def segmentation_figure(result):
    cells = {truth: dict(levels_of(result, truth)) for truth, _ in TRUTHS}
    labels = [label for label in result.labels if any(label in of for of in cells.values())]
    figure, panels = plt.subplots(1, 2, figsize=(11.2, 1.9 + 0.8 * len(labels)), sharey=True, squeeze=False)
    for axes, (truth, title) in zip(panels[0], TRUTHS):
        for label, cell in cells[truth].items():
            for way, (key, _, mark) in enumerate(WAYS):
                at, colour = labels.index(label) + 0.2 * (way - 1), style.INK if key == "found" else style.SOFT
                if cell[key].get("f1_ci95"):
                    axes.plot(cell[key]["f1_ci95"], [at, at], color=colour, linewidth=1.8)
                if is_number(cell[key].get("f1")):
                    axes.plot([cell[key]["f1"]], [at], marker=mark, markersize=8.0, color=colour, linestyle="none", zorder=5)
        if not cells[truth]:
            axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", va="center", color=style.SOFT)
        axes.set_yticks(range(len(labels)), [style.drawable(label) for label in labels])
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.set_xlim(-0.02, 1.02)
        axes.set_xlabel("F1 within one sentence")
        axes.set_title(title)
        style.grid(axes, "x")
    handles = [plt.Line2D([], [], marker=mark, markersize=8.0, linestyle="none", color=style.INK if key == "found" else style.SOFT, label=name) for key, name, mark in WAYS]
    figure.legend(handles=handles, loc="lower center", ncol=len(handles), frameon=False)
    style.frame(figure)
    return figure
