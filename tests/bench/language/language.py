#!/usr/bin/python3
"""Writes results/reference/language.md: the hierarchy beside what counting and compressors reach, on the same tokens and bytes.

usage: tests/bench/language/language.py --strata build/release/strata [--only SECTION ...] [--seeds K] [--work DIR]

The corpora are those of ../shared/data, and Austen's novels where demo.sh puts them; what is absent is skipped and said, and so is a compressor that is
not installed. Every section ends with the commits and the commands that made it; --only makes some of them anew and leaves the others of the page as they
are. What is scored here chose no configuration: ptb.ini (which the others follow) was chosen on the end of ptb.train, tiny_shakespeare.ini on the end of what
is left of that text without its last tenth. prequential.ini alone was chosen on bytes that are scored, the first of the 4 MiB.
"""

import functools
import lzma
import math
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import beside_lstm  # noqa: E402
from laboratory import DATA, REFERENCE, TOP, Lab, arguments, median, renew, sets, settled  # noqa: E402

NOVELS = TOP / "results" / "demo" / "text" / "austen"
# name: configuration, training text, held-out text (none: what the configuration holds out), longest n-grams, what holds for counting alone
CORPORA = {
    "ptb": ("ptb", DATA / "ptb/ptb.train.txt", DATA / "ptb/ptb.valid.txt", "3, 4, 5, 7", ("baselines.begin=document",)),
    "tinyshakespeare": ("tiny_shakespeare", DATA / "tinyshakespeare/input.txt", None, "5, 7", ()),
    "reuters": ("reuters", DATA / "reuters/train.txt", None, "3, 5, 7", ()),
    "speeches_us": ("prose", DATA / "speeches_us", None, "3, 5, 7", ()),
    "ko_news": ("korean", DATA / "ko_news", None, "3, 5, 7", ()),
    "austen": ("prose", NOVELS, None, "3, 5, 7", ()),
}
LONG = ("ptb", "reuters")  # a run takes more than ten minutes: one seed
COMPRESSED = (DATA / "reuters/train.txt", 4 << 20)
BAR = "Kneser-Ney 5 + cache"
# How errors travel, on a text small enough for five seeds: the same architecture, the same tokens, the same seeds.
SETTLED = (DATA / "reuters/train.txt", ("text.hold_out=last", "world.tokens=300000", "text.vocabulary=2000"), 5)
WAYS = {
    "predictive coding, 4 sweeps of .5": ("sweeps_4", "relaxation.steps=4", "relaxation.rate=.5"),
    "back-propagation of the moment's loss": (
        "back_propagation", "relaxation.steps=1", "relaxation.rate=1", "level.0.hidden_precision=1e3", "level.2.precision=1e3", "level.3.precision=1e4"),
    "4 sweeps, feedback weights of their own, mirrored": ("mirrored", "relaxation.steps=4", "relaxation.rate=.5", "hierarchy.feedback=mirrored"),
}
# What every level expects: each builds on the level above and on the words just read.
EXPECTED = (DATA / "reuters/train.txt", ("text.hold_out=last", "world.passes=1", "text.vocabulary=4000", "relaxation.steps=1", "relaxation.rate=1",
                                         *(f"level.{l}.{key}" for l in (1, 2, 3) for key in ("broad_cache=.2", "forgets=true", "broad_from_above=true")[:2 if l == 3 else 3])))
# What each level is worth: the same text for every form, half of the training text read once (of an eighth the levels bring next to nothing).
FORMS_TEXT, FORMS_VOCABULARY = (DATA / "reuters/train.txt", ("world.tokens=1200000", "world.passes=1"), 3), 8000
PARAGRAPH = ("unit=paragraph", "tau=40", "spread=2.5", "carry_time=80", "broad_limit=300", "broad_interval=32")
DOCUMENT = ("unit=document", "tau=250", "spread=2.8", "carry_time=300", "broad_limit=2000", "broad_interval=32")
SITUATION_UNITS, HIDDEN, CONTEXT = 48, 384, 5  # of reuters.ini, as the counts of weights and operations have it


def at_level(level, keys):
    return tuple(f"level.{level}.{key}" for key in keys)


# By form: the name of its runs, how often each level above the token level makes a broad prediction, units of the token level's own words (wider where levels are
# left out, so that all forms have as many dense weights), what else is set.
FORMS = {
    "four levels": ("four", (16, 32, 32), 64, ()),
    "without the sentence level": ("no_sentence", (32, 32), 67, (*at_level(1, PARAGRAPH), *at_level(2, DOCUMENT))),
    "without the paragraph level": ("no_paragraph", (16, 32), 67, at_level(2, DOCUMENT)),
    "without the document level": ("no_document", (16, 32), 67, ()),
    "the token level alone, as many weights": ("alone_weights", (), 72, ()),
}
# The same budget of operations, spent as is best: by reading once, or twice with fewer units.
SPENDING, MOST_PASSES = {"four levels, as many operations, at their best": ("four_", (16, 32, 32)), "the token level alone, as many operations, at its best": ("alone_", ())}, 2


class Texts(Lab):
    """Runs on the corpora."""

    def seeds(self, corpus):
        return 1 if corpus in LONG else self.options.seeds

    def there(self, corpus):
        return CORPORA[corpus][1].exists()

    def folder(self, corpus, name, seed):
        return self.options.work / f"{corpus}_{name}_{seed}"

    def texts(self, corpus):
        config, text, held_out, _, _ = CORPORA[corpus]
        return ["--config", f"experiments/config/{config}.ini", "--text", text, *(["--held-out", held_out] if held_out else [])]


def evaluated(lab, corpus):
    """The runs of a text, by seed."""
    return [lab.run(f"{corpus}_evaluate_{seed}", ["evaluate", "--plastic", *sets("evaluate.experts=true"), *lab.texts(corpus)], seed) for seed in range(1, lab.seeds(corpus) + 1)]


def corpus_lines(lab, corpus):
    """What counting and the hierarchy come to on one text."""
    _, _, _, orders, settings = CORPORA[corpus]
    counting = lab.run(f"{corpus}_counting_1", ["run", "baselines", *sets(f"baselines.orders={orders}", *settings), *lab.texts(corpus)])
    runs = evaluated(lab, corpus)
    lines = [f"{counting['held_out_tokens']} held-out tokens, {counting['held_out_bytes']:.0f} bytes; unigram perplexity {math.exp(counting['unigram_nats']):.1f}.", "",
             "| | as trained | learning while it reads |", "| --- | --- | --- |"]
    for order in counting["orders"]:
        cells = [[order[way + also]["perplexity"] for way in ("static", "learning")] for also in ("", "_cache")]
        lines.append(f"| Kneser-Ney {order['order']} | {cells[0][0]:.2f} | {cells[0][1]:.2f} |")
        lines.append(f"| Kneser-Ney {order['order']} + cache | {cells[1][0]:.2f} | {cells[1][1]:.2f} |")
    lines.append(f"| **strata** | **{median([r['perplexity'] for r in runs])}** | **{median([r['plastic']['perplexity'] for r in runs])}** |")
    lines.append(f"| **strata + experts** | **{median([r['experts']['perplexity'] for r in runs])}** | **{median([r['plastic_experts']['perplexity'] for r in runs])}** |")
    trained = runs[0]["training"]
    counted = next((order for order in counting["orders"] if order["order"] == 5), None)
    if counted:
        below = [[100 * (1 - r["perplexity"] / counted[way]["perplexity"]) for r in ([*runs] if way == "static_cache" else [r["plastic"] for r in runs])]
                 for way in ("static_cache", "learning_cache")]
        lines += ["", f"strata alone is {median(below[0], 1)} % below {BAR} as trained, {median(below[1], 1)} % where both learn while they read."]
    return [*lines, "", f"{len(runs)} seed{'s' if len(runs) > 1 else ''}. {trained['parameters']} weights and {runs[0].get('sparse_parameters', 0)} of sparse features; trained in {median([r['training']['seconds'] / 60 for r in runs], 1)} minutes on "
              f"{runs[0]['threads']} thread{'s' if runs[0]['threads'] > 1 else ''} ({runs[0]['isa']}); {runs[0]['peak_memory_bytes'] / 1e6:.0f} MB at most." + (f" Bits per byte as trained {median([r['bits_per_byte'] for r in runs], 4)}." if "bits_per_byte" in runs[0] else ""), ""]


def compressor_lines(lab):
    """Bits per byte of whole programs on the first bytes of a text, and of strata reading them once."""
    path, size = COMPRESSED
    data = path.read_bytes()[:size]
    lines = ["| | bits per byte |", "| --- | --- |"]

    def row(name, compressed):
        lines.append(f"| {name} | {f'{8 * compressed / len(data):.3f}' if compressed else 'not installed'} |")

    row("xz -9e", len(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME)))
    row("zstd -19", len(subprocess.run(["zstd", "-19", "-c"], input=data, capture_output=True, check=True).stdout) if shutil.which("zstd") else None)
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "text"
        source.write_bytes(data)
        for name, tool, call in (("7zip PPMd", "7z", ["7z", "a", "-m0=PPMd:o=8:mem=256m", "out.7z", "text"]), ("zpaq -m5", "zpaq", ["zpaq", "add", "out.zpaq", "text", "-m5"])):
            if shutil.which(tool):
                subprocess.run(call, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                row(name, next(pathlib.Path(folder).glob("out.*")).stat().st_size)
                next(pathlib.Path(folder).glob("out.*")).unlink()
            else:
                row(name, None)
    head = lab.options.work / "head.txt"
    head.write_bytes(data)
    found = lab.run("prequential_1", ["run", "prequential", "--config", "experiments/config/prequential.ini", "--text", head])
    lines += [f"| **strata** | **{found['bits_per_byte']:.3f}** |", f"| **strata + experts** | **{found['experts']['bits_per_byte']:.3f}** |", "",
              f"strata: every byte scored before it is learned from (its configuration was chosen on the first MiB; WORK/head.txt below is `head -c {size} {lab.shown([path])}`), {found['reading_seconds'] / 60:.1f} minutes on {found['threads']} thread{'s' if found['threads'] > 1 else ''}; by tenths of the text "
              + ", ".join(f"{b:.2f}" for b in found["bits_per_byte_by_tenth"]) + "."]
    return [*lines, ""]


def settling_lines(lab):
    """Predictive coding against back-propagation of the same loss, paired by seed."""
    text, settings, seeds = SETTLED
    lines = ["| | perplexity | nats more than the first row, paired | free energy falls while settling by |", "| --- | --- | --- | --- |"]
    nats = {}
    for name, (slug, *way) in WAYS.items():
        runs = [lab.run(f"settling_{slug}_{seed}", ["evaluate", "--text", text, *sets(*settings, *way)], seed) for seed in range(1, seeds + 1)]
        nats[name] = [run["nats_per_token"] for run in runs]
        apart = [a - b for a, b in zip(nats[name], next(iter(nats.values())))]
        falls = [100 * (1 - run["free_energy_after"] / run["free_energy_before"]) for run in runs]
        paired = "" if len(nats) == 1 else f"{statistics.mean(apart):+.4f} +- {statistics.stdev(apart) / math.sqrt(len(apart)):.4f} (each {', '.join(f'{a:+.3f}' for a in apart)})"
        lines.append(f"| {name} | {median([math.exp(n) for n in nats[name]])} | {paired} | {median(falls, 1)} % |")
    return [*lines, "", f"{seeds} seeds, median (least to greatest); +- the standard error of the mean difference. One sweep of 1 under precisions that grow tenfold with each level is "
            "back-propagation but for terms of the order of a tenth (tests/gradient/one_sweep.cpp; of a hundredth where the token level meets the first).", ""]


def operations(intervals, units):
    """Multiply-adds of dense products for every token learned from: the weights of the token level forward, backward and for their gradient; those of a
    broad prediction when it is made (once in `intervals` tokens, by level) and, when its window closes, forward, backward and for the gradient of the lexicon."""
    made = sum(1 / interval for interval in intervals)
    spoken = units + SITUATION_UNITS
    token = FORMS_VOCABULARY * spoken + CONTEXT * spoken * (HIDDEN + spoken) + HIDDEN * spoken
    return 3 * token + made * 4 * FORMS_VOCABULARY * SITUATION_UNITS


def interval(differences, tokens, draws=2000):
    """Mean difference per token and its 95 % interval, documents drawn with replacement."""
    picked = random.Random(1)
    means = []
    for _ in range(draws):
        documents = picked.choices(range(len(tokens)), k=len(tokens))
        means.append(sum(differences[i] for i in documents) / sum(tokens[i] for i in documents))
    means.sort()
    return sum(differences) / sum(tokens), means[int(.025 * draws)], means[int(.975 * draws)]


def form_lines(lab):
    """Every level's worth: trained without, lesioned, swapped; and all of them against the token level alone."""
    text, settings, seeds = FORMS_TEXT

    def form(slug, intervals, units, keys, seed, of=text, passes=1, every=0):
        words = (*settings, f"hierarchy.levels={1 + len(intervals)}", f"level.0.units={units}", *((f"world.passes={passes}",) if passes > 1 else ()), f"evaluate.stream_every={every}", *keys)
        return lab.run(f"form_{slug}_{seed}", ["evaluate", "--config", "experiments/config/reuters.ini", "--text", of, *sets(*words)], seed)

    # With as many operations as four levels that read once: how often to read, the narrower the oftener, is chosen on documents of the training side.
    training_side = lab.options.work / "training_side.txt"
    every_byte = text.read_bytes()
    training_side.write_bytes(every_byte[:every_byte.rindex(b"\f", 0, len(every_byte) * 9 // 10)])
    allowed = operations(*FORMS["four levels"][1:3])
    tried, spent, wide, runs = {}, {}, {}, {}
    for name, (slug, intervals, units, keys) in FORMS.items():
        runs[name] = [form(slug, intervals, units, keys, seed, every=4 if len(intervals) == 3 else 0) for seed in range(1, seeds + 1)]
        spent[name], wide[name] = operations(intervals, units), units
    for name, (slug, intervals) in SPENDING.items():
        widths = {p: max(u for u in range(1, 1000) if p * operations(intervals, u) <= allowed) for p in range(1, MOST_PASSES + 1)}
        tried[name] = {(p, u): form(f"{slug}passes_{p}", intervals, u, (), 1, training_side, p)["nats_per_token"] for p, u in widths.items()}
        passes, units = min(tried[name], key=tried[name].get)
        runs[name] = [form(f"{slug}operations", intervals, units, (), seed, passes=passes) for seed in range(1, seeds + 1)]
        spent[name], wide[name] = passes * operations(intervals, units), units
    whole, (best, alone) = runs["four levels"], (runs[name] for name in SPENDING)
    tokens = whole[0]["document_tokens"]

    def by_document(own, others):
        return [statistics.mean(r["document_nats"][i] - o["document_nats"][i] for r, o in zip(own, others)) for i in range(len(tokens))]

    lines = ["| | units | weights | operations | perplexity | nats per token more than four levels, by seed | over documents, seeds averaged [95 %] |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    for name, own in runs.items():
        apart = [r["nats_per_token"] - w["nats_per_token"] for r, w in zip(own, whole)]
        more = "" if own is whole else "{:+.4f} [{:+.4f}, {:+.4f}]".format(*interval(by_document(own, whole), tokens))
        lines.append(f"| {name} | {wide[name]} | {own[0]['training']['parameters']} | {spent[name] / 1e6:.2f} M | {median([r['perplexity'] for r in own])} | "
                     f"{'' if own is whole else ', '.join(f'{a:+.4f}' for a in apart)} | {more} |")
    lines += ["", "| level of the four | lesioned, nats per token | swapped |", "| --- | --- | --- |"]
    for level in range(1, 4):
        own = [r["levels"][level] for r in whole]
        lines.append(f"| {own[0]['name']} | {median([o['topdown_gain_nats'] for o in own], 4)} | {median([o['topdown_swap_nats'] for o in own], 4)} |")
    return [*lines, "", f"{seeds} seed{'s' if seeds > 1 else ''}, {whole[0]['training_tokens']} tokens of {text.parent.name} read once, scored on {whole[0]['held_out_tokens']} of its last tenth. Units: of the token level's words, beside 48 of the lexicon. Operations: multiply-adds of dense products per token of the text, all passes. "
            "At their best: within the operations of four levels that read once, read once or twice by narrower levels, whichever is better on documents of the training side ("
            + "; ".join(f"{name.split(',')[0]} " + ", ".join(f"{('once', 'twice')[p - 1]} with {u} units {math.exp(n):.1f}" for (p, u), n in found.items()) for name, found in tried.items())
            + "). There the token level alone costs {:+.4f} [{:+.4f}, {:+.4f}] nats per token more than four levels. ".format(*interval(by_document(alone, best), tokens))
            + "Lesioned: a level's share of the output stream replaced by its slow mean; swapped: by that of another document.", ""]


def broad_lines(lab):
    """What every level expects of its own unit, and how long that stays true; median and range over seeds."""
    words = ["--text", EXPECTED[0], *sets(*EXPECTED[1])]
    found = [lab.run(f"expectations_{seed}", ["evaluate", *words], seed) for seed in range(1, lab.options.seeds + 1)]
    ahead = [lab.run(f"expectations_forecasts_{seed}", ["run", "forecasts", *words, "--model", run["folder"] / "model.h5"], seed) for seed, run in enumerate(found, 1)]

    def by_level(runs):
        """What every seed has of one level, level by level."""
        return list(zip(*(run["levels"] for run in runs)))

    def cell(seeds, key):
        values = [of[key] for of in seeds if key in of]
        if not values:
            return "-"
        text = median(values, 3) + (f", {len(values)} of {len(seeds)} seeds" if len(values) < len(seeds) else "")
        limits = [of[f"{key}_ci95"] for of in seeds if f"{key}_ci95" in of]
        return text + (f" [{min(low for low, _ in limits):.3f}, {max(high for _, high in limits):.3f}]" if limits else "")

    lines = ["| level | nats per word of its unit | best decaying unigram | unigram | departure from the background | less than the level below | temperature | its window, cheaper than for the level below |",
             "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for own, level in zip(by_level(found)[1:], by_level(ahead)[1:]):
        lines.append(f"| {own[0]['name']} | {' | '.join(cell(own, key) for key in ('prediction_nats', 'baseline_nats', 'unigram_nats'))} | "
                     f"{' | '.join(cell(level, key) for key in ('departure_nats', 'departure_below_minus_own_nats', 'temperature', 'window_below_minus_own_nats'))} |")
    distances = [d["distance"] for d in ahead[0]["levels"][0]["distances"]]
    lines += ["", "Gain over the background, nats per token, of what every level expected, on the token so many tokens later:", "",
              "| level | " + " | ".join(str(d) for d in distances) + " |", "| --- |" + " --- |" * len(distances)]
    lines += [f"| {level[0]['name']} | " + " | ".join(cell(at, "gain_nats") for at in zip(*(of["distances"] for of in level))) + " |" for level in by_level(ahead)]
    lines += ["", "Of the 20 words that a level expects most above the background, the part that came within its window; of as many other words likewise:", "",
              "| level | window, tokens | its words | these by chance | most frequent | most recent | most recent by lift | its words above chance |", "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    lines += [f"| {level[0]['name']} | {level[0]['horizon']} | "
              + " | ".join(cell(level, key) for key in ("came", "came_by_chance", "came_frequent", "came_recent", "came_recent_raised", "came_over_chance")) + " |" for level in by_level(ahead)[1:]]
    seeds = "One seed [95 %]" if len(found) == 1 else f"{len(found)} seeds: median (least to greatest) [from the lowest to the highest end of any seed's 95 % interval]"
    return [*lines, "", f"{seeds}; {found[0]['training_tokens']} tokens of {EXPECTED[0].parent.name} read once, scored on its last tenth: {found[0]['held_out_tokens']} tokens.", ""]


INTRODUCTION = (
    "Perplexity per token, of the same tokens in every row of a table. Learning while it reads: every token is scored before it is learned from. Experts: an n-gram model of "
    "the training text and a cache of recent words, mixed online (experiments/expert_panel.hpp). A cache's weight beside counting is chosen on the end of the training text. "
    "Minutes are of runs that may have shared their core with others.")
# Sections of the page in their order: what must be there, title, lines (none where a program is absent).
SECTIONS = {
    **{corpus: (of[1], corpus, functools.partial(corpus_lines, corpus=corpus)) for corpus, of in CORPORA.items()},
    "lstm": (DATA, "An LSTM of as many weights", functools.partial(beside_lstm.section, evaluated=evaluated, spread=median)),
    "expectations": (EXPECTED[0], "What every level expects", broad_lines),
    "worth": (FORMS_TEXT[0], "What each level is worth", form_lines),
    "compressors": (COMPRESSED[0], f"One pass over the first {COMPRESSED[1] >> 20} MiB of {COMPRESSED[0].parent.name}, from nothing", compressor_lines),
    "settling": (SETTLED[0], "Settling against back-propagation", settling_lines),
}


def main():
    parser = arguments(__doc__)
    parser.add_argument("--only", nargs="+", choices=list(SECTIONS), default=list(SECTIONS), metavar="SECTION", help=f"what is made anew: {', '.join(SECTIONS)} (all)")
    parser.add_argument("--lstm-minutes", type=float, default=30, help="of processor time on each thread for training an LSTM of equal size, where PyTorch is there (30)")
    parser.add_argument("--lstm-on", nargs="+", choices=list(CORPORA), default=["ptb", "reuters"], metavar="CORPUS", help="where it is trained (ptb reuters)")
    parser.add_argument("--out", default=str(REFERENCE / "language.md"))
    options = settled(parser)
    for name in options.only:
        needed, title, lines_of = SECTIONS[name]
        if not needed.exists():
            print(f"SKIPPED: {name}: {needed} is not there")
            continue
        lstm = f" --lstm-minutes {options.lstm_minutes:g} --lstm-on {' '.join(options.lstm_on)}" if name == "lstm" else ""
        lab = Texts(options, f"tests/bench/language/language.py --only {name} --seeds {options.seeds}{lstm}")
        if lines := lines_of(lab):
            renew(pathlib.Path(options.out), "The token level beside its peers", [INTRODUCTION], [title for _, title, _ in SECTIONS.values()], title, [*lines, *lab.made()])


if __name__ == "__main__":
    main()
