"""From result folders to files: which figures there are, where they go."""
import os

from . import figures, interactive, overview, report, style, weight
from .errors import DataError, FileError
from .summary import Result, merge
from .trace import TraceFile


def pictures(results, rows):
    """Yields (name, title, figure) of everything the results hold; names are unique over joint folders. Of two folders with a switch the one
    that also recorded the copy that stayed is drawn: it shows the crossing."""
    yield "demo", "The whole in one picture", overview.overview_figure(results, rows)
    taken, better = set(), any("stayed" in result.trace.conditions() for result in results)
    for result in results:
        inserted = result.insertions()
        for source in dict.fromkeys(name.split("_", 1)[1] for name in inserted):
            name = unique(f"surprise_{source}", taken)
            chosen = [entry for entry in inserted if entry.split("_", 1)[1] == source]
            yield name, f"A passage {figures.SOURCE.get(source, source)}", figures.passage_figure(result, source, chosen)
        present = set(result.trace.conditions())
        if "twin" in present:
            yield unique("twin", taken), "Twins: how long two histories stay apart", figures.twin_figure(result)
        if "switch" in present and ("stayed" in present or not better):
            yield unique("switch", taken), "A switch of document", figures.switch_figure(result)
    yield "weight", "Weight of each level", weight.weight_figure(rows)


def unique(name, taken):
    """The name, numbered when a joint report already has one."""
    number, made = 2, name
    while made in taken:
        made, number = f"{name}_{number}", number + 1
    taken.add(made)
    return made


def draw(folders, out=None, with_interactive=False):
    """Paths written. Raises PlotError's children; nothing is left half-written."""
    style.set_up()
    results = []
    try:
        for folder in folders:
            results.append(Result(folder, TraceFile))
        rows = merge(results)
        target = out or results[0].folder
        figure_folder = os.path.join(target, "figures")
        try:
            os.makedirs(figure_folder, exist_ok=True)
            return write(results, rows, target, figure_folder, with_interactive)
        except OSError as problem:
            raise FileError(f"{problem.filename or target}: cannot be written ({problem.strerror or problem}); choose another --out") from problem
    finally:
        for result in results:
            result.trace.file.close()


def write(results, rows, target, figure_folder, with_interactive):
    drawn = []
    for name, title, figure in pictures(results, rows):
        if figure is not None:
            path = os.path.join(figure_folder, f"{name}.png")
            style.save(figure, path)
            drawn.append((name, path, title))
    if not drawn:
        raise DataError(f"{results[0].trace.path}: nothing to draw; a trace needs a second copy under /conditions, such as "
                        "/conditions/twin/levels/0/belief")
    live = interactive.section(results) if with_interactive else ""
    page = report.page(results, rows, drawn, live).encode("utf-8")
    if live and len(page) > report.LIMIT:
        page = report.page(results, rows, drawn, "").encode("utf-8")
    path = os.path.join(target, "report.html")
    with open(f"{path}.partial", "wb") as stream:
        stream.write(page)
    os.replace(f"{path}.partial", path)
    return [entry[1] for entry in drawn] + [path]
