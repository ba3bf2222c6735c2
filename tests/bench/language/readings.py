"""What strata read, from what it recorded: the tokens of a text, and the trials of an experiment. Nothing is cut into tokens anew, so that another model
reads the same tokens whatever the tokenizer.

A reading is made by a hierarchy of one unit, which costs little: its vocabulary is learned from the same text as the run's that it is set beside, with the
run's own keys (text.*) and seed, and a trace of any reading holds the id, the document and the bytes of every token (analysis/README.md).
"""

import json
import math
import pathlib
import subprocess
from dataclasses import dataclass

import h5py
import numpy

# The smallest hierarchy: it is there to read.
SMALLEST = {"hierarchy.levels": 1, "hierarchy.units": 1, "level.0.units": 1, "level.0.hidden": 1, "level.0.context": 1, "level.0.ngrams": 0, "relaxation.steps": 1,
            "learning.interval": 32, "world.passes": 1, "world.tokens": 1000, "evaluate.stream_every": 0, "record.every": 64, "run.figures": "false"}


@dataclass
class Document:
    """Tokens of a document in order; begin and end are bytes of its file."""
    index: int
    ids: numpy.ndarray
    begin: numpy.ndarray
    end: numpy.ndarray


def documents_of(trace):
    """Every document of a reading (`strata evaluate`), in the order of the corpus. A document is read by one stream from its start to its end."""
    with h5py.File(trace, "r") as file:
        ids, document, begin, end = (file["tokens"][name][()].T for name in ("id", "document", "byte_begin", "byte_end"))
    found = []
    for stream in range(ids.shape[0]):
        there = ids[stream] >= 0
        rows = [row[stream][there] for row in (ids, document, begin, end)]
        cuts = numpy.flatnonzero(numpy.diff(rows[1])) + 1
        for its_ids, its_document, its_begin, its_end in zip(*(numpy.split(row, cuts) for row in rows)):
            if its_ids.size:
                found.append(Document(int(its_document[0]), its_ids.astype(numpy.int64), its_begin, its_end))
    return sorted(found, key=lambda d: d.index)


def keys_of(text):
    """key -> value of a configuration as strata writes it; what is quoted is quoted as JSON is."""
    pairs = (map(str.strip, line.split("=", 1)) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key: json.loads(value) if value.startswith('"') else value for key, value in pairs}


@dataclass
class Texts:
    """What a run was trained on and what it was scored on."""
    training: list
    held_out: list
    vocabulary: int
    summary: dict  # of the run


def evaluate(strata, out, *words):
    if not (out / "summary.json").exists():
        keys = [w for key, value in SMALLEST.items() for w in ("--set", f"{key}={value}")]
        subprocess.run([strata, "evaluate", *map(str, words), *keys, "--quiet", "--json", "--out", str(out)], check=True, stdout=subprocess.DEVNULL)
    return documents_of(out / "trace.h5"), json.loads((out / "summary.json").read_text())


def read_texts(strata, beside, work, threads=0):
    """The texts of the run in the folder `beside`, read by a smallest hierarchy. Raises ValueError where it did not read what that run did."""
    beside, work = pathlib.Path(beside), pathlib.Path(work)
    own, summary = keys_of((beside / "config.ini").read_text()), json.loads((beside / "summary.json").read_text())
    text, given = own["run.text"].splitlines(), own["run.held_out"].splitlines()
    common = [w for key, value in own.items() if key.startswith("text.") for w in ("--set", f"{key}={value}")]
    common += ["--seed", own["run.seed"], "--threads", threads]
    sources = [w for path in text for w in ("--text", path)] + [w for path in given for w in ("--held-out", path)]
    held_out, small = evaluate(strata, work / "held_out", *sources, *common)
    training, _ = evaluate(strata, work / "training", *(w for path in text for w in ("--held-out", path)), "--model", work / "held_out" / "model.h5",
                           "--threads", threads)
    if not given and len(training) == 1:  # the only document was cut in two: its first part ends as a document does
        cut = training[0].begin < held_out[0].begin[0]
        training = [Document(0, training[0].ids[cut], training[0].begin[cut], training[0].end[cut])]
        if own["text.tokenizer"] not in ("bytes", "characters"):
            training[0].ids[-1] = held_out[0].ids[-1]
    elif not given:
        scored = {d.index for d in held_out}
        training = [d for d in training if d.index not in scored]
    texts = Texts(training, held_out, small["vocabulary"], summary)
    require_same(texts)
    return texts


def unigram_nats(texts):
    """Of a held-out token, from the training text's counts with one added to each."""
    counts = sum(numpy.bincount(d.ids, minlength=texts.vocabulary) for d in texts.training) + 1
    log = numpy.log(counts / counts.sum())
    return -sum(float(log[d.ids].sum()) for d in texts.held_out) / sum(d.ids.size for d in texts.held_out)


def require_same(texts):
    """What the run says of its tokens must hold of these: their number, and what counting them gives, which no other tokens would."""
    nats = unigram_nats(texts)
    found = {"held_out_tokens": sum(d.ids.size for d in texts.held_out), "unigram_nats": nats, "vocabulary": texts.vocabulary,
             "document_tokens": [d.ids.size for d in texts.held_out], "training_tokens": sum(d.ids.size for d in texts.training)}
    for key, value in found.items():
        wanted = texts.summary.get(key, value)
        same = math.isclose(value, wanted, rel_tol=1e-9) if key == "unigram_nats" else value == wanted
        if not same:
            raise ValueError(f"the tokens are not those of the run: {key} is {value}, the run has {wanted}")


@dataclass
class Trials:
    """One condition of an experiment: what every trial reads, and how many of its tokens come before time 0."""
    name: str  # "/" or below /conditions
    reference: str
    ids: list
    zero: list
    passage: numpy.ndarray  # or None


def trials_of(trace, documents):
    """The conditions of `surprise_recovery` or `belief_inertia`, with what each trial read before the recorded window: its document from the start, or as much
    of it as the experiment's `history`. Raises ValueError where the trace holds too little to tell."""
    places = {d.index: {place: i for i, place in reversed(list(enumerate(zip(d.begin.tolist(), d.end.tolist(), d.ids.tolist()))))} for d in documents}
    by_index = {d.index: d for d in documents}
    with h5py.File(trace, "r") as file:
        keys, experiment = keys_of(text_of(file.attrs["config"])), text_of(file.attrs["experiment"])
        history = int(keys[f"{experiment}.history"])
        groups = {"/": file, **{name: group for name, group in file.get("conditions", {}).items() if not name.startswith("twin_l")}}
        conditions = []
        for name, group in groups.items():
            tokens = {key: group["tokens"][key][()] for key in ("time", "id", "document", "byte_begin", "byte_end")}
            passage = group["passage_length"][()] if "passage_length" in group else None
            condition = Trials(name, text_of(group.attrs.get("reference", "/")), [], [], passage)
            for s in range(tokens["id"].shape[1]):
                # Before a passage, or before the window, lies one stretch of one document; where it ends is told by the token behind it.
                own = tokens["time"] >= (-int(passage[s]) if passage is not None else tokens["time"][0])
                mark = 0 if passage is not None else tokens["time"][0]
                if tokens["time"][0] > (-int(passage[s]) if passage is not None else 0):
                    raise ValueError(f"{trace}: the window begins within the passage of trial {s} of {name}")
                row = int(numpy.flatnonzero(tokens["time"] == mark)[0])
                index = int(tokens["document"][row, s])
                at = places[index][tuple(int(tokens[key][row, s]) for key in ("byte_begin", "byte_end", "id"))]
                begin = max(0, at - history) if passage is not None else first_read(experiment, name, tokens, s, at, history)
                column = tokens["id"][own, s]
                condition.ids.append(numpy.concatenate([by_index[index].ids[begin:at], column[column >= 0]]).astype(numpy.int64))
                condition.zero.append(at - begin + int((tokens["time"][own] < 0).sum()))
            conditions.append(condition)
    return conditions


def first_read(experiment, name, tokens, s, at, history):
    """Where reading began in a trial without a passage: at the document's start, but for the undisturbed copies of surprise_recovery, which read `history`
    tokens at most before time 0."""
    if experiment == "surprise_recovery" and name in ("/", "undisturbed"):
        return max(0, at - int(tokens["time"][0]) - history)
    return 0


def text_of(value):
    return value.decode() if isinstance(value, bytes) else str(value)
