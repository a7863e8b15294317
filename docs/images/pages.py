"""Pictures of the pages that the library writes."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import chdir
from pathlib import Path

from _themes import is_dark, path_of, reduce_colors

from hashfeatures import NearDuplicateFinder, make_report, read_collection
from hashfeatures.cli.demo._planted import build_images


def draw_report() -> None:
    """Take a picture of the page that shows the groups and leaks of a split."""
    paths = sorted(Path("photos").rglob("*.jpg"))
    parts = [path.parent.name for path in paths]
    make_report(paths, finder=NearDuplicateFinder(views="robust"), parts=parts).save("report.html")
    take_picture(Path("report.html"), "report", (1110, 895))


def draw_started() -> None:
    """Take a picture of the page that Get started makes of the photos of the demo."""
    shutil.rmtree("sample", ignore_errors=True)
    Path("sample/photos").mkdir(parents=True)
    with chdir("sample"):
        build_images(Path("photos"), seed=0)
        photos = read_collection("photos")
        make_report(photos, classes=photos.labels).save("report.html")
        take_picture(Path("report.html"), "started", (1110, 860))


def take_picture(page: Path, name: str, size: tuple[int, int]) -> None:
    """Show a page in Chromium, in the current theme, and save what is seen."""
    width, height = size
    subprocess.run(
        [
            *("chromium", "--headless", "--no-sandbox", "--hide-scrollbars"),
            *(["--blink-settings=preferredColorScheme=0"] if is_dark() else []),
            *(f"--window-size={width},{height}", f"--screenshot={path_of(name)}"),
            page.absolute().as_uri(),
        ],
        check=True,
        capture_output=True,
    )
    reduce_colors(path_of(name))
