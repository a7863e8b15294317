"""The content of a card: the sections of an audit of a split, in sentences and tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .._utils.path_text import show_path
from .._utils.quantities import count, format_agreement
from ._card_annotations import (
    describe_annotation_conflicts,
    describe_disagreements,
    list_annotation_conflicts,
)
from ._text import common_folder, describe_settings

Summary = dict[str, Any]

# The rows of a table of classes in a card, and the groups in conflict; the summary has more.
_MOST_CLASSES = 30
_MOST_CONFLICTS = 8
# The classes whose sizes after a repair a card shows; with more, it shows none.
_MOST_MOVED_CLASSES = 15

_UNKNOWN = "\N{EN DASH}"


@dataclass(frozen=True)
class Table:
    """A table of a card.

    Parameters
    ----------
    head : list of str
        The names of the columns. The first column is text, the others are numbers.
    rows : list of list of str
        The cells.
    n_more : int
        The number of rows that are left out.
    bars : list of (float, float, float), or None
        For each row the share, and the ends of its interval, to draw as a bar.
    """

    head: list[str]
    rows: list[list[str]]
    n_more: int = 0
    bars: list[tuple[float, float, float] | None] | None = None


@dataclass(frozen=True)
class Section:
    """A section of a card.

    Parameters
    ----------
    title : str
        The heading.
    text : list of str
        Sentences.
    table : Table or None
        The table below them.
    kind : str
        What else a form shows here: "pairs", "conflicts", "annotations" or "".
    """

    title: str
    text: list[str]
    table: Table | None = None
    kind: str = ""


def describe_leaks(summary: Summary) -> list[str]:
    """Return a sentence on the leaks of each part but the first, or on why nothing is known."""
    first, *later = summary["parts"]
    said = []
    for name in later:
        leaks = summary["parts"][name]["leaks"]
        if leaks["total"] is None:
            continue
        where = first if len(later) == 1 else "another part"
        text = f"{leaks['total']:,} of {count(leaks['images'], 'image')} in {name}"
        text += f" ({format_share(leaks)})"
        text += " has" if leaks["total"] == 1 else " have"
        text += " a near duplicate"
        if summary["straddling"] is not None:
            its = "its" if leaks["total"] == 1 else "their"
            text += f", or an image of {its} {summary['straddling']['noun']},"
        text += f" in {where}"
        if leaks["identical"]:
            text += f", {leaks['identical']:,} with equal pixels"
        said.append(f"{text}.")
    if summary["unchecked"]:
        said.append(summary["unchecked"])
    return said


def list_sections(summary: Summary) -> list[Section]:
    """Return the sections of a card."""
    sections = [
        _section_of_images(summary),
        _section_of_leaks(summary),
        *_sections_of_classes(summary),
        _section_of_copies(summary),
        *_sections_of_conflicts(summary),
        *_sections_of_annotations(summary),
        *_sections_of_groups(summary),
        *_sections_of_pairs(summary),
        _section_of_repairs(summary),
    ]
    if summary["settings"]:
        sections.append(
            Section(
                "How images were compared",
                [
                    describe_settings(summary["settings"]),
                    f"Intervals are Wilson's, at 95%. {_describe_clusters(summary)} count as one "
                    f"observation.",
                ],
            )
        )
    return sections


def format_share(tally: dict[str, Any]) -> str:
    """Return a share with its confidence interval; "unknown" if nothing was compared.

    Examples
    --------
    >>> from hashfeatures.report._card_sections import format_share
    >>> format_share({"share": 0.0512, "interval": [0.021, 0.104]})
    '5.1%, 95% interval 2.1% to 10.4%'
    """
    if tally["share"] is None:
        return "unknown"
    low, high = tally["interval"]
    return f"{tally['share']:.1%}, 95% interval {low:.1%} to {high:.1%}"


def _section_of_images(summary: Summary) -> Section:
    parts = summary["parts"]
    total = sum(part["images"] for part in parts.values())
    text = [f"{count(total, 'image')} in {len(parts)} parts."]
    if n_unreadable := sum(part["unreadable"] for part in parts.values()):
        text.append(f"{count(n_unreadable, 'image')} could not be read.")
    rows = [["all", *(f"{part['images']:,}" for part in parts.values())]]
    classes = _classes_of(summary)
    rows += [
        [name, *(f"{part['classes'][name]:,}" for part in parts.values())]
        for name in classes[:_MOST_CLASSES]
    ]
    for key, title in (("unreadable", "unreadable"), ("low_detail", "too little detail")):
        if any(part[key] for part in parts.values()):
            rows.append([title, *(f"{part[key]:,}" for part in parts.values())])
    head = ["Class" if classes else "", *parts]
    return Section("Images", text, Table(head, rows, max(len(classes) - _MOST_CLASSES, 0)))


def _section_of_leaks(summary: Summary) -> Section:
    rows, bars = [], []
    for name, part in summary["parts"].items():
        for other, tally in part["across"].items():
            rows.append([f"{name} with a copy in {other}", *_cells_of(tally, summary)])
            bars.append(_bar_of(tally))
    n_pairs = summary["pairs"]
    across = "1 pair is" if n_pairs == 1 else f"{n_pairs:,} pairs are"
    text = [f"{across} in different parts."]
    return Section(
        "Leaks across parts", text, Table(_head_of("Images of", summary), rows, 0, bars)
    )


def _sections_of_classes(summary: Summary) -> Iterable[Section]:
    """Yield a table of the leaks of each class in the last part, the worst first."""
    *_, last = summary["parts"]
    by_class = summary["parts"][last]["by_class"]
    if not by_class or summary["parts"][last]["leaks"]["share"] is None:
        return
    ranked = sorted(by_class.items(), key=lambda item: -item[1]["share"])
    shown = ranked[:_MOST_CLASSES]
    yield Section(
        f"Leaks of {last} by class",
        [],
        Table(
            _head_of("Class", summary),
            [[name, *_cells_of(tally, summary)] for name, tally in shown],
            len(ranked) - len(shown),
            [_bar_of(tally) for _, tally in shown],
        ),
    )


def _section_of_copies(summary: Summary) -> Section:
    rows = [
        [name, *_cells_of(part["within"], summary), f"{part['within']['duplicates']:,}"]
        for name, part in summary["parts"].items()
    ]
    bars = [_bar_of(part["within"]) for part in summary["parts"].values()]
    text = ["Redundant images are all but one image of each group of near duplicates."]
    head = [*_head_of("Part", summary), "Redundant"]
    return Section("Copies within parts", text, Table(head, rows, 0, bars))


def _sections_of_conflicts(summary: Summary) -> Iterable[Section]:
    conflicts = summary["conflicts"]
    if conflicts is None:
        return
    if not conflicts["groups"]:
        yield Section("Label conflicts", ["No near duplicates have different labels."])
        return
    groups = "group" if conflicts["groups"] == 1 else "groups"
    within = ", ".join(f"{n:,} within {name}" for name, n in conflicts["within"].items())
    text = [
        f"{conflicts['groups']:,} {groups} of near duplicates "
        f"{'has' if conflicts['groups'] == 1 else 'have'} different labels: "
        f"{conflicts['across']:,} across parts, {within}.",
        f"{count(conflicts['disagreeing'], 'image')} of {conflicts['labeled']:,} "
        f"{'disagrees' if conflicts['disagreeing'] == 1 else 'disagree'} with the most frequent "
        f"label of the group.",
    ]
    if conflicts["identical"]:
        sets = count(conflicts["identical"], "set")
        have = "has" if conflicts["identical"] == 1 else "have"
        text.append(f"{sets} of images with equal pixels {have} different labels.")
    shown, folder = list_conflicts(summary), folder_of(summary)
    if folder:
        text.append(_describe_folder(folder))
    rows = [
        [
            f"{conflict['size']:,}",
            join_counts(conflict["labels"]),
            join_counts(conflict["parts"]),
            _name(conflict["images"][0], folder),
        ]
        for conflict in shown
    ]
    table = Table(
        ["Images", "Labels", "Parts", "First image"], rows, conflicts["groups"] - len(shown)
    )
    yield Section("Label conflicts", text, table, "conflicts")


def _sections_of_annotations(summary: Summary) -> Iterable[Section]:
    """Yield the near duplicates whose boxes or masks disagree."""
    annotations = summary["annotations"]
    if annotations is None:
        return
    text, shown = describe_annotation_conflicts(annotations), list_annotation_conflicts(summary)
    folder = folder_of(summary)
    if shown and folder and not list_conflicts(summary):
        text.append(_describe_folder(folder))
    rows = [
        [_name(pair["left"], folder), _name(pair["right"], folder), describe_disagreements(pair)]
        for pair in shown
    ]
    table = Table(["Image", "Copy", "Objects"], rows, annotations["pairs"] - len(shown))
    has_rows = bool(rows)
    yield Section("Annotation conflicts", text, table if has_rows else None,
                  "annotations" if has_rows else "")  # fmt: skip


def _sections_of_groups(summary: Summary) -> Iterable[Section]:
    """Yield the groups, such as sequences, that are in more than one part."""
    straddling, named = summary["straddling"], summary["named_sequences"]
    if named is not None:
        yield Section(
            "Sequences",
            [
                f"File names tell {count(named['sequences'], 'sequence')}. In more than one part: "
                f"{named['straddling']:,}, with {count(named['images'], 'image')}. They count as "
                f"leaks with groups='sequences', or --groups sequences in a terminal."
            ],
        )
    if straddling is None:
        return
    noun = straddling["noun"]
    title = f"{noun.capitalize()}s in more than one part"
    text = [f"{straddling['groups']:,} of {count(straddling['all_groups'], noun)}, with "
            f"{count(straddling['images'], 'image')}."]  # fmt: skip
    shown = straddling["worst"][:_MOST_CONFLICTS]
    rows = [
        [
            group["group"] if group["image"] is None else f"{group['group']}: {group['image']}",
            *(f"{n:,}" for n in group["parts"].values()),
        ]
        for group in shown
    ]
    head = [f"{noun.capitalize()} and first image", *summary["parts"]]
    table = Table(head, rows, straddling["groups"] - len(shown)) if rows else None
    yield Section(title, text, table)


def _sections_of_pairs(summary: Summary) -> Iterable[Section]:
    pairs = summary["worst_pairs"]
    if not pairs:
        return
    rows, folder = [], folder_of(summary)
    for pair in pairs:
        apart = "" if pair["distance"] is None else count(pair["distance"], "bit")
        agreement = "" if pair["agreement"] is None else format_agreement(pair["agreement"])
        relation = "equal pixels" if pair["identical"] else pair["relation"] or ""
        marked = "different labels" if pair["conflict"] else ""
        rows.append(
            [
                _name(pair["left"], folder),
                _name(pair["right"], folder),
                apart,
                agreement,
                relation,
                marked,
            ]
        )
    head = ["Image", "Copy", "Distance", "Agreement", "Relation", "Labels"]
    kept = [place for place in range(len(head)) if place < 2 or any(row[place] for row in rows)]
    table = Table(
        [head[place] for place in kept], [[row[place] for place in kept] for row in rows]
    )
    text = ["One pair of each group, the nearest first: identical images, then other copies."]
    if all(not pair["identical"] for pair in pairs):
        text = ["One pair of each group, the nearest first."]
    if folder and not list_conflicts(summary) and not list_annotation_conflicts(summary):
        text.append(_describe_folder(folder))
    yield Section("Worst pairs", text, table, "pairs")


def _section_of_repairs(summary: Summary) -> Section:
    parts, repairs = summary["parts"], summary["repairs"]
    if not any(repair["moved"] for repair in repairs):
        return Section("Repaired split", ["No image has to move."])
    text = [
        f"repair_split with priority={repair['priority']!r} moves "
        f"{count(repair['moved'], 'image')}."
        for repair in repairs
    ]
    head = ["Images of", "Now", *(f"priority={repair['priority']!r}" for repair in repairs)]
    classes = _classes_of(summary)
    shown = classes if len(classes) <= _MOST_MOVED_CLASSES else []
    rows = []
    for name, part in parts.items():
        states = [part, *(repair["parts"][name] for repair in repairs)]
        rows.append([name, *(f"{state['images']:,}" for state in states)])
        for label in shown:
            counts = [f"{state['classes'][label]:,}" for state in states]
            rows.append([f"{name}: {label}", *counts])
    return Section("Repaired split", text, Table(head, rows))


def _describe_clusters(summary: Summary) -> str:
    straddling = summary["straddling"]
    own = "" if straddling is None else f" and images of one {straddling['noun']}"
    return f"Near duplicates of each other{own}"


def _classes_of(summary: Summary) -> list[str]:
    return list(next(iter(summary["parts"].values()))["classes"] or [])


def list_conflicts(summary: Summary) -> list[dict[str, Any]]:
    """Return the groups of different labels that a card shows."""
    return list((summary["conflicts"] or {"worst": []})["worst"][:_MOST_CONFLICTS])


def list_figures(summary: Summary) -> list[tuple[str, str, bool]]:
    """Return the figures at the head of the page: number, meaning, and whether it is bad."""
    parts = summary["parts"]
    total = sum(part["images"] for part in parts.values())
    figures = [(f"{total:,}", "image" if total == 1 else "images", False)]
    for name in list(parts)[1:]:
        share = parts[name]["leaks"]["share"]
        shown = "unknown" if share is None else f"{share:.1%}"
        figures.append((shown, f"of {name} leaks", share is None or share > 0))
        if parts[name]["leaks"]["identical"] is not None:
            n_identical = parts[name]["leaks"]["identical"]
            figures.append((f"{n_identical:,}", f"identical in {name}", n_identical > 0))
    if summary["conflicts"] is not None:
        n_conflicts = summary["conflicts"]["groups"]
        noun = "group" if n_conflicts == 1 else "groups"
        figures.append((f"{n_conflicts:,}", f"{noun} with different labels", n_conflicts > 0))
    if summary["annotations"] is not None:
        n_pairs = summary["annotations"]["pairs"]
        noun = "pair" if n_pairs == 1 else "pairs"
        figures.append((f"{n_pairs:,}", f"{noun} with different boxes", n_pairs > 0))
    if n_unreadable := sum(part["unreadable"] for part in parts.values()):
        figures.append((f"{n_unreadable:,}", "unreadable", True))
    return figures


def _head_of(first: str, summary: Summary) -> list[str]:
    grouped = ["Near copies"]
    if summary["straddling"] is not None:
        grouped.append(f"Same {summary['straddling']['noun']}")
    return [first, "Images", "Identical", *grouped, "Share", "95% interval"]


def _cells_of(tally: dict[str, Any], summary: Summary) -> list[str]:
    """Return the cells of a count of copies; a dash stands for what is not known."""
    names = ["images", "identical", "near"]
    names += [] if summary["straddling"] is None else ["grouped"]
    counts = [_UNKNOWN if tally[name] is None else f"{tally[name]:,}" for name in names]
    if tally["share"] is None:
        return [*counts, _UNKNOWN, _UNKNOWN]
    low, high = tally["interval"]
    return [*counts, f"{tally['share']:.1%}", f"{low:.1%} to {high:.1%}"]


def _bar_of(tally: dict[str, Any]) -> tuple[float, float, float] | None:
    if tally["share"] is None:
        return None
    low, high = tally["interval"]
    return tally["share"], low, high


def join_counts(counts: dict[str, int]) -> str:
    """Return counts as a list of names and numbers."""
    return ", ".join(f"{name} {n:,}" for name, n in counts.items())


def folder_of(summary: Summary) -> str:
    """Return the folder that the images of a card share; "" if there is none."""
    images = [pair[side] for pair in summary["worst_pairs"] for side in ("left", "right")]
    images += [image for conflict in list_conflicts(summary) for image in conflict["images"]]
    for pair in list_annotation_conflicts(summary):
        images += [pair["left"], pair["right"]]
    return common_folder([image["image"] for image in images if image["image"] is not None])


def name_image(image: dict[str, Any], folder: str = "") -> str:
    """Return the path of an image below a folder, or its row if it has no path."""
    if image["image"] is None:
        return f"row {image['row']}"
    return show_path(image["image"].removeprefix(folder))


def describe_pair(pair: dict[str, Any]) -> str:
    """Return what is known of a pair: its relation, agreement and distance."""
    facts = ["equal pixels" if pair["identical"] else pair["relation"]]
    if not pair["identical"]:
        if pair["agreement"] is not None:
            facts.append(f"agreement {format_agreement(pair['agreement'])}")
        if pair["distance"] is not None:
            facts.append(count(pair["distance"], "bit"))
    return ", ".join(fact for fact in facts if fact)


def _describe_folder(folder: str) -> str:
    return f"Paths are relative to {show_path(folder)}"


def _name(image: dict[str, Any], folder: str) -> str:
    return f"{image['part']}: {name_image(image, folder)}"
