"""depth: what each of too many levels is worth, and which are left."""
from .. import style
from ..style import plt
from ..summary import is_number
from . import Picture

TITLE = "How many levels a world has"
CAPTION = ("One panel per true depth: nats per token that are lost when a level's downward message is replaced by its slow mean, in the hierarchy of too many levels; "
           "bars: three standard errors. Filled: left at the end. A level whose bar touches 0, or that says what another says, is taken away and the rest learned anew.")
KEPT, GONE = "left at the end", "taken away"
COLUMNS = (
    ("true depth", lambda index, row: f"{row['true_depth']:g}"),
    ("found", lambda index, row: f"{row['found_depth']:g}"),
    ("time constants left\n(steps)", lambda index, row: ", ".join(f"{level['time_constant']:,.3g}" for level in row["rounds"][-1]["levels"])),
    ("their gain\n(nats per token)", lambda index, row: ", ".join(f"{level['topdown_gain_nats']:.4f}" for level in row["rounds"][-1]["levels"])),
    ("times learned", lambda index, row: str(len(row["rounds"]))),
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


def survivors(world):
    """Numbers, in the first round, of the levels of the last one."""
    left = list(range(len(world["rounds"][0]["levels"])))
    for one in world["rounds"]:
        left = [number for number, level in zip(left, one["levels"]) if level.get("fate") == "kept"]
    return set(left)


def depth_figure(worlds):
    figure, grid = plt.subplots(1, len(worlds), figsize=(1.0 + 3.1 * len(worlds), 4.3), sharey=True, squeeze=False)
    for axes, world in zip(grid[0], worlds):
        levels, left = world["rounds"][0]["levels"], survivors(world)
        axes.axhline(0, color="#888888", linewidth=0.9)
        for number, level in enumerate(levels):
            kept, gain, colour = number in left, level["topdown_gain_nats"], style.colour(number, len(levels))
            error = 3 * level["topdown_gain_se"] if is_number(level.get("topdown_gain_se")) else 0
            axes.plot([level["time_constant"]] * 2, [gain - error, gain + error], color=colour, linewidth=3.0, alpha=0.55, solid_capstyle="butt")
            face = {} if kept else {"markerfacecolor": "white", "markeredgecolor": colour, "markeredgewidth": 2.0}
            axes.plot([level["time_constant"]], [gain], zorder=5, **{**style.marker(number, len(levels), 9.5), **face})
        axes.set_xscale("log")
        axes.margins(x=0.12)
        axes.set_yscale("symlog", linthresh=1e-3)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(plt.FuncFormatter(lambda number, _: f"{number:,.10g}"))
        axes.set_title(f"{world['true_depth']:g} level{'' if world['true_depth'] == 1 else 's'}: {world['found_depth']:g} found")
        axes.set_xlabel("time constant (steps)")
        style.grid(axes)
    grid[0][0].set_ylabel("worth of the level (nats per token)")
    handles = [plt.Line2D([], [], marker="o", markersize=8, color=style.INK, linestyle="none", label=KEPT),
               plt.Line2D([], [], marker="o", markersize=8, color=style.INK, markerfacecolor="white", markeredgewidth=2, linestyle="none", label=GONE)]
    figure.legend(handles=handles, loc="lower center", ncols=2, borderaxespad=0.0, bbox_to_anchor=(0.5, 0.06 / figure.get_size_inches()[1]))
    style.frame(figure)
    return figure
