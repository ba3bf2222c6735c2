"""Reading trace.h5, in blocks, so that memory stays small whatever the length of the trace.

Schema (all levels of one copy lie in one group: the root, or /conditions/NAME):
    levels/L/prediction, belief (time, stream, unit); prediction_error_norm, surprise (time, stream); scale `time` (tokens)
    passage_length, valid (stream); attribute `reference` names the group of the undisturbed copy
Only levels/L/belief and a second copy under /conditions are required: a trace of another program may hold nothing else.
"""
import os

import h5py
import numpy as np

from .errors import DataError, FileError

DEFAULT_NAMES = ("token", "sentence", "paragraph", "document")
DIMENSIONS = {"prediction": 3, "belief": 3, "time": 1}
BLOCK_BYTES = 32 << 20


def text_of(value):
    """An HDF5 attribute as str: bytes, numpy strings and one-element arrays are all seen in the wild."""
    if isinstance(value, np.ndarray):
        value = value.flat[0] if value.size else ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


class Copy:
    """One copy of the hierarchy: the root group or one condition. Shapes as in the schema; times in tokens."""

    def __init__(self, path, group):
        self.path = path
        self.group = group
        self.name = group.name.rsplit("/", 1)[-1]

    def levels(self):
        holder = self.group.get("levels")
        return sorted(int(name) for name in holder if name.isdigit()) if isinstance(holder, h5py.Group) else []

    def _dataset(self, level, name):
        """The dataset, None where absent; vectors must be (time, stream, unit), scalars (time, stream)."""
        found = self.group.get(f"levels/{level}/{name}")
        if not isinstance(found, h5py.Dataset) or (name == "time" and found.ndim == 1):
            return found if isinstance(found, h5py.Dataset) else None
        wanted = ("time", "stream", "unit")[:DIMENSIONS.get(name, 2)]
        if found.ndim != len(wanted) or found.dtype.kind not in "fiu" or 0 in found.shape:
            raise DataError(f"{self.path}: {found.name} is not a filled numeric ({', '.join(wanted)}) dataset; its shape is {found.shape}")
        return found

    def has(self, level, name):
        return self._dataset(level, name) is not None

    def streams(self, level, name):
        return self._dataset(level, name).shape[1]

    def times(self, level, name):
        """(T) int64: the level's own scale; 0..T-1 where the writer gave none."""
        length = self._dataset(level, name).shape[0]
        scale = self._dataset(level, "time")
        if scale is None or scale.ndim != 1 or scale.shape[0] < length:
            return np.arange(length, dtype=np.int64)
        return np.asarray(scale[:length]).astype(np.int64)

    def rows(self, level, name, start, stop):
        """Rows start..stop-1 as float64; a damaged chunk becomes a FileError that names the dataset."""
        try:
            return self._dataset(level, name)[start:stop].astype(np.float64)
        except (OSError, RuntimeError) as problem:
            raise FileError(f"{self.path}: {self.group.name.rstrip('/')}/levels/{level}/{name} cannot be read ({first_line(problem)}); "
                            "the file is damaged: record it again") from problem

    def block(self, level, name):
        """How many time steps fit in one block."""
        shape = self._dataset(level, name).shape
        return max(1, BLOCK_BYTES // max(1, 8 * int(np.prod(shape[1:]))))

    def per_stream(self, name, streams):
        """An optional (stream) vector such as valid or passage_length, or None."""
        found = self.group.get(name)
        if not isinstance(found, h5py.Dataset) or found.ndim != 1 or found.shape[0] < streams:
            return None
        return np.asarray(found[:streams]).astype(np.int64)

    def attribute(self, level, name):
        holder = self.group.get(f"levels/{level}")
        return holder.attrs.get(name) if holder is not None else None


class TraceFile:
    """A closed trace.h5. Use as a context manager."""

    def __init__(self, path):
        self.path = str(path)
        if not os.path.exists(self.path):
            raise FileError(f"{self.path}: no such file; record a trace first (strata run surprise_recovery)")
        try:
            self.file = h5py.File(self.path, "r")
        except OSError as problem:
            raise FileError(f"{self.path}: not a readable HDF5 file ({reason(self.path, problem)}); "
                            "give the folder of a finished run") from problem
        self.root = Copy(self.path, self.file["/"])
        if not self.root.levels() and "learning" not in self.file:
            self.file.close()
            raise DataError(f"{self.path}: has no /levels/0; a trace holds /levels/L/belief (time, stream, unit)")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.file.close()

    def conditions(self):
        holder = self.file.get("conditions")
        if not isinstance(holder, h5py.Group):
            return []
        return [name for name in holder if isinstance(holder[name], h5py.Group) and "levels" in holder[name]]

    def condition(self, name):
        return Copy(self.path, self.file[f"conditions/{name}"])

    def reference(self, name):
        """The copy that condition NAME is compared with (attribute `reference`, the root by default)."""
        target = text_of(self.file[f"conditions/{name}"].attrs.get("reference", "/"))
        if target not in self.file:
            raise DataError(f"{self.path}: /conditions/{name} refers to {target}, which is not in the file")
        return Copy(self.path, self.file[target])

    def attributes(self):
        return {key: text_of(value) for key, value in self.file.attrs.items() if not key.startswith("_")}

    def level_names(self):
        names = []
        for level in self.root.levels():
            given = self.root.attribute(level, "name")
            names.append(text_of(given) if given is not None else default_name(level))
        return names

    def time_constants(self):
        """(tokens) per level, None where the writer gave none."""
        found = (self.root.attribute(level, "time_constant") for level in self.root.levels())
        return [None if value is None else float(np.asarray(value).flat[0]) for value in found]


class NoTrace:
    """Of a run that recorded none: all it found stands in its summary."""

    def __init__(self, path):
        self.path = str(path)

    def close(self):
        """Nothing is open."""

    def conditions(self):
        return []

    def attributes(self):
        return {}


def default_name(level):
    return DEFAULT_NAMES[level] if level < len(DEFAULT_NAMES) else f"level {level}"


def first_line(problem):
    return str(problem).strip().splitlines()[0][:160] if str(problem).strip() else type(problem).__name__


def reason(path, problem):
    """Why HDF5 refused, in a person's words."""
    if os.path.isdir(path):
        return "it is a folder"
    if isinstance(problem, PermissionError):
        return "permission denied"
    try:
        with open(path, "rb") as stream:
            head = stream.read(8)
    except OSError as other:
        return other.strerror or "unreadable"
    if not head:
        return "it is empty"
    if head != b"\x89HDF\r\n\x1a\n":
        return "it is not HDF5"
    return "it is truncated or still being written"
