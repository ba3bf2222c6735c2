"""How figures look: fonts with Korean fall-back, a palette ordered by luminance, axes in tokens, markers for lower bounds."""
import logging
import os

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend must be chosen first)
import numpy as np  # noqa: E402
from matplotlib import font_manager  # noqa: E402
from matplotlib.ft2font import FT2Font  # noqa: E402
from matplotlib.transforms import ScaledTranslation  # noqa: E402

INK, SOFT, GRID, SHADE = "#1a1a1a", "#555555", "#d9d9d9", "#ececec"
FALLBACKS = ("DejaVu Sans", "NanumGothic", "Noto Sans CJK KR", "Noto Sans KR", "UnDotum", "Malgun Gothic", "Apple SD Gothic Neo")
LINES = ((0, (1, 1.1)), (0, (5, 1.4, 1, 1.4)), (0, (6, 1.8)), "-")
RULE = {"color": SOFT, "linewidth": 0.9, "linestyle": (0, (2, 2))}
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_glyphs = set()


def set_up():
    """Fonts and defaults. Fonts are looked up on disk too: matplotlib's cache may be older than the font package."""
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    known = {entry.name for entry in font_manager.fontManager.ttflist}
    if "NanumGothic" not in known:
        for path in font_manager.findSystemFonts():
            if os.path.basename(path) in ("NanumGothic.ttf", "NanumGothicBold.ttf"):
                font_manager.fontManager.addfont(path)
        known = {entry.name for entry in font_manager.fontManager.ttflist}
    families = [name for name in FALLBACKS if name in known]
    _glyphs.clear()
    for name in families:
        _glyphs.update(FT2Font(font_manager.findfont(name)).get_charmap())
    plt.rcParams.update({
        "font.family": families, "font.size": 10.5, "axes.unicode_minus": False, "text.color": INK, "axes.labelcolor": INK,
        "axes.edgecolor": "#888888", "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False,
        "axes.titlesize": 11.5, "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.titlepad": 8, "axes.axisbelow": True,
        "legend.frameon": False, "figure.facecolor": "white", "savefig.facecolor": "white", "savefig.dpi": 150, "lines.linewidth": 2.0,
        "mathtext.default": "regular", "text.usetex": False, "text.parse_math": False,
    })


def drawable(text):
    """Text with every character that no installed font holds replaced, so that no empty box and no warning appears."""
    return "".join(ch if ord(ch) in _glyphs or ch == "\n" else "·" for ch in str(text))


def colour(level, count):
    """Dark for the top, light for the bottom: the order survives a grey print, and every tone keeps 3:1 against white."""
    place = 0.66 if count < 2 else 0.66 - 0.58 * level / (count - 1)
    return matplotlib.colors.to_hex(plt.get_cmap("inferno")(place))


def line(level, count):
    """Keyword arguments of a level's curve."""
    return {"color": colour(level, count), "linestyle": LINES[level % len(LINES)] if count <= 4 or level < 3 else LINES[level % 4]}


def marker(level, count, size=8.0):
    return {"marker": MARKERS[level % len(MARKERS)], "markersize": size, "color": colour(level, count), "markeredgecolor": "white",
            "markeredgewidth": 1.0, "linestyle": "none"}


def fill(kind, colour):
    """What makes a marker filled (0), hollow (1) or half filled (2)."""
    return ({}, {"markerfacecolor": "white", "markeredgecolor": colour, "markeredgewidth": 2.0},
            {"markerfacecolor": colour, "markerfacecoloralt": "white", "markeredgecolor": colour, "markeredgewidth": 1.4, "fillstyle": "left"})[kind]


def frame(figure, bottom=0.42, top=0.0):
    """Keeps `bottom` and `top` inches of the figure free of axes, for what is placed there by hand."""
    height = figure.get_size_inches()[1]
    figure.set_layout_engine("constrained", rect=(0.004, bottom / height, 0.992, 1.0 - (bottom + top + 0.04) / height))


def legend(figure, names, bottom=0.06, rule=None, only=None, hollow=None):
    """One legend of the levels' names with line and marker together, `bottom` inches above the lower edge; `rule` names the thin dotted line, `hollow` the
    hollow markers; `only`: the levels that are drawn, where some are not."""
    handles = [plt.Line2D([], [], **{**marker(i, len(names), 7.0), **line(i, len(names))}, label=drawable(name))
               for i, name in enumerate(names) if only is None or i in only]
    if hollow is not None:
        handles.append(plt.Line2D([], [], label=hollow, marker="s", markersize=7, color=INK, markerfacecolor="white", markeredgewidth=2, linestyle="none"))
    if rule is not None:
        handles.append(plt.Line2D([], [], label=rule, **RULE))
    return figure.legend(handles=handles, handlelength=2.9, columnspacing=1.3, handletextpad=0.6, ncols=min(len(handles), 6), loc="lower center", borderaxespad=0.0,
                         bbox_to_anchor=(0.5, bottom / figure.get_size_inches()[1]))


def heading(figure, title):
    figure.suptitle(drawable(title), fontsize=13, fontweight="bold", x=0.012, y=1.0 - 0.1 / figure.get_size_inches()[1], ha="left", va="top")


def say_bounds(figure):
    """What an arrow means, right of the heading."""
    figure.text(0.99, 1.0 - 0.13 / figure.get_size_inches()[1], "≥, arrow: at least (a lower bound)", ha="right", va="top", color=SOFT)


def token_ticks(limit):
    """0, 1, 3, 10, 30 ... up to the limit: as text, plain numbers."""
    ticks = [0, 1, 3]
    while ticks[-1] * 3.4 <= limit * 1.02:
        ticks.append(ticks[-2] * 10)
    ticks = [tick for tick in ticks if tick <= limit * 1.02]
    return ticks, [f"{tick:,}" for tick in ticks]


def passage_axis(axes, length, limit, share=0.3):
    """x axis: linear inside the passage (mean `length` tokens, x < 0), log10(1 + x) after it. The passage is shaded."""
    span = np.log10(1.0 + limit)
    start = -1.3 * length
    slope = share / (1.0 - share) * span / -start

    def forward(x):
        x = np.asarray(x, dtype=np.float64)
        return np.where(x < 0, slope * x, np.log10(1.0 + np.maximum(x, 0.0)))

    def inverse(y):
        y = np.asarray(y, dtype=np.float64)
        return np.where(y < 0, y / slope, 10.0 ** np.minimum(np.maximum(y, 0.0), 12.0) - 1.0)

    axes.set_xscale("function", functions=(forward, inverse))
    axes.set_xlim(start, limit)
    ticks, names = token_ticks(limit)
    axes.set_xticks([-length] + ticks, [f"−{length:.0f}"] + names)
    axes.set_xticks([], minor=True)
    axes.axvspan(-length, 0, color=SHADE, zorder=0, linewidth=0)
    axes.axvline(0, color="#888888", linewidth=0.9, zorder=1)


def token_axis(axes, limit):
    """x axis log10(1 + x) from 0, for twins and switches: there is nothing to show before the event."""
    def forward(x):
        return np.log10(1.0 + np.maximum(np.asarray(x, dtype=np.float64), -0.9))

    def inverse(y):
        return 10.0 ** np.minimum(np.asarray(y, dtype=np.float64), 12.0) - 1.0

    axes.set_xscale("function", functions=(forward, inverse))
    axes.set_xlim(0, limit)
    ticks, names = token_ticks(limit)
    axes.set_xticks(ticks, names)
    axes.set_xticks([], minor=True)


def grid(axes, axis="y"):
    axes.grid(True, axis=axis, color=GRID, linewidth=0.7)


def draw_curve(axes, curve, level, count, band=True):
    """Line and 95 % band."""
    if band and curve.trials > 1:
        axes.fill_between(curve.x, curve.low, curve.high, color=colour(level, count), alpha=0.13, linewidth=0)
    axes.plot(curve.x, curve.mean, zorder=3 + level * 0.1, **line(level, count))


def draw_time(axes, value, height, level, count, size=9.0, hollow=False):
    """A measured time on a horizontal axis: marker, interval, and an arrow to the right where it is only a lower bound. hollow: as in fill()."""
    style = colour(level, count)
    shape = fill(int(hollow), style)
    if value.interval is not None and not value.bound:
        axes.plot(value.interval, [height, height], color=style, linewidth=3.2, alpha=0.55, solid_capstyle="butt", zorder=5)
        if value.high_open:
            arrow(axes, (value.interval[1], height), (14, 0), style)
        if value.low_open:
            arrow(axes, (value.interval[0], height), (-14, 0), style)
    if value.bound:
        arrow(axes, (value.value, height), (24 if value.bound == "at_least" else -24, 0), style)
    axes.plot([value.value], [height], zorder=6, clip_on=False, **{**marker(level, count, size), **shape})


def arrow(axes, point, offset, style):
    """An arrow of fixed length in points that starts at a data point."""
    shift = ScaledTranslation(offset[0] / 72.0, offset[1] / 72.0, axes.figure.dpi_scale_trans)
    axes.annotate("", xy=point, xytext=point, xycoords=axes.transData + shift, textcoords="data", annotation_clip=False,
                  arrowprops={"arrowstyle": "-|>", "color": style, "linewidth": 1.8, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 13}, zorder=5)


def save(figure, path):
    """Writes beside the goal and renames, so that a half-written picture never stands in its place."""
    partial = f"{path}.partial"
    try:
        figure.savefig(partial, format="png")
        os.replace(partial, path)
    finally:
        plt.close(figure)
        if os.path.exists(partial):
            os.remove(partial)
