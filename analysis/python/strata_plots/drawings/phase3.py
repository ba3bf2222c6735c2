"""phase3: dynamic depth against every fixed depth, and how many levels were awake and in use while the text was read."""
import re

from .. import style
from ..style import plt
from ..summary import is_number, signed
from . import Picture

TITLE = "How many levels the text asked for"
CAPTION = ("Left: nats per token of the held-out documents at every fixed depth, and of dynamic depth at the depth it ended with; small marks: single seeds. Right: levels "
           "awake (steps) and in use (dashed), one colour per seed, over the tokens learned from; crosses: trials that were refused.")
TERMS = (
    ("Dynamic depth", "levels wake and fall asleep while the text is read, each after a trial beside a twin without it; a fixed depth is chosen before, and which is best is known only afterwards."),
    ("In use", "by how many levels the words of the moment are best foreseen, as each stream of text has it, on average."),
)


def cell(row, key, form):
    return form.format(row[key]) if is_number(row.get(key)) else ""


COLUMNS = (
    ("depth", lambda index, row: row["name"]),
    ("nats per token", lambda index, row: cell(row, "nats_per_token", "{:.4f}")),
    ("more than\nthe best fixed", lambda index, row: signed(row["more_nats"], 4) if is_number(row.get("more_nats")) else "best"),
    ("95 %", lambda index, row: "[{}, {}]".format(*(signed(end, 4) for end in row["more_nats_ci95"])) if row.get("more_nats_ci95") else ""),
    ("levels at\nthe end", lambda index, row: cell(row, "depth", "{:.2f}")),
    ("in use", lambda index, row: cell(row, "levels_in_use", "{:.2f}")),
    ("first halves\nof documents", lambda index, row: cell(row, "levels_in_use_begin", "{:.2f}")),
    ("second halves", lambda index, row: cell(row, "levels_in_use_end", "{:.2f}")),
    ("nats on\nthe way", lambda index, row: cell(row, "on_the_way_nats", "{:.4f}")),
)


def arms_of(result):
    arms = result.summary.get("arms")
    if result.experiment != "phase3" or result.seeds or not isinstance(arms, list):
        return []
    return [arm for arm in arms if is_number(arm.get("nats_per_token")) and is_number(arm.get("depth"))]


def pictures(results, rows):
    for result in results:
        if len(arms_of(result)) > 1:
            yield Picture("phase3", "Dynamic and fixed depth", CAPTION, depth_figure(result), "wide")
            return


def tables(results, rows):
    for result in results:
        if arms_of(result):
            yield "Every depth", COLUMNS, arms_of(result)


def draw_arms(axes, dynamic, fixed):
    axes.plot([arm["depth"] for arm in fixed], [arm["nats_per_token"] for arm in fixed], color=style.SOFT, marker="o", markersize=7, label="fixed")
    for arm in (*fixed, dynamic):
        for levels, nats in zip(arm.get("depth_by_seed", []), arm.get("nats_per_token_by_seed", [])):
            axes.plot([levels], [nats], marker="_", markersize=9, color=style.INK, alpha=0.5)
    axes.plot([dynamic["depth"]], [dynamic["nats_per_token"]], color=style.INK, marker="D", markersize=9, linestyle="none", markeredgecolor="white", label="dynamic")
    axes.set_xticks(sorted({round(arm["depth"]) for arm in (*fixed, dynamic)}))
    axes.set_xlabel("levels")
    axes.set_ylabel("nats per token, held out")
    axes.set_title("What each depth costs")
    axes.legend()


def steps_of(growth):
    """Tokens and levels of a line of steps."""
    tokens, levels = [0], [growth["first"]]
    for judgement in growth.get("judgements", []):
        if judgement["verdict"] == "taken":
            tokens += [judgement["tokens"], judgement["tokens"]]
            levels += [levels[-1], judgement["to"]]
    return tokens, levels


def draw_course(axes, seeds):
    for number, growth in enumerate(seeds):
        colour = style.colour(number, len(seeds))
        tokens, levels = steps_of(growth)
        end = max([*growth.get("in_use_tokens", []), *(judgement["tokens"] for judgement in growth.get("judgements", [])), tokens[-1]])
        axes.plot([*tokens, end], [*levels, levels[-1]], color=colour)
        axes.plot(growth.get("in_use_tokens", []), growth.get("in_use_levels", []), color=colour, linewidth=0.9, linestyle="--")
        refused = [judgement for judgement in growth.get("judgements", []) if judgement["verdict"] == "refused"]
        axes.plot([judgement["tokens"] for judgement in refused], [judgement["to"] for judgement in refused], color=colour, marker="x", markersize=6, linestyle="none")
    axes.set_xlabel("tokens learned from")
    axes.set_ylabel("levels")
    axes.set_title("Awake and in use")
    grey = {"color": style.SOFT}
    axes.legend(handles=[plt.Line2D([], [], **grey, label="awake"), plt.Line2D([], [], **grey, linewidth=0.9, linestyle="--", label="in use"),
                         plt.Line2D([], [], **grey, marker="x", markersize=6, linestyle="none", label="refused")], loc="best")


def depth_figure(result):
    arms = arms_of(result)
    dynamic = next(arm for arm in arms if arm["name"] == "dynamic")
    fixed = sorted((arm for arm in arms if re.match(r"\d", arm["name"])), key=lambda arm: arm["depth"])
    figure, (left, right) = plt.subplots(1, 2, figsize=(11.6, 4.4))
    draw_arms(left, dynamic, fixed)
    draw_course(right, result.summary.get("growth", []))
    for axes in (left, right):
        style.grid(axes, "y")
    style.frame(figure)
    return figure
