"""A canvas measured in pixels from the top left, on which rendered views are put together and lettered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.transforms import IdentityTransform

from AIImagingLogic.scene.offscreen_window import Pixels

_DOTS_PER_INCH = 100.0
_POINTS_PER_PIXEL = 72.0 / _DOTS_PER_INCH

Colour = str | tuple[float, float, float]


class PictureCanvas:
    """Views, lines and words on black; every place is (x, y) pixels from the top left corner."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        size = (width / _DOTS_PER_INCH, height / _DOTS_PER_INCH)
        self._figure = Figure(figsize=size, dpi=_DOTS_PER_INCH, facecolor="black")
        self._canvas = FigureCanvasAgg(self._figure)

    def place(self, pixels: Pixels, x: float, y: float) -> None:
        """Put a rendered view with its top left corner at (x, y), pixel by pixel."""
        self._figure.figimage(pixels[::-1], round(x), round(self.height - y) - pixels.shape[0], origin="lower")

    def fill(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """Fill a rectangle."""
        corner = (x, self.height - y - height)
        self._add(Rectangle(corner, width, height, facecolor=colour, edgecolor="none"))

    def line(self, start: tuple[float, float], end: tuple[float, float], colour: Colour, width: float = 1.5) -> None:
        """Draw a line, dark at its edges so that it shows on white too."""
        x, y = zip(start, end)
        line = Line2D(x, [self.height - value for value in y], color=colour, linewidth=width * _POINTS_PER_PIXEL)
        line.set_path_effects([withStroke(linewidth=(width + 2) * _POINTS_PER_PIXEL, foreground="black")])
        self._add(line)

    def write(
        self,
        text: str,
        x: float,
        y: float,
        colour: Colour = "white",
        size: float = 14.0,
        align: str = "left",
        bold: bool = False,
    ) -> float:
        """Write a line of text, vertically centred at y, dark at its edges; `size` in pixels. Returns its width."""
        label = self._figure.text(
            x,
            self.height - y,
            text,
            transform=IdentityTransform(),
            color=colour,
            fontsize=size * _POINTS_PER_PIXEL,
            horizontalalignment=align,
            verticalalignment="center_baseline",
            fontweight="bold" if bold else "normal",
        )
        label.set_path_effects([withStroke(linewidth=2.5 * _POINTS_PER_PIXEL, foreground="black")])
        return float(label.get_window_extent(self._canvas.get_renderer()).width)

    def save(self, path: Path) -> None:
        """Write the canvas as a PNG file."""
        self._canvas.draw()
        self._figure.savefig(path, format="png", dpi=_DOTS_PER_INCH, facecolor="black")

    def _add(self, artist: Line2D | Rectangle) -> None:
        artist.set_transform(IdentityTransform())
        self._figure.add_artist(artist)


def as_fractions(colour: tuple[int, int, int]) -> tuple[float, float, float]:
    """Return a colour of 0..255 in 0..1."""
    red, green, blue = (float(channel) for channel in np.array(colour) / 255)
    return red, green, blue
