"""report.html: one file that opens offline; figures, tables and what the drawings add inside it."""
import base64
import json
import os
import re

from .markup import asset, escape, rows_html, table_html
from .summary import BOUNDS, is_number, measured, number

LIMIT = 12 << 20
# How the keys of a summary end, in words.
ENDINGS = (("_sd", ", standard deviation over seeds"), ("_se", ", standard error"), ("_rho", ", ratio per level"), ("_nats", " (nats)"), ("_tokens", " (tokens)"),
           ("_r", ", correlation"), ("_fraction", ", share"))
RUN_FACTS = (("experiment", "experiment"), ("trials", "trials"), ("pairs", "pairs"), ("tokens", "tokens read"), ("perplexity", "perplexity"),
             ("bits_per_byte", "bits per byte"), ("nats_per_token", "nats per token"), ("seed", "seed"), ("device", "device"),
             ("isa", "instruction set"), ("threads", "threads"), ("seconds", "seconds"), ("strata_version", "strata version"), ("commit", "commit"),
             ("created", "made"))
# Of the run, not of what it measured; left out where all numbers of an experiment without a drawing are listed.
HOUSEKEEPING = {key for key, _ in RUN_FACTS} - {"perplexity", "bits_per_byte", "nats_per_token"} | {
    "seeds", "dirty", "compiler", "tokens_per_second", "peak_memory_bytes", "training_documents", "training_tokens", "held_out_documents", "vocabulary"}


def facts(results, drawings):
    """What was run: summary first, the trace's attributes where the summary is silent."""
    blocks = []
    for result in results:
        known = {**result.trace.attributes(), **result.summary, "experiment": result.experiment}
        rows = [(label, fact(known[key])) for key, label in RUN_FACTS if key in known and not isinstance(known[key], (list, dict))
                and not (key == "seed" and result.seeds)]
        texts = input_names(known.get("inputs"))
        if texts:
            rows.append(("text", texts))
        for drawing in drawings:
            rows += drawing.facts(result) if hasattr(drawing, "facts") else ()
        blocks.append("<dl>" + "".join(f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>" for label, value in rows) + "</dl>")
    return "<div class=\"pair\">" + "".join(blocks) + "</div>"


def fact(value):
    if is_number(value):
        value += 0.0  # no minus before a nought
        return number(value) if float(value).is_integer() else f"{value:,.4g}" if abs(value) < 1000 else number(value)
    return str(value)


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


def figure_html(picture, path):
    """One picture inlined; the alternative text says what the caption and title say."""
    with open(path, "rb") as stream:
        data = base64.b64encode(stream.read()).decode("ascii")
    shape = f' class="{picture.width}"' if picture.width else ""
    title, caption = escape(picture.title), escape(picture.caption)
    return (f'<figure id="figure-{escape(picture.name)}"{shape}><p class="hint">Swipe sideways for the whole picture.</p><div class="scroll" tabindex="0" '
            f'role="region" aria-label="{title}"><img alt="{title}. {caption}" src="data:image/png;base64,{data}"></div>'
            f"<figcaption><strong>{title}.</strong> {caption}</figcaption></figure>")


def tables_html(results, rows, drawings):
    """The first table at full width, the others in pairs; tables in which nothing was measured are left out."""
    made = [table_html(given, columns, caption) for drawing in drawings if hasattr(drawing, "tables")
            for caption, columns, given in drawing.tables(results, rows)]
    made = [table for table in made if "<td>" in table]
    if not made:
        made = [everything(result) for result in results]
    return made[0] + '<div class="pair">' + "".join(made[1:]) + "</div>" if made else ""


def everything(result):
    """Every number of a summary that no drawing knows: one line each, per level where it is a level's."""
    keys = list(dict.fromkeys(key for level in result.levels for key in numbers_of(level)))
    lines = [[words(key)] + [cell(level, key) for level in result.levels] for key in keys]
    own = [[words(key), cell(result.summary, key)] for key in numbers_of(result.summary) if key not in HOUSEKEEPING]
    return (rows_html(["measure"] + result.labels, lines, "Level by level") if lines else "") + \
        (rows_html(["measure", "value"], own, "Of the whole hierarchy") if own else "")


def numbers_of(record):
    """Names of its numbers, once each, whether value or bound."""
    return list(dict.fromkeys(re.sub("_at_(least|most)$", "", key) for key, value in record.items() if is_number(value)))


def cell(record, key):
    """A number of any size, or its bound, with its interval."""
    value = measured(record, key)
    if value is None:
        return "–"
    low, high = (fact(end) for end in value.interval or (0, 0))
    return BOUNDS[value.bound] + fact(value.value) + (f" [{'≤ ' * value.low_open}{low}, {'≥ ' * value.high_open}{high}]" if value.interval else "")


def words(key):
    """A key of a summary in words: half_life_rho is "half-life, ratio per level", evidence_nats is "evidence (nats)"."""
    for end, meaning in ENDINGS:
        if key.endswith(end):
            return words(key[:-len(end)]) + meaning
    return key.replace("half_life", "half-life").replace("top_down", "top-down").replace("topdown", "top-down").replace("_", " ")


def measured_anything(results):
    return any("<td>" in everything(result) for result in results)


def page(results, rows, pictures, drawings, live):
    """The whole page. pictures: list of (Picture, path); drawings: the modules they come from; live: HTML of the interactive figure or ''."""
    title = drawings[0].TITLE if drawings else f"What {results[0].experiment} measured"
    sections = [entry for drawing in drawings if hasattr(drawing, "sections") for entry in drawing.sections(results)]
    terms = [entry for drawing in drawings for entry in getattr(drawing, "TERMS", ())]
    notes = "".join(f"<dt>{escape(term)}</dt><dd>{escape(meaning)}</dd>" for term, meaning in terms)
    parts = [("levels", "Table", "Level by level", tables_html(results, rows, drawings)),
             ("figures", "Figures", "Figures", "".join(figure_html(*picture) for picture in pictures[1:]) + live),
             *((name, heading, heading, body) for name, heading, body in sections),
             ("run", "What was run", "What was run", facts(results, drawings)),
             ("terms", "What the words mean", "What the words mean", f"<dl>{notes}</dl>" if notes else "")]
    parts = [part for part in parts if part[3]]
    links = " ".join(f'<a href="#{escape(name)}">{escape(short)}</a>' for name, short, _, _ in parts)
    body = "".join(f'<h2 id="{escape(name)}">{escape(heading)}</h2>{content}' for name, _, heading, content in parts)
    first = figure_html(*pictures[0]) if pictures else ""
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<title>{escape(title)}</title><link rel="icon" href="data:,"><style>{asset("report.css")}</style></head><body>'
            f'<header><h1>{escape(title)}</h1><p>{escape(lead(results, rows))}</p><nav aria-label="sections">{links}</nav></header>'
            f"<main>{first}{body}</main></body></html>\n")


def lead(results, rows):
    """One sentence under the heading."""
    if not rows:
        return f"Measured by {', '.join(result.experiment for result in results)}."
    levels = f"A hierarchy of {len(rows)} predictive-coding level{'s' if len(rows) > 1 else ''} ({', '.join(row['label'] for row in rows)})"
    return f"{levels}; {'learning was off' if any(result.summary for result in results) else 'the trace was recorded elsewhere'}."
