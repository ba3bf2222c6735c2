"""classic: free energy while the network of dense layers learns, and how well it then classifies beside the exact observer."""
from .. import style, weight
from ..style import plt
from ..summary import is_number
from . import Picture

TITLE = "How a network of dense layers learns to classify"
CAPTION = ("Left: free energy per sample as settled between input and class, while learning. Right: share of fresh samples that one pass upwards classifies right; "
           "dotted: the exact observer, where the samples are drawn.")
COLUMNS = (
    ("accuracy", lambda index, row: f"{row['accuracy']:.4f}"),
    ("exact observer's", lambda index, row: f"{row['exact_accuracy']:.4f}" if is_number(row.get("exact_accuracy")) else ""),
    ("free energy, first\nand last (nats)", lambda index, row: f"{row['free_energy_first']:.4g}, {row['free_energy_last']:.4g}"),
    ("samples per\nsecond", lambda index, row: f"{row['samples_per_second']:,.0f}"),
    ("GFLOP/s", lambda index, row: f"{row['gflops']:.1f}"),
)
TERMS = (("Free energy", "half the squared prediction errors of all layers of a sample, as settled."),)


def drawn(result):
    return result.experiment == "classic" and not result.seeds and is_number(result.summary.get("accuracy")) and result.summary.get("free_energy")


def pictures(results, rows):
    for result in filter(drawn, results):
        yield Picture("classic", "Learning to classify", CAPTION, course(result.summary), "wide")
        return


def tables(results, rows):
    for result in filter(drawn, results):
        yield "What was learned", COLUMNS, [result.summary]


def course(summary):
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.2), width_ratios=(3, 1))
    energy, batches = summary["free_energy"], summary["free_energy_batches"]
    left.plot([batch + 1 for batch in batches], energy, color=style.colour(0, 1), linewidth=1.6, marker="o" if len(energy) < 3 else "")
    left.set_xscale("log")
    left.set_ylim(0, 1.05 * max(energy))
    weight.plain_ticks(left.xaxis, 1, batches[-1] + 1)
    style.grid(left)
    left.set_xlabel("batches learned from")
    left.set_ylabel("free energy (nats per sample)")
    left.set_title("Free energy")
    right.bar([0], [summary["accuracy"]], width=.5, color=style.colour(0, 1))
    right.text(0, summary["accuracy"], f"{summary['accuracy']:.3f}", ha="center", va="bottom")
    if is_number(summary.get("exact_accuracy")):
        right.axhline(summary["exact_accuracy"], **style.RULE)
        right.text(.58, summary["exact_accuracy"], f"exact {summary['exact_accuracy']:.3f}", ha="right", va="bottom")
    right.set_xticks([0], ["network"])
    right.set_xlim(-.6, .6)
    right.set_ylim(0, 1.1)
    right.set_ylabel("share classified right")
    right.set_title("Fresh samples")
    return figure
