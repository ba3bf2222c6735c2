#!/usr/bin/python3
"""An LSTM of as many weights as a trained hierarchy, on the tokens that it was trained and scored on: what back-propagation through time reaches beside it.

usage: tests/bench/language/lstm.py --strata build/release/strata --beside RUN --out DIR [--minutes 30] [--seed 1] [--trials TRIALS ...]

RUN is the folder of a `strata evaluate`; its summary.json says how many weights, its config.ini which texts. TRIALS: folders of `surprise_recovery` or
`belief_inertia` on the same held-out text; the LSTM reads the same trials, its hidden state and its cell are recorded as strata records its levels, and
`strata analyse` measures both. Writes DIR/summary.json and DIR/NAME.h5 per experiment.

Model      word vectors E (V x n), also the output weights; one LSTM of n units; logits = E h + b. Document by document from a state of zero, whose first input
           is zero, carried through the whole document
Learning   truncated back-propagation through 35 tokens in 32 streams, the state carried on; Adam, its rate falling linearly to nothing over --passes or
           --minutes, whichever ends first; dropout of inputs and outputs; gradients clipped. A large vocabulary's softmax is taken over the token itself and
           a sample, by importance (Jean et al. 2015); every score is of the whole softmax
Choosing   three quarters of the time go to the first nine tenths of the training text. Then the last tenth is scored, the cache's weight and time constant are chosen
           on it (as experiments/baselines.cpp does), and learning goes on with all of the text. What this score, `tail_perplexity`, prefers is also how to choose
           --dropout, --rate, --passes and --layers; held-out text chooses nothing

Install: apt install python3-torch python3-h5py libopenblas0-pthread (without OpenBLAS Debian's PyTorch multiplies many times slower), or pip install torch h5py.
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
try:
    import numpy
    import readings
    import torch
except ImportError as error:
    print(f"SKIPPED: the LSTM ({error}); how to install it stands at the top of tests/bench/language/lstm.py")
    sys.exit(0)

STREAMS, STEPS = 32, 35
TIME_CONSTANTS = (50, 100, 200, 400, 800, 1600, 3200)
SMALL_VOCABULARY = 4096  # up to it a softmax over all is cheap enough


class Lstm(torch.nn.Module):
    def __init__(self, vocabulary, units, layers, dropout, log_unigram):
        super().__init__()
        self.embedding = torch.nn.Parameter(torch.empty(vocabulary, units).uniform_(-.1, .1))
        self.bias = torch.nn.Parameter(log_unigram.clone())
        self.cells = torch.nn.LSTM(units, units, layers, dropout=dropout if layers > 1 else 0)
        with torch.no_grad():  # one of PyTorch's two biases is redundant: it is left out of the count and of learning
            for layer in range(layers):
                getattr(self.cells, f"bias_ih_l{layer}").zero_().requires_grad_(False)
        self.dropout = torch.nn.Dropout(dropout)

    @staticmethod
    def size(vocabulary, units, layers):
        return vocabulary * (units + 1) + layers * (8 * units * units + 4 * units)

    def weights(self):
        return [p for p in self.parameters() if p.requires_grad]

    def rest(self, streams):
        """The state before anything was read: hidden and cell, layers x streams x units."""
        shape = (self.cells.num_layers, streams, self.cells.hidden_size)
        return torch.zeros(shape), torch.zeros(shape)

    def read(self, ids, begins, state):
        """ids: steps x streams, what was read before each step; where `begins`, a document begins, and neither it nor the state counts. Returns the hidden
        state of the highest layer at every step (steps x streams x units) and the state behind the last."""
        inputs = self.dropout(torch.nn.functional.embedding(ids, self.embedding)) * (~begins).unsqueeze(2)
        fresh = [0, *(t for t in torch.nonzero(begins.any(1)).flatten().tolist() if t > 0), len(ids)]
        out = []
        for first, end in zip(fresh, fresh[1:]):
            if begins[first].any():
                keep = (~begins[first]).view(1, -1, 1)
                state = tuple(part * keep for part in state)
            hidden, state = self.cells(inputs[first:end], state)
            out.append(hidden)
        return torch.cat(out), state

    def log_probabilities(self, hidden):
        return torch.log_softmax(torch.addmm(self.bias, hidden, self.embedding.t()), 1)

    def loss(self, hidden, targets, sampled=None, log_expected=None):
        """Mean nats; over the targets and `sampled` ids where given, `log_expected` being how often each id is expected among them."""
        if sampled is None:
            return torch.nn.functional.cross_entropy(torch.addmm(self.bias, hidden, self.embedding.t()), targets)
        bias = self.bias - log_expected
        own = (hidden * torch.nn.functional.embedding(targets, self.embedding)).sum(1) + bias[targets]
        others = torch.addmm(bias[sampled], hidden, torch.nn.functional.embedding(sampled, self.embedding).t())
        others = others.masked_fill(targets.unsqueeze(1) == sampled, -1e9)
        return (torch.logsumexp(torch.cat([own.unsqueeze(1), others], 1), 1) - own).mean()


def width_for(parameters, vocabulary, layers):
    """Units with which an LSTM comes nearest to so many weights."""
    units = max(1, int((parameters - vocabulary) / (vocabulary + 1)))
    while Lstm.size(vocabulary, units + 1, layers) < parameters:
        units += 1
    while units > 1 and Lstm.size(vocabulary, units, layers) > parameters:
        units -= 1
    return min((units, units + 1), key=lambda n: abs(Lstm.size(vocabulary, n, layers) - parameters))


def streams_of(documents, order, streams):
    """The documents one behind the other in `order`, cut into equal strips, one a stream: what is to be foretold, what was read before it, and where documents begin
    (steps x streams each). The last few tokens that fill no row are left out."""
    target = numpy.concatenate([documents[i] for i in order])
    begins = numpy.zeros(target.size, bool)
    begins[numpy.cumsum([0, *(documents[i].size for i in order[:-1])])] = True
    before = numpy.concatenate([[0], target[:-1]])
    steps = target.size // streams
    return [torch.from_numpy(row[:steps * streams].reshape(streams, steps).T.copy()) for row in (target, before, begins)]


class Clock:
    """How far learning has come, 0 to 1: by tokens of the passes planned, or by processor time of each thread (others may use the machine as well)."""

    def __init__(self, tokens, minutes, threads):
        self.tokens, self.limit, self.threads, self.begin, self.read = tokens, 60 * minutes, threads, time.process_time(), 0

    def seconds(self):
        return (time.process_time() - self.begin) / self.threads

    def come(self):
        return max(self.read / self.tokens, self.seconds() / self.limit)


class Trainer:
    def __init__(self, model, counts, options, clock):
        self.model, self.options, self.clock = model, options, clock
        self.adam = torch.optim.Adam(model.weights(), lr=options.rate, betas=(.9, .999), eps=1e-8)
        self.generator = numpy.random.default_rng(options.seed)
        q = counts ** .75
        self.q = q / q.sum()
        self.samples = options.samples if counts.size > SMALL_VOCABULARY else 0
        self.log_expected = torch.from_numpy(numpy.log(-numpy.expm1(self.samples * numpy.log1p(-self.q)) + 1e-30)).float() if self.samples else None
        self.cumulated = numpy.cumsum(self.q)

    def learn(self, documents, until):
        """Reads the documents in ever new orders until the clock has come to `until`."""
        model, options = self.model, self.options
        model.train()
        while self.clock.come() < until:
            target, before, begins = streams_of(documents, self.generator.permutation(len(documents)), min(STREAMS, max(1, sum(d.size for d in documents) // STEPS)))
            state, said, nats, read = model.rest(target.shape[1]), time.monotonic(), 0., 0
            begins[0] = True
            for first in range(0, len(target), STEPS):
                if self.clock.come() >= until:
                    break
                rows = slice(first, first + STEPS)
                hidden, state = model.read(before[rows], begins[rows], tuple(part.detach() for part in state))
                flat = target[rows].reshape(-1)
                loss = model.loss(model.dropout(hidden).reshape(flat.numel(), -1), flat, *self.sample())
                self.adam.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.weights(), options.clip)
                for group in self.adam.param_groups:
                    group["lr"] = options.rate * max(0., 1 - self.clock.come()) * min(1., (self.clock.read + 1) / (100 * STREAMS * STEPS))
                self.adam.step()
                self.clock.read += flat.numel()
                nats, read = nats + loss.item() * flat.numel(), read + flat.numel()
                if time.monotonic() - said > 30:
                    print(f"  {100 * self.clock.come():5.1f} %  {self.clock.read / self.clock.seconds():.0f} tokens a second of processor time, {nats / read:.3f} nats", flush=True)
                    said, nats, read = time.monotonic(), 0., 0

    def sample(self):
        if not self.samples:
            return ()
        drawn = numpy.searchsorted(self.cumulated, self.generator.random(self.samples) * self.cumulated[-1])
        return torch.from_numpy(numpy.unique(drawn)), self.log_expected


@torch.no_grad()
def score(model, documents):
    """Probability of every token, document by document."""
    model.eval()
    found = []
    for ids in documents:
        state, parts = model.rest(1), []
        target, before, begins = streams_of([ids], [0], 1)
        for first in range(0, len(target), 512):
            rows = slice(first, first + 512)
            hidden, state = model.read(before[rows], begins[rows], state)
            parts.append(model.log_probabilities(hidden[:, 0]).gather(1, target[rows]).exp())
        found.append(torch.cat(parts).double().numpy()[:, 0])
    return found


def cached(documents, time_constant):
    """What a cache of recent tokens gives every token (experiments/cache.hpp); it starts empty in each document, -1 stands there."""
    growth, found = math.exp(1 / time_constant), []
    for ids in documents:
        counts, total, unit, given = {}, 0., 1., []
        for token in ids.tolist():
            given.append(counts.get(token, 0.) / total if total else -1.)
            counts[token] = counts.get(token, 0.) + unit
            total += unit
            unit *= growth
            if unit > 1e100:
                counts = {t: c / unit for t, c in counts.items()}
                total, unit = sum(counts.values()), 1.
        found.append(numpy.array(given))
    return numpy.concatenate(found)


def beside(model, cache, weight):
    return numpy.where(cache < 0, model, (1 - weight) * model + weight * cache)


def nats(model, cache, weight):
    """Of all tokens."""
    return -float(numpy.log(beside(model, cache, weight)).sum())


def choose_cache(model, documents):
    """Weight and time constant that score best beside the model's probabilities; the score is concave in the weight."""
    best = None
    for time_constant in TIME_CONSTANTS:
        cache, low, high = cached(documents, time_constant), 0., 1.
        for _ in range(10):
            weight = (low + high) / 2
            slope = numpy.where(cache < 0, 0, (cache - model) / beside(model, cache, weight)).sum()
            low, high = (weight, high) if slope > 0 else (low, weight)
        found = (nats(model, cache, (low + high) / 2), (low + high) / 2, time_constant)
        best = min(best or found, found)
    return best[1:]


def last_tenth(documents):
    """The training text in two: the last tenth begins with the first document that begins behind nine tenths, or within the last document."""
    ends = numpy.cumsum([d.size for d in documents])
    wanted = int(ends[-1]) - int(ends[-1]) // 10
    behind = [i for i in range(1, len(documents)) if ends[i - 1] >= wanted]
    if behind:
        return documents[:behind[0]], documents[behind[0]:]
    cut = wanted - int(ends[-1] - documents[-1].size)
    return [*documents[:-1], documents[-1][:cut]], [documents[-1][cut:]]


def train_and_score(training, held_out, vocabulary, parameters, options):
    """`training`, `held_out`: ids of every document. Returns the model and what goes into summary.json."""
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    counts = sum(numpy.bincount(ids, minlength=vocabulary) for ids in training) + 1.
    units, layers = width_for(parameters, vocabulary, options.layers), options.layers
    model = Lstm(vocabulary, units, layers, options.dropout, torch.from_numpy(numpy.log(counts / counts.sum())).float())
    first, tail = last_tenth(training)
    clock = Clock(options.passes * sum(d.size for d in training), options.minutes, options.threads)
    trainer, begin = Trainer(model, counts, options, clock), time.monotonic()
    print(f"LSTM of {layers} x {units} units, {Lstm.size(vocabulary, units, layers)} weights", flush=True)
    trainer.learn(first, .75)
    given = numpy.concatenate(score(model, tail))
    weight, time_constant = choose_cache(given, tail)
    tail_nats = nats(given, -numpy.ones_like(given), 0) / given.size
    print(f"last tenth of the training text: perplexity {math.exp(tail_nats):.2f}; cache of {time_constant} tokens, weight {weight:.3f}", flush=True)
    trainer.learn(training, 1)
    seconds = time.monotonic() - begin
    given, cache = numpy.concatenate(score(model, held_out)), cached(held_out, time_constant)
    out = {"parameters": Lstm.size(vocabulary, units, layers), "units": units, "layers": layers, "seed": options.seed, "dropout": options.dropout, "rate": options.rate,
           "samples": trainer.samples, "passes": clock.read / sum(d.size for d in training), "processor_seconds": clock.seconds(), "seconds": seconds,
           "threads": options.threads, "torch": torch.__version__, "tail_perplexity": math.exp(tail_nats), "cache_weight": weight, "cache_time_constant": time_constant,
           "held_out_tokens": given.size}
    for key, w in (("static", 0.), ("cache", weight)):
        per_token = nats(given, cache, w) / given.size
        out[key] = {"perplexity": math.exp(per_token), "nats_per_token": per_token}
    return model, out


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strata", required=True)
    parser.add_argument("--beside", required=True, help="folder of the strata evaluate to be set beside")
    parser.add_argument("--out", required=True)
    parser.add_argument("--trials", nargs="*", default=[], help="folders of surprise_recovery or belief_inertia")
    parser.add_argument("--parameters", type=int, default=0, help="weights (0: as many as the run's summary says)")
    parser.add_argument("--minutes", type=float, default=30, help="of processor time for learning, on each thread")
    parser.add_argument("--passes", type=float, default=12)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--dropout", type=float, default=.2)
    parser.add_argument("--rate", type=float, default=.004)
    parser.add_argument("--clip", type=float, default=1.)
    parser.add_argument("--samples", type=int, default=1024, help=f"of the softmax of a vocabulary above {SMALL_VOCABULARY} (0: all of it)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


RECORDED = [*range(-8, 256), *range(256, 1 << 20, 8)]  # times recorded: every token at first, then every eighth
MEASURES = {"belief_inertia": ("half_life", "evidence", "tokens_to_switch"), "surprise_recovery": ("recovery",)}


@torch.no_grad()
def follow(model, trials, before, after):
    """What the model holds behind every token of one condition: per layer hidden state and cell (time x trial x unit) at the times in RECORDED, the surprise and id of every
    token from -before to after - 1 (time x trial), and how many tokens each trial has from time 0 on."""
    model.eval()
    count, layers = len(trials.ids), model.cells.num_layers
    times = [t for t in RECORDED if -before <= t < after]
    place = {t: i for i, t in enumerate(times)}
    held = numpy.full((2 * layers, len(times), count, model.cells.hidden_size), numpy.nan, numpy.float32)
    surprise, ids = numpy.full((before + after, count), numpy.nan, numpy.float32), numpy.full((before + after, count), -1, numpy.int32)
    # Trials are laid so that all come to time 0 together; those with a shorter history wait at a document's beginning, which is a state of zero.
    lead = max(trials.zero)
    rows = lead + min(after, max(i.size - z for i, z in zip(trials.ids, trials.zero)))
    target, there = numpy.zeros((rows, count), numpy.int64), numpy.zeros((rows, count), bool)
    begins = numpy.ones((rows + 1, count), bool)
    for s, (own, zero) in enumerate(zip(trials.ids, trials.zero)):
        own, first = own[:zero + after], lead - zero
        target[first:first + own.size, s], there[first:first + own.size, s], begins[first + 1:, s] = own, True, False
    read, begins = torch.from_numpy(target), torch.from_numpy(begins)
    expected, state = model.read(read[:1], begins[:1], model.rest(count))  # all begin here: no token counts
    for row in range(rows):
        t, now = row - lead, there[row]
        if -before <= t:
            given = model.log_probabilities(expected[0]).gather(1, read[row].unsqueeze(1))[:, 0].numpy()
            surprise[t + before, now], ids[t + before, now] = -given[now], target[row, now]
        # The state behind this token is what the next is foretold from; a trial that is still to begin keeps nothing of it.
        expected, state = model.read(read[row:row + 1], begins[row + 1:row + 2], state)
        for part in range(len(held) if t in place else 0):
            held[part, place[t], now] = state[part % 2][part // 2].numpy()[now]
    valid = numpy.array([min(after, own.size - zero) for own, zero in zip(trials.ids, trials.zero)], numpy.int32)
    return times, held, surprise, ids, valid


def record(model, conditions, path, before, after):
    """A trace of the conditions (analysis/README.md): levels hidden and cell of every layer, from below."""
    with readings.h5py.File(path, "w") as file:
        file.attrs["schema"], file.attrs["experiment"] = "1", "lstm"
        for trials in conditions:
            times, held, surprise, ids, valid = follow(model, trials, before, after)
            group = file if trials.name == "/" else file.create_group(f"conditions/{trials.name}")
            group.attrs["reference"] = trials.reference
            group["valid"] = valid
            if trials.passage is not None:
                group["passage_length"] = trials.passage
            group["tokens/time"], group["tokens/id"] = numpy.arange(-before, after), ids
            group["tokens/surprise"] = surprise
            for number, vectors in enumerate(held):
                level = group.create_group(f"levels/{number}")
                layer = f" {number // 2 + 1}" if len(held) > 2 else ""
                level.attrs["name"] = ("hidden", "cell")[number % 2] + layer
                level["time"] = numpy.array(times, numpy.int64)
                level.create_dataset("prediction", data=vectors, compression="gzip", compression_opts=1)


def measure(model, documents, folder, out, strata):
    """What `strata analyse` finds of the model on the trials of an experiment's folder, by measure."""
    trace = pathlib.Path(folder) / "trace.h5"
    with readings.h5py.File(trace, "r") as file:
        experiment, times = readings.text_of(file.attrs["experiment"]), file["tokens/time"][()]
    own = out / f"{experiment}.h5"
    record(model, readings.trials_of(trace, documents), own, -int(times[0]), int(times[-1]) + 1)
    found = {}
    for name in MEASURES[experiment]:
        said = subprocess.run([strata, "analyse", name, str(own), "--json"], check=True, capture_output=True, text=True).stdout
        found[name] = json.loads(said)
    return experiment, found


def main():
    options = arguments()
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    texts = readings.read_texts(options.strata, options.beside, out, options.threads)
    parameters = options.parameters or texts.summary["parameters"]
    training, held_out = ([d.ids for d in documents] for documents in (texts.training, texts.held_out))
    model, summary = train_and_score(training, held_out, texts.vocabulary, parameters, options)
    if "bits_per_byte" in texts.summary:  # of the same bytes
        for way in ("static", "cache"):
            summary[way]["bits_per_byte"] = texts.summary["bits_per_byte"] * summary[way]["nats_per_token"] / texts.summary["nats_per_token"]
    summary["strata_parameters"] = parameters
    torch.save(model.state_dict(), out / "model.pt")
    for folder in options.trials:
        experiment, found = measure(model, texts.held_out, folder, out, options.strata)
        summary[experiment] = found
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(json.dumps({key: value for key, value in summary.items() if key not in MEASURES}, indent=2))


if __name__ == "__main__":
    main()
