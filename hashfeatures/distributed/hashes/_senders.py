"""Images that only the process that started a run can read, in batches for the workers.

Such images are those of a stream or of a data set in memory. A batch has a bounded size, and is a
part of the listing. Its last entry records where the batch ended, so that a later run continues
there.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from ..._utils.descriptions import shorten
from ...exceptions import ImageReadError, StageError
from ...images._errors import as_read_error, describe_error
from ...images._references import ImageReference
from ...layouts._reference_text import name_absolutely
from ...layouts.frameworks._hugging_face_stream import ImageStream
from .._hash_stage import digest_of
from .._part_directory import PartDirectory
from ..sources._entries import Entry, whole_name
from ..sources._listing_parts import read_listing
from ..sources._part_sources import MAX_BATCH_BYTES, size_of

# How the names of such parts of the listing begin.
SENT = "sent-"


class SentPart(NamedTuple):
    """A part of the listing whose images are sent to workers.

    Parameters
    ----------
    part : str
        The name of the part.
    first, last : str
        The names of its first and its last image.
    n_images : int
        The number of its images.
    digest : str
        The digest of the last image as it was sent.
    state : JSON value
        Where a stream was before it gave the last image, if that is known.
    """

    part: str
    first: str
    last: str
    n_images: int
    digest: str
    state: Any

    @classmethod
    def read(cls, listing: PartDirectory, part: str) -> SentPart:
        """Read a part of the listing."""
        names, references = read_listing(listing, part)
        end = json.loads(references[-1] or "")
        return cls(part, names[0], names[-1], len(names), end["digest"], end["state"])


class Batch(NamedTuple):
    """Images to send to a worker.

    Parameters
    ----------
    names : list of str
        Their names.
    sources : list of image sources
        The images themselves, or paths and URLs.
    state : JSON value
        Where a stream was before it gave the last image.
    """

    names: list[str]
    sources: list[Any]
    state: Any = None

    def entries(self) -> list[Entry]:
        """Return the entries of the listing. The last one records where the batch ended."""
        end = json.dumps({"digest": _digest(self.sources[-1]), "state": self.state})
        return [*map(Entry, self.names[:-1]), Entry(self.names[-1], end)]


class Sender(ABC):
    """Reads images in batches that are sent to workers."""

    @abstractmethod
    def again(
        self, listing: PartDirectory, parts: Sequence[SentPart], wanted: set[str]
    ) -> Iterator[tuple[str, Batch]]:
        """Yield the images of some parts of the listing, by the names of the parts.

        Raises
        ------
        StageError
            If the images are others than when they were listed, or cannot be read.
        """

    @abstractmethod
    def rest(
        self, listing: PartDirectory, parts: Sequence[SentPart], part_size: int
    ) -> Iterator[Batch]:
        """Yield the images that the listing does not have, in batches of at most `part_size`.

        Raises
        ------
        StageError
            If images are others than when they were listed, or cannot be read.
        """


class StreamSender(Sender):
    """Sends the images of streams.

    The name of an image is that of its split, or "stream" without splits, and its row.

    Parameters
    ----------
    streams : sequence of ImageStream
        The splits.
    """

    def __init__(self, streams: Sequence[ImageStream]) -> None:
        self._streams = streams

    def again(
        self, listing: PartDirectory, parts: Sequence[SentPart], wanted: set[str]
    ) -> Iterator[tuple[str, Batch]]:
        """Yield the images of some parts of the listing, see `Sender`."""
        for stream in self._streams:
            before, row, here = None, 0, -1
            for part in _parts_of(stream, parts):
                if part.part in wanted:
                    if here != row:
                        _go_behind(stream, before, row)
                    images = list(islice(_read(stream, row), part.n_images))
                    if len(images) < part.n_images:
                        raise _other_images(stream, row + len(images))
                    yield (
                        part.part,
                        Batch([name for name, *_ in images], [i for _, i, _ in images]),
                    )
                    here = row + part.n_images
                before, row = part, row + part.n_images

    def rest(
        self, listing: PartDirectory, parts: Sequence[SentPart], part_size: int
    ) -> Iterator[Batch]:
        """Yield the images behind those of the listing, see `Sender`."""
        for stream in self._streams:
            own = _parts_of(stream, parts)
            row = sum(part.n_images for part in own)
            _go_behind(stream, own[-1] if own else None, row)
            yield from _cut(_read(stream, row), part_size)


def _parts_of(stream: ImageStream, parts: Sequence[SentPart]) -> list[SentPart]:
    return [part for part in parts if part.first.rpartition("/")[0] == stream.name]


def _go_behind(stream: ImageStream, part: SentPart | None, row: int) -> None:
    """Go to a row of a stream, the one behind a part."""
    if part is None:
        stream.begin()
        return
    # A stream that shuffles gives other rows after its state is restored, but not if it is read
    # from its beginning.
    for state in (part.state, None) if part.state is not None else (None,):
        try:
            stream.begin(row - 1, state)
            image = stream.read()
        except StopIteration:
            continue
        except Exception as error:  # foreign code may raise anything
            if state is None:
                raise _failure(stream, row - 1, error) from error
            continue
        if _digest(_as_sent(image, part.last)) == part.digest:
            return
    raise _other_images(stream, row - 1)


def _read(stream: ImageStream, row: int) -> Iterator[tuple[str, Any, Any]]:
    """Yield the names and the images of a stream from a row on, and where it was before each."""
    while True:
        state = stream.state()
        try:
            image = stream.read()
        except StopIteration:
            return
        except Exception as error:  # foreign code may raise anything
            raise _failure(stream, row, error) from error
        name = f"{stream.name}/{row}"
        yield name, _as_sent(image, name), state
        row += 1


def _failure(stream: ImageStream, row: int, error: Exception) -> StageError:
    return StageError(
        f"The stream failed at the image {stream.name}/{row}: {describe_error(error)}. Run "
        f"hash_dataset again: it continues with the images that are not hashed yet."
    )


def _other_images(stream: ImageStream, row: int) -> StageError:
    return StageError(
        f"The stream gives another image {stream.name}/{row} than in an earlier run, or fewer "
        f"images. Pass the same stream in the same order, or name another directory."
    )


class ReferenceSender(Sender):
    """Sends the images of data sets in memory.

    Parameters
    ----------
    references : sequence of ImageReference
        The images.

    Raises
    ------
    StageError
        If two different images have the same name.
    """

    def __init__(self, references: Sequence[ImageReference]) -> None:
        self._references: dict[str, ImageReference] = {}
        for reference in references:
            name = name_absolutely(reference)
            if self._references.setdefault(name, reference) != reference:
                raise StageError(
                    f"Two images of different data sets are named {shorten(name)!r}. Hash each "
                    f"data set into a directory of its own."
                )

    def again(
        self, listing: PartDirectory, parts: Sequence[SentPart], wanted: set[str]
    ) -> Iterator[tuple[str, Batch]]:
        """Yield the images of some parts of the listing, see `Sender`."""
        for part in parts:
            if part.part not in wanted:
                continue
            names = read_listing(listing, part.part).names
            if all(name in self._references for name in names):
                yield part.part, Batch(names, [self._read(name) for name in names])

    def rest(
        self, listing: PartDirectory, parts: Sequence[SentPart], part_size: int
    ) -> Iterator[Batch]:
        """Yield the images that the listing does not have, see `Sender`."""
        own = [part for part in parts if part.last in self._references]
        for part in own[:1] + own[1:][-1:]:
            if _digest(self._read(part.last)) != part.digest:
                raise StageError(
                    f"The image {shorten(part.last)!r} is another one than in an earlier run. "
                    f"Name another directory for another data set."
                )
        known: set[bytes] = set()
        for part in parts:
            known.update(listing.read(part.part, ["digest"]).column("digest").to_pylist())
        new = (name for name in self._references if digest_of(name) not in known)
        yield from _cut(((name, self._read(name), None) for name in new), part_size)

    def _read(self, name: str) -> Any:
        reference = self._references[name]
        try:
            return _as_sent(reference.resolve(), name)
        except ImageReadError as error:
            return error
        except Exception as error:  # a foreign data set may raise anything
            return as_read_error(reference, error)


def _cut(images: Iterable[tuple[str, Any, Any]], n_most: int) -> Iterator[Batch]:
    """Yield images in batches. What was read before an error is yielded before it is raised."""
    names: list[str] = []
    sources: list[Any] = []
    held, state = 0, None
    failure: StageError | None = None
    try:
        for name, source, state in images:
            names.append(name)
            sources.append(source)
            held += size_of(source)
            if len(names) == n_most or held > MAX_BATCH_BYTES:
                yield Batch(names, sources, state)
                names, sources, held = [], [], 0
    except StageError as error:
        failure = error
    if names:
        yield Batch(names, sources, state)
    if failure is not None:
        raise failure


def _as_sent(image: Any, name: str) -> Any:
    """Return an image as it is sent to a worker, which may run in another directory."""
    if isinstance(image, bytes):
        return {"bytes": image, "path": name}
    return whole_name(image) if isinstance(image, str) else image


def _digest(source: Any) -> str:
    """Return the digest of an image as it is sent."""
    if isinstance(source, dict):
        content = source["bytes"]
    elif isinstance(source, np.ndarray):
        content = repr(source.shape).encode() + source.tobytes()
    elif hasattr(source, "tobytes"):  # of Pillow
        content = repr(source.size).encode() + source.tobytes()
    else:
        content = repr(source).encode()
    return blake2b(content, digest_size=16).hexdigest()
