"""ablation: what each term of the objective and each part of the schedule costs or saves, in nats per token and per level."""
from .. import style
from ..style import plt
from ..summary import is_number, number, signed
from . import Picture

TITLE = "What each term and schedule is worth"
CAPTION = ("Left: nats per token more than the same hierarchy without it, over the same held-out documents; 95 % bootstrap over documents, seeds averaged; small marks: "
           "single seeds. Right: nats per word of what each level expects of its own unit, more than without; bars: standard error over seeds. Left of the line is better.")
TERMS = (
    ("More nats", "what the next token costs on average beyond what it costs the hierarchy without this term or schedule; negative: it helps."),
    ("Own unit", "the words of the sentence, paragraph or document that a level expects as a whole."),
)


def row_of(row, key, digits=4):
    return signed(row[key], digits) if is_number(row.get(key)) else ""


def level_cells(row, key, form):
    return ", ".join(form(level[key]) for level in row.get("levels", []) if is_number(level.get(key)))


COLUMNS = (
    ("with", lambda index, row: row["name"]),
    ("nats per token", lambda index, row: f"{row['nats_per_token']:.4f}"),
    ("more than without", lambda index, row: row_of(row, "more_nats")),
    ("95 %", lambda index, row: "[{}, {}]".format(*(signed(end, 4) for end in row["more_nats_ci95"])) if row.get("more_nats_ci95") else ""),
    ("nats more per word\nof each level's unit", lambda index, row: level_cells(row, "more_prediction_nats", lambda nats: signed(nats, 3))),
    ("top-down gain\nby level", lambda index, row: level_cells(row, "topdown_gain_nats", lambda nats: number(nats, 4))),
    ("half-lives,\nratio", lambda index, row: f"{row['half_life_rho']:.2f}" if is_number(row.get("half_life_rho")) else ""),
    ("weights", lambda index, row: f"{row['parameters']:,.0f}" if is_number(row.get("parameters")) else ""),
    ("tokens\nlearned from", lambda index, row: f"{row['tokens_read']:,.0f}" if is_number(row.get("tokens_read")) else ""),
)


def arms_of(result):
    arms = result.summary.get("arms")
    if result.experiment not in ("ablation", "phase1", "phase2") or result.seeds or not isinstance(arms, list):
        return []
    return [arm for arm in arms if is_number(arm.get("more_nats"))]


def pictures(results, rows):
    for result in results:
        if arms_of(result):
            yield Picture("ablation", "Terms and schedules", CAPTION, ablation_figure(result), "wide")
            return


def tables(results, rows):
    for result in results:
        if arms_of(result):
            yield "Every arm beside the hierarchy without it", COLUMNS, result.summary["arms"]


def ablation_figure(result):
    arms = arms_of(result)
    names = [level.get("name", label) for level, label in zip(result.levels, result.labels)]
    figure, (left, right) = plt.subplots(1, 2, figsize=(11.6, 2.0 + 0.42 * len(arms)), sharey=True)
    for place, arm in enumerate(arms):
        if arm.get("more_nats_ci95"):
            left.plot(arm["more_nats_ci95"], [place, place], color=style.SOFT, linewidth=3.2, alpha=0.55, solid_capstyle="butt")
        for seed in arm.get("more_nats_by_seed", []):
            left.plot([seed], [place], marker="|", markersize=8, color=style.INK, alpha=0.5)
        left.plot([arm["more_nats"]], [place], marker="o", markersize=7.5, color=style.INK, markeredgecolor="white")
        for index, level in enumerate(arm.get("levels", [])):
            if not is_number(level.get("more_prediction_nats")):
                continue
            at, error = place + 0.16 * (index - len(names) / 2), level.get("more_prediction_nats_se", 0.0)
            look = style.marker(index, len(names), 7.0)
            right.plot([level["more_prediction_nats"] - error, level["more_prediction_nats"] + error], [at, at], color=look.get("color", style.INK), linewidth=1.6)
            right.plot([level["more_prediction_nats"]], [at], zorder=5, **look)
    for axes in (left, right):
        axes.axvline(0, zorder=1, **style.RULE)
        axes.margins(x=0.08)
        style.grid(axes, "x")
    left.set_yticks(range(len(arms)), [style.drawable(arm["name"]) for arm in arms])
    left.set_ylim(len(arms) - 0.5, -0.6)
    left.set_xlabel("nats per token, more than without")
    left.set_title("The next token")
    right.set_xlabel("nats per word of the sentence, paragraph or document that the level expects,\nmore than without")
    right.set_title("The words of each level's own unit")
    style.legend(figure, names, rule="no difference", only=range(1, len(names)))
    style.frame(figure)
    return figure
