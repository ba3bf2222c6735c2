"""From result folders to files: which figures there are, where they go."""
import os

from . import drawings, interactive, report, style
from .errors import DataError, FileError
from .summary import Result, merge
from .trace import TraceFile


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
            result.trace.close()


def write(results, rows, target, figure_folder, with_interactive):
    drawn, used = [], []
    for drawing in drawings.EVERY:
        for picture in drawing.pictures(results, rows):
            if picture.figure is None:
                continue
            path = os.path.join(figure_folder, f"{picture.name}.png")
            style.save(picture.figure, path)
            drawn.append((picture, path))
            used += [drawing] if drawing not in used else []
    if not drawn:
        if not os.listdir(figure_folder):
            os.rmdir(figure_folder)
        if not report.measured_anything(results):
            raise DataError(f"{results[0].trace.path}: nothing to draw; a trace needs a second copy under /conditions, such as "
                            "/conditions/twin/levels/0/belief")
    live = interactive.section(results) if with_interactive else ""
    page = report.page(results, rows, drawn, used, live).encode("utf-8")
    if live and len(page) > report.LIMIT:
        page = report.page(results, rows, drawn, used, "").encode("utf-8")
    path = os.path.join(target, "report.html")
    with open(f"{path}.partial", "wb") as stream:
        stream.write(page)
    os.replace(f"{path}.partial", path)
    return [drawn_path for _, drawn_path in drawn] + [path]
