"""Save each figure of the gallery twice: as it was drawn, and recolored for dark pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

INK, PAPER = "#ced6dd", "#14181e"  # text and background of the theme's dark pages
BLACK, WHITE = to_rgba("black"), to_rgba("white")


def scrape(block: Any, variables: dict[str, Any], configuration: dict[str, Any]) -> str:
    """Save the open figures, close them, and return the text that shows them.

    ``dark_figures`` shows the dark drawings, which lie beside the others.
    """
    shown = []
    for number in plt.get_fignums():
        figure = plt.figure(number)
        path = Path(next(variables["image_path_iterator"]))
        figure.savefig(path, dpi=100)
        darken(figure)
        figure.savefig(path.with_stem(f"{path.stem}-dark"), dpi=100)
        source = path.relative_to(configuration["src_dir"]).as_posix()
        shown.append(
            f".. image:: /{source}\n   :alt: {describe(figure)}\n   :class: sphx-glr-single-img\n"
        )
    plt.close("all")
    return "\n" + "\n".join(shown) + "\n" if shown else ""


def describe(figure: Figure) -> str:
    """Return the title of a figure, or else those of its axes, on one line."""
    titles = [figure.get_suptitle()] if figure.get_suptitle() else []
    titles = titles or [axes.get_title() for axes in figure.axes if axes.get_title()]
    return " ".join(", ".join(dict.fromkeys(titles)).split())


def darken(figure: Figure) -> None:
    """Draw white in the color of dark pages, and black in the color of their text."""
    for artist in figure.findobj():
        if isinstance(artist, Text):
            artist.set_color(swap(artist.get_color()))
        elif isinstance(artist, Line2D):
            artist.set_color(swap(artist.get_color()))
            artist.set_markeredgecolor(swap(artist.get_markeredgecolor()))
        elif isinstance(artist, Patch):
            artist.set_facecolor(swap(artist.get_facecolor()))
            artist.set_edgecolor(swap(artist.get_edgecolor()))


def swap(color: Any) -> Any:
    """Return a color for dark pages; its opacity stays."""
    if isinstance(color, str) and color in ("none", "auto"):
        return color
    *rgb, alpha = to_rgba(color)
    for old, new in ((BLACK, INK), (WHITE, PAPER)):
        if tuple(rgb) == old[:3]:
            return (*to_rgba(new)[:3], alpha)
    return color
