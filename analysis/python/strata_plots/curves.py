"""Curves over trials from the recorded vectors.

x counts common tokens read: x = time + 1, so x = 0 is the state right before the first common token (the passage's end).
Displacement   d(x) = |mu_disturbed - mu_undisturbed|, L2, trial by trial; inside the passage against the undisturbed state before the place.
Normalised     sum over trials d(x) / sum over the same trials d(0); bands are 95 % percentile bootstraps over trials.
Normalised error   prediction_error_norm over its mean in the undisturbed copy (surprise where the norm was not recorded).
Passages differ in length: their inside is stretched to the mean length, so that all end at x = 0.
"""
import numpy as np

from .errors import DataError

BINS_PER_DECADE = 12
ERROR_BINS_PER_DECADE = 7
PASSAGE_BINS = 16
BOOTSTRAPS = 400
FEWEST = 3
TINY = 1e-12


class Curve:
    """x (tokens), mean, low, high: float arrays of one length; trials: how many were averaged at x = 0; length: mean passage (tokens)."""

    def __init__(self, x, mean, low, high, trials, length=0.0):
        self.x, self.mean, self.low, self.high, self.trials, self.length = x, mean, low, high, trials, length

    def raised(self, by):
        """The same curve, higher by so much."""
        return Curve(self.x, self.mean + by, self.low + by, self.high + by, self.trials, self.length)

    def at(self, x):
        """Mean at x, linear between points of a log axis."""
        return float(np.interp(np.log1p(max(x, 0.0)), np.log1p(np.maximum(self.x, 0.0)), self.mean))


def vector_name(copy, level, wanted):
    """The recorded vector nearest to what is wanted (prediction or belief)."""
    for name in (wanted, "prediction", "belief"):
        if copy.has(level, name):
            return name
    return None


def valid_tokens(copies, streams):
    """(stream) number of common tokens that all copies read; very large where nothing ended early."""
    found = [held for held in (copy.per_stream("valid", streams) for copy in copies) if held is not None]
    return np.minimum.reduce(found) if found else np.full(streams, np.iinfo(np.int64).max)


def distance(first, second, level, wanted="prediction", variation=False):
    """times (T), d (T, stream): L2 distance (of probabilities, where `variation`, total variation) of two copies at the times both recorded, from
    the start (the last time <= -1, else the first) on. NaN beyond a trial's end."""
    name = vector_name(first, level, wanted)
    if name is None or not second.has(level, name):
        return None
    streams = min(first.streams(level, name), second.streams(level, name))
    first_times, second_times = first.times(level, name), second.times(level, name)
    common, first_rows, second_rows = np.intersect1d(first_times, second_times, return_indices=True)
    keep = np.arange(common.size) >= max(int(np.searchsorted(common, -1, side="right")) - 1, 0)
    common, first_rows, second_rows = common[keep], first_rows[keep], second_rows[keep]
    if common.size == 0:
        raise DataError(f"{first.path}: level {level} of {first.group.name} and {second.group.name} share no time; record both at the same tokens")
    result = np.empty((common.size, streams))
    step = min(first.block(level, name), second.block(level, name))
    for start in range(0, common.size, step):
        part = slice(start, min(start + step, common.size))
        vectors = []
        for copy, rows in ((first, first_rows[part]), (second, second_rows[part])):
            low = int(rows.min())
            vectors.append(copy.rows(level, name, low, int(rows.max()) + 1)[rows - low][:, :streams])
        if vectors[0].shape[2:] != vectors[1].shape[2:]:
            raise DataError(f"{first.path}: level {level} has {vectors[0].shape[2]} units in {first.group.name}, {vectors[1].shape[2]} in {second.group.name}")
        apart = vectors[0] - vectors[1]
        result[part] = np.abs(apart).sum(axis=2) / 2 if variation else np.sqrt((apart ** 2).sum(axis=2))
    limit = valid_tokens((first, second), streams)
    result[common[:, None] >= np.maximum(limit, 0)[None, :]] = np.nan
    return common, result


def tokens_read(times):
    """Common tokens read since the start: time + 1 after a state at time -1, else counted from the first time."""
    return np.maximum(times - max(int(times[0]), -1), 0).astype(np.float64)


def log_bins(x, per_decade=BINS_PER_DECADE):
    """Bin number of each x >= 0, 0 for x = 0, log-spaced above, whole numbers where bins would be narrower than a token."""
    top = max(float(x.max(initial=1)), 2.0)
    edges = np.unique(np.floor(10 ** (np.arange(0, np.log10(top) + 2.0 / per_decade, 1.0 / per_decade))))
    return np.searchsorted(edges, x, side="right")


def binned(x, values, groups):
    """Mean over each group of rows: centres (G), (G, stream), NaN-aware. `x` (T) are the rows' tokens."""
    kinds = np.unique(groups)
    centres, rows = np.empty(kinds.size), np.full((kinds.size, values.shape[1]), np.nan)
    for index, kind in enumerate(kinds):
        chosen = groups == kind
        centres[index] = np.exp(np.log1p(np.maximum(x[chosen], 0.0)).mean()) - 1.0
        present = np.isfinite(values[chosen])
        count = present.sum(axis=0)
        total = np.where(present, values[chosen], 0.0).sum(axis=0)
        rows[index] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return centres, rows


def ratio_curve(x, values, scale, length=0.0, seed=1):
    """Curve of sum(values) / sum(scale) over the trials present at each point. values (G, stream), scale (stream)."""
    usable = np.isfinite(scale) & (scale > TINY)
    values, scale = values[:, usable], scale[usable]
    trials = values.shape[1]
    if trials == 0:
        return None
    present = np.isfinite(values)
    enough = present.sum(axis=1) >= min(trials, max(FEWEST, int(np.ceil(0.5 * trials))))
    x, values, present = x[enough], values[enough], present[enough]
    if x.size == 0:
        return None
    filled = np.where(present, values, 0.0)
    mean = filled.sum(axis=1) / (present * scale).sum(axis=1)
    counts = np.random.default_rng(seed).multinomial(trials, np.full(trials, 1.0 / trials), size=BOOTSTRAPS).astype(np.float64)
    below = counts @ (present * scale).T
    draws = np.where(below > TINY, (counts @ filled.T) / np.maximum(below, TINY), np.nan)
    low, high = np.nanpercentile(draws, (2.5, 97.5), axis=0) if trials > 1 else (mean, mean)
    return Curve(x, mean, low, high, trials, length)


def twin_curve(first, second, level, wanted="prediction", variation=False, together=False):
    """Distance of two copies that read the same text, every pair over its own start (`together`: all over their mean start), as the half-life was
    measured: 1 at x = 0."""
    found = distance(first, second, level, wanted, variation)
    if found is None:
        return None
    times, values = found
    x = tokens_read(times)
    start = values[0]
    apart = np.isfinite(start) & (start > TINY)
    scale = np.full(int(apart.sum()), start[apart].mean()) if together and apart.any() else start[apart]
    centres, rows = binned(x, values[:, apart] / scale, log_bins(x))
    return ratio_curve(centres, rows, np.ones(int(apart.sum())))


def way_curve(switch, always, stayed, level):
    """Share of the way still to go after a switch: d(always) / (d(always) + d(stayed)), on beliefs; 1 at first, 0 when arrived."""
    to_new, to_old = distance(switch, always, level, "belief"), distance(switch, stayed, level, "belief")
    if to_new is None or to_old is None:
        return None
    times, new_rows, old_rows = np.intersect1d(to_new[0], to_old[0], return_indices=True)
    new, old = to_new[1][new_rows], to_old[1][old_rows]
    streams = min(new.shape[1], old.shape[1])
    share = new[:, :streams] / np.maximum(new[:, :streams] + old[:, :streams], TINY)
    x = tokens_read(times)
    centres, rows = binned(x, share, log_bins(x))
    return ratio_curve(centres, rows, np.ones(streams))


def passage_lengths(copy, times, streams):
    """(stream) tokens of the inserted passage; without the dataset all recorded times before 0 are taken as the passage."""
    found = copy.per_stream("passage_length", streams)
    length = found if found is not None else np.full(streams, max(1, int(-min(times.min(), -1))))
    return np.maximum(length, 1)


def inside(times, values, lengths, mean_length, before):
    """Rows for x < 0: the passage stretched to its mean length and, with before, the text in front of it. Between two ticks of a slow level the
    last value holds, as it does in the level.
    times (T) < 0, values (T, stream) -> x (G), rows (G, stream)."""
    count = int(min(PASSAGE_BINS, max(2, round(mean_length))))
    x, rows = [], []
    position = (times[:, None] + lengths[None, :]) / lengths[None, :] * count
    slot = np.where(times[:, None] < 0, np.floor(position), count)
    lowest = -max(2, count // 3) if before else 0
    for index in range(lowest, count):
        chosen = (slot == index) & np.isfinite(values)
        total = np.where(chosen, values, 0.0).sum(axis=0)
        held = rows[-1] if rows else np.full(values.shape[1], np.nan)
        rows.append(np.where(chosen.any(axis=0), total / np.maximum(chosen.sum(axis=0), 1), held))
        x.append((index + 0.5) / count * mean_length - mean_length)
    return np.asarray(x), np.asarray(rows)


def passage_distance(disturbed, undisturbed, level, streams, name):
    """times (T) < 0, d (T, stream): how far each token of the passage moved the level from the state before the place."""
    times, reference_times = disturbed.times(level, name), undisturbed.times(level, name)
    earlier = np.flatnonzero(times < 0)
    anchors = np.flatnonzero(reference_times <= -1)
    if earlier.size == 0 or anchors.size == 0:
        return None
    anchor = undisturbed.rows(level, name, int(anchors[-1]), int(anchors[-1]) + 1)[0, :streams]
    values, step = np.empty((earlier.size, streams)), disturbed.block(level, name)
    for start in range(0, earlier.size, step):
        rows = earlier[start:start + step]
        part = disturbed.rows(level, name, int(rows[0]), int(rows[-1]) + 1)[rows - rows[0], :streams]
        values[start:start + rows.size] = np.sqrt(((part - anchor) ** 2).sum(axis=2))
    return times[earlier], values


def displacement_curve(disturbed, undisturbed, level):
    """Normalised displacement of level's prediction around the passage: 0 before it, 1 at its end (x = 0)."""
    found = distance(disturbed, undisturbed, level)
    if found is None:
        return None
    times, values = found
    x = tokens_read(times)
    centres, rows = binned(x, values, log_bins(x))
    name = vector_name(disturbed, level, "prediction")
    lengths = passage_lengths(disturbed, disturbed.times(level, name), values.shape[1])
    mean_length = float(lengths.mean())
    passage = passage_distance(disturbed, undisturbed, level, values.shape[1], name)
    if passage is not None:
        early_x, early_rows = inside(*passage, lengths, mean_length, before=False)
        before = np.array([-1.3 * mean_length, -mean_length])
        still = np.where(np.isfinite(values[0]), 0.0, np.nan)
        centres = np.concatenate([before, early_x, centres])
        rows = np.concatenate([np.stack([still, still]), early_rows, rows])
    return ratio_curve(centres, rows, values[0], mean_length)


def scalar_name(disturbed, undisturbed, level):
    for name in ("prediction_error_norm", "surprise"):
        if disturbed.has(level, name) and undisturbed.has(level, name):
            return name
    return None


def error_curve(disturbed, undisturbed, level):
    """Normalised error around the passage: 1 is usual (the undisturbed copy's mean over the same trials)."""
    name = scalar_name(disturbed, undisturbed, level)
    if name is None:
        return None
    streams = min(disturbed.streams(level, name), undisturbed.streams(level, name))
    tables = []
    for copy in (disturbed, undisturbed):
        times = copy.times(level, name)
        values = copy.rows(level, name, 0, times.size)[:, :streams]
        values[times[:, None] >= valid_tokens((copy,), streams)[None, :]] = np.nan
        tables.append((times, values))
    (times, values), (usual_times, usual) = tables
    usual = usual[usual_times >= 0]
    count = np.isfinite(usual).sum(axis=0)
    scale = np.where(count > 0, np.nansum(usual, axis=0) / np.maximum(count, 1), np.nan)
    later = times >= 0
    x = times[later].astype(np.float64) + 1.0
    centres, rows = binned(x, values[later], log_bins(x, ERROR_BINS_PER_DECADE))
    lengths = passage_lengths(disturbed, times, streams)
    if (~later).any():
        early_x, early_rows = inside(times[~later], values[~later], lengths, float(lengths.mean()), before=True)
        centres, rows = np.concatenate([early_x, centres]), np.concatenate([early_rows, rows])
    return ratio_curve(centres, rows, scale, float(lengths.mean()))
