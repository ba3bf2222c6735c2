"""depth: what each of too many levels is worth, and which are left."""
from .. import style
from ..style import plt
from ..summary import is_number
from . import Picture

TITLE = "How many levels a world has"
CAPTION = ("One panel per true depth: the gain of each of too many levels when it was last tried, nats per token that a twin without it costs more once the others have "
           "had the time to take over; bars: three standard errors; dashed: the price of its parameters. Filled: left at the end. A level whose gain does not exceed "
           "both is taken away. On the upper edge: left without having been tried, for a level above it went at once.")
KEPT, GONE, PRICE = "left at the end", "taken away", "price of its parameters"
COLUMNS = (
    ("true depth", lambda index, row: f"{row['true_depth']:g}"),
    ("found", lambda index, row: f"{row['found_depth']:g}"),
    ("dwell times left\n(steps)", lambda index, row: ", ".join(f"{level['dwell_time']:,.3g}" for level in row["rounds"][-1]["levels"])),
    ("their gain\n(nats per token)", lambda index, row: ", ".join(f"{level['removal_cost_nats']:.4f}" for level in row["rounds"][-1]["levels"]
                                                                  if tried(level)) or "not tried"),
    ("rounds", lambda index, row: str(len(row["rounds"]))),
)


def drawn(result):
    worlds = result.summary.get("worlds")
    return result.experiment == "depth" and not result.seeds and isinstance(worlds, list) and any(world.get("rounds") for world in worlds)


def pictures(results, rows):
    for result in filter(drawn, results):
        yield Picture("depth", "Levels that are worth something", CAPTION, depth_figure(result.summary["worlds"]), "wide")
        return


def tables(results, rows):
    for result in filter(drawn, results):
        yield "Levels found", COLUMNS, result.summary["worlds"]


def tried(level):
    return is_number(level.get("removal_cost_nats"))


def outcomes(world):
    """Per level of the first round: whether it is left at the end, and its record when it was last tried (else the last there is)."""
    names = list(range(len(world["rounds"][0]["levels"])))
    records, left = {}, set()
    for one in world["rounds"]:
        for name, level in zip(names, one["levels"]):
            if tried(level) or not tried(records.get(name, {})):
                records[name] = level
        names = [name for name, level in zip(names, one["levels"]) if level.get("fate") == "kept"]
        left = set(names)
    return [(name in left, records[name]) for name in sorted(records)]


def depth_figure(worlds):
    figure, grid = plt.subplots(1, len(worlds), figsize=(1.0 + 3.1 * len(worlds), 4.3), sharey=True, squeeze=False)
    for axes, world in zip(grid[0], worlds):
        levels = outcomes(world)
        axes.axhline(0, color="#888888", linewidth=0.9)
        for number, (kept, level) in enumerate(levels):
            colour, place = style.colour(number, len(levels)), [level["dwell_time"]]
            face = {} if kept else {"markerfacecolor": "white", "markeredgecolor": colour, "markeredgewidth": 2.0}
            look = {**style.marker(number, len(levels), 9.5), **face}
            if not tried(level):
                axes.plot(place, [0.96], zorder=5, transform=axes.get_xaxis_transform(), **look)
                continue
            gain, error = level["removal_cost_nats"], level.get("removal_cost_se")
            error = 3 * error if is_number(error) else 0
            axes.plot(place * 2, [gain - error, gain + error], color=colour, linewidth=3.0, alpha=0.55, solid_capstyle="butt")
            axes.plot(place, [gain], zorder=5, **look)
            if is_number(level.get("price_nats")):
                axes.plot([place[0] / 1.6, place[0] * 1.6], [level["price_nats"]] * 2, color=colour, linewidth=1.2, linestyle=(0, (3, 2)))
        axes.set_xscale("log")
        axes.margins(x=0.12)
        axes.set_yscale("symlog", linthresh=1e-3)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(plt.FuncFormatter(lambda number, _: f"{number:,.10g}"))
        axes.set_title(f"{world['true_depth']:g} level{'' if world['true_depth'] == 1 else 's'}: {world['found_depth']:g} found")
        axes.set_xlabel("dwell time (steps)")
        style.grid(axes)
    grid[0][0].set_ylabel("worth of the level (nats per token)")
    handles = [plt.Line2D([], [], marker="o", markersize=8, color=style.INK, linestyle="none", label=KEPT),
               plt.Line2D([], [], marker="o", markersize=8, color=style.INK, markerfacecolor="white", markeredgewidth=2, linestyle="none", label=GONE),
               plt.Line2D([], [], color=style.INK, linewidth=1.2, linestyle=(0, (3, 2)), label=PRICE)]
    figure.legend(handles=handles, loc="lower center", ncols=3, borderaxespad=0.0, bbox_to_anchor=(0.5, 0.06 / figure.get_size_inches()[1]))
    style.frame(figure)
    return figure
