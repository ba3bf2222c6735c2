"""report.html: one file that opens offline; figures, table and read text inside it."""
import base64
import html
import json
import os

from . import figures, overview, readtext
from .summary import condition_levels, is_number, number

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS = (2, 4, 6, 8, 11, 15)
LIMIT = 12 << 20
RUN_FACTS = (("experiment", "experiment"), ("trials", "trials"), ("pairs", "pairs"), ("tokens", "tokens read"), ("perplexity", "perplexity"),
             ("bits_per_byte", "bits per byte"), ("nats_per_token", "nats per token"), ("seed", "seed"), ("device", "device"), ("isa", "instruction set"),
             ("threads", "threads"), ("seconds", "seconds"), ("strata_version", "strata version"), ("commit", "commit"), ("created", "made"))
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
READING = (
    ("Peak error", "the largest prediction error, precision-weighted, as a multiple of its usual size in the same text without the passage."),
    ("Recovery", "tokens after the passage until the trial-averaged distance from the undisturbed copy is a tenth of what it was at the passage's end."),
    ("Error recovery", "tokens after the peak until the windowed error is within a tenth of usual."),
    ("Half-life", "two copies with different histories read the same text, learning off: tokens until their expectations are half as far apart."),
    ("Tokens to switch", "after a change of document, tokens until the belief is nearer to a copy that always read the new one than to one that stayed."),
    ("Evidence", "excess surprise, summed over the tokens up to the half-life; nats."),
    ("Censored, ≥", "the text ended before it came back: the value is a lower bound (≥, at least), and the share of such places is given."),
)
CAPTIONS = {
    "demo": "Prediction error around the passage; how far each level stands from the copy that never met it (markers: recovery, an arrow means at least); "
            "half-life and tokens to switch beside the level's own time constant.",
    "demotwin": "How far apart two copies with different histories stay (markers: half-life, an arrow means at least), and what was measured of each level.",
    "surprise": "Above: prediction error, 1 is usual. Below: displacement from the undisturbed copy, 1 at the passage's end; markers: recovery, an arrow means "
                "at least. The axis is linear inside the passage (stretched to its mean length) and logarithmic after it. Bands: 95 % bootstrap over places.",
    "twin": "Two copies with different histories read the same text, learning off. Markers: half-life with its 95 % interval; an arrow means at least.",
    "switch": "After a switch of document. Bands: 95 % bootstrap over switches.",
    "weight": "Weight of each level's belief against its own time constant, with 95 % intervals; a level without a time constant stands at 1 token.",
}


def escape(text):
    return html.escape(str(text), quote=True)


def asset(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as stream:
        return stream.read()


def as_json(value):
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def table_html(rows, columns, caption):
    header, cells = overview.table(rows, columns)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "".join("<tr>" + "".join(f'<th scope="row">{escape(cell)}</th>' if column == 0 else f"<td>{escape(cell)}</td>"
                                    for column, cell in enumerate(line)) + "</tr>" for line in cells)
    return (f'<div><p class="caption">{escape(caption)}</p><div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></div>")


def facts(results):
    """What was run: summary first, the trace's attributes where the summary is silent."""
    blocks = []
    for result in results:
        known = {**result.trace.attributes(), **result.summary, "experiment": result.experiment}
        rows = [(label, fact(known[key])) for key, label in RUN_FACTS if key in known and not isinstance(known[key], (list, dict))]
        texts = input_names(known.get("inputs"))
        if texts:
            rows.append(("text", texts))
        if is_number(result.summary.get("inertia_ratio")):
            rows.append(("half-life ratio per level", ratio_text(result.summary)))
        blocks.append("<dl>" + "".join(f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>" for label, value in rows) + "</dl>")
    return "<div class=\"pair\">" + "".join(blocks) + "</div>"


def fact(value):
    if is_number(value):
        return number(value) if float(value).is_integer() else f"{value:,.3g}" if abs(value) < 1000 else number(value)
    return str(value)


def ratio_text(summary):
    interval = summary.get("inertia_ratio_ci95")
    ends = f" [{interval[0]:.2f}, {interval[1]:.2f}]" if isinstance(interval, list) and len(interval) == 2 and all(map(is_number, interval)) else ""
    return f"{summary['inertia_ratio']:.2f}{ends}"


def input_names(inputs):
    """File names from the provenance record: JSON text or a list of {path} or of strings."""
    try:
        listed = json.loads(inputs) if isinstance(inputs, str) else inputs
    except ValueError:
        return ""
    if isinstance(listed, dict):
        listed = listed.get("files", list(listed))
    names = [entry.get("path", entry.get("name", "")) if isinstance(entry, dict) else str(entry) for entry in listed or []]
    names = [os.path.basename(name.rstrip("/")) for name in names if name]
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def figure_html(name, path, title, caption_kind=None):
    """One picture inlined; the alternative text says what the caption and title say."""
    with open(path, "rb") as stream:
        data = base64.b64encode(stream.read()).decode("ascii")
    kind = name.split("_")[0]
    caption = CAPTIONS.get(caption_kind or kind, "")
    narrow = ' class="narrow"' if kind in ("twin", "switch") else ' class="wide"' if kind in ("demo", "weight") else ""
    return (f'<figure id="figure-{escape(name)}"{narrow}><p class="hint">Swipe sideways for the whole picture.</p><div class="scroll" tabindex="0" role="region" '
            f'aria-label="{escape(title)}"><img alt="{escape(title)}. {escape(caption)}" src="data:image/png;base64,{data}"></div>'
            f"<figcaption><strong>{escape(title)}.</strong> {escape(caption)}</figcaption></figure>")


def legend_html():
    """The scale of the shading, in nats, and the mark of the passage."""
    edges = (0,) + STEPS
    names = [f"{edges[step]}–{edges[step + 1]}" for step in range(len(STEPS))] + [f"{STEPS[-1]} and more"]
    boxes = "".join(f'<li class="w s{step}">{name}</li>' for step, name in enumerate(names))
    return f'<ul class="legend" aria-label="shading: surprise per word"><li>Surprise per word (nats):</li>{boxes}<li><span class="in">inserted passage</span></li></ul>'


def reading_html(results):
    """The read text with its selectors, or one line that says why there is none."""
    places = []
    for result in results:
        places += readtext.load(result.passages) or []
    if not places:
        return "<p>The read text was not recorded with this run (passages.json is absent).</p>"
    chosen, left = readtext.choose(places)
    known = list(dict.fromkeys(made["condition"] for made in chosen))
    options = "".join(f'<option value="{escape(name)}">{escape(figures.passage_title(name))}</option>' for name in known)
    more = f'<p class="soft">{left} more places were read; they are left out here to keep the file small.</p>' if left else ""
    return (f"<p>As the disturbed copy read it. The darker a word, the more it surprised the token level; a word of several pieces adds them up.</p>{legend_html()}"
            f'<div class="controls"><label>Passage<select id="condition">{options}</select></label><label>Place<select id="trial"></select></label></div>'
            f'<h3 id="place-title">{escape(chosen[0]["title"])}</h3><div class="reading" id="reading" tabindex="0" role="region" aria-label="read text">'
            f'<p class="text" id="text">{static_text(chosen[0])}</p></div><p id="told" aria-live="polite"></p><div id="tip" role="tooltip" hidden></div>{more}'
            f'<script type="application/json" id="places">{as_json(chosen)}</script><script type="application/json" id="steps">{as_json(list(STEPS))}</script>'
            f"<script>{asset('report.js')}</script>")


def static_text(made):
    """The first place without script, for readers that run none."""
    opening, closing = ' <span class="edge">▼ inserted passage</span> <span class="in">', '</span> <span class="edge">▲ end of the passage</span>'
    parts, inside = [], 0
    for text, nats, now, *_ in made["words"]:
        if now != inside:
            parts.append(opening if now else closing)
        step = sum(nats >= edge for edge in STEPS) if nats is not None else 0
        lead = "" if now and not inside else text[:len(text) - len(text.lstrip())]
        inside = now
        parts.append(f'{escape(lead)}<span class="w s{step}">{escape(text.strip())}</span>' if text.strip() else escape(lead))
    return "".join(parts) + (closing if inside else "")


def more_tables(rows):
    """What only some runs measure: nats of the passage, half-lives by thirds of surprise."""
    parts = [table_html(rows, SURPRISE_COLUMNS, "Surprise by the passage, under each level's own prediction"),
             table_html(rows, THIRDS, "Half-life (tokens, 95 %) by thirds of the text's surprise")]
    return "".join(part for part in parts if "<td>" in part)


def by_condition(results):
    """One small table per inserted passage, where the summary holds them."""
    parts = []
    for result in results:
        for name in result.insertions():
            levels = condition_levels(result.summary, name)
            if levels:
                rows = [{**level, "label": label} for label, level in zip(result.labels, levels)]
                parts.append(table_html(rows, CONDITION_COLUMNS, figures.passage_title(name).capitalize()))
    return "<h2 id=\"by-passage\">By inserted passage</h2><div class=\"pair\">" + "".join(parts) + "</div>" if parts else ""


def page(results, rows, pictures, live):
    """The whole page. pictures: list of (name, path, title); live: HTML of the interactive figure or ''."""
    title = "How each level was surprised, how fast it recovered, how heavy its belief is"
    first = [picture for picture in pictures if picture[0] == "demo"]
    others = [picture for picture in pictures if picture[0] != "demo"]
    kind = "demo" if any(result.insertions() for result in results) else "demotwin"
    notes = "".join(f"<dt>{escape(term)}</dt><dd>{escape(meaning)}</dd>" for term, meaning in READING)
    count = len(rows)
    lead = f"A hierarchy of {count} predictive-coding levels ({', '.join(row['label'] for row in rows)}) read text; " \
           f"{'learning was off' if any(result.summary for result in results) else 'the trace was recorded elsewhere'}."
    sections = "".join(figure_html(*picture) for picture in others)
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<title>{escape(title)}</title><link rel="icon" href="data:,"><style>{asset("report.css")}</style></head><body>'
            f'<header><h1>{escape(title)}</h1><p>{escape(lead)}</p><nav aria-label="sections"><a href="#levels">Table</a> <a href="#figures">Figures</a> '
            f'<a href="#read">Read text</a> <a href="#run">What was run</a></nav></header><main>'
            f'{"".join(figure_html(*picture, kind) for picture in first)}'
            f'<h2 id="levels">Level by level</h2>{table_html(rows, MAIN_COLUMNS, "Times in tokens, information in nats; intervals 95 %; ≥ means at least.")}'
            f'<div class="pair">{more_tables(rows)}</div>'
            f'<h2 id="figures">Figures</h2>{sections}{live}{by_condition(results)}'
            f'<h2 id="read">The read text</h2>{reading_html(results)}'
            f'<h2 id="run">What was run</h2>{facts(results)}<h2 id="terms">What the words mean</h2><dl>{notes}</dl></main></body></html>\n')
