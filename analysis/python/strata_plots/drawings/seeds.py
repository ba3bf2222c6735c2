"""Several seeds of one experiment: every run's value, their mean and standard deviation, measure by measure."""
import math

from .. import overview, style
from ..style import plt
from ..summary import is_number, measured, number
from ..weight import plain_ticks
from . import Picture

TITLE = "The same experiment with several seeds"
CAPTION = ("One dot per seed, a bar at their mean, a line one standard deviation to each side of it. An arrow means at least, or at most. There "
           "is a mean only where every seed measured it.")
# Of a level: key, name, logarithmic axis, digits. Of the whole: key, name, digits.
LEVEL_MEASURES = (
    ("peak_error", "Peak error (× usual)", False, 2), ("recovery", "Recovery (tokens)", True, 0), ("error_recovery", "Error recovery (tokens)", True, 0),
    ("half_life", "Half-life (tokens)", True, 0), ("tokens_to_switch", "Tokens to switch", True, 0), ("evidence_nats", "Evidence (nats)", False, 1),
    ("prediction_nats", "Prediction (nats per token)", False, 3), ("topdown_gain_nats", "Worth: mean instead (nats)", False, 4),
    ("topdown_swap_nats", "Worth: swap instead (nats)", False, 4), ("error_gain_shift", "Forecast's shift by the error", False, 3))
WHOLE_MEASURES = (
    ("perplexity", "perplexity", 2), ("bits_per_byte", "bits per byte", 4), ("nats_per_token", "nats per token", 4), ("unigram_nats", "unigram (nats)", 4),
    ("inertia_ratio", "half-life ratio per level", 2), ("half_life_rho", "half-life ratio per level", 2), ("free_energy_before", "free energy before settling (nats)", 4),
    ("free_energy_after", "free energy after settling (nats)", 4), ("settling_worth_nats", "worth of settling (nats)", 4))
TERMS = (("Mean ± standard deviation", "over the seeds; the deviation is that of one run, not of the mean. Each seed's folder has a report of its own."),)


def panels_of(result):
    """The level measures that at least one seed has."""
    return [entry for entry in LEVEL_MEASURES
            if any(measured(level, entry[0]) for summary in result.seeds.values() for level in summary.get("levels", []))]


def pictures(results, rows):
    for result in results:
        if result.seeds and panels_of(result):
            yield Picture("seeds", f"{result.experiment}: {len(result.seeds)} seeds", CAPTION, seeds_figure(result),
                          "wide" if len(panels_of(result)) > 1 else "narrow")
            return


def spread_text(level, key, digits):
    mean, sd = level.get(key), level.get(f"{key}_sd")
    if not (is_number(mean) and is_number(sd)):
        return overview.ABSENT
    return f"{number(mean, digits)} ± {number(sd, max(digits, 1))}"


def tables(results, rows):
    for result in results:
        if result.seeds:
            columns = (overview.COLUMNS[0],) + tuple((title, lambda index, row, key=key, digits=digits: spread_text(row, key, max(digits, 1)))
                                                     for key, title, _, digits in LEVEL_MEASURES)
            yield "Mean ± standard deviation over the seeds", columns, [dict(level, label=label) for level, label in zip(result.levels, result.labels)]


def facts(result):
    if result.seeds:
        yield "seeds", ", ".join(map(str, result.seeds))
        for key, title, digits in WHOLE_MEASURES:
            if is_number(result.summary.get(f"{key}_sd")):
                yield title, spread_text(result.summary, key, digits)


def seeds_figure(result):
    panels = panels_of(result)
    across = min(3, len(panels))
    down = math.ceil(len(panels) / across)
    height = (1.25 + 0.46 * len(result.labels)) * down + 0.5
    figure, grid = plt.subplots(down, across, figsize=(4.4 * across + 0.4 if across > 1 else 7.6, height), squeeze=False, sharey=True)
    for axes, (key, title, log, digits) in zip(grid.flat, panels):
        draw_measure(axes, result, key, log, digits)
        axes.set_title(title)
    for axes in grid.flat[len(panels):]:
        axes.set_axis_off()
    figure.suptitle(style.drawable(f"{result.experiment}: seeds {', '.join(map(str, result.seeds))}"), fontsize=13, fontweight="bold", x=0.012,
                    y=1.0 - 0.1 / height, ha="left", va="top")
    style.frame(figure, 0.04, 0.38)
    return figure


def draw_measure(axes, result, key, log, digits):
    count, seen = len(result.labels), []
    for index in range(count):
        values = [measured(summary["levels"][index], key) for summary in result.seeds.values() if index < len(summary.get("levels", []))]
        values = [value for value in values if value is not None and (not log or value.value > 0)]
        for place, value in enumerate(values):
            height = index + 0.26 * (place / max(len(values) - 1, 1) - 0.5)
            if value.bound:
                style.arrow(axes, (value.value, height), (20 if value.bound == "at_least" else -20, 0), style.colour(index, count))
            axes.plot([value.value], [height], zorder=4, alpha=0.85, **style.marker(index, count, 7.0))
            seen.append(value.value)
        draw_mean(axes, result.levels[index], key, index, log)
    axes.set_yticks(range(count), [style.drawable(label) for label in result.labels])
    axes.set_ylim(-0.6, count - 0.4)
    if log and seen:
        axes.set_xscale("log")
        low, high = min(seen) / 1.8, max(seen) * 2.2
        axes.set_xlim(low, high)
        plain_ticks(axes.xaxis, low, high)
    else:
        axes.margins(x=0.12)
    style.grid(axes, "x")


def draw_mean(axes, level, key, index, log):
    mean, sd = level.get(key), level.get(f"{key}_sd")
    if not (is_number(mean) and is_number(sd)):
        return
    low = max(mean - sd, mean * 0.02) if log else mean - sd
    axes.plot([low, mean + sd], [index, index], color=style.INK, linewidth=1.3, zorder=3)
    axes.plot([mean, mean], [index - 0.27, index + 0.27], color=style.INK, linewidth=1.6, zorder=3)
