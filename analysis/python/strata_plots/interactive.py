"""The same curves to point at, by plotly, inlined. Left out when plotly is not installed or the page would grow too large."""
from . import figures, style


def available():
    try:
        import plotly  # noqa: F401
    except ImportError:
        return False
    return True


DASHES = ("dot", "dashdot", "dash", "solid")
SYMBOLS = ("circle", "square", "triangle-up", "diamond")


def groups(results):
    """(title, y label, curves) of every insertion's displacement and of the twins."""
    found = []
    for result in results:
        for name in result.insertions():
            moved, _ = figures.passage_curves(result, name)
            found.append((f"Displacement: {figures.passage_title(name)}", "displacement (passage's end = 1)", moved, result.labels))
        if "twin" in result.trace.conditions():
            found.append(("Twins: different histories, same text", "distance of the twins (start = 1)", figures.twin_curves(result, "twin"), result.labels))
    return [entry for entry in found if any(curve is not None for curve in entry[2])]


def traces(go, entry, visible):
    """One line per level, from x = 1 on (log axis)."""
    _, _, curves, names = entry
    lines = []
    for level, curve in enumerate(curves):
        if curve is None:
            continue
        later = curve.x >= 0.5
        lines.append(go.Scatter(x=[round(float(x), 2) for x in curve.x[later]], y=[round(float(y), 4) for y in curve.mean[later]], name=names[level],
                                mode="lines+markers", visible=visible, hovertemplate="%{x:.0f} tokens: %{y:.3f}",
                                line={"color": style.colour(level, len(names)), "dash": DASHES[level % 4], "width": 2.2},
                                marker={"symbol": SYMBOLS[level % 4], "size": 6}))
    return lines


def section(results):
    """HTML of the interactive figure, '' when there is nothing to show. plotly.js stands in it once (3.5 MB minified, 8.7 MB as Debian packages it)."""
    if not available():
        return ""
    import plotly.graph_objects as go
    import plotly.io
    entries = groups(results)
    if not entries:
        return ""
    figure, owners = go.Figure(), []
    for number, entry in enumerate(entries):
        lines = traces(go, entry, number == 0)
        figure.add_traces(lines)
        owners += [number] * len(lines)
    buttons = [{"label": entry[0], "method": "update",
                "args": [{"visible": [owner == number for owner in owners]}, {"yaxis.title.text": entry[1]}]} for number, entry in enumerate(entries)]
    figure.update_layout(
        template="simple_white", height=520, margin={"l": 60, "r": 15, "t": 70, "b": 60}, hovermode="x unified", font={"size": 14, "color": style.INK},
        legend={"orientation": "h", "y": -0.2}, yaxis={"title": {"text": entries[0][1]}, "range": [0, 1.1], "showgrid": True},
        xaxis={"title": {"text": "tokens read (log axis)"}, "type": "log", "tickvals": [1, 3, 10, 30, 100, 300, 1000, 3000, 10000]},
        updatemenus=[{"buttons": buttons, "x": 0, "xanchor": "left", "y": 1.16, "yanchor": "top", "bgcolor": "#ffffff"}] if len(buttons) > 1 else [])
    body = plotly.io.to_html(figure, include_plotlyjs=True, full_html=False, config={"displaylogo": False, "responsive": True,
                                                                                     "modeBarButtonsToRemove": ["sendDataToCloud", "lasso2d", "select2d"]})
    return f'<section id="live"><h2>To point at</h2><p class="soft">Choose a curve; point at it for numbers.</p>{body}</section>'
