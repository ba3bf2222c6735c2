"""evaluate: each level's own prediction beside its baselines, and what its share of the output stream is worth to the next token."""
from .. import overview, style
from ..style import plt
from ..summary import is_number, measured
from . import Picture

TITLE = "How well each level predicts, and what it is worth to the next token"
CAPTION = ("Left: nats per token of each level's own prediction of held-out text beside two forecasts without a hierarchy (the lower, the better). "
           "Right: what the next token loses when the level's share of the stream is replaced by its slow mean, or by the share in another document; "
           "95 % bootstrap over documents.")
WHOLE = "whole stream"
MARKS = (("prediction_nats", "own prediction", "filled"), ("baseline_nats", "best decaying unigram", "hollow"), ("unigram_nats", "unigram", "rule"))
COLUMNS = (overview.COLUMNS[0], overview.COLUMNS[1]) + tuple(
    (heading, overview.estimate(key, digits)) for heading, key, digits in (
        ("prediction\n(nats)", "prediction_nats", 3), ("decaying\nunigram (nats)", "baseline_nats", 3), ("unigram\n(nats)", "unigram_nats", 3),
        ("entropy\n(nats)", "entropy_nats", 3), ("from the\nbackground (nats)", "background_kl_nats", 3),
        ("worth: mean\n(nats), 95 %", "topdown_gain_nats", 4), ("worth: swap\n(nats), 95 %", "topdown_swap_nats", 4)))
TERMS = (
    ("Prediction", "nats per token of what the level itself expects: the next token at the token level, its broad forecast of the tokens to come above it."),
    ("Decaying unigram", "counts of the tokens just read, forgotten with the level's own time constant, mixed with the unigram at the best weight."),
    ("Entropy, departure", "how spread the level's forecast is, and how far it leaves the long-run mean (relative entropy)."),
    ("Worth", "nats per token that the next token costs more when the level's share of the output stream is replaced: by its slow mean, or swapped."),
)


def scored(result):
    return result.experiment == "evaluate" and not result.seeds and any(measured(level, "prediction_nats") for level in result.levels)


def with_unigram(result):
    """The levels, with the summary's unigram at the token level."""
    levels = [dict(level, label=label) for level, label in zip(result.levels, result.labels)]
    if levels and is_number(result.summary.get("unigram_nats")):
        levels[0].setdefault("unigram_nats", result.summary["unigram_nats"])
    return levels


def pictures(results, rows):
    for result in results:
        if scored(result):
            yield Picture("scores", "Prediction of held-out text", CAPTION, scores_figure(result), "wide")
            return


def tables(results, rows):
    for result in filter(scored, results):
        whole = [{**result.summary["stream"], "label": WHOLE}] if isinstance(result.summary.get("stream"), dict) else []
        yield "Information in nats per token; intervals 95 %.", COLUMNS, with_unigram(result) + whole


def facts(result):
    for key, label in (("held_out_tokens", "tokens scored"), ("held_out_documents", "documents scored"), ("unigram_nats", "unigram, nats per token"),
                       ("parameters", "parameters")):
        if scored(result) and is_number(result.summary.get(key)):
            yield label, f"{result.summary[key]:,.4g}" if key == "unigram_nats" else f"{result.summary[key]:,}"


def scores_figure(result):
    levels = with_unigram(result)
    worth = [level for level in levels if measured(level, "topdown_gain_nats")]
    height = 2.6 + 0.62 * len(levels)
    figure, grid = plt.subplots(1, 2 if worth else 1, figsize=(12.4 if worth else 7.4, height), squeeze=False)
    draw_predictions(grid[0][0], levels)
    if worth:
        draw_worth(grid[0][1], levels, result.summary.get("stream"))
    head = [f"{name} {value:,.{digits}f}" for name, value, digits in (
        ("perplexity", result.summary.get("perplexity"), 2), ("bits per byte", result.summary.get("bits_per_byte"), 3)) if is_number(value)]
    figure.suptitle("Held-out text" + (f": {', '.join(head)}" if head else ""), fontsize=13, fontweight="bold", x=0.012, y=1.0 - 0.1 / height, ha="left", va="top")
    style.frame(figure, 0.04, 0.38)
    return figure


def level_axis(axes, labels):
    """Lowest level at the bottom; room for the legend below it."""
    axes.set_yticks(range(len(labels)), [style.drawable(label) for label in labels])
    axes.set_ylim(-0.95, len(labels) - 0.45)
    style.grid(axes, "x")


def draw_predictions(axes, levels):
    for index, level in enumerate(levels):
        for key, _, kind in MARKS:
            value = measured(level, key)
            if value is None:
                continue
            if kind == "rule":
                axes.plot([value.value] * 2, [index - 0.3, index + 0.3], color=style.SOFT, linewidth=1.5, zorder=2)
            else:
                shape = {"markerfacecolor": "white", "markeredgecolor": style.colour(index, len(levels)), "markeredgewidth": 2.0} if kind == "hollow" else {}
                axes.plot([value.value], [index], zorder=5 if kind == "filled" else 4, **{**style.marker(index, len(levels), 10.0), **shape})
    level_axis(axes, [level["label"] for level in levels])
    axes.set_title("How well each level predicts")
    axes.set_xlabel("nats per token (lower is better)")
    axes.margins(x=0.09)
    handles = [plt.Line2D([], [], marker="s", markersize=8, color=style.INK, linestyle="none", label=MARKS[0][1]),
               plt.Line2D([], [], marker="s", markersize=8, color=style.INK, markerfacecolor="white", markeredgewidth=2, linestyle="none", label=MARKS[1][1]),
               plt.Line2D([], [], color=style.SOFT, linewidth=1.5, marker="|", markersize=12, linestyle="none", label=MARKS[2][1])]
    axes.legend(handles=handles, loc="lower center", fontsize=9.5, ncols=3, handletextpad=0.2, columnspacing=1.2, borderaxespad=0.1)


def draw_worth(axes, levels, stream):
    """Mean as a filled, swap as a hollow marker, with intervals; the whole stream above the levels."""
    lines = [(index, level) for index, level in enumerate(levels) if measured(level, "topdown_gain_nats")]
    lines += [(len(levels), {**stream, "label": WHOLE})] if isinstance(stream, dict) and measured(stream, "topdown_gain_nats") else []
    for place, (index, line) in enumerate(lines):
        colour = style.colour(index, len(levels)) if index < len(levels) else style.INK
        for key, offset, hollow in (("topdown_gain_nats", 0.14, False), ("topdown_swap_nats", -0.14, True)):
            value = measured(line, key)
            if value is None:
                continue
            if value.interval is not None:
                axes.plot(value.interval, [place + offset] * 2, color=colour, linewidth=3.0, alpha=0.55, solid_capstyle="butt", zorder=3)
            mark = {**style.marker(index, len(levels) + 1, 8.5), "color": colour}
            if hollow:
                mark.update(markerfacecolor="white", markeredgecolor=colour, markeredgewidth=1.8)
            axes.plot([value.value], [place + offset], zorder=5, **mark)
    axes.axvline(0.0, **style.RULE)
    level_axis(axes, [line["label"] for _, line in lines])
    axes.set_title("What its share of the stream is worth")
    axes.set_xlabel("nats per token that the next token costs without it")
    handles = [plt.Line2D([], [], marker="s", markersize=8, color=style.INK, linestyle="none", label="slow mean instead"),
               plt.Line2D([], [], marker="s", markersize=8, color=style.INK, markerfacecolor="white", markeredgewidth=1.8, linestyle="none",
                          label="another document's instead")]
    axes.legend(handles=handles, loc="lower center", fontsize=9.5, ncols=2, handletextpad=0.2, columnspacing=1.2, borderaxespad=0.1)
