"""The section of language.py that stands for the LSTM (lstm.py), run as a program of its own so that a machine without PyTorch makes the rest of the page."""

import importlib.util
import json
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
# Less text before and behind than the experiments ask for by themselves: articles are short.
EXPERIMENTS = {"belief_inertia": ("context=100", "room=300"), "surprise_recovery": ("context=200", "room=300")}


def call(lab, corpus, name):
    """The words of an experiment on the text of a corpus, but for its model."""
    return ["run", name, *lab.texts(corpus), *(w for s in EXPERIMENTS[name] for w in ("--set", f"{name}.{s}"))]


def trials(lab, corpus):
    """Folders of what the experiments recorded of the hierarchy of seed 1, and what strata said where a text does not allow one."""
    folders, refused = [], []
    for name in EXPERIMENTS:
        out = lab.folder(corpus, name, 1)
        if not (out / "trace.h5").exists():
            words = [*call(lab, corpus, name), "--model", str(lab.folder(corpus, "evaluate", 1) / "model.h5"), "--threads", str(lab.options.threads), "--set", "run.figures=false"]
            done = subprocess.run([lab.options.strata, *words, "--quiet", "--out", str(out)], cwd=HERE.parents[2], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                  check=False)
            if done.returncode:
                refused.append(f"{name}: {done.stderr.strip().split(': ', 2)[-1].split('; ')[0].split(' (')[0]}")
                continue
        folders.append(out)
    return folders, refused


def peers(lab, corpus):
    """summary.json of the LSTM of every seed; none where it cannot be trained."""
    found, refused = [], []
    for seed in range(1, lab.seeds(corpus) + 1):
        out = lab.folder(corpus, "lstm", seed)
        run = json.loads((lab.folder(corpus, "evaluate", seed) / "summary.json").read_text())
        of, stamp = out.with_suffix(".call"), f"{lab.options.lstm_minutes:g} minutes beside the run of {run['created']}\n"
        if not ((out / "summary.json").exists() and of.exists() and of.read_text() == stamp):
            of.write_text(stamp)
            for left in (out, *(lab.folder(corpus, name, 1) for name in EXPERIMENTS if seed == 1)):
                shutil.rmtree(left, ignore_errors=True)
            folders, refused = trials(lab, corpus) if seed == 1 else ([], [])
            words = ["--strata", lab.options.strata, "--beside", lab.folder(corpus, "evaluate", seed), "--out", out, "--minutes", lab.options.lstm_minutes, "--seed", seed]
            words += ["--threads", lab.options.threads, "--trials", *folders]
            print("lstm.py beside", corpus, "with seed", seed, flush=True)
            done = subprocess.run([sys.executable, str(HERE / "lstm.py"), *map(str, words)], cwd=HERE.parents[2], check=True, stdout=subprocess.PIPE, text=True)
            print(done.stdout, end="", flush=True)
            if "SKIPPED: " in done.stdout:
                break
            (out / "refused.json").write_text(json.dumps(refused))
        found.append(json.loads((out / "summary.json").read_text()))
    return found


def section(lab, evaluated, spread):
    """The lines of all texts that an LSTM is trained on; none where PyTorch is absent. `evaluated` gives the runs that it stands beside."""
    if importlib.util.find_spec("torch") is None:
        print("SKIPPED: the LSTM: PyTorch is absent; how to install it stands at the top of tests/bench/language/lstm.py")
        return []
    table, tables = [], []
    for corpus in lab.options.lstm_on:
        if not lab.there(corpus):
            print(f"SKIPPED: the LSTM on {corpus}: its text is not there")
            continue
        runs = evaluated(lab, corpus)
        if found := peers(lab, corpus):
            table.append(row(corpus, found, [run["perplexity"] for run in runs], spread))
            tables += lines(lab, corpus, found)
    if not table:
        return []
    return ["| text | LSTM, not tuned | weights | passes in processor time | as trained | with a cache | **strata** |", "| --- | --- | --- | --- | --- | --- | --- |", *table, "",
            "As many dense weights as the hierarchy beside it, trained by truncated back-propagation through time (`tests/bench/language/lstm.py` says how); the same tokens.", "",
            *tables]


def row(corpus, found, own, spread):
    """Of the table of perplexities."""
    first = found[0]
    return (f"| {corpus} | {first['layers']} layer{'s' if first['layers'] > 1 else ''} of {first['units']} units | {first['parameters']} | {first['passes']:.1f} in "
            f"{first['processor_seconds'] / 60:.1f} minutes{' on each thread' if first['threads'] > 1 else ''} | {spread([f['static']['perplexity'] for f in found])} | "
            f"{spread([f['cache']['perplexity'] for f in found])} ({first['cache_time_constant']} tokens, weight {first['cache_weight']:.2f}) | **{spread(own)}** |")


def cell(level, key):
    at_least = f"{key}_at_least"
    if key not in level:
        return f"at least {level[at_least]:.0f}" if at_least in level else "-"
    low, high = level.get(f"{key}_ci95", (None, None))
    return f"{level[key]:.1f}" + (f" ({low:.1f} to {high:.1f})" if high is not None else "")


def lines(lab, corpus, found):
    """Inertia and recovery of the LSTM's states beside the hierarchy's, on the same trials."""
    first, out = found[0], lab.folder(corpus, "lstm", 1)
    table, text = [], []
    for experiment, key in (("belief_inertia", "half_life"), ("surprise_recovery", "recovery")):
        if experiment not in first:
            continue
        lab.commands.append(lab.shown([*call(lab, corpus, experiment), "--model", "MODEL_OF_SEED_1"]))
        own = json.loads((lab.folder(corpus, experiment, 1) / "summary.json").read_text())
        its = first[experiment][key]
        levels = its["levels"] if key == "half_life" else its["conditions"][own["condition"]]["levels"]
        what = "half-life" if key == "half_life" else f"recovery, {own['condition'].replace('_', ' of another ')}"
        table += [f"| {what} | {who} {level['name']} | {cell(level, key)} |" for who, all_of in (("strata,", own["levels"]), ("LSTM,", levels)) for level in all_of]
    if table:
        text += [f"On {corpus}: half-life of what two copies with different histories expect, and recovery from a foreign passage, in tokens [95 %], one seed, the same trials.", "",
                 "| | | tokens |", "| --- | --- | --- |", *table, ""]
    refused = json.loads((out / "refused.json").read_text())
    return text + ([f"Not measured on {corpus}: {'; '.join(refused)}.", ""] if refused else [])
