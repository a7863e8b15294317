"""Draw the figures of the README and of the site, from photos that ship with scikit-image.

Run ``python docs/images/draw.py`` with the extra ``demo`` installed, and Chromium for the pages.
Names of figures, such as ``leaks``, draw these alone. The figure ``quality.png`` is drawn by
``benchmarks/quality.py --plot``.
"""

from __future__ import annotations

import sys
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

import bits
import diagrams
import leaks
import limits
import near_duplicates
import pages
import radius
import seals
import speed
import splits
import tables
from _photos import make_split
from _themes import theme

MODULES = (
    *(pages, bits, near_duplicates, radius, leaks, splits, seals),
    *(tables, limits, diagrams, speed),
)
FIGURES = {
    name.removeprefix("draw_"): draw
    for module in MODULES
    for name, draw in vars(module).items()
    if name.startswith("draw_")
}


def draw(names: list[str]) -> None:
    """Draw figures in both themes, where all that they need is in the working directory."""
    make_split(Path("photos"))
    for name in names or FIGURES:
        for each in ("light", "dark"):
            with theme(each):
                FIGURES[name]()


if __name__ == "__main__":
    with TemporaryDirectory() as temporary, chdir(temporary):  # so that pages show short paths
        draw(sys.argv[1:])
