"""The one picture: how each level was surprised, how fast it recovered, how heavy it is; with a short table."""
from . import figures, style, weight
from .style import plt
from .summary import is_number, main_condition, measured, number

ABSENT = "–"


def times_usual(row):
    value = measured(row, "peak_error")
    return f"{value.value:.2f}" if value else ABSENT


def tokens(row, *keys, interval=False):
    value = measured(row, *keys)
    if value is None:
        return ABSENT
    return " ".join(part for part in (value.text(), value.interval_text() if interval and not value.bound else "") if part)


def ratio(row):
    """Half-life over the level's own time constant."""
    value, own = measured(row, "half_life"), weight.time_constant(row)
    return f"{'≥ ' if value.bound == 'at_least' else '≤ ' if value.bound else ''}{value.value / own:.2f}" if value and own else ABSENT


def percent(row, key):
    return f"{100 * row[key]:.0f} %" if is_number(row.get(key)) else ABSENT


def nats(row, *keys):
    value = measured(row, *(keys or ("evidence_nats",)))
    return value.text(1) if value else ABSENT


def own_time(row):
    found = weight.time_constant(row)
    return number(found) if found is not None else ABSENT


def estimate(key, digits=2):
    """A column's cell: the value and its interval, where there is one."""
    def text(index, row):
        value = measured(row, key)
        return f"{value.text(digits)} {value.interval_text(digits)}".strip() if value else ABSENT
    return text


COLUMNS = (
    ("level", lambda index, row: row["label"]),
    ("time constant\n(tokens)", lambda index, row: own_time(row)),
    ("peak error\n(× usual)", lambda index, row: times_usual(row)),
    ("recovery\n(tokens)", lambda index, row: tokens(row, "recovery")),
    ("error recovery\n(tokens)", lambda index, row: tokens(row, "error_recovery")),
    ("half-life\n(tokens), 95 %", lambda index, row: tokens(row, "half_life", interval=True)),
    ("half-life /\ntime constant", lambda index, row: ratio(row)),
    ("tokens to\nswitch", lambda index, row: tokens(row, "tokens_to_switch")),
    ("evidence\n(nats)", lambda index, row: nats(row)),
)


def table(rows, columns=COLUMNS):
    """Header and cells of those columns in which something was measured."""
    cells = [[cell(index, row) for _, cell in columns] for index, row in enumerate(rows)]
    kept = [number for number in range(len(columns)) if any(line[number] != ABSENT for line in cells)]
    return [columns[number][0] for number in kept], [[line[number] for number in kept] for line in cells]


def choose(results):
    """The panels there is material for: list of (title, draw, y label, x label)."""
    panels = []
    for result in results:
        name = main_condition(result.summary, result.insertions())
        if name is None:
            continue
        moved, wrong = figures.passage_curves(result, name)
        count = len(result.labels)
        if any(curve is not None for curve in wrong):
            panels.append(("How each level was surprised", lambda axes, w=wrong, c=count: figures.draw_error(axes, w, c),
                           figures.ERROR, figures.AFTER))
        if any(curve is not None for curve in moved):
            marks = figures.marks_for(result, name)
            panels.append(("How fast it recovered", lambda axes, m=moved, k=marks, c=count: figures.draw_displacement(axes, m, k, c),
                           "displacement (passage's end = 1)", figures.AFTER))
        break
    for result in results:
        if "twin" in result.trace.conditions() and len(panels) != 2:
            found, count = figures.twin_curves(result, "twin"), len(result.labels)
            if any(curve is not None for curve in found):
                panels.append(("How long two histories stay apart", lambda axes, f=found, k=result.levels, c=count: figures.draw_twin(axes, f, k, c),
                               "distance of the twins (start = 1)", "common tokens read"))
    return panels


def ladder(rows):
    """(title, keys, labels) of the weight panel, or None."""
    if any(measured(row, "half_life") for row in rows):
        if any(measured(row, "tokens_to_switch") for row in rows):
            return "How heavy its belief is", ("half_life", "tokens_to_switch"), ("half-life", "tokens to switch")
        return "How heavy its belief is", ("half_life",), ("half-life",)
    if any(measured(row, "recovery") for row in rows):
        if any(measured(row, "error_recovery") for row in rows):
            return "Times to recover", ("recovery", "error_recovery"), ("recovery", "error recovery")
        return "Times to recover", ("recovery",), ("recovery",)
    return None


def heading(results):
    """Two lines under the title: what was done."""
    for result in results:
        name = main_condition(result.summary, result.insertions())
        if name is not None:
            return f"Shaded: a {figures.passage_title(name)}, inserted where it does not belong. Lines: trial means; bands: 95 % bootstrap."
    return "Two copies with different histories read the same text. Lines: means over pairs; bands: 95 % bootstrap."


def overview_figure(results, rows):
    panels, weights = choose(results), ladder(rows)
    wide = len(panels) + (weights is not None)
    if wide == 0:
        return None
    header, cells = table(rows)
    below = 0.75 + 0.34 * len(cells) if len(header) > 1 else 0.0
    width, height = (5.0 * wide + 0.6 if wide > 1 else 9.0), 5.3 + below
    figure, grid = plt.subplots(1, wide, figsize=(width, height), squeeze=False)
    for axes, (title, draw, y_label, x_label) in zip(grid[0], panels):
        draw(axes)
        axes.set_title(title, fontsize=13)
        axes.set_ylabel(y_label)
        axes.set_xlabel(x_label)
    if weights is not None:
        weight.draw_ladder(grid[0][-1], rows, weights[1], weights[2])
        grid[0][-1].set_title(weights[0], fontsize=13)
    figure.suptitle(style.drawable(heading(results)), fontsize=11.5, x=0.012, y=1.0 - 0.1 / height, ha="left", va="top", color=style.SOFT)
    style.legend(figure, [row["label"] for row in rows], below + 0.08)
    style.frame(figure, below + 0.45, 0.36)
    if below:
        draw_table(figure.add_axes((0.02, 0.12 / height, 0.96, (below - 0.12) / height), in_layout=False), header, cells)
    return figure


def draw_table(axes, header, cells):
    """A plain table: rules above and below, numbers aligned, levels in their colour and marker."""
    axes.axis("off")
    count, widths = len(cells), [1.5] + [1.55 if "95" in name else 1.1 for name in header[1:]]
    total, edges = sum(widths), [0.0]
    for width in widths:
        edges.append(edges[-1] + width / total)
    axes.set_xlim(0, 1)
    axes.set_ylim(-count - 0.1, 1.5)
    for column, name in enumerate(header):
        axes.text(edges[0] + 0.02 if column == 0 else edges[column + 1] - 0.012, 0.25, name, ha="left" if column == 0 else "right", va="bottom",
                  fontsize=9.5, color=style.SOFT, linespacing=1.1)
    for height in (0.08, -count - 0.02):
        axes.plot([0, 1], [height, height], color="#888888", linewidth=0.9, clip_on=False)
    for line, row in enumerate(cells):
        axes.plot([0.008], [-line - 0.46], clip_on=False, **style.marker(line, count, 8.0))
        for column, cell in enumerate(row):
            axes.text(edges[0] + 0.02 if column == 0 else edges[column + 1] - 0.012, -line - 0.48, style.drawable(cell),
                      ha="left" if column == 0 else "right", va="center", fontsize=10.5, fontweight="bold" if column == 0 else "normal")
