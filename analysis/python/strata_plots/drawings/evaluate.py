"""evaluate: each level's own prediction beside its baselines, and what its share of the output stream is worth to the next token."""
from .. import overview, panels, style
from ..panels import Panel
from ..style import plt
from ..summary import is_number, measured
from . import Picture

TITLE = "How well each level predicts, and what it is worth to the next token"
CAPTION = ("Left: what held-out text costs under each level's own forecast, nats per token at the token level, nats per word of the level's own unit (sentence, "
           "paragraph, document) above it, beside two forecasts without a hierarchy; the lower, the better. "
           "Right: what the next token loses when the level's share of the stream is replaced by its slow mean, or by the share in another document; "
           "95 % bootstrap over documents.")
WHOLE = "whole stream"
PANELS = (Panel("What each level's own forecast costs", "nats per token at the token level, above it nats per word\nof the level's own unit (sentence, paragraph, ..); lower is better",
                (("prediction_nats", "its forecast"), ("baseline_nats", "best decaying unigram"), ("unigram_nats", "unigram"))),
          Panel("What its share of the stream is worth", "nats per token that the next token costs more\nwith the share replaced (further right: worth more)",
                (("topdown_gain_nats", "by its slow mean"), ("topdown_swap_nats", "by another document's")), "linear", (0.0, None)))
COLUMNS = (overview.COLUMNS[0], overview.COLUMNS[1]) + tuple(
    (heading, overview.estimate(key, digits)) for heading, key, digits in (
        ("prediction\n(nats)", "prediction_nats", 3), ("decaying\nunigram (nats)", "baseline_nats", 3), ("unigram\n(nats)", "unigram_nats", 3),
        ("entropy\n(nats)", "entropy_nats", 3), ("from the\nbackground (nats)", "background_kl_nats", 3),
        ("worth: mean\n(nats), 95 %", "topdown_gain_nats", 4), ("worth: swap\n(nats), 95 %", "topdown_swap_nats", 4)))
TERMS = (
    ("Prediction", "nats that the text costs under what the level itself expects: per token at the token level, per word of its own unit above it."),
    ("Own unit", "the words of the sentence, paragraph or document that a level expects as a whole."),
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
        yield "In nats: prediction to entropy per token at the token level, per word of the level's own unit above it; worth per token. Intervals 95 %.", COLUMNS, with_unigram(result) + whole


def facts(result):
    for key, label in (("held_out_tokens", "tokens scored"), ("held_out_documents", "documents scored"), ("unigram_nats", "unigram, nats per token"),
                       ("parameters", "parameters")):
        if scored(result) and is_number(result.summary.get(key)):
            yield label, f"{result.summary[key]:,.4g}" if key == "unigram_nats" else f"{result.summary[key]:,}"


def scores_figure(result):
    levels = with_unigram(result)
    lines = levels + ([{**result.summary["stream"], "label": WHOLE}] if isinstance(result.summary.get("stream"), dict) else [])
    shown = panels.drawn(PANELS, lines)
    rows = [[index for index, line in enumerate(lines) if any(measured(line, key) for key, _ in panel.keys)] for panel in shown]
    figure, grid = plt.subplots(1, len(shown), figsize=(12.8 if len(shown) > 1 else 7.8, 2.6 + 0.62 * len(levels)), squeeze=False)
    for axes, panel, held in zip(grid[0], shown, rows):
        panels.level_panel(axes, panel, lines, held)
        axes.set_yticks(range(len(held)), [style.drawable(lines[index]["label"]) for index in held])
    head = [f"{name} {value:,.{digits}f}" for name, value, digits in (
        ("perplexity", result.summary.get("perplexity"), 2), ("bits per byte", result.summary.get("bits_per_byte"), 3)) if is_number(value)]
    style.heading(figure, "Held-out text" + (f": {', '.join(head)}" if head else ""))
    style.frame(figure, panels.legends(figure, grid[0], shown, inside=True), 0.38)
    return figure
