"""forecasts: what each level's forecast is worth so many tokens later, and which of the words it expected came."""
from .. import overview, style
from ..style import plt
from ..summary import is_number, measured
from . import Picture

TITLE = "How far what each level expects reaches"
CAPTION = ("Left: nats per token by which each level's forecast, as it stands, beats the background on the token that comes so much later in the same document; 95 % bootstrap "
           "over documents. The axis is logarithmic beyond 0.2. The token level's is made for the next token alone. Right: of the words that a level expects most above the background, the part "
           "that came within its window, beside what chance lets one expect of these very words and beside as many other words.")
TICKS = (-5, -2, -1, -0.5, -0.2, -0.1, 0, 0.1, 0.2, 0.5, 1, 2, 5)
LISTS = (("came", "the level's words", 0), ("came_recent_raised", "recent words by lift", 1), ("came_by_chance", "the level's by chance", None))
LEVEL = ("level", lambda index, row: row["label"])
WORDS = (
    LEVEL,
    ("window\n(tokens)", lambda index, row: f"{row['horizon']:,}" if is_number(row.get("horizon")) else overview.ABSENT),
    ("words that\ncame", lambda index, row: part(row, "came")),
    ("by chance", lambda index, row: part(row, "came_by_chance")),
    ("frequent\nwords", lambda index, row: part(row, "came_frequent")),
    ("recent\nwords", lambda index, row: part(row, "came_recent")),
    ("recent words\nby lift", lambda index, row: part(row, "came_recent_raised")),
)
BREADTH = (
    LEVEL,
    *((heading, overview.estimate(key, 3)) for heading, key in (
        ("departure\n(nats)", "departure_nats"), ("below\nminus own", "departure_below_minus_own_nats"), ("entropy\n(nats)", "entropy_nats"),
        ("temper-\nature", "temperature"), ("its window:\nbelow minus own", "window_below_minus_own_nats"))),
)
TERMS = (
    ("Gain", "the background's nats minus the level's, on the same tokens: more is better, 0 is the word frequencies of the training text."),
    ("Lift", "how many times more likely a word is than in the background."),
    ("Departure", "of a level's forecast from the background, relative entropy: less is vaguer; below minus own, above 0: vaguer than the level below at the same moments."),
    ("Temperature", "T at which p^(1/T) foretells the window's words best: above 1 a level is too sure."),
    ("Its window", "what a word of the level's window costs under the level below, more than under its own forecast: above 0 the level foretells it better."),
)


def part(row, key):
    return f"{row[key]:.3f}" if is_number(row.get(key)) else overview.ABSENT


def gains(levels):
    """A column for every distance at which any level was scored."""
    def at(distance):
        return lambda index, row: next((overview.estimate("gain_nats", 3)(index, entry) for entry in reached(row) if entry["distance"] == distance), overview.ABSENT)
    distances = sorted({entry["distance"] for level in levels for entry in reached(level)})
    return (LEVEL, *((f"{distance:,} token{'s' if distance > 1 else ''}\nlater", at(distance)) for distance in distances))


def reached(level):
    """The distances at which the level was scored."""
    entries = level.get("distances")
    return [entry for entry in entries if is_number(entry.get("distance")) and measured(entry, "gain_nats")] if isinstance(entries, list) else []


def drawn(result):
    return result.experiment == "forecasts" and not result.seeds and any(reached(level) for level in result.levels)


def pictures(results, rows):
    for result in filter(drawn, results):
        yield Picture("forecasts", "Forecasts and what came", CAPTION, forecasts_figure(result), "wide")
        return


def tables(results, rows):
    for result in filter(drawn, results):
        levels = [dict(level, label=label) for level, label in zip(result.levels, result.labels)]
        yield "Gain over the background, nats per token; intervals 95 %.", gains(levels), levels
        yield "Of the words that a level expects most above the background, and of as many others, the part that came.", WORDS, [level for level in levels if is_number(level.get("came"))]
        yield "How broad they are; intervals 95 %.", BREADTH, [level for level in levels if measured(level, "departure_nats")]


def forecasts_figure(result):
    count = len(result.levels)
    figure, (left, right) = plt.subplots(1, 2, figsize=(11.6, 4.6), width_ratios=(1.35, 1))
    left.axhline(0, zorder=1, **style.RULE)
    for number, level in enumerate(result.levels):
        entries = reached(level)
        values = [measured(entry, "gain_nats") for entry in entries]
        places = [entry["distance"] * 1.06 ** (number - (count - 1) / 2) for entry in entries]  # intervals side by side
        for place, value in zip(places, values):
            if value.interval:
                left.plot([place, place], value.interval, color=style.colour(number, count), linewidth=3.0, alpha=0.5, solid_capstyle="butt")
        left.plot(places, [value.value for value in values], **style.line(number, count))
        left.plot(places, [value.value for value in values], zorder=5, **style.marker(number, count))
    gains = [end for level in result.levels for entry in reached(level) for value in [measured(entry, "gain_nats")] for end in (value.value, *(value.interval or ()))]
    left.set_yscale("symlog", linthresh=0.2)  # what lasts is small beside what the next token's forecast is worth and costs
    left.set_yticks([tick for tick in TICKS if 1.3 * min(gains + [0]) <= tick <= 1.3 * max(gains + [0])])
    left.set_yticks([], minor=True)
    left.yaxis.set_major_formatter(plt.FuncFormatter(lambda nats, _: f"{nats:g}"))
    left.set_xscale("log")
    left.xaxis.set_major_formatter(plt.FuncFormatter(lambda tokens, _: f"{tokens:,.10g}"))
    left.set_xlabel("tokens later")
    left.set_ylabel("gain over the background (nats per token)")
    left.set_title("What a forecast is worth later")
    style.grid(left)
    words_panel(right, result)
    style.legend(figure, [level.get("name", label) for level, label in zip(result.levels, result.labels)])
    style.frame(figure)
    return figure


def words_panel(axes, result):
    count = len(result.levels)
    shown = [(number, level) for number, level in enumerate(result.levels) if is_number(level.get("came"))]
    for place, (number, level) in enumerate(shown):
        colour = style.colour(number, count)
        for key, _, kind in LISTS:
            if not is_number(level.get(key)):
                continue
            if kind is None:
                axes.plot([100 * level[key]] * 2, [place - 0.22, place + 0.22], color=style.SOFT, linewidth=2.0)
            else:
                axes.plot([100 * level[key]], [place], zorder=5, **{**style.marker(number, count, 9.5), **style.fill(kind, colour)})
    axes.set_yticks(range(len(shown)), [style.drawable(level.get("name", "")) for _, level in shown])
    axes.set_ylim(len(shown) - 0.5, -0.6)
    axes.margins(x=0.12)
    axes.set_xlabel("came within the level's window (%)")
    axes.set_title("Words that came")
    handles = [plt.Line2D([], [], label=label, linestyle="none", marker="|" if kind is None else "s", markersize=9 if kind is None else 7, color=style.INK,
                          **({"markeredgewidth": 2} if kind is None else style.fill(kind, style.INK))) for _, label, kind in LISTS]
    axes.legend(handles=handles, fontsize=9, loc="best")
    style.grid(axes, "x")
