"""The read text: passages.json -> words with their surprise, ready for the report.

passages.json (UTF-8) is a list of objects, one per recorded place:
    trial      int     the stream of the trace it belongs to
    condition  str     name under /conditions, e.g. "paragraph_work"
    title      str     what a reader should see as its heading (work, chapter)
    tokens     list of {text, surprise, passage, document}, in reading order, as the disturbed copy read them:
        text      str    the piece as it stands in the text, its leading space included; "\\n\\n" for the end of a paragraph, "\\f" for the
                         end of a document. A character split over byte pieces stands whole in the last of them, "" in the others
        surprise  float  nats, at the token level; left out where it was not scored
        passage   bool   true inside the inserted passage
        document  int or str   the document the token comes from
Unknown keys are ignored.
"""
import json
import os
import re

from .errors import DataError, FileError

BUDGET = 3 << 20
WORD_START = re.compile(r"^\s|^[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f]")


def load(path):
    """The list in passages.json; an absent file is no error (the report then says so)."""
    if path is None or not os.path.exists(path):
        return None
    try:
        with open(path, encoding="utf-8") as stream:
            found = json.load(stream)
    except OSError as problem:
        raise FileError(f"{path}: {problem.strerror or problem}") from problem
    except (ValueError, RecursionError) as problem:
        raise DataError(f"{path}: not valid JSON ({str(problem)[:120]}); run the experiment again") from problem
    if not isinstance(found, list):
        raise DataError(f"{path}: not a list of places")
    for index, place in enumerate(found):
        tokens = place.get("tokens") if isinstance(place, dict) else None
        if not isinstance(tokens, list) or not all(isinstance(token, dict) and isinstance(token.get("text"), str) for token in tokens):
            raise DataError(f"{path}: place {index} has no list `tokens` of objects with `text`")
    return found


def words(tokens):
    """Pieces joined to words: [text, nats or None, inside, pieces]. White space stands in front; nats add up over the pieces."""
    found = []
    for token in tokens:
        text, inside = token["text"], bool(token.get("passage"))
        nats = token.get("surprise")
        nats = float(nats) if isinstance(nats, (int, float)) and nats == nats and not isinstance(nats, bool) else None
        last = found[-1] if found else None
        blank = last is not None and last[0] != "" and not last[0].strip()
        opens = last is None or last[2] != inside or WORD_START.match(text) or ("\n" in last[0] and blank) or "\f" in last[0]
        if opens:
            found.append([text, nats, inside, [(text, nats)]])
            continue
        last[0] += text
        last[1] = nats if last[1] is None else last[1] + (nats or 0.0)
        last[3].append((text, nats))
    return found


def entry(place):
    """One place for the page: words as [text, nats, inside] and, where a word has several pieces, their texts and nats."""
    listed = []
    for text, nats, inside, pieces in words(place["tokens"]):
        row = [text, None if nats is None else round(nats, 2), 1 if inside else 0]
        if len([piece for piece in pieces if piece[0]]) > 1:
            row.append([[piece, None if value is None else round(value, 2)] for piece, value in pieces])
        listed.append(row)
    return {"trial": place.get("trial", 0), "condition": str(place.get("condition", "")), "title": str(place.get("title", "")), "words": listed}


def choose(places, budget=BUDGET):
    """Places as page entries within the budget of bytes, conditions in turn so that every one is shown; and how many were left out."""
    by_condition = {}
    for place in places:
        by_condition.setdefault(str(place.get("condition", "")), []).append(place)
    queue, row = [], 0
    while any(row < len(held) for held in by_condition.values()):
        queue += [held[row] for held in by_condition.values() if row < len(held)]
        row += 1
    chosen, size = [], 0
    for place in queue:
        made = entry(place)
        cost = len(json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode("utf-8"))
        if chosen and size + cost > budget:
            continue
        chosen.append(made)
        size += cost
    order = {name: number for number, name in enumerate(by_condition)}
    chosen.sort(key=lambda made: (order[made["condition"]], made["trial"] if isinstance(made["trial"], int) else 0))
    return chosen, len(places) - len(chosen)
