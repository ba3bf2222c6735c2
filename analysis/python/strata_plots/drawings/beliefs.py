"""The main job, surprise_recovery and belief_inertia: whatever trace holds a second copy under /conditions, whoever wrote it."""
from .. import figures, overview, readpage, weight
from ..markup import table_html
from ..summary import condition_levels, is_number
from . import Picture

TITLE = "How each level was surprised, how fast it recovered, how heavy its belief is"
COLUMNS = overview.COLUMNS + (
    ("peak surprise\n(nats)", lambda index, row: overview.nats(row, "peak_surprise")),
    ("excess in the\npassage (nats)", lambda index, row: overview.nats(row, "excess_nats_passage", "excess_nats")),
    ("excess after\nit (nats)", lambda index, row: overview.nats(row, "excess_nats_after")),
    ("censored\n(recovery)", lambda index, row: overview.percent(row, "recovery_censored_fraction")),
    ("censored\n(half-life)", lambda index, row: overview.percent(row, "half_life_censored_fraction")),
)
SURPRISE_COLUMNS = tuple(column for column in COLUMNS if column[0].split("\n")[0] in (
    "level", "peak surprise", "excess in the", "excess after"))
MAIN_COLUMNS = tuple(column for column in COLUMNS if column not in SURPRISE_COLUMNS or column[0] == "level")
THIRDS = (COLUMNS[0],) + tuple((f"{third}\nsurprise", lambda index, row, key=f"half_life_{third}_surprise": overview.tokens(row, key, interval=True))
                               for third in ("low", "middle", "high"))
CONDITION_COLUMNS = tuple(column for column in COLUMNS if column[0].split("\n")[0] in (
    "level", "peak error", "recovery", "error recovery", "peak surprise", "excess in the", "excess after")) + (
    ("censored\n(recovery)", lambda index, row: overview.percent(row, "censored_fraction")),)
TERMS = (
    ("Peak error", "the largest prediction error, precision-weighted, as a multiple of its usual size in the same text without the passage."),
    ("Recovery", "tokens after the passage until the trial-averaged distance from the undisturbed copy is a tenth of what it was at the passage's end."),
    ("Error recovery", "tokens after the peak until the windowed error is within a tenth of usual."),
    ("Half-life", "two copies with different histories read the same text, learning off: tokens until their expectations are half as far apart."),
    ("Tokens to switch", "after a change of document, tokens until the belief is nearer to a copy that always read the new one than to one that stayed."),
    ("Evidence", "excess surprise, summed over the tokens up to the half-life; where true contexts are known, log-likelihood ratio of the new against the old context that "
     "a level took from a switch until it believed in it; nats."),
    ("Censored, ≥", "the text ended before it came back: the value is a lower bound (≥, at least), and the share of such places is given."),
)
HEADINGS = {"recovery": "How far each level was moved, and how long until it was back", "surprise": "How each level was surprised, and what it cost"}
CAPTIONS = {
    "recovery": "One row per disturbance, a marker per level: distance from the undisturbed copy at its end, and tokens until a tenth of that is left. Intervals "
                "95 %; an arrow means a bound.",
    "disturbed": "One row per disturbance, a marker per level. Error: largest mean prediction error over its mean in the undisturbed copy, and tokens until it "
                 "is within a tenth of that. Excess: surprise under the level's own prediction above that of the undisturbed copy. r: correlation, over "
                 "passages, of the displacement at the passage's end with the passage's excess. Intervals 95 %; an arrow means a bound.",
    "demo": "Prediction error around the passage; how far each level stands from the copy that never met it (markers: recovery, an arrow means at least); "
            "half-life and tokens to switch beside the level's own time constant.",
    "demotwin": "How far apart two copies with different histories stay (markers: half-life, an arrow means at least), and what was measured of each level.",
    "surprise": "Above: prediction error, 1 is usual. Below: displacement from the undisturbed copy, 1 at the passage's end; markers: recovery, an arrow means "
                "at least. The axis is linear inside the passage (stretched to its mean length) and logarithmic after it. Bands: 95 % bootstrap over places.",
    "twin": "Two copies with different histories read the same text, learning off. Markers: half-life with its 95 % interval; an arrow means at least.",
    "switch": "After a switch of document. Bands: 95 % bootstrap over switches.",
    "weight": "Weight of each level's belief against its own time constant, with 95 % intervals; a level without a time constant stands at 1 token. Hollow, "
              "beside the half-life: the same when this level's state alone was swapped. Half-lives by thirds of the pairs, sorted by the mean surprise of what "
              "they read. ≥ with an arrow: a lower bound; an arrow on a bar: its end is one.",
}


def pictures(results, rows):
    """What the traces show, then what was measured of them."""
    yield from recorded([result for result in results if result.trace.conditions()], rows)
    results = [result for result in results if not result.seeds and result.has_trace()]
    taken = set()
    for name, title, panels, caption in (("recovery", "Recovery by disturbance", figures.RECOVERY, "recovery"),
                                         ("surprise", "Surprise by disturbance", figures.SURPRISE, "disturbed")):
        for figure in filter(None, (figures.disturbance_figure(result, panels, HEADINGS[name]) for result in results)):
            yield Picture(unique(name, taken), title, CAPTIONS[caption], figure, "wide")
    yield Picture("weight", "Weight of each level", CAPTIONS["weight"], weight.weight_figure(rows) if results else None, "wide")


def recorded(results, rows):
    """Names are unique over joint folders. Of two folders with a switch the one that also recorded the copy that stayed is drawn: it shows the
    crossing."""
    if not results:
        return
    kind = "demo" if any(result.insertions() for result in results) else "demotwin"
    yield Picture("demo", "The whole in one picture", CAPTIONS[kind], overview.overview_figure(results, rows), "wide")
    taken, better = set(), any("stayed" in result.trace.conditions() for result in results)
    for result in results:
        inserted = result.insertions()
        for source in dict.fromkeys(name.split("_", 1)[1] for name in inserted):
            name = unique(f"surprise_{source}", taken)
            chosen = [entry for entry in inserted if entry.split("_", 1)[1] == source]
            yield Picture(name, f"A passage {figures.SOURCE.get(source, source)}", CAPTIONS["surprise"], figures.passage_figure(result, source, chosen))
        present = set(result.trace.conditions())
        if "twin" in present:
            yield Picture(unique("twin", taken), "Twins: how long two histories stay apart", CAPTIONS["twin"], figures.twin_figure(result), "narrow")
        if "switch" in present and ("stayed" in present or not better):
            yield Picture(unique("switch", taken), "A switch of document", CAPTIONS["switch"], figures.switch_figure(result), "narrow")


def unique(name, taken):
    """The name, numbered when a joint report already has one."""
    number, made = 2, name
    while made in taken:
        made, number = f"{name}_{number}", number + 1
    taken.add(made)
    return made


def tables(results, rows):
    """What only some runs measure stands apart: nats of the passage, half-lives by thirds of surprise."""
    yield "Times in tokens, information in nats; intervals 95 %; ≥ means at least.", MAIN_COLUMNS, rows
    yield "Surprise by the passage, under each level's own prediction", SURPRISE_COLUMNS, rows
    yield "Half-life (tokens, 95 %) by thirds of the text's surprise", THIRDS, rows


def sections(results):
    """One small table per inserted passage, where the summary holds them; the read text."""
    parts = []
    for result in results:
        for name in result.insertions():
            levels = condition_levels(result.summary, name)
            if levels:
                rows = [{**level, "label": label} for label, level in zip(result.labels, levels)]
                parts.append(table_html(rows, CONDITION_COLUMNS, figures.passage_title(name).capitalize()))
    if parts:
        yield "by-passage", "By inserted passage", '<div class="pair">' + "".join(parts) + "</div>"
    yield "read", "The read text", readpage.reading_html(results)


def facts(result):
    """What belongs under "What was run" besides the facts of every run."""
    ratio = result.summary.get("inertia_ratio")
    if is_number(ratio):
        interval = result.summary.get("inertia_ratio_ci95")
        ends = f" [{interval[0]:.2f}, {interval[1]:.2f}]" if isinstance(interval, list) and len(interval) == 2 and all(map(is_number, interval)) else ""
        yield "half-life ratio per level", f"{ratio:.2f}{ends}"
