"""inference: the free energy sweep by sweep, the next forecast against a scaled error, and how far the whole error moves it."""
import numpy as np

from .. import overview, style
from ..style import plt
from ..summary import is_number, measured, number
from . import Picture

TITLE = "Is inference real: what settling does"
CAPTION = ("Left: mean free energy after each sweep of settling. Middle: the next forecast after one tick at which the level's error was multiplied by 0, ½, 1, 2, "
           "on the way from 0 to 1; a rising line means that inference moves the forecast. Right: how far the whole error moves it, of its own length. "
           "The token level carries nothing from one token to the next.")
GAINS = (0.0, 0.5, 1.0, 2.0)
COLUMNS = (overview.COLUMNS[0],) + tuple(
    (f"error × {name}", lambda index, row, place=place: number(row["error_gain_response"][place], 3) if responded(row) else overview.ABSENT)
    for place, name in enumerate(("0", "½", "1", "2"))) + (
    ("moved by the\nwhole error", lambda index, row: f"{100 * row['error_gain_shift']:.2f} %" if is_number(row.get("error_gain_shift")) else overview.ABSENT),
    ("ticks", lambda index, row: f"{row['error_gain_ticks']:,}" if is_number(row.get("error_gain_ticks")) else overview.ABSENT),
    ("monotonic", lambda index, row: {True: "yes", False: "no"}.get(row.get("error_gain_monotonic"), overview.ABSENT)))
TERMS = (
    ("Free energy", "the summed precision-weighted squared errors and the token's surprise that settling lowers; nats per token."),
    ("Worth of settling", "nats per token that held-out text costs more when nothing settles at test time; 95 % bootstrap over documents."),
    ("Error × 0, ½, 1, 2", "the next forecast, projected on the way from the forecast without the error (0) to the one with it (1); mean over ticks."),
)


def responded(level):
    found = level.get("error_gain_response")
    return isinstance(found, list) and len(found) == len(GAINS) and all(map(is_number, found))


def course(result):
    """Mean free energy after 0, 1, ... sweeps; None where it was not measured."""
    found = result.summary.get("free_energy")
    return found if isinstance(found, list) and len(found) > 1 and all(map(is_number, found)) else None


def tried(result):
    return result.experiment == "inference" and not result.seeds and (course(result) is not None or any(map(responded, result.levels)))


def pictures(results, rows):
    for result in results:
        if tried(result):
            yield Picture("settling", "What settling does", CAPTION, settling_figure(result), "wide")
            return


def tables(results, rows):
    for result in filter(tried, results):
        yield ("The next forecast after one tick with a scaled error, on the way from 0 to 1", COLUMNS,
               [dict(level, label=label) for level, label in zip(result.levels, result.labels)])


def worth_text(result):
    value = measured(result.summary, "settling_worth_nats")
    return f"{value.text(3)} {value.interval_text(3)}".strip() if value else ""


def facts(result):
    if not tried(result):
        return
    for key, label in (("free_energy_before", "free energy before settling, nats"), ("free_energy_after", "free energy after it, nats")):
        if is_number(result.summary.get(key)):
            yield label, f"{result.summary[key]:.4f}"
    if worth_text(result):
        yield "worth of settling, nats per token", worth_text(result)


def settling_figure(result):
    levels = list(enumerate(result.levels))
    panels = []
    if course(result) is not None:
        panels.append(lambda axes: draw_course(axes, result))
    if any(responded(level) for _, level in levels):
        panels += [lambda axes: draw_response(axes, levels), lambda axes: draw_shift(axes, levels, result.labels)]
    figure, grid = plt.subplots(1, len(panels), figsize=(4.4 * len(panels), 4.9), squeeze=False)
    for axes, draw in zip(grid[0], panels):
        draw(axes)
    if len(panels) > 1:
        style.legend(figure, result.labels, rule="proportional", only=[index for index, level in levels if responded(level)])
    style.frame(figure, 0.42 if len(panels) > 1 else 0.04)
    return figure


def draw_course(axes, result):
    found = course(result)
    axes.plot(range(len(found)), found, color=style.INK, marker="o", markersize=6)
    axes.set_xticks(range(len(found)) if len(found) < 12 else range(0, len(found), len(found) // 6))
    lower = 100 * (1 - found[-1] / found[0])
    axes.set_title(f"Settling lowers the free energy by {lower:.1f} %")
    axes.set_xlabel("sweeps")
    axes.set_ylabel("free energy (nats per token)")
    axes.margins(y=0.12)
    worth = worth_text(result)
    if worth:
        axes.annotate(f"left out at test time it costs\n{worth} nats per token", (0.97, 0.95), xycoords="axes fraction", ha="right", va="top", fontsize=9.5,
                      color=style.SOFT)
    style.grid(axes)


def draw_response(axes, levels):
    """Lines that lie on one another stay visible: each marker is smaller than the one below it."""
    answering = [(index, level) for index, level in levels if responded(level)]
    axes.plot([-0.15, 2.15], [-0.15, 2.15], **style.RULE)
    for order, (index, level) in enumerate(answering):
        axes.plot(GAINS, level["error_gain_response"], zorder=3 + order, markersize=15 - 3.6 * order, marker=style.MARKERS[index % len(style.MARKERS)],
                  markeredgecolor="white", **style.line(index, len(levels)))
    axes.set_xticks(GAINS, ["0", "½", "1", "2"])
    axes.set_title("The error moves the forecast")
    axes.set_xlabel("error multiplied by")
    axes.set_ylabel("next forecast (0: without, 1: with the error)")
    style.grid(axes)


def draw_shift(axes, levels, labels):
    shown = [(index, level["error_gain_shift"]) for index, level in levels if is_number(level.get("error_gain_shift"))]
    places = np.arange(len(shown))
    axes.barh(places, [100 * shift for _, shift in shown], height=0.55, color=[style.colour(index, len(levels)) for index, _ in shown])
    for place, (_, shift) in zip(places, shown):
        axes.annotate(f"{100 * shift:.1f} %", (100 * shift, place), xytext=(5, 0), textcoords="offset points", va="center", fontsize=9.5)
    axes.set_yticks(places, [style.drawable(labels[index]) for index, _ in shown])
    axes.set_title("How far it moves")
    axes.set_xlabel("by the whole error (% of the forecast's length)")
    axes.set_xlim(0, 1.18 * max((100 * shift for _, shift in shown), default=1.0) or 1.0)
    style.grid(axes, "x")
