#!/usr/bin/python3
"""Writes results/reference/ablation.md, time_scales_text.md, segmentation.md, text_signatures.md, depth_text.md, depth_dynamic.md, gate_text.md and coherence.md: what terms, schedules
and learned time constants are worth, boundaries that levels find, the laboratory's signatures on text, what every further level is worth, how many levels wake, a gate that words open, and what belongs together.

usage: tests/validation/text_reference.py --strata build/release/strata [--only ablation time_scales segmentation signatures depths dynamic gate coherence] [--seeds 3] [--work DIR]

The texts are those of ../shared/data, and Austen's novels where ./demo.sh left them; a part whose text is absent is skipped and said. Runs lie below --work
and are used again; one that was interrupted goes on. The ablation and the segmentation take about half an hour of one core, the depths and coherence more than an hour, the others about a quarter each.
"""

import math
import pathlib
import random
import re
import statistics
import sys
from collections import namedtuple

import h5py
import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from laboratory import DATA, REFERENCE, TOP, Lab, arguments, estimate, median, plural, renew, sets, settled, table, write  # noqa: E402

SPEECHES, REUTERS, KOREAN, NOVELS = DATA / "speeches_us", DATA / "reuters" / "train.txt", DATA / "ko_news", TOP / "results" / "demo" / "text" / "austen"
SMALL = ("text.vocabulary=4000", "world.tokens=150000", "world.passes=1")
NEWS = ("text.hold_out=last", "text.vocabulary=4000", "world.tokens=300000", "world.passes=1")
CORPORA = {"austen": (NOVELS, ()), "speeches_us": (SPEECHES, ()),
           "reuters": (REUTERS, ("text.hold_out=last", "world.shuffle=false"))}
# Depths: configuration and what is set beside it; units of the token level's own words by number of levels, so that all have as many weights as four levels
# with 64; on which texts.
UNITS = {1: 107, 2: 72, 3: 68, 4: 64}
WIDE_UNITS = {1: 111, 2: 70, 3: 67, 4: 64}  # with a vocabulary of 8,000
DEPTHS = {"demo": ("demo.ini", SMALL, UNITS, tuple(CORPORA), "{}, demo.ini"), "prose": ("prose.ini", SMALL, UNITS, tuple(CORPORA), "{}, prose.ini"),
          "whole": ("prose.ini", ("world.passes=1",), WIDE_UNITS, ("austen", "speeches_us"), "{}, prose.ini, the whole text"),
          "long": ("prose.ini", ("world.tokens=1200000", "world.passes=1"), WIDE_UNITS, ("reuters",), "{}, prose.ini, 1,200,000 tokens")}
ONCE, GROWS = ("world.passes=1",), ("growth.dynamic=true", "growth.trial=50000")
GATE_TEXT = ("text.vocabulary=4000", "text.marks=none", "world.tokens=300000", "world.passes=1")
PAIRS = 360
CONTRAST = (f"belief_inertia.pairs={PAIRS}", "belief_inertia.after=1200", "belief_inertia.switches=false", "belief_inertia.single=false", "belief_inertia.contrast=true")
FED_WITH_WORDS = tuple(f"level.{level}.feed=token" for level in (1, 2, 3))
INSERTIONS = ("surprise_recovery.places=48", "surprise_recovery.after=64")
GATED = tuple(f"level.{level}.{key}" for level, window in ((1, 16), (2, 32), (3, 64)) for key in ("gate=true", "gate_by=words", "gate_threshold=4", f"gate_window={window}"))
EARNED = "stability | multi-scale | replay | no carry | fed by words | no broad prediction"
COHERENCE_TEXT = ("world.tokens=1200000", "world.passes=1")
SIGNATURES = {
    "scrambled_story": ("Scrambled story", "The least block of undisturbed text in which two readers with different pasts agree at 80 % of what they agree at over the intact text."),
    "construction": ("Construction and forgetting", "Tokens until copies with different pasts agree half, and until copies with one past have come half apart."),
    "amplification": ("Amplification", "Divergence of two readings after a few words were changed, to those of another text or at random, in spreads of the level."),
    "intrinsic_timescales": ("Intrinsic time scales", "Decay of the autocorrelation of what a level expects, driven by text and running free."),
}


def run(lab, name, words, config, text, settings, seed=None, **kept):
    """A run with a ready configuration on a text."""
    return lab.run(name, [*words, "--config", f"experiments/config/{config}", "--text", text, *sets(*settings)], seed, **kept)


def ablation(lab):
    found = run(lab, "ablation", ["run", "ablation"], "prose.ini", SPEECHES, [*SMALL, f"ablation.repeats={lab.options.seeds}"])
    helps = [arm["name"] for arm in found["arms"][1:] if arm["more_nats_ci95"][1] < 0]
    harms = [arm["name"] for arm in found["arms"][1:] if arm["more_nats_ci95"][0] > 0]
    own = [f"{arm['name']} ({level['name']})" for arm in found["arms"][1:] for level in arm["levels"]
           if level.get("more_prediction_nats", 0) < -2 * level.get("more_prediction_nats_se", 1)]
    write("ablation.md", "What each term of the objective and each part of the schedule is worth", [
        f"{found['training_tokens']} tokens of speeches_us read once, {plural(lab.options.seeds, 'seed')}, every tenth document held out. Each arm sets its keys beside those of prose.ini.", "",
        "```", *found["said"], "```", "",
        f"Fewer nats per token with: {', '.join(helps) or 'none'}. More with: {', '.join(harms) or 'none'}. Fewer nats per word of a level's own unit, by more than two standard errors over "
        f"seeds: {', '.join(own) or 'none'}. Terms are off by default.", "",
        *table(["arm", "keys"], [[arm["name"], arm["keys"] or "-"] for arm in found["arms"]]), "", *confirmed(lab), *lab.made()])


def confirmed(lab):
    """What earns its place on the speeches, on other texts: terms that helped, and what is on by default taken away."""
    lines = []
    for name, text, settings in (("Reuters in date order", *CORPORA["reuters"]), ("Korean news", KOREAN, ())):
        slug = name.split()[0].lower()
        said = run(lab, f"ablation_{slug}", ["run", "ablation"], "prose.ini", text, [*SMALL, *settings, f"ablation.repeats={lab.options.seeds}", f"ablation.arms={EARNED}"])["said"]
        lines += [f"## What earned its place, on {name}", "", "```", *said, "```", ""]
    return lines


def time_scales(lab):
    lines = ["Both time constants of every level's memory, 150,000 tokens read once, "
             f"{plural(lab.options.seeds, 'seed')}. Fixed: 5, 40, 250 tokens and the longer ones beside them (prose.ini). Band: learned, within a factor of 3 of these. Free: "
             "learned from these, within 10,000. Free from equal: from 40 at every level, settling at every token.", ""]
    for name, text in (("speeches_us", SPEECHES), ("ko_news", KOREAN)):
        found = run(lab, f"time_scales_{name}", ["run", "phase2"], "prose.ini", text, [*SMALL, f"phase2.repeats={lab.options.seeds}"])
        rows = []
        for arm in found["arms"]:
            upper = arm["levels"][1:]
            half_lives = [level.get("half_life", math.nan) for level in upper]
            ratios = [slow / fast for fast, slow in zip(half_lives, half_lives[1:])]
            rows.append([arm["name"], ", ".join(f"{level['time_constant']:.1f}" for level in upper), ", ".join(f"{x:.1f}" for x in half_lives),
                         "-" if any(map(math.isnan, ratios)) else f"{min(ratios):.2f}"])
        lines += [f"## {name}", "", "```", *found["said"], "```", "",
                  *table(["", "shorter time constants, tokens, sentence level up", "half-lives", "least ratio of neighbours"], rows), ""]
    write("time_scales_text.md", "Time constants of levels on text: fixed, learned within a band, learned freely", [*lines, *lab.made()])


def by_seed(lab, one):
    """What `one(seed)` said, seed by seed."""
    lines = []
    for seed in range(1, lab.options.seeds + 1):
        lines += [f"Seed {seed}:", "", "```", *one(seed)["said"], "```", ""]
    return lines


def segmentation(lab):
    lines = ["Texts without marks of lines, paragraphs and documents, and no level told of them; "
             f"{plural(lab.options.seeds, 'seed')}, 300,000 tokens read once, the rest of the text held out. Levels look for as many ends as experiments/config/segments.ini says.", ""]
    for name, text in (("reuters", REUTERS), ("speeches_us", SPEECHES), ("ko_news", KOREAN)):
        lines += [f"## {name}", "", *by_seed(lab, lambda seed, name=name, text=text: run(lab, f"segmentation_{name}_{seed}", ["run", "segmentation"], "segments.ini", text, NEWS, seed))]
    write("segmentation.md", "Where situations end, found by the levels", [*lines, *lab.made()])


def saved(own, others):
    """Nats per token less than the others' and its standard error: over documents (of a ratio of sums, seeds averaged) and over seeds, added in squares."""
    tokens = own[0]["document_tokens"]
    by_seed = [f["nats_per_token"] - r["nats_per_token"] for r, f in zip(own, others)]
    less = [statistics.mean(f["document_nats"][i] - r["document_nats"][i] for r, f in zip(own, others)) for i in range(len(tokens))]
    mean, n = sum(less) / sum(tokens), len(tokens)
    documents = n / max(1, n - 1) * sum((x - mean * t) ** 2 for x, t in zip(less, tokens)) / sum(tokens) ** 2
    return mean, math.sqrt(documents + (statistics.variance(by_seed) / len(by_seed) if len(by_seed) > 1 else 0))


def coherence(lab):
    def one(seed):
        model = run(lab, f"news_{seed}", ["train"], "reuters.ini", REUTERS, COHERENCE_TEXT, seed)["folder"] / "model.h5"
        return run(lab, f"coherence_{seed}", ["run", "coherence", "--model", model], "reuters.ini", REUTERS, [*COHERENCE_TEXT, "coherence.items=1200"], seed)

    write("coherence.md", "What belongs together", [
        f"Reuters by reuters.ini, 1,200,000 tokens read once, {plural(lab.options.seeds, 'seed')}; at most 1,200 items of each test from its last tenth, drawn anew by each "
        "seed. All levels: their scores weighed as the other half of the items taught. Beside them a bag of words, and the token level alone: as wide, so with fewer weights, trained on the same "
        "text. [95 % over items, weights held as they are, paired where it is a difference.]", "", *by_seed(lab, one), *lab.made()])


DEPTHS_INTRODUCTION = (
    "The token level under none to three levels, all with as many weights (the fewer levels, the wider its words). By demo.ini the "
    "token level sees the last words alone; by prose.ini it has features of n-grams and of what was read lately as well. 150,000 tokens read once with a vocabulary of 4,000; or "
    "what the title says, read once with a vocabulary of 8,000. Every tenth document is held out; of Reuters, read in the order of its dates, the last tenth. Levels above the token "
    "level keep their memory across documents everywhere. Saved: nats per token less than with one level fewer, ± the standard error (over held-out documents and over seeds, "
    "added in squares). Own unit: nats per word of what the highest level predicts, less than the unigram's. Its window: by how many nats per word the highest level foretells the words of its "
    "window better than the level below it does. Nats per token, own unit and window: median (least to greatest) over seeds [from the lowest to the highest end of any seed's 95 % interval].")


def depths(lab):
    cases = [(variant, name, title.format(name)) for variant, (_, _, _, names, title) in DEPTHS.items() for name in names]
    for variant, name, title in cases:
        config, common, units = DEPTHS[variant][:3]
        text, settings = CORPORA[name]
        if (lab.options.texts and name not in lab.options.texts) or (lab.options.variants and variant not in lab.options.variants):
            continue
        if not text.exists():
            print(f"SKIPPED: depths of {name}: {text} is not there")
            continue
        rows = depth_rows(lab, f"depth_{variant}_{name}", config, text, (*common, *settings), units)
        renew(REFERENCE / "depth_text.md", "What every further level is worth, text by text", [DEPTHS_INTRODUCTION], [known for _, _, known in cases], title, [*rows, "", *lab.made()])


def depth_rows(lab, prefix, config, text, settings, units_of):
    seeds = range(1, lab.options.seeds + 1)
    keys = {levels: [*settings, f"hierarchy.levels={levels}", f"level.0.units={units}"] for levels, units in units_of.items()}
    runs = {levels: [run(lab, f"{prefix}_{levels}_{seed}", ["evaluate"], config, text, keys[levels], seed) for seed in seeds] for levels in units_of}
    rows = []
    for levels, own in runs.items():
        cells = [levels, own[0]["parameters"], own[0]["training_tokens"], median([r["nats_per_token"] for r in own], 4), "", "", "", ""]
        if levels > 1:
            cells[4] = "{:+.4f} ± {:.4f}".format(*saved(own, runs[levels - 1]))
            cells[5] = ", ".join(f"{f['nats_per_token'] - r['nats_per_token']:+.4f}" for r, f in zip(own, runs[levels - 1]))
            cells[6] = median([r["levels"][-1]["unigram_nats"] - r["levels"][-1]["prediction_nats"] for r in own], 4)
        if levels > 2 and settings[0] != SMALL[0]:
            ahead = [run(lab, f"{prefix}_ahead_{levels}_{seed}", ["run", "forecasts", "--model", r["folder"] / "model.h5"], config, text, keys[levels], seed)["levels"][-1]
                     for seed, r in zip(seeds, own)]
            limits = [of["window_below_minus_own_nats_ci95"] for of in ahead]
            cells[7] = median([of["window_below_minus_own_nats"] for of in ahead], 4) + f" [{min(low for low, _ in limits):.4f}, {max(high for _, high in limits):.4f}]"
        rows.append(cells)
    return [*table(["levels", "weights", "tokens", "nats per token", "saved", "by seed", "own unit of the highest", "its window"], rows), "",
            f"{plural(len(seeds), 'seed')}; {len(runs[1][0]['document_tokens'])} documents held out, {runs[1][0]['held_out_tokens']} tokens."]


def sentences_alone(novels, path):
    """Every sentence of the novels as a document of its own, in random order; what a reader knows of one says nothing of the next."""
    found = []
    for novel in sorted(novels.rglob("*.txt")):
        for paragraph in re.split(r"\n\s*\n|\f", novel.read_text()):
            parts = re.split(r"(?<=[.!?])[\"”’]?\s+(?=[\"“‘]?[A-Z])", " ".join(paragraph.split()))
            found += [part for part in parts if len(part.split()) >= 4]
    random.Random(1).shuffle(found)
    path.write_text("\n\f\n".join(found) + "\n")


def dynamic(lab):
    alone = lab.options.work / "sentences.txt"
    sentences_alone(NOVELS, alone)
    rows, seeds = [], range(1, lab.options.seeds + 1)
    for slug, title, text, depths_beside in (("novels", "the novels", NOVELS, (2, 3, 4)), ("sentences", "their sentences, each alone", alone, (2, 3))):
        grown = [run(lab, f"dynamic_{slug}_{seed}", ["evaluate"], "prose.ini", text, [*ONCE, "hierarchy.levels=4", *GROWS], seed) for seed in seeds]
        fixed = {levels: [run(lab, f"fixed_{slug}_{levels}_{seed}", ["evaluate"], "prose.ini", text, [*ONCE, f"hierarchy.levels={levels}"], seed) for seed in seeds] for levels in depths_beside}
        best = min(fixed, key=lambda levels: statistics.mean(r["nats_per_token"] for r in fixed[levels]))
        for name, own in (("dynamic", grown), *((f"{levels} levels", runs) for levels, runs in fixed.items())):
            more = [100 * (r["nats_per_token"] / b["nats_per_token"] - 1) for r, b in zip(own, fixed[best])]
            rows.append([title, name, ", ".join(str(r["training"]["growth"]["levels"]) for r in own) if name == "dynamic" else "", own[0]["training_tokens"],
                         median([r["nats_per_token"] for r in own], 4), "" if own is fixed[best] else ", ".join(f"{m:+.2f} %" for m in more)])
    write("depth_dynamic.md", "Levels that wake while they learn, on novels and on sentences alone", [
        f"Dynamic depth (core/growth.hpp) begins with two levels and may have four; beside it fixed depths. Austen's novels read once, prose.ini, and their sentences in random order, "
        f"each a document; {plural(lab.options.seeds, 'seed')}; every tenth document held out. More: nats per token above the best fixed depth, by seed.", "",
        *table(["text", "depth", "levels at the end, by seed", "tokens", "nats per token", "more"], rows), "", *lab.made()])


def third_held_out(texts, folder):
    """The texts without every third document, and those documents: more to draw than every tenth."""
    sides = [folder / "train", folder / "held_out"]
    for side in sides:
        side.mkdir(parents=True, exist_ok=True)
    for text in sorted(texts.glob("*.txt")):
        documents = [document for document in text.read_text().split("\f") if document.strip()]
        for side, chosen in zip(sides, ([d for i, d in enumerate(documents) if i % 3 != 2], documents[2::3])):
            (side / text.name).write_text("\f".join(chosen))
    return sides


Insertions = namedtuple("Insertions", "displacement cost place")


def insertions(folder):
    """Of all inserted passages with a context of their own: displacement at their end, level by level; what they cost more than where they belong, nats; and
    the place that they were inserted at."""
    displacement, cost, place = {}, [], []
    with h5py.File(folder / "trace.h5") as trace:
        for found in trace["conditions"].values():
            if "home" not in found.attrs:
                continue
            plain, home, length = trace[found.attrs["reference"]], trace[found.attrs["home"]], found["passage_length"][:]
            time = found["tokens/time"][:][:, None]
            nats = numpy.where((time < 0) & (time >= -length), found["tokens/surprise"][:] - home["tokens/surprise"][:], 0).sum(0)
            measured = numpy.isfinite(nats)  # a passage that begins its document has no context of its own
            cost.append(nats[measured])
            place += [(plain.name, trial) for trial in numpy.flatnonzero(measured)]
            for level in map(int, found["levels"]):
                here, there = (copy[f"levels/{level}"] for copy in (found, plain))
                ends = [numpy.flatnonzero(copy["time"][:] < 0)[-1] for copy in (here, there)]
                apart = numpy.linalg.norm(here["prediction"][ends[0]].astype(float) - there["prediction"][ends[1]], axis=-1)
                displacement.setdefault(level, []).append(apart[measured])
    return Insertions({level: numpy.concatenate(of) for level, of in displacement.items()}, numpy.concatenate(cost), place)


def correlation_apart(one, other, level, draws=2000):
    """r of `one` less r of `other`, over the same insertions, with the 95 % interval of draws of places."""
    assert one.place == other.place

    def apart(of):
        return numpy.subtract(*(numpy.corrcoef(found.displacement[level][of], found.cost[of])[0, 1] for found in (one, other)))

    blocks = {}
    for number, place in enumerate(one.place):
        blocks.setdefault(place, []).append(number)
    blocks, random = list(blocks.values()), numpy.random.default_rng(1)
    drawn = (sum((blocks[i] for i in random.integers(len(blocks), size=len(blocks))), []) for _ in range(draws))
    low, high = numpy.quantile([apart(of) for of in drawn], (.025, .975))
    return f"{apart(numpy.arange(one.cost.size)):+.2f} [{low:.2f}, {high:.2f}]"


def mean_estimate(found, key, digits):
    """Mean over seeds, and the means of both ends of their intervals: as wide as if all seeds erred together, since they are asked about the same documents."""
    if any(name not in own for own in found for name in (key, key + "_ci95")):
        return "-"
    low, high = (statistics.mean(own[key + "_ci95"][end] for own in found) for end in (0, 1))
    return f"{statistics.mean(own[key] for own in found):.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def gates(lab):
    train, held_out = third_held_out(SPEECHES, lab.options.work / "gate_text")
    texts, inertia, relation, hits, fed = ["--held-out", held_out], [], [], {}, []
    for gate, keys in (("none", ()), ("by words", GATED)):
        gaps = []
        for seed in range(1, lab.options.seeds + 1):
            name, common = f"gate_{gate[:2]}_{seed}", [*GATE_TEXT, *keys]
            whole = run(lab, name, ["evaluate", *texts], "demo.ini", train, common, seed)
            model = ["--model", whole["folder"] / "model.h5"]
            twins = run(lab, f"{name}_inertia", ["run", "belief_inertia", *texts, *model], "demo.ini", train, [*common, *CONTRAST], seed)
            built = run(lab, f"{name}_built", ["run", "construction", *texts, *model], "demo.ini", train, [*common, "construction.control=false"], seed)
            against = twins["contrast"]["levels"][1:]
            gaps += [against]
            inertia += [[gate, seed, f"{whole['nats_per_token']:.4f}", own["name"], *[estimate(own, key, 1) for key in ("half_life", "half_life_against", "half_life_minus_against")],
                         estimate(other, "forgetting_per_alignment")] for own, other in zip(against, built["levels"][1:])]
            hit = run(lab, f"{name}_recovery", ["run", "surprise_recovery", *texts, *model], "demo.ini", train, [*common, *INSERTIONS], seed, keep=("model.h5", "trace.h5"))
            hits[gate, seed] = insertions(hit["folder"])
            own, plain = hits[gate, seed], hits["none", seed]
            relation += [[gate, seed, level["name"], own.cost.size, f"{own.cost.mean():.1f}", estimate(level, "displacement_excess_r"), estimate(level, "displacement_context_r"),
                          "" if gate == "none" else correlation_apart(own, plain, number)] for number, level in enumerate(hit["pooled"]["levels"][1:], 1)]
        inertia += [[gate, "mean", "", levels[0]["name"], "", "", mean_estimate(levels, "half_life_minus_against", 1), ""] for levels in zip(*gaps)]
    for gate, keys in (("none", ()), ("by words", GATED)):
        for seed in range(1, lab.options.seeds + 1):
            name, common = f"gate_fed_{gate[:2]}_{seed}", [*GATE_TEXT, *keys, *FED_WITH_WORDS]
            model = run(lab, name, ["train", *texts], "demo.ini", train, common, seed)["folder"] / "model.h5"
            built = run(lab, f"{name}_built", ["run", "construction", *texts, "--model", model], "demo.ini", train, [*common, "construction.control=false"], seed)
            fed += [[gate, seed, level["name"], *[estimate(level, key, 1) for key in ("alignment_time", "forgetting_time")], estimate(level, "forgetting_per_alignment")]
                    for level in built["levels"][1:]]
    write("gate_text.md", "A gate that words open: evidence, not time, takes weight away", [
        "300,000 tokens of speeches_us read once by demo.ini, with carry and level-fed memories, without marks of lines, paragraphs and documents (text.marks=none), "
        f"{plural(lab.options.seeds, 'seed')}. Every third document is held out. Gate: level.L.gate_by=words (levels/gate.hpp), opened by 4 nats in a window of 16, 32 and 64 tokens.", "",
        "## What the text says against a belief", "", f"Half-life: {PAIRS} pairs of copies with "
        "two stretches of one document behind them, which then read another document (contradicted) or how their own goes on; difference with pairs drawn for both. Forgetting over "
        "alignment: tokens until copies with one past have come half apart, over those until copies with different pasts agree half. Pairs of one document share text: intervals of half-lives draw "
        "the documents of the histories, each with all its pairs (what contradicts them may be shared); those of forgetting over alignment draw pairs. Means over seeds stand with "
        "the means of both ends of their intervals, which are as wide as if all seeds erred together.", "",
        *table(["gate", "seed", "nats per token", "level", "contradicted, tokens", "goes on", "contradicted less goes on", "forgetting / alignment"], inertia), "",
        "## The same where memories are fed with words", "",
        "A fixed leak fed with words forgets as fast as it aligns: its ratio is 1 whatever it reads. Where a level reads what the level below holds, past and text interact, and the ratio "
        "of a fixed leak is below 1, too (table above).", "",
        *table(["gate", "seed", "level", "alignment, tokens", "forgetting, tokens", "forgetting / alignment"], fed), "",
        "## What an insertion costs, and how far it moves a belief", "",
        "Sentences and paragraphs of other speeches inserted into held-out ones. Cost of the context: nats of the inserted tokens more than the same tokens cost behind what stands before them in "
        "their own document, mean. r: correlation over insertions of the displacement at the passage's end, with the nats above the mean of the text around it (excess) and with the cost of the "
        "context; more than without the gate on the same insertions. Intervals draw places, each with its insertions.", "",
        *table(["gate", "seed", "level", "insertions", "cost of the context", "r, excess", "r, cost of the context", "more than without"], relation), "", *lab.made()])


def signatures(lab):
    lines = [f"Reuters, 300,000 tokens read once, {plural(lab.options.seeds, 'seed')}; readings of its last tenth.", ""]
    for name, (title, words) in SIGNATURES.items():
        def one(seed, name=name):
            model = run(lab, f"leak_{seed}", ["train"], "demo.ini", REUTERS, NEWS, seed)["folder"] / "model.h5"
            return run(lab, f"{name}_{seed}", ["run", name, "--model", model], "demo.ini", REUTERS, NEWS, seed)

        lines += [f"## {title}", "", words, "", *by_seed(lab, one)]
    write("text_signatures.md", "The laboratory's signatures on text", [*lines, *lab.made()])


PARTS = {"ablation": (SPEECHES, ablation), "time_scales": (SPEECHES, time_scales), "segmentation": (REUTERS, segmentation), "signatures": (REUTERS, signatures), "depths": (DATA, depths),
         "gate": (SPEECHES, gates), "dynamic": (NOVELS, dynamic), "coherence": (REUTERS, coherence)}


def main():
    parser = arguments(__doc__)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--texts", nargs="+", choices=list(CORPORA), help="of the depths: those texts alone, the page's other sections stay")
    parser.add_argument("--variants", nargs="+", choices=list(DEPTHS), help="of the depths: those variants alone")
    options = settled(parser)
    for part in options.only:
        text, make = PARTS[part]
        if text.exists():
            make(Lab(options, f"tests/validation/text_reference.py --only {part} --seeds {options.seeds}"))
        else:
            print(f"SKIPPED: {part}: {text} is not there")


if __name__ == "__main__":
    main()
