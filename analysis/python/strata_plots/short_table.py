"""python3 -m strata_plots.short_table RESULT_DIR [RESULT_DIR]: the table under the picture as text, one row per level."""
import sys

from . import overview
from .drawings.beliefs import MAIN_COLUMNS
from .errors import PlotError
from .summary import Result, merge
from .trace import TraceFile


def text(folders):
    """Aligned text of the main columns: header lines, one line per level."""
    results = []
    try:
        for folder in folders:
            results.append(Result(folder, TraceFile))
        header, cells = overview.table(merge(results), MAIN_COLUMNS)
    finally:
        for result in results:
            result.trace.close()
    heads = [name.split("\n") for name in header]
    deepest = max(len(head) for head in heads)
    lines = [[""] * (deepest - len(head)) + head for head in heads]
    rows = [[line[row] for line in lines] for row in range(deepest)] + cells
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    return "\n".join("  ".join(value.ljust(width) if column == 0 else value.rjust(width)
                               for column, (value, width) in enumerate(zip(row, widths))).rstrip() for row in rows)


def main():
    folders = sys.argv[1:]
    if not folders or folders[0].startswith("-"):
        print(__doc__, file=sys.stderr if folders != ["--help"] else sys.stdout)
        return 0 if folders == ["--help"] else 2
    try:
        print(text(folders))
    except PlotError as problem:
        print(f"strata_plots: {problem}", file=sys.stderr)
        return problem.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
