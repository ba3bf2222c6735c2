"""Pieces of HTML that the report and the drawings share."""
import html
import json
import os

from . import overview

HERE = os.path.dirname(os.path.abspath(__file__))


def escape(text):
    return html.escape(str(text), quote=True)


def asset(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as stream:
        return stream.read()


def as_json(value):
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def table_html(rows, columns, caption):
    """A table of measurements, one line per level; columns in which nothing was measured are left out."""
    header, cells = overview.table(rows, columns)
    return rows_html(header, cells, caption)


MOST_IN_A_PAIR = 5  # columns of a table that stands beside another


def rows_html(header, cells, caption):
    """A table whose first column names the line."""
    wide = ' class="row"' if len(header) > MOST_IN_A_PAIR else ""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "".join("<tr>" + "".join(f'<th scope="row">{escape(cell)}</th>' if column == 0 else f"<td>{escape(cell)}</td>"
                                    for column, cell in enumerate(line)) + "</tr>" for line in cells)
    return (f'<div{wide}><p class="caption">{escape(caption)}</p><div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></div>")
