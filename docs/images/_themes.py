"""Draw each figure twice: for light pages and, as ``NAME-dark.png``, for dark ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from PIL import Image

HERE = Path(__file__).resolve().parent
INK, PAPER = "#ced6dd", "#14181e"  # text and background of the theme's dark pages
DARK = {
    **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), PAPER),
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor"), INK),
    **dict.fromkeys(("xtick.color", "ytick.color"), INK),
    "grid.color": "#48566b",
    "legend.facecolor": PAPER,
}
_suffix = ""


@contextmanager
def theme(name: str) -> Iterator[None]:
    """Draw and save in the theme "light" or "dark"."""
    global _suffix
    _suffix = "-dark" if name == "dark" else ""
    with plt.rc_context(DARK if name == "dark" else {}):
        yield
    _suffix = ""


def path_of(name: str) -> Path:
    """Return where a figure of the current theme is saved."""
    return HERE / f"{name}{_suffix}.png"


def is_dark() -> bool:
    """Tell whether the current theme is dark."""
    return bool(_suffix)


def save(figure: Figure, name: str, dpi: int = 80) -> None:
    """Save a figure in the current theme and close it. A page shows it 640 pixels wide."""
    figure.savefig(path_of(name), dpi=dpi)
    plt.close(figure)
    reduce_colors(path_of(name))


def reduce_colors(path: Path) -> None:
    """Store a picture with 256 colors, so that a clone stays small."""
    with Image.open(path) as opened:
        reduced = opened.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    reduced.save(path, optimize=True)
