"""The read text as HTML: each word shaded by its surprise, the inserted passage marked, a selector of places."""
from . import figures, readtext
from .markup import as_json, asset, escape

STEPS = (2, 4, 6, 8, 11, 15)


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
