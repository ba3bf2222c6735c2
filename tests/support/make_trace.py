"""Synthetic result folders in the trace schema: leaky integrators driven by random words stand in for a trained hierarchy.

    make_trace.py surprise_recovery DIR [--tokens 1024] [--trials 24] [--units 24] [--seed 1]
    make_trace.py belief_inertia DIR
    make_trace.py foreign FILE.h5          only /levels/L/belief and /conditions/twin/levels/L/belief
    make_trace.py reading FILE.h5          one copy, no conditions

Every level holds h <- a h + sqrt(1 - a^2) s with a = exp(-1/tau); words of one document share a mean, so documents differ.
Trials differ a little in tau. Known answer: two copies that read the same text differ by a^t, so the half-life is near tau ln 2.
summary.json carries those measures, taken from the synthetic vectors, and passages.json the (invented) text.
"""
import argparse
import json
import os

import h5py
import numpy as np

NAMES = ("token", "sentence", "paragraph", "document")
TAUS = (1.4, 11.0, 60.0, 380.0)
TICKS = (1, 1, 5, 20)
SCHEMA = "1"
TITLES = ("The Garden at Low Tide · Chapter 4", "겨울 항구 · 셋째 장", "Letters from a Mill · Chapter 11", "A Map of Small Hours · Chapter 2")
WORDS = ("the", "harbour", "had", "been", "quiet", "since", "morning", "and", "nobody", "on", "the", "quay", "could", "say", "why", "a", "letter",
         "was", "waiting", "under", "lamp", "she", "read", "it", "twice", "with", "great", "composure", "then", "folded", "into", "her", "sleeve",
         "his", "uncle", "thought", "otherwise", "of", "course", "in", "spite", "every", "evidence", "rain", "came", "down", "from", "hills")
KOREAN = ("겨울", "항구는", "아침부터", "조용했고", "아무도", "그", "까닭을", "말하지", "않았다", "등불", "아래", "편지가", "기다리고", "있었다")


def attach(dataset, scales):
    for axis, scale in enumerate(scales):
        dataset.dims[axis].attach_scale(scale)


def write(group, name, data, scales, units, long_name):
    dataset = group.create_dataset(name, data=data, chunks=True, compression="gzip", compression_opts=1)
    dataset.attrs["units"], dataset.attrs["long_name"] = units, long_name
    attach(dataset, scales)


def write_scale(group, name, data):
    scale = group.create_dataset(name, data=data)
    scale.make_scale(name)
    return scale


def write_level(group, level, times, states, errors, surprise):
    """One /levels/L: states (T, stream, unit), errors and surprise (T, stream)."""
    held = group.create_group(f"levels/{level}")
    held.attrs["name"], held.attrs["time_constant"], held.attrs["tick"] = NAMES[level], TAUS[level], TICKS[level]
    time, stream = write_scale(held, "time", times), write_scale(held, "stream", np.arange(states.shape[1], dtype=np.int32))
    unit = write_scale(held, "unit", np.arange(states.shape[2], dtype=np.int32))
    write(held, "prediction", states.astype(np.float32), (time, stream, unit), "1", "expectation mu for the next step")
    write(held, "belief", (states * 1.02).astype(np.float32), (time, stream, unit), "1", "belief x as settled")
    write(held, "prediction_error_norm", errors.astype(np.float32), (time, stream), "nats^(1/2)", "weighted prediction error")
    write(held, "surprise", surprise.astype(np.float32), (time, stream), "nats", "surprise of the level's own prediction")
    write(held, "active", np.ones(times.size, np.uint8), (time,), "1", "level exists at this time")


def integrate(words, start, hold=False):
    """words (time, stream, unit), start per level (stream, unit) -> per level states (time, stream, unit); hold: row 0 is the start itself."""
    states = []
    spread = np.exp(0.25 * np.sin(2.4 * np.arange(words.shape[1])))[:, None]
    for tau, first in zip(TAUS, start):
        a = np.exp(-1.0 / (tau * spread))
        state, held = first.copy(), np.empty_like(words)
        for t in range(words.shape[0]):
            state = a * state + np.sqrt(1.0 - a * a) * words[t] if t or not hold else state
            held[t] = state
        states.append(held)
    return states


class Reader:
    """Draws words of documents and reads them; one object per run so that the whole run follows from the seed."""

    def __init__(self, trials, units, seed):
        self.random = np.random.default_rng(seed)
        self.trials, self.units = trials, units

    def words(self, count, document):
        return self.random.normal(size=(count, self.trials, self.units)) + 0.5 * document[None]

    def document(self):
        return self.random.normal(size=(self.trials, self.units))

    def rest(self, document):
        """States after long reading of a document."""
        return [np.array(state[-1]) for state in integrate(self.words(500, document), [np.zeros((self.trials, self.units))] * 4)]


def error_course(random, times, trials, level, length, height):
    """Norms near 1 that rise inside the passage (-length..-1) and fall afterwards with the level's time constant."""
    base = np.sqrt(random.chisquare(6, size=(times.size, trials)) / 6.0)
    inside = np.clip((times[:, None] + length[None, :] + 1.0) / np.minimum(length, TAUS[level] + 1.0)[None, :], 0.0, 1.0)
    after = np.exp(-np.maximum(times, 0) / (0.8 * TAUS[level]))[:, None]
    return base * (1.0 + height * np.where(times[:, None] < 0, inside, after))


def write_copy(group, reader, states, times, length=None, height=0.0):
    """All levels of one copy, each on its own coarser times (anchored at -1); states start at times[0]."""
    size = np.zeros(reader.trials) if length is None else length
    for level in range(len(TAUS)):
        chosen = (times + 1) % TICKS[level] == 0
        kept = times[chosen]
        errors = error_course(reader.random, kept, reader.trials, level, np.maximum(size, 1), height * (1.0 - 0.14 * level))
        surprise = 4.2 + 0.3 * level + 1.1 * (errors - 1.0)
        write_level(group, level, kept, states[level][chosen], errors, surprise)


def attributes(root, experiment, seed):
    values = {"strata_version": "0.1.0", "commit": "0000000", "dirty": 0, "compiler": "synthetic", "isa": "none", "device": "reference", "threads": 1,
              "seed": seed, "created": "2026-01-01T00:00:00Z", "schema": SCHEMA, "config": "{}", "inputs": '[{"path": "겨울 항구.txt"}]',
              "experiment": experiment}
    for name, value in values.items():
        root.attrs[name] = value


def crossing(values, fraction):
    """First token count at which the trial mean is at most `fraction` of its start, and whether it never was."""
    mean = values.mean(axis=1)
    below = np.flatnonzero(mean <= fraction * mean[0])
    return (int(below[0]), False) if below.size else (values.shape[0] - 1, True)


def crossing_interval(values, fraction, random):
    draws = [crossing(values[:, random.integers(0, values.shape[1], values.shape[1])], fraction)[0] for _ in range(60)]
    return [float(value) for value in np.percentile(draws, (2.5, 97.5))]


def measure(entry, key, values, fraction, random):
    value, censored = crossing(values, fraction)
    entry[f"{key}_at_least" if censored else key] = value
    entry[f"{key}_ci95"] = crossing_interval(values, fraction, random)
    if censored or entry[f"{key}_ci95"][1] >= values.shape[0] - 1:
        entry[f"{key}_ci95_high_open"] = True


def norm(first, second):
    return np.sqrt(((first - second) ** 2).sum(axis=2))


def surprise_recovery(folder, tokens, trials, units, seed):
    """96 places in a real run; here `trials`."""
    reader = Reader(trials, units, seed)
    home, before = reader.document(), 256
    times = np.arange(-before, tokens, dtype=np.int64)
    common = reader.words(times.size, home)
    rest = reader.rest(home)
    plain = integrate(common, rest)
    conditions, lengths = {}, {"sentence": reader.random.integers(14, 34, trials), "paragraph": reader.random.integers(80, 170, trials)}
    with h5py.File(os.path.join(folder, "trace.h5"), "w") as root:
        attributes(root, "surprise_recovery", seed)
        root["valid"] = np.full(trials, tokens, np.int32)
        write_copy(root, reader, plain, times)
        for kind, length in lengths.items():
            for source, strength in (("work", 1.0), ("document", 0.6)):
                states = insert(reader, common, plain, times, length, home + strength * (reader.document() - home))
                group = root.create_group(f"conditions/{kind}_{source}")
                group.attrs["reference"] = "/"
                group["passage_length"], group["valid"] = length.astype(np.int32), np.full(trials, tokens, np.int32)
                write_copy(group, reader, states, times, length, strength * (1.1 if kind == "paragraph" else 1.5))
                conditions[f"{kind}_{source}"] = {"trials": trials, "levels": recovery_levels(reader.random, plain, states, before, length)}
        write_switch(root, reader, home, tokens)
    summary = summary_of("surprise_recovery", conditions["paragraph_work"]["levels"], seed, tokens * trials)
    save(folder, {**summary, "trials": trials, "condition": "paragraph_work", "conditions": conditions}, passages(list(conditions), reader.random))


def insert(reader, common, plain, times, length, foreign):
    """The disturbed copy: every trial reads its passage at -length..-1, then the common text. What stands before is the preceding text."""
    zero = int(np.flatnonzero(times == 0)[0])
    words = common.copy()
    passage = reader.words(int(length.max()), foreign)
    for trial, n in enumerate(length):
        words[zero - n:zero, trial] = passage[:n, trial]
        words[:zero - n, trial] = common[n:zero, trial]
    trials = np.arange(length.size)
    return integrate(words, [states[length - 1, trials] for states in plain])


def recovery_levels(random, plain, states, before, length):
    levels = []
    for level, name in enumerate(NAMES):
        entry = {"name": name, "time_constant": TAUS[level]}
        measure(entry, "recovery", norm(states[level], plain[level])[before - 1:], 0.1, random)
        entry["error_recovery"] = int(round(2.4 * TAUS[level])) + 1
        entry["peak_error"], entry["peak_surprise"] = round(2.2 - 0.15 * level, 3), round(7.4 - 0.3 * level, 2)
        entry["excess_nats_passage"], entry["excess_nats_after"] = round(88.0 - 6.0 * level, 1), round(1.5 + 6.0 * level, 1)
        entry["censored_fraction"] = round(0.02 + 0.2 * (level == 3), 3)
        levels.append(entry)
    return levels


def write_switch(root, reader, home, tokens):
    other = reader.document()
    times = np.arange(-1, tokens, dtype=np.int64)
    text = reader.words(times.size, other)
    starts = {"switch": reader.rest(home), "always": reader.rest(other)}
    for name, start in starts.items():
        group = root.create_group(f"conditions/{name}")
        group.attrs["reference"] = "/conditions/always"
        write_copy(group, reader, integrate(text, start, hold=True), times)
    return other


def belief_inertia(folder, tokens, trials, units, seed):
    reader = Reader(trials, units, seed)
    first, second, common = reader.document(), reader.document(), reader.document()
    times = np.arange(-1, tokens, dtype=np.int64)
    text = reader.words(times.size, common)
    own = reader.words(times.size, first)
    copies = {}
    with h5py.File(os.path.join(folder, "trace.h5"), "w") as root:
        attributes(root, "belief_inertia", seed)
        start = {"/": reader.rest(first), "twin": reader.rest(second), "always": reader.rest(common)}
        start["switch"] = start["stayed"] = start["/"]
        for level in range(len(TAUS)):
            start[f"twin_l{level}"] = [swapped if place == level else own_state for place, (own_state, swapped) in enumerate(zip(start["/"], start["twin"]))]
        for name, states in start.items():
            group = root if name == "/" else root.create_group(f"conditions/{name}")
            group.attrs["reference"] = "/conditions/always" if name in ("switch", "always", "stayed") else "/"
            copies[name] = integrate(own if name == "stayed" else text, states, hold=True)
            write_copy(group, reader, copies[name], times)
    levels = []
    for level, name in enumerate(NAMES):
        entry = {"name": name, "time_constant": TAUS[level]}
        measure(entry, "half_life", norm(copies["twin"][level], copies["/"][level]), 0.5, reader.random)
        measure(entry, "half_life_single", norm(copies[f"twin_l{level}"][level], copies["/"][level]), 0.5, reader.random)
        to_new, to_old = norm(copies["switch"][level], copies["always"][level]), norm(copies["switch"][level], copies["stayed"][level])
        share = to_new / np.maximum(to_new + to_old, 1e-9)
        measure(entry, "tokens_to_switch", share, 0.5, reader.random)
        for third, factor in (("low", 1.2), ("middle", 1.0), ("high", 0.7)):
            entry[f"half_life_{third}_surprise"] = round(factor * 0.7 * TAUS[level], 1)
            entry[f"half_life_{third}_surprise_ci95"] = [round(factor * 0.6 * TAUS[level], 1), round(factor * 0.8 * TAUS[level], 1)]
        entry["evidence_nats"], entry["censored_fraction"] = round(0.4 + 2.1 * level, 2), round(0.03 * level, 3)
        levels.append(entry)
    summary = {**summary_of("belief_inertia", levels, seed, tokens * trials), "pairs": trials, "inertia_ratio": 6.5, "inertia_ratio_ci95": [5.8, 7.4]}
    save(folder, summary, None)


def foreign(path, tokens, trials, units, seed):
    """Another program's trace: two beliefs per level, no scales, no attributes."""
    reader = Reader(trials, units, seed)
    text = reader.words(tokens, reader.document())
    with h5py.File(path, "w") as root:
        for prefix in ("", "conditions/twin/"):
            for level, states in enumerate(integrate(text, reader.rest(reader.document()))):
                root[f"{prefix}levels/{level}/belief"] = states.astype(np.float32)


def reading(path, tokens, trials, units, seed):
    """One copy that reads: what a measure of a plain recording sees."""
    reader = Reader(trials, units, seed)
    times, document = np.arange(tokens, dtype=np.int64), reader.document()
    with h5py.File(path, "w") as root:
        attributes(root, "evaluate", seed)
        write_copy(root, reader, integrate(reader.words(tokens, document), reader.rest(document)), times)


def summary_of(experiment, levels, seed, tokens):
    return {"experiment": experiment, "strata_version": "0.1.0", "commit": "0000000", "seed": seed, "device": "reference", "isa": "none", "threads": 1,
            "seconds": 1.0, "tokens": tokens, "tokens_per_second": tokens / 1.0, "peak_memory_bytes": 1, "levels": levels, "perplexity": 108.4,
            "bits_per_byte": 1.91}


def prose(random, count, korean, surprising):
    """Invented sentences as pieces with leading spaces, and their nats."""
    found, pool = [], KOREAN if korean else WORDS
    for index in range(count):
        word = str(random.choice(pool))
        pieces = [word[:4], word[4:]] if len(word) > 7 else [word]
        text = ("" if index == 0 else " ") + pieces[0]
        base = float(random.gamma(2.0, 1.6)) + (3.0 * random.random() if surprising else 0.0)
        found += [{"text": text, "surprise": round(base, 2)}] + [{"text": piece, "surprise": round(base * 0.3, 2)} for piece in pieces[1:]]
        if index % 13 == 12:
            found.append({"text": ".", "surprise": 1.1})
    return found


def passages(conditions, random):
    listed = []
    for condition in conditions:
        for trial in range(3):
            size = 22 if condition.startswith("sentence") else 95
            korean = trial == 1
            parts = ((prose(random, 70, korean, False), False, trial), ([{"text": " ", "surprise": 0.2}] + prose(random, size, False, True), True, 9),
                     ([{"text": "\n\n", "surprise": 1.4}] + prose(random, 180, korean, False), False, trial))
            listed.append({"trial": trial, "condition": condition, "title": TITLES[trial],
                           "tokens": [{**token, "passage": inside, "document": document} for part, inside, document in parts for token in part]})
    return listed


def save(folder, summary, listed):
    with open(os.path.join(folder, "summary.json"), "w", encoding="utf-8") as stream:
        json.dump(summary, stream, ensure_ascii=False, indent=1)
    if listed is not None:
        with open(os.path.join(folder, "passages.json"), "w", encoding="utf-8") as stream:
            json.dump(listed, stream, ensure_ascii=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=("surprise_recovery", "belief_inertia", "foreign", "reading"))
    parser.add_argument("path")
    for name, default in (("tokens", 1024), ("trials", 24), ("units", 24), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    if given.kind not in ("foreign", "reading"):
        os.makedirs(given.path, exist_ok=True)
    maker = {"surprise_recovery": surprise_recovery, "belief_inertia": belief_inertia, "foreign": foreign, "reading": reading}[given.kind]
    maker(given.path, given.tokens, given.trials, given.units, given.seed)


if __name__ == "__main__":
    main()
