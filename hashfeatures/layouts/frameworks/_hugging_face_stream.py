"""The images of streaming data sets of Hugging Face, one after the other and from any row on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ._hugging_face import HuggingFaceLayout, Split
from ._hugging_face_rows import as_stored


class ImageStream:
    """The images of one split of a stream, as they are stored.

    Parameters
    ----------
    name : str
        The name of the split, or "stream" if there are no splits.
    split : Split
        The split.
    """

    def __init__(self, name: str, split: Split) -> None:
        self.name = name
        self._split = split
        self._rows: Iterator[Any] = iter(())
        self._stream: Any = None
        self._keeps_state = False

    def begin(self, row: int = 0, state: Any = None) -> None:
        """Go to a row.

        Parameters
        ----------
        row : int
            The row that `read` returns next.
        state : JSON value, optional
            What `state` returned before this row was read. Without it, all rows before this one
            are read again.
        """
        self._stream = self._split.encode()
        # Releases of datasets before 2.20 know no state.
        self._keeps_state = hasattr(self._stream, "state_dict") and not _shuffles(
            getattr(self._stream, "_ex_iterable", None)
        )
        if state is not None:
            self._stream.load_state_dict(state)
        elif row:
            # The state of a shortened stream is none of the whole one.
            self._stream, self._keeps_state = self._stream.skip(row), False
        self._rows = iter(self._stream)

    def read(self) -> Any:
        """Return the next image, or raise `StopIteration`."""
        return as_stored(next(self._rows)[self._split.column])

    def state(self) -> Any:
        """Return where the stream is, as a JSON value; None if that is not known."""
        if not self._keeps_state:
            return None
        state = self._stream.state_dict()
        try:
            return json.loads(json.dumps(state))
        except (TypeError, ValueError):
            return None


def _shuffles(iterable: Any) -> bool:
    """Return whether a stream may shuffle rows in a buffer, whose content is in no state."""
    kind = type(iterable).__name__
    if not kind.endswith("Iterable") or "Shuffle" in kind:
        return True
    values = list(vars(iterable).values())
    values += [item for value in values if isinstance(value, list | tuple) for item in value]
    return any(_shuffles(value) for value in values if type(value).__name__.endswith("Iterable"))


def is_stream(source: Any) -> bool:
    """Return whether a source is a streaming data set of Hugging Face, or a dict of these."""
    return "Iterable" in (HuggingFaceLayout.recognize(source) or "")


def open_streams(source: Any) -> list[ImageStream]:
    """Return the splits of a streaming data set, by the names that `read_collection` gives them.

    Raises
    ------
    LayoutError
        If the column of images cannot be recognized.
    """
    splits = dict(source) if isinstance(source, dict) else {"": source}
    return [
        ImageStream(str(name) or "stream", Split(str(name), split))
        for name, split in splits.items()
    ]
