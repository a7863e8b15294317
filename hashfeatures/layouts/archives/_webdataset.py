"""WebDataset: tar files in which the members of one key are one sample."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..._utils.containers import as_column
from ..._utils.descriptions import shorten
from ..._utils.part_names import role_of
from ..._utils.path_text import show_path, write_path
from ..._utils.quantities import count
from ...exceptions import LayoutError
from ...images._files import HEAD, LeftOut, has_image_suffix, is_image_head
from .._collection import Collection
from .._layout import Layout
from .._plan import Plan
from ..folders._image_list import find_text_lists, read_text_list
from ..folders._part_folders import INDEX, choose_parts, names_a_part, read_index, write_index
from ..folders._segmentation_folders import find_packed_masks
from ._archive_folders import read_folders
from ._packed_annotations import HEAD as TEXT_HEAD
from ._packed_annotations import PackedAnnotations
from ._samples import LABEL, choose_suffix, is_meta, split_name
from ._shards import (
    common_folder,
    describe_paths,
    find_shards,
    has_braces,
    is_shard,
    recognize_folder,
)
from ._tar import AnyTarMember, list_members, write_members

# Where a new shard begins.
_SHARD_SAMPLES = 10_000
_SHARD_BYTES = 1_000_000_000

_WHOLE = re.compile("0|-?[1-9][0-9]{0,17}")
_MOST_LABEL = 4096  # bytes
_PART_NAMES = ("train", "val", "test")


class WebDatasetLayout(Layout):
    """Tar shards, as the package webdataset reads them."""

    name = "webdataset"
    title = "WebDataset"

    def __init__(self, lost: str = "") -> None:
        self.lost = lost

    @classmethod
    def recognize(cls, source: Any) -> str | None:
        """Return why a source consists of tar shards, or None."""
        if isinstance(source, list) and source and all(isinstance(one, Path) for one in source):
            return "all of its files are tar files" if all(map(is_shard, source)) else None
        if not isinstance(source, Path):
            return None
        if source.is_dir():
            return recognize_folder(source)
        if is_shard(source):
            return "it is a tar file" if source.exists() or has_braces(source) else None
        return None

    @classmethod
    def read(cls, source: Any, root: Path | None = None) -> Collection:
        """Read the samples of one or more tar shards that hold an image.

        The annotations of an image are the other members of its sample by suffix, such as "json".
        Their ``resolve()`` returns the bytes.

        Text files with keys, as `Collection.write_split` writes them, are read from the shards in
        the folder `root`.
        """
        lists = find_text_lists(source)
        if lists:
            return cls._read_listed(lists, root)
        left_out = LeftOut()
        shards = find_shards(source, left_out)
        folder = source if isinstance(source, Path) and source.is_dir() else None
        top = root or folder or common_folder(shards)
        names = [os.path.relpath(shard, top).replace(os.sep, "/") for shard in shards]
        samples: list[_Sample] = []
        for number, shard in enumerate(shards):
            samples += _read_samples(shard, number, left_out)
        kept = [sample for sample in samples if sample.image is not None]
        if not kept:
            raise LayoutError(
                f"{describe_paths(shards)}: no sample holds an image among its "
                f"{count(len(samples), 'sample')}."
            )
        frame = pd.DataFrame(
            {
                "image": as_column([sample.image for sample in kept]),
                "key": as_column(_name_samples(kept, names)),
            }
        )
        parts = None if folder is None else _find_part_folders(folder, names, left_out)
        parts = parts or _find_parts(names)
        if parts:
            frame["part"] = as_column([parts[sample.shard] for sample in kept])
        labels = _read_labels(kept)
        if labels is None and not any(sample.members for sample in samples if sample.image):
            # A tar file of a folder, which holds nothing but images.
            part_of, label_of = read_folders([sample.key for sample in kept])
            if part_of is not None and "part" not in frame:
                frame["part"] = as_column(part_of)
            labels = None if label_of is None else as_column(label_of)
        if labels is not None:
            frame["label"] = labels
        frame["annotations"] = as_column([sample.members for sample in kept])
        n_several = sum(sample.n_images > 1 for sample in kept)
        notes = [left_out.describe()]
        if len(kept) < len(samples):
            n_without = count(len(samples) - len(kept), "sample")
            notes.append(f"skipped {n_without} without an image")
        if n_several:
            chosen = next(sample for sample in kept if sample.n_images > 1)
            notes.append(
                f"{count(n_several, 'sample')} with several images, of which one is taken, such "
                f"as {chosen.suffix!r} of {shorten(show_path(chosen.key))}"
            )
        packed = PackedAnnotations()
        for sample in samples:
            if sample.image is None:
                for member in sample.members.values():
                    packed.add(member.name.removeprefix(f"{member.path}/"), _head_of(member))
        lost = packed.found or find_packed_masks([sample.key for sample in kept])
        return Collection(frame, cls(lost), root=Path(top), skipped="; ".join(filter(None, notes)))

    @classmethod
    def _read_listed(cls, lists: list[Path], root: Path | None) -> Collection:
        """Read the samples whose keys are in text files."""
        if root is None:
            raise LayoutError(
                f"{describe_paths([str(path) for path in lists])} holds keys of samples. Name the "
                f"folder of their shards, as by root='shards'."
            )
        whole = cls.read(root)
        row_of = {key: row for row, key in enumerate(whole.frame["key"])}
        listed = {path: read_text_list(path) for path in lists}
        part_of: dict[str, str] = {}
        for path, keys in listed.items():
            for number, key in enumerate(keys, 1):
                where = f"{show_path(str(path))}, entry {number}: the key {shorten(key)!r}"
                if key not in row_of:
                    raise LayoutError(f"{where} is of no sample in {show_path(str(root))}.")
                if key in part_of:
                    raise LayoutError(f"{where} occurs twice. Leave one out.")
                part_of[key] = path.stem
        if not part_of:
            raise LayoutError(f"{show_path(str(lists[0]))} lists no keys.")
        frame = whole.frame.iloc[[row_of[key] for key in part_of]].reset_index(drop=True)
        if len(lists) > 1 or names_a_part(lists[0].stem):
            frame["part"] = as_column(list(part_of.values()))
        return Collection(frame, cls(), root=whole.root, skipped=whole.skipped)

    def plan_split(
        self, collection: Collection, parts: Mapping[str, NDArray[np.intp]], how: str, out: Path
    ) -> Plan:
        """Return lists of keys, or new shards of whole samples.

        A list has one key per line. If shards use the same keys, the name of the shard and "/"
        come before each key. New shards keep the bytes of all members and their metadata.
        """
        if how == "link":
            raise LayoutError(
                "Samples inside tar shards cannot be linked. Pass how='lists' for lists of their "
                "keys, or how='copy' for new shards."
            )
        keys = collection.frame["key"].tolist()
        if how == "lists":
            return Plan(
                {
                    f"{part}.txt": "".join(f"{write_path(keys[row])}\n" for row in rows).encode(
                        "utf-8", "surrogateescape"
                    )
                    for part, rows in parts.items()
                }
            )
        images, annotations = collection.frame["image"], collection.frame["annotations"]
        plan = Plan(write_index(parts))
        for part, rows in parts.items():
            samples = ([images.iloc[row], *annotations.iloc[row].values()] for row in rows)
            for number, members in enumerate(_fill_shards(samples)):
                plan.streams[f"{part}/{number:06d}.tar"] = functools.partial(
                    write_members, members
                )
        return plan


@dataclass(slots=True)
class _Sample:
    """The members of one key in one shard.

    Parameters
    ----------
    key : str
        What their names have in common.
    shard : int
        The number of the shard.
    members : dict of str to reference
        The members by suffix, in the order of the shard, without the image once it is chosen.
    recognized : list of str
        The suffixes of members that are images by their content alone.
    label : bytes or None
        The content of the member with the label.
    image : reference or None
        The image.
    suffix : str
        The suffix of the image.
    n_images : int
        The number of members that are images.
    """

    key: str
    shard: int
    members: dict[str, AnyTarMember] = field(default_factory=dict)
    recognized: list[str] | None = None
    label: bytes | None = None
    image: AnyTarMember | None = None
    suffix: str = ""
    n_images: int = 0

    def choose_image(self, is_image: Callable[[str], bool]) -> None:
        """Choose the image of the sample."""
        images = list(filter(is_image, self.members)) or self.recognized or []
        self.n_images = len(images)
        if images:
            self.suffix = choose_suffix(images)
            self.image = self.members.pop(self.suffix)


def _read_samples(shard: str, number: int, left_out: LeftOut) -> list[_Sample]:
    """Return the samples of a shard, in the order of their first members."""
    samples: dict[str, _Sample] = {}

    @functools.cache  # few suffixes occur, but many members
    def names_image(suffix: str) -> bool:
        return has_image_suffix(f"x.{suffix}")

    def head_size(name: str) -> int:
        suffix = split_name(name)[1]
        if names_image(suffix):
            return 0
        return _MOST_LABEL if suffix == LABEL else HEAD

    for name, file, head in list_members(shard, head_size):
        key, suffix = split_name(name)
        is_image = bool(head) and not suffix.endswith(LABEL) and is_image_head(head)
        if is_meta(name) or (not suffix and not is_image):
            left_out.add(name)
            continue
        sample = samples.setdefault(key, _Sample(key, number))
        if suffix in sample.members:
            raise LayoutError(
                f"{show_path(shard)}, member {shorten(show_path(name))}: the sample "
                f"{shorten(show_path(key))} has {suffix or 'this member'!r} twice. Rename one."
            )
        sample.members[suffix] = file
        if suffix == LABEL:
            sample.label = head
        elif is_image:
            sample.recognized = [*(sample.recognized or []), suffix]
    for sample in samples.values():
        sample.choose_image(names_image)
    return list(samples.values())


def _head_of(member: AnyTarMember) -> Callable[[], bytes]:
    return lambda: replace(member, size=min(member.size, TEXT_HEAD)).resolve()


def _name_samples(samples: Sequence[_Sample], shards: Sequence[str]) -> list[str]:
    """Return the keys of samples, with the names of their shards where keys are not unique."""
    keys = [sample.key for sample in samples]
    if len(set(keys)) == len(keys):
        return keys
    return [f"{shards[sample.shard]}/{sample.key}" for sample in samples]


def _find_part_folders(folder: Path, names: Sequence[str], left_out: LeftOut) -> list[str] | None:
    """Return the part of each shard if all are in folders that are parts."""
    found = [name.partition("/")[0] if "/" in name else "" for name in names]
    distinct = list(dict.fromkeys(found))
    listed = read_index(str(folder), distinct)
    if listed:
        left_out.discard(INDEX)
    parts = listed or choose_parts(distinct, bool)
    return found if set(distinct) <= set(parts) else None


def _find_parts(names: Sequence[str]) -> list[str] | None:
    """Return the part of each shard by its folder or its name, if there are several parts."""
    parts = [_part_of(name) for name in names]
    if None in parts or len(set(parts)) < 2:
        return None
    return [str(part) for part in parts]


def _part_of(name: str) -> str | None:
    folder, _, file = name.partition("/") if "/" in name else ("", "", name)
    if folder and role_of(folder) is not None:
        return folder
    role = role_of(os.path.basename(file).partition(".")[0])
    return None if role is None else _PART_NAMES[role]


def _read_labels(samples: Sequence[_Sample]) -> pd.Series[Any] | None:
    """Return the labels of samples, as whole numbers if all are; None if any has none."""
    texts = [
        None if sample.label is None else sample.label.decode("utf-8", "replace").strip()
        for sample in samples
    ]
    if not all(texts):
        return None
    if all(_WHOLE.fullmatch(str(text)) for text in texts):
        return pd.Series([int(str(text)) for text in texts])
    return as_column(texts)


def _fill_shards(samples: Iterator[list[AnyTarMember]]) -> Iterator[list[AnyTarMember]]:
    """Yield the members of each new shard. No shard gets two members of the same name."""
    members: list[AnyTarMember] = []
    taken: set[str] = set()
    n_samples = n_bytes = 0
    for sample in samples:
        sample.sort(key=lambda member: member.start)
        names = {_name_in_shard(member) for member in sample}
        size = sum(member.size + member.offset - member.start for member in sample)
        is_full = n_samples >= _SHARD_SAMPLES or n_bytes + size > _SHARD_BYTES
        if members and (is_full or names & taken):
            yield members
            members, taken, n_samples, n_bytes = [], set(), 0, 0
        members += sample
        taken |= names
        n_samples += 1
        n_bytes += size
    if members:
        yield members


def _name_in_shard(member: AnyTarMember) -> str:
    """Return the key of a member in its shard."""
    return split_name(member.name.removeprefix(f"{member.path}/"))[0]
