#!/usr/bin/python3
"""Writes the tables of results/reference: what the main job is worth on held-out text, measured again from nothing.

usage: tests/validation/reference.py --strata build/release/strata --text AUSTEN_FOLDER [--reuters FILE] [--seeds 3] [--only PART ...] [--work DIR]

Parts: gain (four levels against one of equal size), inference, broad, inertia (half-lives and their controls), memory (what each part of the
memory is worth), gate, products (bfloat16 beside float). Each part is one Markdown file that ends with the commands that made it.
"""

import hashlib
import pathlib
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from laboratory import Lab, arguments, estimate, mean, sets, settled, table, write  # noqa: E402

AUSTEN = ["--config", "experiments/config/demo.ini"]
# The demo as it was when these tables began: four sweeps, all in float.
DEMO = [*AUSTEN, "--set", "relaxation.steps=4", "--set", "relaxation.rate=.5", "--set", "run.products=float"]
SMALL = ["world.tokens=300000", "text.vocabulary=4000"]


class Demo(Lab):
    """Runs on Austen, by the demo's configuration unless another is asked for."""

    def of(self, name, settings=(), seed=1, model=None, text=None, config=DEMO):
        words = ["evaluate"] if name == "evaluate" else ["run", name]
        call = [*words, "--text", text or self.options.text, *config, *sets(*settings), *(["--model", model] if model else [])]
        return self.run(f"{name}_{hashlib.sha256(self.shown(call).encode()).hexdigest()[:12]}_{seed}", call, seed)

    def trained(self, settings=(), seed=1, **more):
        """The evaluation of a model trained with these settings, and the model."""
        summary = self.of("evaluate", settings, seed, **more)
        return summary, summary["folder"] / "model.h5"


def paired(a, b, resamples=2000, seed=1):
    """Nats per token that `a` costs more than `b` on the same documents, with the 95 % interval of a block bootstrap over documents."""
    na, nb, tokens = (numpy.array(x) for x in (a["document_nats"], b["document_nats"], a["document_tokens"]))
    random = numpy.random.default_rng(seed)
    rows = random.integers(0, len(tokens), (resamples, len(tokens)))
    draws = (na - nb)[rows].sum(1) / tokens[rows].sum(1)
    return (na - nb).sum() / tokens.sum(), *numpy.percentile(draws, [2.5, 97.5])


def interval(value, low, high, digits=4):
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def widened(lab, target, seed, settings=()):
    """Level 0 alone, as wide as makes its parameters those of the four levels: the width is found from the count, not from a score."""
    vocabulary = target["vocabulary"]
    best = None
    for units in range(48, 400):
        hidden = 3 * units
        count = units * vocabulary + vocabulary + hidden * 5 * units + units * hidden + units * 5 * units + hidden + units
        if best is None or abs(count - target["parameters"]) < abs(best[1] - target["parameters"]):
            best = (units, count)
    return lab.of("evaluate", [*settings, "hierarchy.levels=1", f"level.0.units={best[0]}", f"level.0.hidden={3 * best[0]}"], seed)


def gain(lab):
    rows, stream, gains = [], [], []
    for seed in range(1, lab.options.seeds + 1):
        four, _ = lab.trained(seed=seed)
        one = widened(lab, four, seed)
        difference = paired(one, four)
        gains.append(100 * (1 - four["perplexity"] / one["perplexity"]))
        rows.append([seed, f"{four['perplexity']:.2f}", f"{one['perplexity']:.2f}", f"{gains[-1]:.1f} %", interval(*difference),
                     four["parameters"], f"{100 * (one['parameters'] / four['parameters'] - 1):+.2f} %", f"{four['bits_per_byte']:.4f}"])
        for label, record in [("all", four["stream"]), *[(f"{i} {l['name']}", l) for i, l in enumerate(four["levels"]) if i > 0]]:
            stream.append([seed, label, estimate(record, "topdown_gain_nats", 4), estimate(record, "topdown_swap_nats", 4)])
    write("gain.md", "What four levels are worth to the next token", [
        "Austen's held-out chapters (every tenth), one pass over the others. One level: the token level alone, as wide as makes the parameters equal.",
        "Difference: nats per token that one level costs more, block bootstrap over chapters.", "",
        *table(["seed", "perplexity, four levels", "one level", "better by", "difference", "parameters", "one level's", "bits per byte, four"], rows), "",
        f"Better by {mean(gains, 1)} % (mean and standard deviation over {len(gains)} seeds).", "",
        "What the stream carries: cost in nats per token when a share is replaced by its slow mean, or by that of another document at the same time.", "",
        *table(["seed", "share of level", "replaced by its mean", "replaced by another document's"], stream), "", *lab.made()])


def inference(lab):
    rows, response = [], []
    for seed in range(1, lab.options.seeds + 1):
        four, model = lab.trained(seed=seed)
        found = lab.of("inference", seed=seed, model=model)
        rows.append([seed, f"{found['free_energy_before']:.4f}", f"{found['free_energy_after']:.4f}",
                     f"{100 * (1 - found['free_energy_after'] / found['free_energy_before']):.1f} %", f"{100 * found['rejected_fraction']:.3f} %",
                     estimate(found, "settling_worth_nats", 4)])
        for i, level in enumerate(found["levels"]):
            if "error_gain_response" in level:
                response.append([seed, f"{i} {level['name']}", *[f"{x:.3f}" for x in level["error_gain_response"]],
                                 f"{100 * level['error_gain_shift']:.2f} %", level["error_gain_ticks"], "yes" if level["error_gain_monotonic"] else "no"])
    trained = []
    for seed in range(1, lab.options.seeds + 1):
        base, _ = lab.trained(SMALL, seed)
        for label, setting in [("relaxation.steps = 0", ["relaxation.steps=0"]),
                               ("carry off at levels 1-3", [f"level.{l}.carry=false" for l in (1, 2, 3)])]:
            other, _ = lab.trained([*SMALL, *setting], seed)
            trained.append([seed, label, f"{base['perplexity']:.2f}", f"{other['perplexity']:.2f}", interval(*paired(other, base))])
    write("inference.md", "Is inference real?", [
        "Free energy in nats per token before and after settling; `worth`: nats per token lost when settling is left out at test time "
        "(block bootstrap over chapters).", "",
        *table(["seed", "before", "after", "lower by", "sweeps taken back", "worth"], rows), "",
        "The next forecast mu of a level after one tick at which its error was multiplied by 0, .5, 1, 2, along the way from 0 to 1, and how far the whole error "
        "moves it, of its own length. The token level carries nothing from one token to the next, so it has no row.", "",
        *table(["seed", "level", "0", ".5", "1", "2", "moved by the whole error", "ticks", "monotonic"], response), "",
        "Trained otherwise (300,000 tokens, vocabulary 4,000; nats per token that the other way costs more). With no sweeps at all every error is 0, "
        "so nothing but the emission learns; with carry off settling still teaches but what it finds is not kept.", "",
        *table(["seed", "trained with", "as it is", "otherwise", "difference"], trained), "", *lab.made()])


def broad(lab):
    lines = []
    texts = [("Austen", None, DEMO)]
    if lab.options.reuters:
        texts.append(("Reuters", lab.options.reuters, []))
    for label, text, config in texts:
        rows = []
        for seed in range(1, (lab.options.seeds if text is None else 1) + 1):
            found = lab.of("evaluate", [] if text is None else ["world.tokens=1200000"], seed, text=text, config=config)
            for i, level in enumerate(found["levels"]):
                if i > 0 and "prediction_nats" in level:
                    rows.append([seed, f"{i} {level['name']}", *[f"{level[k]:.4f}" for k in
                                 ("prediction_nats", "baseline_nats", "unigram_nats", "entropy_nats", "background_kl_nats")], level["predictions"]])
        lines += [f"## {label} (held-out perplexity of the next token {found['perplexity']:.2f})", "",
                  *table(["seed", "level", "prediction", "decaying unigram", "unigram", "entropy", "departure", "predictions"], rows), ""]
    write("broad.md", "Each level's own broad prediction", [
        "Nats per word of the bag of words to the end of the next sentence, the next paragraph, this document, every word alike. Decaying unigram: of the level's own longer "
        "time constant, mixed with the unigram at the best of nine weights. Departure: KL(prediction || unigram), each level's over the moments at which it predicts. As a level "
        "predicts by itself; what it learns from recent words and from the level above, and departures at the same moments, are in language.md (What every level expects).", "", *lines, *lab.made()])


def inertia_row(label, seed, found):
    levels = found["levels"]
    return [label, seed, *[estimate(l, "half_life", 1) for l in levels], *[estimate(l, "half_life_ratio", 2) for l in levels[1:]]]


def inertia(lab):
    head = ["", "seed", "0 token", "1 sentence", "2 paragraph", "3 document", "1 / 0", "2 / 1", "3 / 2"]
    rows, weight = [], []
    for seed in range(1, lab.options.seeds + 1):
        _, model = lab.trained(seed=seed)
        found = lab.of("belief_inertia", seed=seed, model=model)
        rows.append(inertia_row("the ladder", seed, found))
        for i, level in enumerate(found["levels"]):
            weight.append([seed, f"{i} {level['name']}", f"{level['time_constant']:.0f}", estimate(level, "half_life_per_time_constant"),
                           estimate(level, "evidence_nats"), estimate(level, "tokens_to_switch", 0)])
    equal = [f"level.{l}.{k}" for l in (1, 2, 3) for k in ("tau=50", "spread=3", "carry_time=80")]
    controls = []
    for label, feed in [("equal, token-fed", "token"), ("equal, level-fed (a cascade)", "level")]:
        settings = [*SMALL, *equal, *[f"level.{l}.feed={feed}" for l in (1, 2, 3)]]
        _, model = lab.trained(settings)
        controls.append(inertia_row(label, 1, lab.of("belief_inertia", settings, model=model)))
    write("inertia.md", "How heavy each level's belief is", [
        "Half-life in tokens: two copies with different histories, each a chapter from its start, read the same third chapter from its start; tokens until the "
        "distance of what they expect has halved. Bootstrap over pairs (pairs share chapters: the intervals are somewhat too narrow).", "", *table(head, rows), "",
        "Control: the same time constants at levels 1 to 3 (50 and 150 tokens; 300,000 tokens of training, vocabulary 4,000).", "", *table(head, controls), "",
        "Weight by its other names. Evidence is reported as it is; theory expects nats to grow by ln r per level where time scales grow by r, tokens to switch by r.", "",
        *table(["seed", "level", "time constant", "half-life / time constant", "evidence (nats)", "tokens to switch"], weight), "", *lab.made()])


def memory(lab):
    every = lambda *settings: [f"level.{l}.{s}" for l in (1, 2, 3) for s in settings]  # noqa: E731
    ways = [("level-fed, ticks, carry (default)", []), ("level-fed, ticks, carry, gate", every("gate=true")),
            ("level-fed, ticks", every("carry=false")), ("level-fed, ticks, gate", every("carry=false", "gate=true")),
            ("level-fed, carry", every("tick=1")), ("level-fed", every("tick=1", "carry=false")),
            ("token-fed, ticks, carry", every("feed=token")), ("token-fed, ticks", every("feed=token", "carry=false")),
            ("token-fed, carry", every("feed=token", "tick=1")), ("token-fed", every("feed=token", "tick=1", "carry=false")),
            ("token-fed, ticks, carry, gate", every("feed=token", "gate=true"))]
    rows, best = [], None
    for label, settings in ways:
        perplexities, lives = [], None
        for seed in range(1, min(2, lab.options.seeds) + 1):
            found, model = lab.trained([*SMALL, *settings], seed)
            perplexities.append(found["perplexity"])
            if seed == 1:
                lives = lab.of("belief_inertia", [*SMALL, *settings, "belief_inertia.switches=false"], seed, model=model)
        rows.append([label, mean(perplexities), *[estimate(l, "half_life", 1) for l in lives["levels"]]])
        best = min(best or 1e9, float(numpy.mean(perplexities)))
        if not settings:
            default = float(numpy.mean(perplexities))
    write("memory.md", "What each part of the memory is worth", [
        f"300,000 tokens of Austen, vocabulary 4,000, one pass, two seeds (half-lives: the first). The default is "
        f"{100 * (default / best - 1):.2f} % above the best row.", "",
        *table(["memory", "perplexity", "half-life 0", "1", "2", "3"], rows), "", *lab.made()])


def gate(lab):
    thirds, relation = [], []
    for label, settings in [("off", []), ("on", [f"level.{l}.gate=true" for l in (1, 2, 3)])]:
        _, model = lab.trained(settings)
        twins = lab.of("belief_inertia", [*settings, "belief_inertia.pairs=90", "belief_inertia.switches=false"], model=model)
        for i, level in enumerate(twins["levels"]):
            thirds.append([label, f"{i} {level['name']}", *[estimate(level, f"half_life_{third}_surprise", 1) for third in ("low", "middle", "high")],
                           estimate(level, "half_life_high_minus_low", 1)])
        hits = lab.of("surprise_recovery", [*settings, "surprise_recovery.places=96", "surprise_recovery.after=800"], model=model)
        for condition in ("sentence_work", "paragraph_work"):
            for i, level in enumerate(hits["conditions"][condition]["levels"]):
                relation.append([label, condition, f"{i} {level['name']}", estimate(level, "displacement_excess_r"),
                                 estimate(level, "displacement_own_excess_r")])
    write("gate.md", "The gate: does evidence, not time, take weight away?", [
        "Half-life by thirds of surprise: 90 pairs split by the mean surprise of their first 100 common tokens.", "",
        *table(["gate", "level", "low surprise", "middle", "high", "high minus low"], thirds), "",
        "Displacement at the end of an inserted passage against the excess nats it cost, over 96 insertions: Pearson r, under the whole model and under the "
        "level's own prediction.", "", *table(["gate", "passage", "level", "r", "r, own prediction"], relation), "", *lab.made()])


def products(lab):
    ways = [("float, four sweeps of .5", [], DEMO), ("float, two sweeps of .75", ["run.products=float"], AUSTEN)]
    if "avx512_bf16" in pathlib.Path("/proc/cpuinfo").read_text():
        ways.append(("bfloat16, two sweeps of .75", ["run.products=bfloat16"], AUSTEN))
    found = {label: [lab.of("evaluate", ["world.tokens=300000", *settings], seed, config=config) for seed in range(1, lab.options.seeds + 1)]
             for label, settings, config in ways}
    before = found[ways[1][0]]
    rows = [[label, mean([f["nats_per_token"] for f in runs], 4),
             ", ".join(interval(*paired(a, b)) for a, b in zip(runs, before)) if runs is not before else "–"] for label, runs in found.items()]
    write("products.md", "What bfloat16 products cost", [
        "300,000 tokens of Austen in one pass, then the held-out text; the demo's hierarchy. Nats per token, mean ± standard deviation over seeds, and what "
        "they are above the second row's on the same documents, seed by seed, 95 % intervals over documents. Sums are in float throughout. Speeds: performance.md.", "",
        *table(["products and sweeps", "held-out nats per token", "above float, two sweeps"], rows), "", *lab.made()])


PARTS = {"gain": gain, "inference": inference, "broad": broad, "inertia": inertia, "memory": memory, "gate": gate, "products": products}


def main():
    parser = arguments(__doc__, threads=0)
    parser.add_argument("--text", required=True, type=pathlib.Path, help="folder with Austen's novels (experiments/worlds/text/austen.py makes it)")
    parser.add_argument("--reuters", type=pathlib.Path, help="a text of many short documents for the broad predictions")
    parser.add_argument("--only", nargs="*", choices=list(PARTS), default=list(PARTS))
    options = settled(parser)
    for path in (options.text, options.reuters):
        if path and not path.exists():
            sys.exit(f"reference.py: {path} is not there")
    for name in options.only:
        PARTS[name](Demo(options, f"tests/validation/reference.py --only {name} --seeds {options.seeds}", {"TEXT": options.text, **({"REUTERS": options.reuters} if options.reuters else {})}))


if __name__ == "__main__":
    main()
