"""Draw the pictures of the README and of the pages, from photos that ship with scikit-image.

Run ``python docs/images/draw.py`` with the extra ``demo`` installed, and Chromium for the report.
The figure ``quality.png`` is drawn by ``benchmarks/quality.py --plot``.
"""

from __future__ import annotations

import subprocess
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
import skimage
import sklearn.datasets
from matplotlib.figure import Figure
from PIL import Image

from hashfeatures import (
    NearDuplicateFinder,
    calibrate,
    find_duplicates,
    leakage_report,
    make_report,
)
from hashfeatures.edits import Edit
from hashfeatures.plotting import plot_groups, plot_images, plot_pairs

HERE = Path(__file__).resolve().parent
PHOTOS = Path(skimage.__file__).parent / "data"
SAMPLES = Path(sklearn.datasets.__file__).parent / "images"
COPIES = {
    "small": Edit("resize", scale=0.5),
    "low": Edit("recompress", quality=10),
    "stamped": Edit("watermark", text="SAMPLE"),
    "cropped": Edit("crop", share=0.05),
    "mirrored": Edit("mirror"),
}
VIEWS = {
    "mirrored": Edit("mirror"),
    "turned": Edit("turn", quarters=1),
    "rotated by 3°": Edit("rotate", degrees=3),
    "cropped by 8 %": Edit("crop", share=0.08),
    "framed": Edit("bars", share=0.08, sides="all"),
    "captioned": Edit("caption", share=0.12),
}


def open_photo(path: Path) -> Image.Image:
    """Return a photo as RGB, at most 480 pixels wide."""
    with Image.open(path) as opened:
        photo = opened.convert("RGB")
    photo.thumbnail((480, 480))
    return photo


def make_split(folder: Path) -> list[Path]:
    """Write photos with edited copies into the folders of a split that leaks."""
    names = ("chelsea.png", "coffee.png", "rocket.jpg", "astronaut.png", "motorcycle_left.png")
    paths = [SAMPLES / "china.jpg", SAMPLES / "flower.jpg", *(PHOTOS / name for name in names)]
    for part in ("train", "test"):
        (folder / part).mkdir(parents=True)
    for number, path in enumerate(paths):
        photo = open_photo(path)
        photo.save(folder / "train" / f"{path.stem}.jpg", quality=95)
        for at, (name, edit) in enumerate(list(COPIES.items())[: max(0, 5 - number)]):
            part = "test" if at % 2 else "train"
            edit(photo).save(folder / part / f"{path.stem}_{name}.jpg", quality=90)
    for at, name in enumerate(("brick", "camera", "coins", "gravel", "moon", "page", "text")):
        part = "test" if at % 3 == 0 else "train"
        open_photo(PHOTOS / f"{name}.png").save(folder / part / f"{name}.jpg")
    return sorted(folder.rglob("*.jpg"))


def draw_report() -> None:
    """Take a picture of the page that shows the groups and leaks of a split."""
    paths = make_split(Path("photos"))
    parts = [path.parent.name for path in paths]
    make_report(paths, finder=NearDuplicateFinder(views="robust"), parts=parts).save("report.html")
    subprocess.run(
        [
            *("chromium", "--headless", "--no-sandbox", "--hide-scrollbars"),
            *("--window-size=1110,895", f"--screenshot={HERE / 'report.png'}"),
            Path("report.html").absolute().as_uri(),
        ],
        check=True,
        capture_output=True,
    )
    reduce_colors(HERE / "report.png")


def draw_contact_sheet() -> None:
    """Draw the first groups of the same photos."""
    paths = sorted(Path("photos").rglob("*.jpg"))
    table = find_duplicates(paths, finder=NearDuplicateFinder(views="robust"))
    save(plot_groups(table, n_groups=3)[0, 0].figure, "contact_sheet.png")


def draw_views() -> None:
    """Draw edited copies of a photo, with their distances to it without and with robust views."""
    photo = open_photo(PHOTOS / "chelsea.png")
    copies = [edit(photo) for edit in VIEWS.values()]
    plain, robust = (
        NearDuplicateFinder(views=views, radius=128).fit([photo]).matches(copies)
        for views in ("identity", "robust")
    )
    titles = [
        f"{name}\n{before} bits as it is\n{after} bits over views"
        for name, before, after in zip(VIEWS, plain.distance, robust.distance, strict=True)
    ]
    axes = plot_images([photo, *copies], ["the photo", *titles], n_columns=7)
    save(axes[0, 0].figure, "views.png")


def draw_matching() -> None:
    """Draw a copy that its pixels confirm, and a look-alike that they refuse."""
    left, right = (open_photo(PHOTOS / f"motorcycle_{side}.png") for side in ("left", "right"))
    copy = Edit("crop_sides", left=0.06).then("brightness", factor=0.75)(left)
    figure, axes = plt.subplots(2, 4, figsize=(11, 4.6), layout="constrained")
    for row, other in zip(axes, (copy, right), strict=True):
        finder = NearDuplicateFinder(min_agreement=0).fit([left, other])
        pairs = finder.pairs_
        moved = lay_over(left, other, finder)
        apart = np.abs(np.asarray(left, dtype=float) - np.asarray(moved))
        verdict = "confirmed" if pairs.agreement[0] >= 0.85 else "refused"
        titles = (
            "a photo",
            f"{pairs.distance[0]} of 128 bits apart",
            "the second, aligned with the first",
            f"difference: agreement {pairs.agreement[0]:.2f}, {verdict}",
        )
        shown = (left, other, moved, np.clip(2 * apart, 0, 255).astype(np.uint8))
        for axis, title, picture in zip(row, titles, shown, strict=True):
            axis.imshow(picture)
            axis.set_title(title, fontsize=9)
            axis.set_axis_off()
    save(figure, "matching.png")


def lay_over(left: Image.Image, right: Image.Image, finder: NearDuplicateFinder) -> Image.Image:
    """Return the right image as the alignment lays it over the left one."""
    described = finder._describer(finder._images, finder.graph_)(finder.graph_.pairs())
    assert described is not None
    a, b, c, d, e, f = described.maps[0].tolist()
    (width, height), (across, down) = left.size, right.size
    inverse = (
        *(a * across / width, b * across / height, c * across),
        *(d * down / width, e * down / height, f * down),
    )
    return right.transform(left.size, Image.Transform.AFFINE, inverse, Image.Resampling.BICUBIC)


def draw_leaks() -> None:
    """Draw pairs of images in different parts of the same photos."""
    report = leakage_report(
        [str(path) for path in sorted(Path("photos/train").iterdir())],
        [str(path) for path in sorted(Path("photos/test").iterdir())],
        finder=NearDuplicateFinder(views="robust"),
    )
    pairs = report.pairs.drop_duplicates("right").head(6)
    figure, axes = plt.subplots(2, len(pairs), figsize=(10, 3.1), layout="constrained")
    plot_pairs(pairs, ax=axes.T)
    save(figure, "leaks.png")


def draw_calibration() -> None:
    """Draw the recall and the false matches of handwritten digits, which look alike."""
    digits = [
        Image.fromarray((255 - 15 * digit).astype(np.uint8)).resize(
            (96, 96), Image.Resampling.BICUBIC
        )
        for digit in sklearn.datasets.load_digits().images
    ]
    save(calibrate(digits, target=100).plot().figure, "calibration.png")


def save(figure: Figure, name: str) -> None:
    """Save a figure and close it."""
    figure.savefig(HERE / name, dpi=80)
    plt.close(figure)
    reduce_colors(HERE / name)


def reduce_colors(path: Path) -> None:
    """Store a picture with 256 colors, so that a clone stays small."""
    with Image.open(path) as opened:
        reduced = opened.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    reduced.save(path, optimize=True)


if __name__ == "__main__":
    with TemporaryDirectory() as temporary, chdir(temporary):  # so that the page shows short paths
        draw_report()
        draw_contact_sheet()
        draw_views()
        draw_matching()
        draw_leaks()
        draw_calibration()
