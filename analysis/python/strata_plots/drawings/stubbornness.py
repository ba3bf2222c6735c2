"""stubbornness: evidence and tokens that it takes a level to switch, for each setting of the dial, and what the dial costs."""
from .. import style
from ..style import plt
from ..summary import is_number, measured
from . import Picture

TITLE = "How heavy stubbornness makes a level, and what it costs"
CAPTION = ("A level counts what reaches it with κ = ρ⁻ˡ, l = 0 lowest. Left: evidence that arrived at a level from a switch of its context until it believed in it. "
           "Middle: steps until then. Grey with hollow markers: the exact observer. Right: nats per token more than at ρ = 1. Bars: 95 %; one without a marker reaches down to 0. "
           "An arrow: at least.")
COLUMNS = (
    ("ρ", lambda index, row: f"{row['rho']:g}"),
    ("evidence grows\nper level, 95 %", lambda index, row: text(row, "evidence_rho", 2)),
    ("steps grow\nper level, 95 %", lambda index, row: text(row, "tokens_to_switch_rho", 2)),
    ("evidence\n(nats)", lambda index, row: listed(row, "evidence_nats", 1)),
    ("steps to\nswitch", lambda index, row: listed(row, "tokens_to_switch", 1)),
    ("cost (nats per\ntoken), 95 %", lambda index, row: text(row, "cost_nats", 4)),
)
TERMS = (
    ("Evidence", "log-likelihood ratio of the new against the old context that arrives at a level, before κ, until it believes in the new one."),
    ("κ, ρ", "exponent with which a level counts its evidence; ρ = κ of a level over that of the level above. ρ = 1 is Bayes' rule."),
)
PANELS = (("evidence_nats", "Evidence to switch", "evidence until it believes (nats, log axis)"),
          ("tokens_to_switch", "Steps to switch", "steps until it believes (log axis)"))
EXACT = {**style.RULE, "marker": "o", "markersize": 7, "markerfacecolor": "white"}


def text(row, key, digits):
    value = measured(row, key)
    return "" if value is None else f"{value.text(digits)} {value.interval_text(digits)}".strip()


def listed(row, key, digits):
    return ", ".join(text_of for text_of in (value.text(digits) for value in (measured(level, key) for level in row.get("levels", [])) if value))


def drawn(result):
    dial = result.summary.get("dial")
    return result.experiment == "stubbornness" and not result.seeds and isinstance(dial, list) and any(is_number(one.get("rho")) for one in dial)


def pictures(results, rows):
    for result in filter(drawn, results):
        yield Picture("stubbornness", "The dial and its price", CAPTION, dial_figure(result.summary["dial"]), "wide")
        return


def tables(results, rows):
    for result in filter(drawn, results):
        yield "The dial ρ; lists are lowest level first", COLUMNS, result.summary["dial"]


def dial_figure(dial):
    figure, axes = plt.subplots(1, 3, figsize=(13.2, 5.2), width_ratios=(1.2, 1.2, 1))
    for panel, (key, title, label) in zip(axes, PANELS):
        names = list(dict.fromkeys(level["name"] for one in dial for level in one.get("levels", [])))
        draw(panel, names, dial[0].get("levels", []), "exact_" + key, EXACT, 0)
        for index, one in enumerate(dial):
            curve = {**style.line(index, len(dial)), **{k: v for k, v in style.marker(index, len(dial)).items() if k != "linestyle"}}
            draw(panel, names, one.get("levels", []), key, curve, 0.11 * (index - (len(dial) - 1) / 2))
        panel.set_xticks(range(len(names)), [style.drawable(name) for name in names])
        panel.set_yscale("log")
        panel.yaxis.set_major_locator(plt.LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_major_formatter(plt.FuncFormatter(lambda y, _: f"{y:,.10g}"))
        panel.yaxis.set_minor_locator(plt.NullLocator())
        panel.set_xlim(-0.5, len(names) - 0.5)
        panel.set_title(title)
        panel.set_xlabel("level whose context switched (lowest first)")
        panel.set_ylabel(label)
        style.grid(panel)
    draw_cost(axes[2], dial)
    handles = [plt.Line2D([], [], **{**style.marker(i, len(dial), 7.0), **style.line(i, len(dial))}, label=f"ρ = {one['rho']:g}" + (" (Bayes' rule)" if one["rho"] == 1 else ""))
               for i, one in enumerate(dial)]
    handles.append(plt.Line2D([], [], label="exact observer", **EXACT))
    figure.legend(handles=handles, handlelength=2.9, ncols=len(handles), loc="lower center", borderaxespad=0.0,
                  bbox_to_anchor=(0.5, 0.06 / figure.get_size_inches()[1]))
    style.heading(figure, "The dial ρ: the larger, the less the higher levels count their evidence")
    if any(value and value.bound == "at_least" for one in dial for level in one.get("levels", []) for value in (measured(level, key) for key, _, _ in PANELS)):
        style.say_bounds(figure)
    style.frame(figure, top=0.36)
    return figure


def draw(axes, names, levels, key, curve, shift):
    """A value whose interval reaches 0 has no place on a log axis: its bar runs off the lower edge, without a marker."""
    points = [(names.index(level["name"]) + shift, measured(level, key)) for level in levels]
    points = [(x, value) for x, value in points if value is not None and value.value > 0]
    sure = [(x, value) for x, value in points if value.interval is None or value.interval[0] > 0]
    least = min((value.value for _, value in sure), default=None)
    for x, value in points:
        if value.interval and (value.interval[0] > 0 or least):
            low = value.interval[0] if value.interval[0] > 0 else 0.6 * least
            axes.plot([x, x], [low, max(low, value.interval[1])], color=curve["color"], linewidth=2.6, alpha=0.45, solid_capstyle="butt")
    for x, value in sure:
        if value.bound:
            style.arrow(axes, (x, value.value), (0, 22 if value.bound == "at_least" else -22), curve["color"])
    axes.plot([x for x, _ in sure], [value.value for _, value in sure], **curve)


def draw_cost(axes, dial):
    places = [(one["rho"], measured(one, "cost_nats")) for one in dial]
    places = [(rho, value) for rho, value in places if value is not None]
    axes.plot([rho for rho, _ in places], [value.value for _, value in places], color=style.SOFT, linewidth=1.2, zorder=2)
    for index, (rho, value) in enumerate(places):
        if value.interval:
            axes.plot([rho, rho], value.interval, color=style.colour(index, len(places)), linewidth=3.0, alpha=0.55, solid_capstyle="butt")
        axes.plot([rho], [value.value], zorder=5, **style.marker(index, len(places), 9.0))
    axes.axhline(0, color="#888888", linewidth=0.9, zorder=1)
    axes.set_xticks([rho for rho, _ in places], [f"{rho:g}" for rho, _ in places])
    axes.set_title("Its price")
    axes.set_xlabel("ρ: κ of a level over that of the level above")
    axes.set_ylabel("loss beyond that at ρ = 1 (nats per token)")
    style.grid(axes)
