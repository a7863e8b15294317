"""Figures of leaks between the parts of a split, and of what they do to a score."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import sklearn.datasets
from _themes import save
from pages import take_picture
from sklearn.neighbors import KNeighborsClassifier

from hashfeatures import DuplicateGroups, NearDuplicateFinder, audit_split, leakage_report
from hashfeatures.plotting import plot_images

IDENTICAL, NEAR = "#c8553d", "#e8a13c"
SHOWN = ("coffee", "flower", "china_mirrored", "chelsea_stamped")
AUDITS = {  # test images, with equal pixels in training, with a near copy, and the interval
    "brain tumors, MRI": (1312, 217, 666, (47.4, 54.1)),
    "emotions of faces": (4029, 288, 803, (18.7, 21.2)),
    "Caltech 101": (3049, 0, 75, (2.0, 3.1)),
}


def read_parts() -> dict[str, list[str]]:
    """Return the parts of the split of photos."""
    return {
        part: [str(path) for path in sorted(Path("photos", part).iterdir())]
        for part in ("train", "test")
    }


def draw_leaks() -> None:
    """Draw pairs of images in different parts that show the same photos."""
    report = leakage_report(read_parts(), finder=NearDuplicateFinder(views="robust"))
    pairs = report.pairs[report.pairs["left_image"].map(lambda path: Path(path).stem in SHOWN)]
    pairs = pairs.drop_duplicates("left")
    titles = [f"train\n{Path(left).name}" for left in pairs["left_image"]]
    titles += [
        f"test: {relation.removesuffix(' at each side')}\n{distance} of 128 bits apart"
        for relation, distance in zip(pairs["relation"], pairs["distance"], strict=True)
    ]
    figure, axes = plt.subplots(2, len(pairs), figsize=(9, 3.9), layout="constrained")
    plot_images([*pairs["left_image"], *pairs["right_image"]], titles, ax=axes)
    save(figure, "leaks")


def draw_audit() -> None:
    """Take a picture of the card of an audit."""
    parts = read_parts()
    parts["test"].append("photos/train/camera.jpg")  # the same file in both parts
    labels = {name: [name_class(path) for path in paths] for name, paths in parts.items()}
    labels["test"][parts["test"].index("photos/test/flower_low.jpg")] = "thing"
    audit = audit_split(
        parts, y=labels, finder=NearDuplicateFinder(views="robust"), title="Audit of photos"
    )
    audit.save("card.html")
    take_picture(Path("card.html"), "audit", (800, 640))


def name_class(path: str) -> str:
    """Return the class of a photo."""
    name = Path(path).stem
    if name.startswith(("astronaut", "camera", "chelsea", "flower")):
        return "living"
    return "texture" if name.startswith(("brick", "gravel", "moon")) else "thing"


def draw_scores() -> None:
    """Draw the scores of a model on digits, of which the easy ones leak most."""
    rng = np.random.default_rng(0)
    digits = sklearn.datasets.load_digits()
    X, y = digits.data + rng.normal(0, 6, digits.data.shape), digits.target
    test, rest, others = np.split(rng.permutation(len(y)), [500, 900])
    is_easy = np.isin(y[test], [0, 2, 4, 6, 7])
    copies = test[rng.random(len(test)) < np.where(is_easy, 0.8, 0.1)]
    train = np.concatenate([rest, copies])
    model = KNeighborsClassifier(1)
    bits = rng.integers(0, 2, (len(y), 64))  # equal in copies alone
    report = leakage_report(bits[train], bits[test], finder=DuplicateGroups(radius=0))
    score = report.score(y[test], model.fit(X[train], y[train]).predict(X[test]), random_state=0)
    truth = model.fit(X[rest], y[rest]).score(X[others], y[others])
    estimates = {
        "all": score.all,
        "leaking": score.leaking,
        "clean": score.clean,
        "corrected": score.corrected,
    }
    figure, axis = plt.subplots(figsize=(8, 2.9), layout="constrained")
    for place, each in enumerate(estimates.values()):
        color = f"C{place}"
        axis.plot([each.low, each.high], [place, place], color=color, linewidth=3)
        axis.plot(each.value, place, "o", color=color, markersize=9)
    axis.axvline(truth, color="gray", linestyle="--", linewidth=1.5)
    axis.annotate(
        f"a model trained without leaks,\non new images: {truth:.3f}", (truth, 1.4), (8, 0),
        textcoords="offset points", va="center", fontsize=10,
    )  # fmt: skip
    names = [
        f"{name} ({each.n_images} images): {each.value:.3f}" for name, each in estimates.items()
    ]
    axis.set_yticks(range(len(names)), names, fontsize=11)
    axis.set_ylim(3.5, -0.5)
    axis.set_xlabel("accuracy, with intervals of 95 %", fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)
    save(figure, "scores")


def draw_audits() -> None:
    """Draw the shares of test images with a copy in training, of public data sets."""
    figure, axis = plt.subplots(figsize=(8, 2.3), layout="constrained")
    ink = plt.rcParams["text.color"]
    for place, (n_images, identical, leaking, (low, high)) in enumerate(AUDITS.values()):
        equal, share = 100 * identical / n_images, 100 * leaking / n_images
        axis.barh(place, equal, color=IDENTICAL, height=0.6)
        axis.barh(place, share - equal, left=equal, color=NEAR, height=0.6)
        axis.plot([low, high], [place, place], color=ink, linewidth=2.5)
        axis.annotate(
            f"{share:.1f} %", (high, place), (8, 0), textcoords="offset points", va="center",
            fontsize=11,
        )  # fmt: skip
    axis.set_yticks(range(len(AUDITS)), list(AUDITS), fontsize=11)
    axis.invert_yaxis()
    axis.set_xlim(0, 62)
    axis.set_xlabel("test images with a copy in training, %", fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)
    bars = [plt.Rectangle((0, 0), 1, 1, color=color) for color in (IDENTICAL, NEAR)]
    line = plt.Line2D([0], [0], color=ink, linewidth=2.5)
    axis.legend(
        [*bars, line],
        ["equal pixels", "near copies", "interval of 95 %"],
        loc="lower right",
        frameon=False,
        fontsize=10,
    )
    save(figure, "audits")
