"""Errors of the package. Each class carries the exit code of the strata command (interface: 2 usage, 3 data, 6 file)."""


class PlotError(Exception):
    """Base: one line that says what, where and what to do."""

    exit_code = 2


class UsageError(PlotError):
    """The arguments or the installed packages do not allow the run."""

    exit_code = 2


class DataError(PlotError):
    """The file could be read but does not hold what the figures need."""

    exit_code = 3


class FileError(PlotError):
    """A file is missing, damaged, of another kind, or cannot be written."""

    exit_code = 6
