"""scrambled_story, construction, amplification: the laboratory's signatures on text, each beside the control in which it must fail; alignment and divergence
also of any trace that holds what they need."""
import numpy as np

from .. import overview, panels, style
from ..measure_figures import numbers
from ..panels import Panel
from ..style import plt
from ..summary import is_number, measured
from . import Picture

TITLE = "Signatures of the laboratory, on text"
CAPTIONS = {
    "scrambled_story": "Correlation of two copies with different pasts at the same tokens of a story, by the length of the parts whose order each copy draws for itself; "
                       "hollow: its own sentences and paragraphs; rightmost: intact. Shortest scale: the least block at which a level's correlation is 80 % of the "
                       "intact one; it must grow with the level. Hollow there: one time constant at all levels, fed with words, where it must not. Intervals 95 %.",
    "alignment": "Above: correlation, over pairs, of what the two copies of a pair hold, as they read on; steps of a curve are the level's own. Building: copies with "
                 "different pasts read one text from 0 on; letting go: copies with one past read two texts (thin: let go). Below: tokens until the correlation has passed one "
                 "half, and forgetting over alignment, which with a leak of fixed time constant is 1. Intervals 95 %; an arrow means a bound.",
    "divergence": "Root mean square distance of the readings with and without the changed words, over that of two moments drawn at random: 1 is as far apart as "
                  "different texts. Filled: words of one other text; hollow: the control, words that have nothing to do with one another. Intervals 95 %.",
}
TERMS = (
    ("Alignment", "tokens of common text after which two copies with different pasts agree."),
    ("Forgetting", "tokens of different texts after which two copies with one past have parted."),
)


COLUMNS = {
    "scrambled_story": (("shortest scale\n(tokens), 95 %", "shortest_scale", 0),),
    "construction": (("alignment\n(tokens), 95 %", "alignment_time", 1), ("forgetting\n(tokens), 95 %", "forgetting_time", 1),
                     ("forgetting /\nalignment, 95 %", "forgetting_per_alignment", 2)),
    "amplification": (("divergence, 95 %", "divergence", 3), ("of random\nwords, 95 %", "control_divergence", 3), ("ratio, 95 %", "divergence_per_control", 2)),
}


def labelled(result, summary):
    return [dict(level, label=label) for level, label in zip(summary.get("levels", []), result.labels)]


def arms(result):
    """(name, levels' records) of the model and, where there is one, of the control."""
    control = result.summary.get("control")
    memory = result.summary.get("memory", "")
    found = [("", memory, labelled(result, result.summary))]
    if isinstance(control, dict) and control.get("levels"):
        found.append(("_control", control.get("memory", ""), labelled(result, control)))
    return found


def arm_name(suffix, memory):
    return ("The control" if suffix else "The model") + (f" ({memory})" if memory else "")


def pictures(results, rows):
    """Each once."""
    taken = set()
    for result in results:
        if result.seeds:
            continue
        made = [("scrambled_story", "The scrambled story", "scrambled_story", scrambled_figure([levels for _, _, levels in arms(result)]))]
        for suffix, memory, levels in arms(result):
            whose = arm_name(suffix, memory)
            made.append((f"alignment{suffix}", f"Construction and forgetting: {whose[0].lower()}{whose[1:]}", "alignment", alignment_figure(levels, whose)))
        made.append(("divergence", "Amplification", "divergence", divergence_figure(labelled(result, result.summary))))
        for name, title, caption, figure in made:
            if figure is not None and name not in taken:
                taken.add(name)
                yield Picture(name, title, CAPTIONS[caption], figure, "wide")


def tables(results, rows):
    for result in results:
        if result.seeds or result.experiment not in COLUMNS:
            continue
        columns = (overview.COLUMNS[0], overview.COLUMNS[1]) + tuple((heading, overview.estimate(key, digits)) for heading, key, digits in COLUMNS[result.experiment])
        for suffix, memory, levels in arms(result):
            yield arm_name(suffix, memory), columns, levels


def scales_of(level):
    found = level.get("scales")
    return [entry for entry in found if isinstance(entry, dict) and measured(entry, "correlation")] if isinstance(found, list) else []


def scrambled_figure(arms_levels):
    """A panel of curves per arm, and the shortest scales."""
    drawn = [levels for levels in arms_levels if any(scales_of(level) for level in levels)]
    if not drawn:
        return None
    figure, grid = plt.subplots(1, len(drawn) + 1, figsize=(1.0 + 4.6 * (len(drawn) + 1), 4.8), width_ratios=[1.2] * len(drawn) + [1], squeeze=False)
    for axes, levels, title in zip(grid[0], drawn, ("The model", "Control: equal time constants")):
        draw_scales(axes, levels)
        axes.set_title(title)
    records = [dict(level) for level in drawn[0]]
    for record, level in zip(records, drawn[1] if len(drawn) > 1 else ()):
        record.update({f"control_{key}": value for key, value in level.items() if key.startswith("shortest_scale")})
    panel = Panel("Shortest scale", "tokens", (("shortest_scale", "the model"), ("control_shortest_scale", "equal time constants")), "log")
    shown = panels.drawn((panel,), records)
    for made in shown:
        panels.level_panel(grid[0][-1], made, records, range(len(records)))
        grid[0][-1].set_yticks(range(len(records)), [style.drawable(record["label"]) for record in records])
    if not shown:
        grid[0][-1].set_axis_off()
    panels.legends(figure, grid[0][-1:], shown, inside=True)
    panels.heading(figure, "How alike two readings are, by the length of what was left undisturbed")
    style.legend(figure, [record["label"] for record in records])
    style.frame(figure, top=0.36)
    return figure


def draw_scales(axes, levels):
    count = len(levels)
    longest = max(entry["tokens"] for level in levels for entry in scales_of(level) if is_number(entry.get("tokens")))
    for number, level in enumerate(levels):
        entries = scales_of(level)
        place = {id(entry): entry.get("tokens", 4 * longest) * 1.05 ** (number - (count - 1) / 2) for entry in entries}  # intervals side by side
        blocks = [entry for entry in entries if entry["name"].isdigit()]
        units = [entry for entry in entries if not entry["name"].isdigit() and "tokens" in entry]
        intact = [entry for entry in entries if "tokens" not in entry]
        axes.plot([place[id(entry)] for entry in blocks], [entry["correlation"] for entry in blocks], **style.line(number, count))
        for entry in entries:
            value = measured(entry, "correlation")
            if value.interval:
                axes.plot([place[id(entry)]] * 2, value.interval, color=style.colour(number, count), linewidth=3.0, alpha=0.5, solid_capstyle="butt")
        for entry in blocks + intact:
            axes.plot([place[id(entry)]], [entry["correlation"]], zorder=5, **style.marker(number, count))
        for entry in units:
            axes.plot([place[id(entry)]], [entry["correlation"]], zorder=5,
                      **{**style.marker(number, count, 7.0), **style.fill(1, style.colour(number, count))})
    ticks = sorted({entry["tokens"] for level in levels for entry in scales_of(level) if entry["name"].isdigit()})
    axes.set_xscale("log")
    axes.set_xticks(ticks + [4 * longest], [f"{tick:,.10g}" for tick in ticks] + ["intact"])
    axes.set_xticks([], minor=True)
    axes.set_ylim(min(-0.02, axes.get_ylim()[0]), 1.02)
    axes.set_xlabel("tokens of a part")
    axes.set_ylabel("correlation of the two readings")
    style.grid(axes)


AGREEMENT = {"alignment": ("Building: different pasts, then one text", "tokens of the common text read"),
             "forgetting": ("Letting go: one past, then different texts", "tokens read since the texts part")}


def alignment_figure(levels, whose):
    times = (Panel("How long until the correlation passes ½", "tokens (log axis)", (("alignment_time", "building (alignment)"), ("forgetting_time", "letting go (forgetting)")), "tokens"),
             Panel("Is it faster at letting go?", "forgetting time / alignment time (below 1: faster)", (("forgetting_per_alignment", ""),), "linear", (1.0, "a fixed leak alone"), True))
    shown = panels.drawn(times, levels)
    if not shown:
        return None
    curves = [kind for kind in ("alignment", "forgetting") if any(numbers(level, f"{kind}_correlation") for level in levels)]
    lines = 2 if curves else 1
    columns = max(len(curves), len(shown))
    figure, grid = plt.subplots(lines, columns, figsize=(1.0 + 5.4 * columns, 0.6 + 4.2 * lines), squeeze=False)
    for axes, kind in zip(grid[0], curves):
        draw_agreement(axes, levels, kind)
    for axes in [*grid[0][len(curves):] * (lines > 1), *grid[-1][len(shown):]]:
        axes.set_axis_off()
    for axes, panel in zip(grid[-1], shown):
        panels.level_panel(axes, panel, levels, range(len(levels)))
        axes.set_yticks(range(len(levels)), [style.drawable(level["label"]) for level in levels])
    panels.legends(figure, grid[-1], shown, inside=True)
    panels.heading(figure, f"{whose}: how long each level takes to build a context, and to let one go")
    style.legend(figure, [level["label"] for level in levels])
    style.frame(figure, top=0.36)
    return figure


def draw_agreement(axes, levels, kind):
    count = len(levels)
    axes.axhline(0.5, zorder=1, **style.RULE)
    longest = 1.0
    for number, level in enumerate(levels):
        time, r = numbers(level, f"{kind}_elapsed"), numbers(level, f"{kind}_correlation")
        if time and r and len(time) == len(r):
            later = np.flatnonzero(np.asarray(r) < 0.5) if kind == "forgetting" else np.empty(0)
            crossed = int(later[0]) + 1 if later.size else len(r)  # of what was let go only noise is left: thin
            axes.plot(time[:crossed], r[:crossed], zorder=3, **style.line(number, count))
            axes.plot(time[crossed - 1:], r[crossed - 1:], zorder=2, alpha=0.45, **{**style.line(number, count), "linewidth": 1.0})
            longest = max(longest, time[-1])
    title, label = AGREEMENT[kind]
    style.token_axis(axes, longest)
    axes.set_title(title)
    axes.set_xlabel(f"{label} (up to {longest:,.0f}; log axis)")
    axes.set_ylabel("correlation of the two copies, over pairs")
    style.grid(axes)


def divergence_figure(levels):
    return panels.level_figure(
        levels, (Panel("Divergence", "distance of the readings / of two moments drawn at random", (("divergence", "words of one other text"), ("control_divergence", "random words")),
                       "linear", (0.0, "")),
                 Panel("Related over random", "divergence / that of the control", (("divergence_per_control", ""),), "linear", (1.0, "no more than random words"), True)),
        "What a few changed words come to")
