"""The growth plot: the volume of each lesion over time, as an inline SVG."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from AIImagingLogic.records.timeline import Lesion, LinkStatus, Timeline
from AIImagingLogic.report.texts import Texts
from AIImagingLogic.report.visit_interval import days_from_first

_WIDTH_INCHES, _HEIGHT_INCHES = 7.4, 3.9
_INK, _GRID = "#28323c", "#e3e7eb"
# Two numbers at line ends stay readable when they are this part of the plot's height apart.
_LABEL_GAP = 0.058
# More lines cannot be told apart.
_MOST_LESIONS = 15
# Names of visits stay readable when their places are this part of the axis apart.
_LEAST_LABEL_STEP = 0.16
_NICE_STEPS = (1.0, 2.0, 5.0)


@dataclass(frozen=True)
class _Point:
    position: float
    volume_mm3: float
    interval_mm3: tuple[float, float] | None


def growth_plot_svg(timeline: Timeline, language: str = "en") -> str:
    """Return the plot as an ``<svg>`` element, empty when no lesion has a volume.

    The volume axis is logarithmic, so that equal doubling times are equally steep. A dashed line ends at the visit
    where a lesion was no longer seen; a hollow marker is a lesion that was seen at one visit only.
    """
    texts = Texts(language)
    tracks = [(lesion, _points(lesion, timeline)) for lesion in plotted_lesions(timeline)]
    if not tracks:
        return ""
    # The style is local and the ids do not depend on chance, so that the same timeline gives the same file.
    # Letters are drawn as outlines, but for Chinese: its letters are the reader's own, matplotlib's font has none.
    letters = "path" if language == "en" else "none"
    with (
        warnings.catch_warnings(),
        matplotlib.rc_context(
            {"svg.hashsalt": "aiimaging", "svg.fonttype": letters, "font.size": 10, "text.color": _INK}
        ),
    ):
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        figure = Figure(figsize=(_WIDTH_INCHES, _HEIGHT_INCHES), layout="constrained")
        canvas = FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        _dress(axes, timeline, [point.volume_mm3 for _, points in tracks for point in points], texts)
        for lesion, points in tracks:
            _draw(axes, lesion, points, _positions(timeline))
        _number(axes, tracks, min(_positions(timeline)), texts)
        buffer = io.BytesIO()
        canvas.print_svg(buffer, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = buffer.getvalue().decode("utf-8")
    return text[text.index("<svg") :].strip()


def plotted_lesions(timeline: Timeline) -> tuple[Lesion, ...]:
    """Return the lesions that the plot shows: the first with a volume, which are those that matter most."""
    measured = [lesion for lesion in timeline.lesions if _points(lesion, timeline)]
    return tuple(measured[:_MOST_LESIONS])


def _points(lesion: Lesion, timeline: Timeline) -> list[_Point]:
    points = []
    for position, visit, uid in zip(_positions(timeline), timeline.visits, lesion.observations, strict=True):
        finding = visit.finding(uid)
        volume = None if finding is None else finding.measurement("volume")
        if volume is not None and volume.value > 0:
            points.append(_Point(position, volume.value, volume.interval_95))
    return points


def _positions(timeline: Timeline) -> tuple[float, ...]:
    """Return where each visit stands on the axis: days from the first, or its order when one is undated."""
    days = days_from_first(timeline)
    known = [day for day in days if day is not None]
    if len(known) == len(days) and len(set(known)) == len(known):
        return tuple(known)
    return tuple(float(index) for index in range(len(days)))


def _dress(axes: Axes, timeline: Timeline, volumes: Sequence[float], texts: Texts) -> None:
    positions = _positions(timeline)
    span = max(positions) - min(positions) or 1.0
    gone = any(lesion.observations[-1] is None for lesion in timeline.lesions)
    axes.set_xlim(min(positions) - (0.34 if gone else 0.08) * span, max(positions) + 0.2 * span)
    axes.set_xticks(positions, _visit_labels(timeline, texts))
    axes.set_yscale("log")
    axes.set_ylim(min(volumes) / 1.6, max(volumes) * 1.6)
    narrow = max(volumes) / min(volumes) < 30
    axes.yaxis.set_major_locator(LogLocator(subs=_NICE_STEPS if narrow else (1.0,), numticks=20))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel(texts("growth_axis"), color=_INK)
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_INK, length=0)
    axes.tick_params(which="minor", length=0)
    for name, spine in axes.spines.items():
        spine.set_visible(name == "bottom")
        spine.set_color("#9aa5b1")
    for position in positions:
        axes.axvline(position, color=_GRID, linewidth=0.8, zorder=0)


def _visit_labels(timeline: Timeline, texts: Texts) -> list[str]:
    """Return the words under each visit; none under one that stands too near to the one before to be read."""
    positions = _positions(timeline)
    least = _LEAST_LABEL_STEP * (max(positions) - min(positions))
    labels, last = [], -math.inf
    for index, position in enumerate(positions):
        # The last visit is always named: the one before it gives way.
        if position - last < least or (index < len(positions) - 1 and 0 < positions[-1] - position < least):
            labels.append("")
            continue
        labels.append(_visit_label(timeline, index, texts))
        last = position
    return labels


def _visit_label(timeline: Timeline, index: int, texts: Texts) -> str:
    visit = timeline.visits[index]
    days = days_from_first(timeline)[index]
    label = texts.said(visit.label)
    lines = [label[:1].upper() + label[1:]]
    if visit.info.acquired is not None:
        lines.append(f"{visit.info.acquired:%Y-%m-%d}")
    if days:
        lines.append(texts("plot_days", count=f"{days:.0f}"))
    return "\n".join(lines)


def _draw(axes: Axes, lesion: Lesion, points: Sequence[_Point], visits: Sequence[float]) -> None:
    colour = tuple(part / 255 for part in lesion.colour)
    linked = len(points) > 1
    # A dark rim keeps light lesion colours visible on white paper.
    rim = [Stroke(linewidth=3.2, foreground=_INK), Normal()]
    for point in points:
        if point.interval_mm3 is not None and point.interval_mm3[0] > 0:
            low, high = point.interval_mm3
            axes.plot([point.position] * 2, [low, high], color=_INK, linewidth=1.0, marker="_", markersize=7, zorder=2)
    positions, volumes = [point.position for point in points], [point.volume_mm3 for point in points]
    axes.plot(positions, volumes, color=colour, linewidth=2.0, path_effects=rim if linked else None, zorder=3)
    if lesion.status is LinkStatus.RESOLVED:
        # The visit after the one at which it was last seen is the first that does not show it.
        end = (min((place for place in visits if place > positions[-1]), default=visits[-1]), axes.get_ylim()[0])
        dashes = (0, (3, 3))
        axes.plot(*zip((positions[-1], volumes[-1]), end), color=_INK, linewidth=0.9, linestyle=dashes, zorder=1)
    axes.plot(
        positions,
        volumes,
        linestyle="none",
        marker="o",
        markersize=8,
        markerfacecolor=colour if linked else "white",
        markeredgecolor=_INK if linked else colour,
        markeredgewidth=0.8 if linked else 2.2,
        path_effects=None if linked else [Stroke(linewidth=3.6, foreground=_INK), Normal()],
        zorder=4,
    )


def _number(axes: Axes, tracks: Sequence[tuple[Lesion, Sequence[_Point]]], first_position: float, texts: Texts) -> None:
    """Write each lesion's number beside its last point, moved apart where they would touch.

    What was seen at the first visit alone is numbered on its left, clear of the lines.
    """
    inverse = axes.transData + axes.transAxes.inverted()
    ends: dict[tuple[float, float], list[tuple[float, Lesion]]] = {}
    for lesion, points in tracks:
        position = points[-1].position
        x, y = inverse.transform((position, points[-1].volume_mm3))
        side = -1.0 if position == first_position else 1.0
        ends.setdefault((round(float(x), 6), side), []).append((float(y), lesion))
    for (x, side), column in ends.items():
        column.sort(key=lambda entry: (entry[0], entry[1].number))
        for height, (_, lesion) in zip(_apart([entry[0] for entry in column]), column, strict=True):
            axes.text(
                x + side * 0.022,
                height,
                f"{lesion.number}{_suffix(lesion, texts)}",
                transform=axes.transAxes,
                horizontalalignment="right" if side < 0 else "left",
                verticalalignment="center",
                fontsize=9.5,
                fontweight="bold",
                path_effects=[Stroke(linewidth=2.6, foreground="white"), Normal()],
                zorder=6,
            )


def _suffix(lesion: Lesion, texts: Texts) -> str:
    return "" if lesion.status is LinkStatus.MATCHED else f" {texts.said(lesion.status.value)}"


def _apart(heights: Sequence[float]) -> list[float]:
    """Return ascending `heights` moved as little as possible to be `_LABEL_GAP` apart.

    Least squares under that order: heights less their share of gaps must not fall, so neighbours that would are pooled
    at their mean (isotonic regression).
    """
    pools: list[tuple[float, int]] = []
    for index, height in enumerate(heights):
        mean, count = height - index * _LABEL_GAP, 1
        while pools and pools[-1][0] > mean:
            before, size = pools.pop()
            mean, count = (before * size + mean * count) / (size + count), size + count
        pools.append((mean, count))
    level = [mean for mean, count in pools for _ in range(count)]
    return [height + index * _LABEL_GAP for index, height in enumerate(level)]
