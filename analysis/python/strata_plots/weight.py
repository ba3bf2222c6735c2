"""Weight per level: half-life, tokens to switch, evidence; and recovery. All values come from summary.json."""
import math

from . import style
from .style import plt
from .summary import is_number, measured

# key, title, y label, on a log axis, n where a leaky integrator is expected at its time constant times ln n: half (switched: half-way) or a tenth is left; else None
PANELS = (("half_life", "Half-life of the past", "tokens until two pasts are half as far apart", True, 2),
          ("tokens_to_switch", "Time to switch", "tokens after a switch until it is believed", True, 2),
          ("evidence_nats", "Evidence", "evidence taken until it gives way (nats)", False, None))
ALONE = {"half_life": "half_life_single"}  # the same with this level's state alone swapped
THIRDS = tuple((f"half_life_{third}_surprise", third) for third in ("low", "middle", "high"))
RECOVERIES = (("recovery", "Recovery", "tokens until a tenth of the displacement is left", True, 10),
              ("error_recovery", "Error recovery", "tokens until the error is as usual", True, None))
OWN = "the level's own time constant (tokens)"


def time_constant(entry):
    value = entry.get("time_constant")
    return float(value) if is_number(value) and value > 0 else None


def place(entry):
    """x of a level: its time constant; a level without one (the token level has no memory of its own) stands at 1 token."""
    found = time_constant(entry)
    return max(found, 1.0) if found is not None else 1.0


def weight_figure(rows):
    """Measured weight against the level's own time constant, half-lives by thirds of surprise beside it. rows: merged measurements per level."""
    panels = [panel for panel in PANELS if any(measured(row, panel[0]) for row in rows)]
    if not panels:
        panels = [panel for panel in RECOVERIES if any(measured(row, panel[0]) for row in rows)]
    if not panels:
        return None
    thirds = any(measured(row, key) for row in rows for key, _ in THIRDS)
    count = len(panels) + thirds
    columns = 2 if count == 4 else count
    figure, grid = plt.subplots(-(-count // columns), columns, figsize=(max(6.4, 5.2 * columns), 5.0 * -(-count // columns)), squeeze=False)
    for axes, (key, title, label, log, _) in zip(grid.flat, panels):
        draw_panel(axes, rows, key, log)
        axes.set_title(title)
        axes.set_xlabel(OWN)
        axes.set_ylabel(label)
    times = [axes for axes, panel in zip(grid.flat, panels) if panel[3]]
    if thirds:
        draw_thirds(grid.flat[count - 1], rows)
    logs = times + ([grid.flat[count - 1]] if thirds else [])
    low, high = min(axes.get_ylim()[0] for axes in logs) if logs else 0, max((axes.get_ylim()[1] for axes in logs), default=0)
    for axes in logs:
        axes.set_ylim(low, high)
        plain_ticks(axes.yaxis, low, high)
    for axes, panel in zip(grid.flat, panels):
        if panel[4] is not None:
            reference_line(axes, panel[4])
    alone = any(measured(row, single) for row in rows for key, single in ALONE.items() if key in [panel[0] for panel in panels])
    style.legend(figure, [row["label"] for row in rows], hollow="its state alone swapped" if alone else None)
    bounded = any(value.bound == "at_least" for row in rows for key in bounds_of(panels) if (value := measured(row, key)))
    style.heading(figure, "How heavy each level's belief is" if panels[0] in PANELS else "How long each level takes to recover")
    if bounded:
        style.say_bounds(figure)
    style.frame(figure, top=0.36)
    return figure


def bounds_of(panels):
    """Every key that stands in these panels or in that of the thirds."""
    return [key for panel in panels for key in (panel[0], ALONE.get(panel[0], panel[0]))] + [key for key, _ in THIRDS]


def draw_point(axes, value, spot, index, count, log, hollow=False, written=True):
    """One marker with its interval and, where it is written, its value; a bound carries an arrow. Returns the lowest and the highest that the axis has to hold."""
    floor, colour = 0.5 if log else -math.inf, style.colour(index, count)
    height = max(value.value, floor)
    low, high = (max(end, floor) for end in value.interval) if value.interval is not None and not value.bound else (height, height)
    top = high
    if high > low:
        axes.errorbar([spot], [height], yerr=[[max(height - low, 0)], [max(high - height, 0)]], color=colour, linewidth=1.8, capsize=4)
    if value.bound or value.high_open:
        style.arrow(axes, (spot, high), (0, -26 if value.bound == "at_most" else 26), colour)
        top = high * (1.6 if log else 1.25)
    axes.plot([spot], [height], zorder=6, **{**style.marker(index, count, 8.5 if hollow else 9.5), **style.fill(int(hollow), colour)})
    if written:
        axes.annotate(value.text(0 if log else 1), (spot, height), xytext=(9 if hollow else -9, 3), textcoords="offset points", ha="left" if hollow else "right",
                      va="bottom", fontsize=9.5, zorder=7)
    return min(low, height), max(top, height)


def draw_panel(axes, rows, key, log):
    """One measure with intervals; hollow beside it the same of a level whose state alone was swapped."""
    spots, ends = [place(row) for row in rows], []
    for name, hollow in ((key, False), (ALONE.get(key), True)):
        for index, row in enumerate(rows):
            value = measured(row, name) if name else None
            if value is not None and (not log or value.value >= 0):
                ends.append(draw_point(axes, value, spots[index] * (1.5 if hollow else 1.0), index, len(rows), log, hollow))
    lowest, highest = min(low for low, _ in ends), max(high for _, high in ends)
    axes.set_xscale("log")
    axes.set_xlim(min(spots) / 3.0, max(spots) * (3.6 if any(measured(row, ALONE.get(key, key)) for row in rows) and key in ALONE else 2.2))
    plain_ticks(axes.xaxis, *axes.get_xlim())
    if log:
        axes.set_yscale("log")
        axes.set_ylim(lowest / 1.8, highest * 1.9)
        plain_ticks(axes.yaxis, *axes.get_ylim())
    else:
        axes.set_ylim(min(0.0, lowest * 1.15), max(highest * 1.15, 1e-3))
    axes.grid(True, color=style.GRID, linewidth=0.7)


def draw_thirds(axes, rows):
    """Half-lives of the thirds of pairs whose text surprised least, middling, most; one line per level."""
    ends, count = [], len(rows)
    for index, row in enumerate(rows):
        found = [(place_of + 0.09 * (index - (count - 1) / 2), measured(row, key)) for place_of, (key, _) in enumerate(THIRDS)]
        found = [(spot, value) for spot, value in found if value is not None and value.value >= 0]
        axes.plot([spot for spot, _ in found], [max(value.value, 0.5) for _, value in found], alpha=0.6, **{**style.line(index, count), "linewidth": 1.2})
        ends += [draw_point(axes, value, spot, index, count, True, written=bool(value.bound)) for spot, value in found]
    axes.set_yscale("log")
    axes.set_ylim(min(low for low, _ in ends) / 1.8, max(high for _, high in ends) * 1.9)
    axes.set_xlim(-0.5, len(THIRDS) - 0.5)
    axes.set_xticks(range(len(THIRDS)), [name for _, name in THIRDS])
    axes.set_title("Half-life by surprise of the text")
    axes.set_xlabel("third of the pairs, by surprise of what they read")
    axes.set_ylabel("half-life (tokens)")
    axes.grid(True, axis="y", color=style.GRID, linewidth=0.7)


def plain_ticks(axis, low, high):
    """1, 10, 100 as plain numbers; 3, 30 between them where the range is short."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    short = math.log10(high / low) < 2.2
    ticks = [factor * 10.0 ** power for power in decades for factor in ((1, 3) if short else (1,))]
    ticks = [tick for tick in ticks if low <= tick <= high]
    axis.set_ticks(ticks, [f"{tick:,.0f}" if tick >= 1 else f"{tick:g}" for tick in ticks])
    axis.set_ticks([], minor=True)


def reference_line(axes, part):
    """A leaky integrator of that time constant: 1 / part is left after tau ln part. Drawn for scale; the levels are not fitted to it."""
    low, high = axes.get_xlim()
    bottom, top = axes.get_ylim()
    axes.plot([low, high], [low * math.log(part), high * math.log(part)], color=style.SOFT, linewidth=1.0, linestyle=(0, (2, 2)), zorder=1)
    axes.set_xlim(low, high)
    axes.set_ylim(bottom, top)
    axes.annotate(f"dotted: time constant × ln {part}\n(one leaky integrator)", (0.98, 0.03), xycoords="axes fraction", fontsize=8.5, color=style.SOFT,
                  ha="right", va="bottom", bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5})


def draw_ladder(axes, rows, keys, labels):
    """One line per level (lowest at the bottom): time constant as a hollow tick, each measure of `keys` as a marker, on one log axis of tokens."""
    count, seen = len(rows), []
    offsets = {1: (0.0,), 2: (0.16, -0.16), 3: (0.24, 0.0, -0.24)}[len(keys)]
    for index, row in enumerate(rows):
        own = time_constant(row)
        if own is not None:
            axes.plot([own, own], [index - 0.36, index + 0.36], color=style.SOFT, linewidth=1.3, zorder=2)
            seen.append(own)
        for number, key in enumerate(keys):
            value = measured(row, key)
            if value is None:
                axes.text(0.02, index + offsets[number], f"{labels[number]}: not measured", transform=axes.get_yaxis_transform(), va="center", fontsize=8.5,
                          style="italic", color=style.SOFT)
                continue
            value.value = max(value.value, 0.5)
            style.draw_time(axes, value, index + offsets[number], index, count, 10.0 if number == 0 else 8.0, hollow=number > 0)
            seen += [value.value * (2.2 if value.bound == "at_least" else 1.0)] + [max(end, 0.5) for end in value.interval or ()]
    axes.set_xscale("log")
    low, high = min(seen) / 1.9, max(seen) * 2.0
    axes.set_xlim(low, high)
    plain_ticks(axes.xaxis, low, high)
    axes.set_yticks(range(count), [style.drawable(row["label"]) for row in rows])
    axes.set_ylim(-1.15, count - 0.4)
    axes.set_xlabel("tokens (log axis)")
    style.grid(axes, "x")
    handles = [plt.Line2D([], [], marker="s", markersize=8, color=style.INK, linestyle="none", label=labels[0])]
    if len(keys) > 1:
        handles.append(plt.Line2D([], [], marker="s", markersize=7, color=style.INK, markerfacecolor="white", markeredgewidth=2, linestyle="none",
                                  label=labels[1]))
    handles.append(plt.Line2D([], [], color=style.SOFT, linewidth=1.3, marker="|", markersize=11, linestyle="none", label="its time constant"))
    axes.legend(handles=handles, loc="lower center", fontsize=9.5, handletextpad=0.2, borderaxespad=0.1, ncols=3, columnspacing=1.4)
