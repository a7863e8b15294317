"""Read, check and write the data.yaml of a YOLO data set."""

from __future__ import annotations

import os
import re
from collections import Counter
from typing import Any

from ..._utils.descriptions import describe_value
from ..._utils.optional import import_extra
from ..._utils.path_text import encoding_of, show_path
from ..._utils.regular_files import open_regular
from ...exceptions import LayoutError
from ._labels import MOST_CLASSES

PARTS = ("train", "val", "test")
_USUAL_FILES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
# Keys that name images, or where they are: a split replaces them.
PLACES = frozenset({"path", *PARTS, "validation", "minival"})
_LARGEST = 16_000_000  # bytes
_HEAD = 1_000_000


def find_yaml(folder: str) -> str | None:
    """Return the file in a folder that describes a YOLO data set, or None.

    Raises
    ------
    LayoutError
        If there are several, and none has a usual name.
    """
    names = sorted(os.listdir(folder))
    for usual in _USUAL_FILES:
        if usual in names and is_data_yaml(os.path.join(folder, usual)):
            return os.path.join(folder, usual)
    paths = [os.path.join(folder, name) for name in names if is_yaml(name)]
    found = [path for path in paths if is_data_yaml(path)]
    if len(found) > 1:
        listed = ", ".join(show_path(os.path.basename(path)) for path in found[:5])
        raise LayoutError(
            f"{show_path(folder)} holds several descriptions of YOLO data: {listed}. Name one of "
            f"these files."
        )
    return found[0] if found else None


def describe_unused(folder: str) -> list[str]:
    """Return notes on files that are called as a data.yaml and are none."""
    return [
        f"{name} was not used, as it lacks the keys of YOLO, 'train' and 'names'"
        for name in _USUAL_FILES
        if os.path.isfile(os.path.join(folder, name))
    ]


def is_yaml(name: str) -> bool:
    """Return whether a file is YAML by its suffix."""
    return name.lower().endswith((".yaml", ".yml"))


def is_data_yaml(path: str) -> bool:
    """Return whether a file has the keys of a data.yaml; it is not parsed."""
    try:
        with open_regular(path) as file:
            return has_data_keys(file.read(_HEAD))
    except OSError:
        return False


def has_data_keys(head: bytes) -> bool:
    """Return whether YAML has the keys of a data.yaml, by its first bytes."""
    text = head.decode(encoding_of(head), "replace")
    has_parts = re.search(r"^['\"]?(train|val|validation|test)['\"]?\s*:", text, re.MULTILINE)
    has_classes = re.search(r"^['\"]?(names|nc)['\"]?\s*:", text, re.MULTILINE)
    return has_parts is not None and has_classes is not None


def load_yaml(path: str) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises
    ------
    LayoutError
        If the file cannot be read, is not a mapping, gives a key twice, or is made to exhaust
        memory.
    """
    yaml = import_extra("yaml", "yolo", "A YOLO data set")
    shown = show_path(path)
    try:
        with open_regular(path) as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise LayoutError(f"{shown} cannot be read: {error}.") from error
    if len(data) > _LARGEST:
        raise LayoutError(f"{shown} is larger than {_LARGEST // 10**6} MB: no data.yaml.")
    try:
        text = data.decode(encoding_of(data))
        _check_nodes(yaml, yaml.compose(text, Loader=yaml.SafeLoader), shown)
        content = yaml.safe_load(text)
    except LayoutError:
        raise
    except RecursionError:
        raise LayoutError(f"{shown} is nested too deeply.") from None
    except Exception as error:  # values that do not fit their tags raise errors of many types
        mark = getattr(error, "problem_mark", None)
        where = shown if mark is None else f"{shown}, line {mark.line + 1}"
        reason = " ".join(str(getattr(error, "problem", None) or error).split())[:300]
        raise LayoutError(f"{where}: not valid YAML: {reason}.") from error
    if not isinstance(content, dict):
        raise LayoutError(
            f"{shown} must hold a mapping with the keys 'train', 'val' and 'names'. Got "
            f"{describe_value(content)} instead."
        )
    return {str(key): value for key, value in content.items()}


def _check_nodes(yaml: Any, root: Any, shown: str) -> None:
    """Raise if a key is given twice, or if a list or mapping is repeated by an alias.

    Aliases of aliases let a short file grow without limit.
    """
    seen = set()
    nodes = [] if root is None else [root]
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.ScalarNode):
            continue
        line = node.start_mark.line + 1
        if id(node) in seen:
            raise LayoutError(f"{shown}, line {line}: aliases of lists and mappings are refused.")
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            keys = Counter(
                (key.tag, key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode)
            )
            for (_, key), n_times in keys.items():
                if n_times > 1:
                    raise LayoutError(
                        f"{shown}, key {key[:60]!r}: given {n_times} times in the mapping that "
                        f"begins on line {line}."
                    )
            nodes.extend(child for pair in node.value for child in pair)
        else:
            nodes.extend(node.value)


def read_names(settings: dict[str, Any], shown: str) -> list[str] | None:
    """Return the names of the classes by their code; None if they are not known.

    Raises
    ------
    LayoutError
        If 'names' is not a list or mapping of different names, or differs from 'nc' in length.
    """
    names, n_classes = settings.get("names"), settings.get("nc")
    is_number = isinstance(n_classes, int) and not isinstance(n_classes, bool)
    if n_classes is not None and not (is_number and 0 < n_classes <= MOST_CLASSES):
        raise LayoutError(
            f"{shown}, key 'nc': must be the number of classes. Got {describe_value(n_classes)} "
            f"instead."
        )
    if names is None:
        return None if n_classes is None else number_classes(n_classes)
    listed = _list_names(names, shown)
    repeated = [name for name, n_times in Counter(listed).items() if n_times > 1]
    if repeated:
        raise LayoutError(
            f"{shown}, key 'names': {repeated[0][:60]!r} names more than one class. Give each "
            f"class a name of its own."
        )
    if n_classes not in (None, len(listed)):
        raise LayoutError(
            f"{shown}, key 'nc': {n_classes} classes, but 'names' has {len(listed)}."
        )
    return listed


def number_classes(n_classes: int) -> list[str]:
    """Return the names that Ultralytics gives to classes without names."""
    return [f"class_{code}" for code in range(n_classes)]


def _list_names(names: Any, shown: str) -> list[str]:
    if isinstance(names, dict):
        try:
            by_code = {int(code): name for code, name in names.items()}
        except (TypeError, ValueError):
            by_code = {}
        if not by_code or sorted(by_code) != list(range(len(names))):
            raise LayoutError(
                f"{shown}, key 'names': the codes of {len(names)} classes must be all whole "
                f"numbers from 0 to {len(names) - 1}."
            )
        names = [by_code[code] for code in range(len(by_code))]
    if not isinstance(names, list) or not names:
        raise LayoutError(
            f"{shown}, key 'names': must be a list of names, or a mapping from codes to names. "
            f"Got {describe_value(names)} instead."
        )
    for code, name in enumerate(names):
        if name is None or isinstance(name, list | dict | set | tuple | bytes):
            raise LayoutError(
                f"{shown}, key 'names': class {code} must have a name. Got "
                f"{describe_value(name)} instead."
            )
    return [str(name) for name in names]


def read_keypoints(settings: dict[str, Any], shown: str) -> tuple[int, int] | None:
    """Return the number of keypoints of an object, and of values for each; None without."""
    shape = settings.get("kpt_shape")
    if shape is None:
        return None
    is_shape = isinstance(shape, list) and len(shape) == 2
    if not is_shape or not all(type(size) is int and 0 < size < 10_000 for size in shape):
        raise LayoutError(
            f"{shown}, key 'kpt_shape': must be the number of keypoints and of values for each, "
            f"such as [17, 3]. Got {describe_value(shape)} instead."
        )
    if shape[1] not in (2, 3):
        raise LayoutError(
            f"{shown}, key 'kpt_shape': a keypoint has 2 or 3 values. Got {shape[1]} instead."
        )
    return shape[0], shape[1]


def write_yaml(settings: dict[str, Any], comment: str) -> bytes:
    """Return the content of a data.yaml, which begins with a comment."""
    yaml = import_extra("yaml", "yolo", "A YOLO data set")
    text: str = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
    try:
        return f"# {comment}\n{text}".encode()
    except UnicodeEncodeError:  # half a surrogate pair, which can only be written escaped
        text = yaml.safe_dump(settings, sort_keys=False)
        return f"# {comment}\n{text}".encode()
