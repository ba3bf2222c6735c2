"""What is drawn of which experiment: one module each, one line in NAMES.

A module offers
    TITLE                      heading of the report when this module draws first
    pictures(results, rows)    yields Picture; nothing where the results hold nothing of its kind. results: list of summary.Result;
                               rows: per level one dict of all results' measurements, with "label"
and, where it has them (looked at only when it drew something),
    tables(results, rows)      yields (caption, columns, rows): markup.table_html; columns as in overview.COLUMNS. The first is the main table
    sections(results)          yields (id, heading, html) that follow the figures
    facts(result)              yields (label, value) for "What was run"
    TERMS                      ((term, meaning), ...) for "What the words mean"
"""
import importlib
from collections import namedtuple

# name: figures/NAME.png; width: "" (as drawn), "wide" or "narrow" (50 rem at most); figure: matplotlib's, or None where there is nothing to see.
Picture = namedtuple("Picture", "name title caption figure width", defaults=("",))

NAMES = (
    "beliefs",
    "evaluate",
    "forecasts",
    "inference",
    "seeds",
    "measures",
    "signatures",
    "text_signatures",
    "time_scales",
    "depth",
    "ablation",
    "segmentation",
    "phase3",
    "stubbornness",
    "classic",
)
EVERY = tuple(importlib.import_module(f"{__name__}.{name}") for name in NAMES)  # after Picture, which they use
