#!/usr/bin/python3
"""Writes results/reference/ablation.md, time_scales_text.md, segmentation.md, text_signatures.md, depth_text.md, gate_text.md and coherence.md: what terms, schedules
and learned time constants are worth, boundaries that levels find, the laboratory's signatures on text, what every further level is worth, a gate that words open, and what belongs together.

usage: tests/validation/text_reference.py --strata build/release/strata [--only ablation time_scales segmentation signatures depths gate coherence] [--seeds 3] [--work DIR]

The texts are those of ../shared/data, and Austen's novels where ./demo.sh left them; a part whose text is absent is skipped and said. Runs lie below --work
and are used again; one that was interrupted goes on. The ablation and the segmentation take about half an hour of one core, the depths and coherence more than an hour, the others about a quarter each.
"""

import argparse
import json
import math
import pathlib
import statistics
import subprocess
import tempfile

from reference import REFERENCE, TOP

DATA = TOP.parent / "shared" / "data"
SPEECHES, REUTERS, KOREAN = DATA / "speeches_us", DATA / "reuters" / "train.txt", DATA / "ko_news"
SMALL = ("text.vocabulary=4000", "world.tokens=150000", "world.passes=1")
NEWS = ("text.hold_out=last", "text.vocabulary=4000", "world.tokens=300000", "world.passes=1")
CORPORA = {"austen": (TOP / "results" / "demo" / "text" / "austen", ()), "speeches_us": (SPEECHES, ()),
           "reuters": (REUTERS, ("text.hold_out=last", "world.shuffle=false"))}
# Depths: configuration and what is set beside it; units of the token level's own words by number of levels, so that all have as many weights as four levels
# with 64; on which texts.
UNITS = {1: 107, 2: 72, 3: 68, 4: 64}
DEPTHS = {"demo": ("demo.ini", SMALL, UNITS, tuple(CORPORA)), "prose": ("prose.ini", SMALL, UNITS, tuple(CORPORA)),
          "whole": ("prose.ini", ("world.passes=1",), {1: 111, 2: 70, 3: 67, 4: 64}, ("austen", "speeches_us"))}
GATE_TEXT = ("text.vocabulary=4000", "text.marks=none", "world.tokens=300000", "world.passes=1")
CONTRAST = ("belief_inertia.pairs=90", "belief_inertia.after=1200", "belief_inertia.switches=false", "belief_inertia.single=false", "belief_inertia.contrast=true")
GATED = tuple(f"level.{level}.{key}" for level, window in ((1, 16), (2, 32), (3, 64)) for key in ("gate=true", "gate_by=words", "gate_threshold=4", f"gate_window={window}"))
COHERENCE_TEXT = ("world.tokens=1200000", "world.passes=1")
SIGNATURES = {
    "scrambled_story": ("Scrambled story", "The least block of undisturbed text in which two readers with different pasts agree at 80 % of what they agree at over the intact text."),
    "construction": ("Construction and forgetting", "Tokens until copies with different pasts agree half, and until copies with one past have come half apart."),
    "amplification": ("Amplification", "Divergence of two readings after a few words were changed, to those of another text or at random, in spreads of the level."),
    "intrinsic_timescales": ("Intrinsic time scales", "Decay of the autocorrelation of what a level expects, driven by text and running free."),
}


class Lab:
    """Runs the command, once per folder, and keeps what it printed."""

    def __init__(self, options):
        self.options, self.commits, self.commands = options, set(), []

    def run(self, name, words, config, text, settings, seed=None):
        folder = pathlib.Path(self.options.work) / name
        call = [*words, "--config", f"experiments/config/{config}", "--text", str(text), *(w for s in settings for w in ("--set", s)), *(["--seed", str(seed)] if seed else [])]
        shown = " ".join(f"'{w}'" if " " in w else w for w in call).replace(str(DATA), "../shared/data").replace(str(TOP) + "/", "").replace(str(self.options.work), "WORK")
        self.commands.append(shown)
        said = folder.with_suffix(".txt")
        if not (folder / "summary.json").exists() or not said.exists():
            print(shown, flush=True)
            common = ["--threads", "1", "--set", "run.figures=false", "--quiet"]
            resumed = folder.with_name(folder.name + ".partial").exists()
            arguments = [call[0], "--resume", str(folder), "--quiet"] if resumed else [*call, *common, "--out", str(folder)]
            result = subprocess.run([self.options.strata, *arguments], check=True, cwd=TOP, stdout=subprocess.PIPE, text=True)
            for trace in folder.glob("*.h5"):
                if trace.name != "model.h5":
                    trace.unlink()
            said.write_text(result.stdout)
        summary = json.loads((folder / "summary.json").read_text())
        self.commits.add(summary["commit"][:7] + (" with changes" if summary["dirty"] else ""))
        lines = said.read_text().splitlines()
        return summary, [line for line in lines if not line.startswith(("results:", "model:"))]

    def write(self, name, lines):
        lines = [*lines, "", f"Made at {', '.join(sorted(self.commits))} by `tests/validation/text_reference.py --seeds {self.options.seeds}`, which ran", "",
                 *[f"    strata {command}" for command in self.commands], ""]
        (REFERENCE / name).write_text("\n".join(lines))
        print("\n".join(lines), flush=True)


def ablation(lab):
    summary, said = lab.run("ablation", ["run", "ablation"], "prose.ini", SPEECHES, [*SMALL, f"ablation.repeats={lab.options.seeds}"])
    helps = [arm["name"] for arm in summary["arms"][1:] if arm["more_nats_ci95"][1] < 0]
    harms = [arm["name"] for arm in summary["arms"][1:] if arm["more_nats_ci95"][0] > 0]
    own = [f"{arm['name']} ({level['name']})" for arm in summary["arms"][1:] for level in arm["levels"]
           if level.get("more_prediction_nats", 0) < -2 * level.get("more_prediction_nats_se", 1)]
    lab.write("ablation.md", [
        "# What each term of the objective and each part of the schedule is worth", "",
        f"{summary['training_tokens']} tokens of speeches_us read once, {lab.options.seeds} seeds, every tenth document held out. Each arm sets its keys beside those of prose.ini.", "",
        "```", *said, "```", "",
        f"Fewer nats per token with: {', '.join(helps) or 'none'}. More with: {', '.join(harms) or 'none'}. Fewer nats per word of a level's own unit, by more than two standard errors over "
        f"seeds: {', '.join(own) or 'none'}. Terms are off by default.", "",
        "| arm | keys |", "| --- | --- |", *[f"| {arm['name']} | {arm['keys'] or '-'} |" for arm in summary["arms"]]])


def time_scales(lab):
    lines = ["# Time constants of levels on text: fixed, learned within a band, learned freely", "",
             f"Both time constants of every level's memory, 150,000 tokens read once, {lab.options.seeds} seeds. Fixed: 5, 40, 250 tokens and the longer ones beside them "
             "(prose.ini). Band: learned, within a factor of 3 of these. Free: learned from these, within 10,000. Free from equal: from 40 at every level, settling at every token.", ""]
    for name, text in (("speeches_us", SPEECHES), ("ko_news", KOREAN)):
        summary, said = lab.run(f"time_scales_{name}", ["run", "phase2"], "prose.ini", text, [*SMALL, f"phase2.repeats={lab.options.seeds}"])
        lines += [f"## {name}", "", "```", *said, "```", "", "| | shorter time constants, tokens, by level |", "| --- | --- |",
                  *[f"| {arm['name']} | {', '.join('{:.1f}'.format(level['time_constant']) for level in arm['levels'][1:])} |" for arm in summary["arms"]], ""]
    lab.write("time_scales_text.md", lines)


def segmentation(lab):
    lines = ["# Where situations end, found by the levels", "",
             f"Texts without marks of lines, paragraphs and documents, and no level told of them; {lab.options.seeds} seed{'s' if lab.options.seeds > 1 else ''}, 300,000 tokens read once, the rest "
             "of the text held out. Levels look for as many ends as experiments/config/segments.ini says.", ""]
    for name, text in (("reuters", REUTERS), ("speeches_us", SPEECHES), ("ko_news", KOREAN)):
        lines += [f"## {name}", ""]
        for seed in range(1, lab.options.seeds + 1):
            _, said = lab.run(f"segmentation_{name}_{seed}", ["run", "segmentation"], "segments.ini", text, NEWS, seed)
            lines += [f"Seed {seed}:", "", "```", *said, "```", ""]
    lab.write("segmentation.md", lines)


def spread(values, digits=4):
    return f"{statistics.median(values):.{digits}f}" + (f" ({min(values):.{digits}f} to {max(values):.{digits}f})" if len(values) > 1 else "")


def saved(own, others):
    """Nats per token less than the others' and its standard error: over documents (of a ratio of sums, seeds averaged) and over seeds, added in squares."""
    tokens = own[0]["document_tokens"]
    by_seed = [f["nats_per_token"] - r["nats_per_token"] for r, f in zip(own, others)]
    less = [statistics.mean(f["document_nats"][i] - r["document_nats"][i] for r, f in zip(own, others)) for i in range(len(tokens))]
    mean, n = sum(less) / sum(tokens), len(tokens)
    documents = n / max(1, n - 1) * sum((x - mean * t) ** 2 for x, t in zip(less, tokens)) / sum(tokens) ** 2
    return mean, math.sqrt(documents + (statistics.variance(by_seed) / len(by_seed) if len(by_seed) > 1 else 0))


def measured(of, key, digits):
    """A value with its interval; >= and <= where it is a bound, or an end of its interval is."""
    for suffix, sign in (("", ""), ("_at_least", ">="), ("_at_most", "<=")):
        if key + suffix in of:
            break
    else:
        return "-"
    low, high = of.get(f"{key}_ci95", (None, None))
    ends = "" if low is None else " [{}{:.{d}f}, {}{:.{d}f}]".format("<=" if f"{key}_ci95_low_open" in of else "", low, ">=" if f"{key}_ci95_high_open" in of else "", high, d=digits)
    return f"{sign}{of[key + suffix]:.{digits}f}{ends}"


def coherence(lab):
    lines = ["# What belongs together", "",
             f"Reuters by reuters.ini, 1,200,000 tokens read once, {lab.options.seeds} seed{'s' if lab.options.seeds > 1 else ''}; at most 400 items of each test from its last tenth, drawn anew by each "
             "seed. All levels: their scores weighed as the other half of the items taught. Beside them a bag of words, and the token level alone: as wide, so with fewer weights, trained on the same "
             "text. [95 % over items, weights held as they are, paired where it is a difference.]", ""]
    for seed in range(1, lab.options.seeds + 1):
        model = pathlib.Path(lab.options.work) / f"news_{seed}" / "model.h5"
        lab.run(f"news_{seed}", ["train"], "reuters.ini", REUTERS, COHERENCE_TEXT, seed)
        _, said = lab.run(f"coherence_{seed}", ["run", "coherence", "--model", str(model)], "reuters.ini", REUTERS, [*COHERENCE_TEXT, "coherence.items=400"], seed)
        lines += [f"Seed {seed}:", "", "```", *said, "```", ""]
    lab.write("coherence.md", lines)


def depths(lab):
    lines = ["# What every further level is worth, text by text", "",
             f"The token level under none to three levels, all with as many weights (the fewer levels, the wider its words), {lab.options.seeds} seeds. By demo.ini the "
             "token level sees the last words alone; by prose.ini it has features of n-grams and of what was read lately as well. 150,000 tokens read once with a vocabulary of 4,000; or "
             "the whole text, but for every tenth document, read once with a vocabulary of 8,000. Reuters in the order of its dates; levels above the token "
             "level keep their memory across documents everywhere. Saved: nats per token less than with one level fewer, +- the standard error (over held-out documents and over seeds, "
             "added in squares). Own unit: nats per word of what the highest level predicts, less than the unigram's. Its window: by how many nats per word the highest level foretells the words of its "
             "window better than the level below it does, on the whole text. Nats per token, own unit and window: median (least to greatest) over seeds [from the lowest to the highest end of any seed's 95 % interval].", ""]
    for variant, (config, common, units, names) in DEPTHS.items():
        for name in names:
            text, settings = CORPORA[name]
            lines += [f"## {name}, {config}{'' if common is SMALL else ', the whole text'}", ""]
            if not text.exists():
                lines += ["Not measured: the text is not there.", ""]
                continue
            lines += [*depth_rows(lab, f"depth_{variant}_{name}", config, text, (*common, *settings), units), ""]
    lab.write("depth_text.md", lines)


def depth_rows(lab, prefix, config, text, settings, units_of):
    runs = {levels: [lab.run(f"{prefix}_{levels}_{seed}", ["evaluate"], config, text, [*settings, f"hierarchy.levels={levels}", f"level.0.units={units}"], seed)[0]
                     for seed in range(1, lab.options.seeds + 1)] for levels, units in units_of.items()}
    lines = ["| levels | weights | tokens | nats per token | saved | by seed | own unit of the highest | its window |", "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for levels, own in runs.items():
        row = [str(levels), str(own[0]["parameters"]), str(own[0]["training_tokens"]), spread([r["nats_per_token"] for r in own]), "", "", "", ""]
        if levels > 1:
            row[4] = "{:+.4f} +- {:.4f}".format(*saved(own, runs[levels - 1]))
            row[5] = ", ".join(f"{f['nats_per_token'] - r['nats_per_token']:+.4f}" for r, f in zip(own, runs[levels - 1]))
            row[6] = spread([r["levels"][-1]["unigram_nats"] - r["levels"][-1]["prediction_nats"] for r in own])
        if levels > 2 and settings[0] != SMALL[0]:
            row[7] = on_its_window(lab, prefix, config, text, [*settings, f"hierarchy.levels={levels}", f"level.0.units={units_of[levels]}"], levels)
        lines.append("| " + " | ".join(row) + " |")
    return [*lines, "", f"{len(runs[1][0]['document_tokens'])} documents held out, {runs[1][0]['held_out_tokens']} tokens."]


def on_its_window(lab, prefix, config, text, settings, levels):
    """What the highest level saves on the words of its window over the level below it, by forecasts with the models of a depth."""
    found = []
    for seed in range(1, lab.options.seeds + 1):
        model = str(pathlib.Path(lab.options.work) / f"{prefix}_{levels}_{seed}" / "model.h5")
        ahead, _ = lab.run(f"{prefix}_ahead_{levels}_{seed}", ["run", "forecasts", "--model", model], config, text, settings, seed)
        found.append(ahead["levels"][-1])
    limits = [of["window_below_minus_own_nats_ci95"] for of in found]
    return spread([of["window_below_minus_own_nats"] for of in found]) + f" [{min(low for low, _ in limits):.4f}, {max(high for _, high in limits):.4f}]"


def gates(lab):
    lines = ["# A gate that words open: evidence, not time, takes weight away", "",
             f"300,000 tokens of speeches_us read once by demo.ini, with carry and level-fed memories, without marks of lines, paragraphs and documents (text.marks=none), {lab.options.seeds} "
             "seeds. Gate: level.L.gate_by=words (levels/gate.hpp), opened by 4 nats in a window of 16, 32 and 64 tokens. Half-life: 90 pairs of copies with two stretches of one "
             "document behind them, which then read another document (contradicted) or how their own goes on; difference with pairs drawn for both. Forgetting over alignment: "
             "tokens until copies with one past have come half apart, over those until copies with different pasts agree half. Pairs of one document share text, which the intervals "
             "do not know.", ""]
    lines += ["| gate | seed | nats per token | level | contradicted, tokens | goes on | contradicted less goes on | forgetting / alignment |",
              "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for gate, keys in (("none", ()), ("by words", GATED)):
        for seed in range(1, lab.options.seeds + 1):
            run, common = f"gate_{gate[:2]}_{seed}", [*GATE_TEXT, *keys]
            whole, _ = lab.run(run, ["evaluate"], "demo.ini", SPEECHES, common, seed)
            model = ["--model", str(pathlib.Path(lab.options.work) / run / "model.h5")]
            twins, _ = lab.run(f"{run}_inertia", ["run", "belief_inertia", *model], "demo.ini", SPEECHES, [*common, *CONTRAST], seed)
            built, _ = lab.run(f"{run}_built", ["run", "construction", *model], "demo.ini", SPEECHES, [*common, "construction.control=false"], seed)
            for own, other in zip(twins["contrast"]["levels"][1:], built["levels"][1:]):
                cells = [measured(own, key, 1) for key in ("half_life", "half_life_against", "half_life_minus_against")]
                lines.append(f"| {gate} | {seed} | {whole['nats_per_token']:.4f} | {own['name']} | {' | '.join(cells)} | {measured(other, 'forgetting_per_alignment', 2)} |")
    lab.write("gate_text.md", lines)


def signatures(lab):
    lines = ["# The laboratory's signatures on text", "", f"Reuters, 300,000 tokens read once, {lab.options.seeds} seed{'s' if lab.options.seeds > 1 else ''}; readings of its last tenth.", ""]
    for name, (title, words) in SIGNATURES.items():
        lines += [f"## {title}", "", words, ""]
        for seed in range(1, lab.options.seeds + 1):
            model = pathlib.Path(lab.options.work) / f"leak_{seed}" / "model.h5"
            lab.run(f"leak_{seed}", ["train"], "demo.ini", REUTERS, NEWS, seed)
            _, said = lab.run(f"{name}_{seed}", ["run", name, "--model", str(model)], "demo.ini", REUTERS, NEWS, seed)
            lines += [f"Seed {seed}:", "", "```", *said, "```", ""]
    lab.write("text_signatures.md", lines)


PARTS = {"ablation": (SPEECHES, ablation), "time_scales": (SPEECHES, time_scales), "segmentation": (REUTERS, segmentation), "signatures": (REUTERS, signatures), "depths": (DATA, depths), "gate": (SPEECHES, gates),
         "coherence": (REUTERS, coherence)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strata", required=True)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--work", default=None, help="where runs are kept (a new temporary folder)")
    options = parser.parse_args()
    options.strata = str(pathlib.Path(options.strata).resolve())
    options.work = str(pathlib.Path(options.work or tempfile.mkdtemp(prefix="strata_text_")).resolve())
    pathlib.Path(options.work).mkdir(parents=True, exist_ok=True)
    for part in options.only:
        text, write = PARTS[part]
        if text.exists():
            write(Lab(options))
        else:
            print(f"SKIPPED: {part}: {text} is not there")


if __name__ == "__main__":
    main()
