"""strata_plots: opens strata's traces and draws them.

    >>> import strata_plots
    >>> trace = strata_plots.open("results/demo")          # a result folder or a trace.h5
    >>> trace["levels/1"].prediction.sel(stream=0)           # xarray, dimensions time, stream, unit
    >>> trace["conditions/twin/levels/3"]
    >>> strata_plots.plot(["results/demo"])                # figures/*.png and report.html

From a shell: python3 -m strata_plots RESULT_DIR [RESULT_DIR] [--out DIR]. The files it reads are described in trace.py (trace.h5), summary.py
(summary.json) and readtext.py (passages.json). Errors: errors.PlotError and its children, each with an exit code.
"""
import os

from .errors import DataError, FileError, PlotError, UsageError

__all__ = ["open", "plot", "DataError", "FileError", "PlotError", "UsageError"]
SCALES = ("time", "stream", "unit")


class Groups(dict):
    """Group name ("levels/0", "conditions/twin/levels/0", "tokens", "events") -> lazily read xarray.Dataset. Close it or use `with`."""

    def close(self):
        for dataset in self.values():
            dataset.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


def named(dataset):
    """Dimensions called time, stream, unit also where a foreign writer attached no scales."""
    if not any(str(name).startswith("phony_dim") for name in dataset.dims):
        return dataset
    widest = max((dataset[name].dims for name in dataset.variables), key=len, default=())
    return dataset.rename({old: new for old, new in zip(widest, SCALES)})


def open(path):  # the name is the point: strata_plots.open
    """All groups of a closed trace as xarray datasets, in one line. `path`: a result folder or a trace.h5."""
    try:
        import h5py
        import xarray
    except ImportError as missing:
        raise UsageError(f"python3-{missing.name} is missing; install it: apt-get install python3-h5py python3-xarray python3-h5netcdf") from missing
    from .trace import TraceFile
    file = os.path.join(path, "trace.h5") if os.path.isdir(path) else str(path)
    names = []
    with TraceFile(file) as trace:
        trace.file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Group) and any(
            isinstance(child, h5py.Dataset) for child in item.values()) else None)
    found = Groups()
    for name in sorted(names):
        found[name] = named(xarray.open_dataset(file, engine="h5netcdf", group=name, phony_dims="sort"))
    return found


def plot(folders, out=None, interactive=False):
    """Writes OUT/figures/*.png and OUT/report.html from one result folder or a joint pair; returns the paths written."""
    from .draw import draw
    return draw(folders, out, interactive)
