"""time_scales: what each choice of time constants is worth, and where the levels' time constants ended beside the world's own."""
from .. import style
from ..style import plt
from ..summary import is_number, measured
from . import Picture

TITLE = "What time constants are worth, and which are found"
CAPTION = ("Left: how much of the way from the unigram to the exact observer each choice of time constants goes, over the last third of one online pass; "
           "95 % block bootstrap. Right: the levels' dwell times at the end of it, the mean steps between two switches as each level has it; dotted: the world's own.")
COLUMNS = (
    ("time constants", lambda index, row: row["name"]),
    ("gap closed, 95 %", lambda index, row: text(row, "gap_closed", 3)),
    ("points lost, 95 %", lambda index, row: text(row, "points_lost", 1)),
    ("at the end\n(steps)", lambda index, row: ", ".join(f"{tau:,.3g}" for tau in row.get("time_constants", []))),
    ("dwell times\n(steps)", lambda index, row: ", ".join(f"{tau:,.3g}" for tau in row.get("dwell_times", []))),
    ("world's own found\nwithin a factor 2", lambda index, row: ", ".join(f"{tau:,.4g}" for tau in row.get("found", [])) or "none"),
    ("pairs closer\nthan 1.5", lambda index, row: str(row.get("pairs_closer_than_1_5", ""))),
)
TERMS = (
    ("Gap closed", "(unigram − model) / (unigram − exact observer) in nats per token over the same steps: 1 is as good as can be."),
    ("Points lost", "hundredths of the gap that the model closes less than with the world's own time constants, over the same steps."),
)


def text(row, key, digits):
    value = measured(row, key)
    return "" if value is None else f"{value.text(digits)} {value.interval_text(digits)}".strip()


def drawn(result):
    arms = result.summary.get("arms")
    return result.experiment == "time_scales" and not result.seeds and isinstance(arms, list) and any(measured(arm, "gap_closed") for arm in arms)


def pictures(results, rows):
    for result in filter(drawn, results):
        yield Picture("time_scales", "Time constants", CAPTION, scales_figure(result), "wide")
        return


def tables(results, rows):
    for result in filter(drawn, results):
        yield "The same pass with other time constants", COLUMNS, result.summary["arms"]


def scales_figure(result):
    arms = result.summary["arms"]
    own = [level["time_constant"] for level in result.levels if is_number(level.get("time_constant"))]
    figure, (left, right) = plt.subplots(1, 2, figsize=(11.6, 1.9 + 0.52 * len(arms)), sharey=True)
    for place, arm in enumerate(arms):
        value = measured(arm, "gap_closed")
        if value is not None:
            if value.interval:
                left.plot([100 * end for end in value.interval], [place, place], color=style.SOFT, linewidth=3.2, alpha=0.55, solid_capstyle="butt")
            left.plot([100 * value.value], [place], marker="o", markersize=9, color=style.INK, markeredgecolor="white")
            left.annotate(f"{100 * value.value:.1f} %", (100 * value.value, place), xytext=(0, 8), textcoords="offset points", ha="center", fontsize=9.5)
        taus = arm.get("dwell_times", [])
        for level, tau in enumerate(taus):
            right.plot([tau], [place + 0.09 * (level - (len(taus) - 1) / 2)], zorder=5, **style.marker(level, len(taus), 9.0))  # equal ones stay visible
    for tau in own:
        right.axvline(tau, zorder=1, **style.RULE)
    left.set_yticks(range(len(arms)), [style.drawable(arm["name"]) for arm in arms])
    left.set_ylim(len(arms) - 0.5, -0.6)
    left.margins(x=0.12)
    left.set_xlabel("gap closed (% of unigram to exact observer)")
    left.set_title("What they are worth")
    right.set_xscale("log")
    right.set_xlabel("dwell time at the end (steps)")
    right.set_title("Where they ended")
    right.xaxis.set_major_formatter(plt.FuncFormatter(lambda tau, _: f"{tau:,.10g}"))
    style.grid(left, "x")
    style.legend(figure, [level.get("name", label) for level, label in zip(result.levels, result.labels)], rule="the world's own")
    style.frame(figure)
    return figure
