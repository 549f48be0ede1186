"""A plain chart as SVG text: a frame with a value axis, lines, bars, words. Nothing but the standard library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

INK, QUIET, GRID = "#1d2630", "#55626f", "#dfe4e9"
_FONT = "system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', Arial, sans-serif"
_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 22.0, 16.0, 48.0


class SvgChart:
    """An SVG of `width` x `height` points whose plot area has a value axis from `low` to `high`.

    Parameters
    ----------
    width, height : points, of the whole picture
    low, high : values at the bottom and at the top of the plot area; low < high
    title : what a screen reader says
    right : points kept free beside the plot area, for words at line ends
    """

    def __init__(self, width: float, height: float, low: float, high: float, title: str, right: float = _RIGHT) -> None:
        self.width, self.height, self.low, self.high = width, height, low, high
        self.left, self.right, self.top, self.bottom = _LEFT, width - right, _TOP, height - _BOTTOM
        self._title = title
        self._parts: list[str] = []

    def y(self, value: float) -> float:
        """Return where a value lies, in points from the top."""
        return self.bottom - (value - self.low) / (self.high - self.low) * (self.bottom - self.top)

    def line(
        self,
        points: Sequence[tuple[float, float]],
        colour: str = INK,
        width: float = 1.0,
        dash: str = "",
        kind: str = "",
    ) -> None:
        """Draw a line through points (x, y)."""
        path = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<polyline{_kind(kind)} points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashed}/>'
        )

    def bar(self, x: float, width: float, value: float, colour: str, name: str, kind: str = "bar") -> None:
        """Draw a bar from zero to `value`; a bar of zero is a hair line."""
        top, bottom = sorted((self.y(value), self.y(0.0)))
        self._parts.append(
            f'<rect{_kind(kind)} x="{_n(x)}" y="{_n(top)}" width="{_n(width)}" height="{_n(max(bottom - top, 0.5))}" '
            f'fill="{colour}" stroke="{INK}" stroke-width="0.6"><title>{escape(name)}</title></rect>'
        )

    def dot(self, x: float, y: float, colour: str, name: str, kind: str = "dot") -> None:
        """Draw a dot."""
        self._parts.append(
            f'<circle{_kind(kind)} cx="{_n(x)}" cy="{_n(y)}" r="3.4" fill="{colour}" stroke="{INK}" '
            f'stroke-width="0.7"><title>{escape(name)}</title></circle>'
        )

    def words(self, x: float, y: float, text: str, anchor: str = "start", colour: str = INK, turn: float = 0.0) -> None:
        """Write a text with its baseline at (x, y), turned by `turn` degrees, with a white rim against lines."""
        turned = f' transform="rotate({_n(turn)} {_n(x)} {_n(y)})"' if turn else ""
        placed = f'x="{_n(x)}" y="{_n(y)}" font-size="11" text-anchor="{anchor}"{turned}'
        # A text below the text, not paint-order: not every renderer of SVG knows that.
        rim = f'<text class="rim" aria-hidden="true" {placed} fill="#fff" stroke="#fff" stroke-width="3">'
        words = escape(text)
        self._parts.append(f'{rim}{words}</text><text {placed} fill="{colour}">{words}</text>')

    def value_axis(self, ticks: Sequence[float], labels: Sequence[str], name: str) -> None:
        """Draw the grid lines of the value axis and its words."""
        for tick, label in zip(ticks, labels, strict=True):
            self.line([(self.left, self.y(tick)), (self.right, self.y(tick))], GRID, 0.8)
            self.words(self.left - 6, self.y(tick) + 4, label, "end")
        middle = (self.top + self.bottom) / 2
        self.words(14, middle, name, "middle", INK, -90.0)

    def limit(self, value: float, label: str, outside: bool = False) -> None:
        """Draw a dashed line across the plot area, with its words at the right end, above it or `outside` beside it."""
        self.line([(self.left, self.y(value)), (self.right, self.y(value))], QUIET, 1.1, "5 4", "limit")
        if outside:
            self.words(self.right + 5, self.y(value) + 4, label, "start", QUIET)
        else:
            self.words(self.right - 2, self.y(value) - 4, label, "end", QUIET)

    def text(self) -> str:
        """Return the ``<svg>`` element."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(self.width)} {_n(self.height)}" '
            f'width="{_n(self.width)}" height="{_n(self.height)}" role="img" font-family="{_FONT}">'
            f"<title>{escape(self._title)}</title>{''.join(self._parts)}</svg>"
        )


def ticks_between(low: float, high: float, count: int = 6) -> list[float]:
    """Return round values from `low` to `high`, about `count` of them, in steps of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / max(count, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= rough)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def _kind(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
