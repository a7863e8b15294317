"""The first scans of a progressive JPEG, which are enough for a reduced decode.

A progressive JPEG stores the means of all blocks of 8 by 8 pixels first, and the frequencies
within the blocks in later scans (ITU-T T.81, annex G). An image that is decoded at an eighth of
its size shows the means alone, and at a quarter four frequencies more. So the file can be cut
behind them, and what lies between them can be left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from PIL import Image

from ._decoding import Reduction

_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")  # of a segment, or the end of the image
_MARKER_OR_START = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
_START, END_OF_IMAGE = b"\xff\xd8", b"\xff\xd9"
_PROGRESSIVE = 0xC2  # with Huffman codes
_OTHER_FRAMES = {0xC0, 0xC1, 0xC3, *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)}
_ARITHMETIC_TABLES, _LINES, _HIERARCHY, _EXPANSION = 0xCC, 0xDC, 0xDE, 0xDF
_REFUSED = _OTHER_FRAMES | {_ARITHMETIC_TABLES, _LINES, _HIERARCHY, _EXPANSION}
_END, _SCAN, _STEPS, _APP2 = 0xD9, 0xDA, 0xDB, 0xE2

# Segments that may follow the first scans: tables, scans, restarts, applications and comments.
_TABLES, _COUNTS = b"\xc4", 16
_LATER_SEGMENTS = {
    _TABLES,
    b"\xda",
    b"\xdb",
    b"\xdd",
    b"\xfe",
    *(bytes([n]) for n in range(0xE0, 0xF0)),
}

_FIRST_READ = 2**16  # bytes, which nearly always tell whether a file can be cut

# What an eighth and a quarter of the size show of a block: the last frequency, in the order of the
# file. Chroma of half the resolution is shown at twice that scale.
_LAST_FREQUENCY = {8: 0, 4: 4}
_LAST_OF_COARSE = {8: 4, 4: 24}
_LEAST_SCALE = 4

# How much the means of blocks may lack, in eighths of a gray level, if no colors are needed. At an
# eighth of the size, it is the lowest bit of a file of ordinary quality. Hashes of colors compare
# means with fixed levels, and hashes of luma with each other.
_MOST_LACKING = {8: 16, 4: 0}

# Blocks without frequencies form runs. The codes of 4 bits stand for runs of at least 1, 2, 4, ...
# blocks, and the bits behind a code for the rest of the length.
_LONGEST_RUN = 14  # in bits
_RUNS = bytes(n_bits << 4 for n_bits in range(_LONGEST_RUN + 1))

_OPEN = -1  # the end of a scan that goes on


class _Component(NamedTuple):
    """A color channel of the frame, with its share of the resolution."""

    name: int
    across: int
    down: int
    table: int  # of the steps in which its values are counted


@dataclass
class FirstScans:
    """A walk over the markers of a JPEG while its bytes arrive.

    Parameters
    ----------
    reduction : Reduction
        How much of the image must be decoded.

    Attributes
    ----------
    n_bytes : int or None
        The length of the beginning of the file that holds the first scans. None if it is not
        known yet, or if the file must be decoded whole.
    is_done : bool
        Whether more bytes would change nothing.

    Examples
    --------
    >>> import io
    >>> from PIL import Image
    >>> from hashfeatures.images._decoding import Reduction
    >>> from hashfeatures.images._progressive import FirstScans
    >>> file = io.BytesIO()
    >>> Image.effect_noise((512, 512), 50).save(file, "JPEG", progressive=True)
    >>> scans = FirstScans(Reduction(min_side=64, color=False))
    >>> scans.look_at(file.getvalue()[:100]).is_done
    False
    >>> scans.look_at(file.getvalue()).is_done, scans.n_bytes < len(file.getvalue()) / 4
    (True, True)
    """

    reduction: Reduction
    n_bytes: int | None = field(default=None, init=False)
    is_done: bool = field(default=False, init=False)
    _position: int = field(default=0, init=False)  # of what was not looked at
    _in_scan: bool = field(default=False, init=False)
    _size: tuple[int, int] = field(default=(0, 0), init=False)
    _components: tuple[_Component, ...] = field(default=(), init=False)
    _scale: int = field(default=0, init=False)
    _known: dict[int, int] = field(default_factory=dict, init=False)  # the last frequency of each
    _precision: dict[int, int] = field(default_factory=dict, init=False)  # bits that means lack
    _steps: dict[int, int] = field(default_factory=dict, init=False)  # of the means, by table
    _dropped: list[tuple[int, int]] = field(default_factory=list, init=False)

    def look_at(self, content: bytes | bytearray) -> FirstScans:
        """Look at the bytes of a file from its beginning, of which more came since the last call.

        Returns
        -------
        FirstScans
            This walk.
        """
        if self._position == 0 and len(content) >= len(_START):
            self._position = len(_START)
            self.is_done = content[: len(_START)] != _START
        while not self.is_done and self._step(content):
            pass
        return self

    def cut(self, content: bytes | bytearray) -> bytes:
        """Return a whole JPEG of the first scans.

        For each component, an empty scan says that its frequencies are complete. Without it,
        libjpeg would guess them from the neighbors of each block, which takes longer and changes
        the means.
        """
        assert self.n_bytes is not None
        parts, start = [], 0
        for first, last in [*self._dropped, (self.n_bytes, self.n_bytes)]:
            parts.append(bytes(content[start:first]))
            start = last
        parts.append(b"\xff\xdd" + _segment(bytes(2)))  # no restarts
        parts.append(b"\xff\xc4" + _segment(bytes([0x10, 0, 0, 0, 15, *[0] * 12]) + _RUNS))
        parts += [self._empty_scan(one) for one in self._components]
        return b"".join([*parts, END_OF_IMAGE])

    def _step(self, content: bytes | bytearray) -> bool:
        """Pass one segment; return False if its bytes, or the next ones, did not arrive yet."""
        found = _MARKER.search(content, self._position)
        if found is None:
            if self._in_scan:
                self._position = max(self._position, len(content) - 1)
            return False
        if self._in_scan:
            self._in_scan = False
            self._position = found.start()
            if self._dropped and self._dropped[-1][1] == _OPEN:
                self._dropped[-1] = self._dropped[-1][0], found.start()
            if all(self._is_known(one) for one in self._components):
                self.n_bytes, self.is_done = found.start(), True
                return False
        kind, start = content[found.end() - 1], found.end()
        if kind == _END or kind in _REFUSED:
            self.is_done = True
            return False
        if len(content) < start + 2:
            return False
        end = start + int.from_bytes(content[start : start + 2], "big")
        if len(content) < end:
            return False
        body = content[start + 2 : end]
        if kind == _PROGRESSIVE:
            self.is_done = bool(self._components) or not self._read_frame(body)
        elif kind == _STEPS:
            self.is_done = not self._read_steps(body)
        elif kind == _APP2:
            self.is_done = body[:4] == b"MPF\0"  # further pictures
        elif kind == _SCAN:
            self.is_done = not self._read_scan(body, found.start())
            self._in_scan = True
        self._position = end
        return True

    def _read_frame(self, body: bytes | bytearray) -> bool:
        """Read the header of the frame; return whether such an image can be cut."""
        if len(body) < 6 or body[0] != 8 or len(body) != 6 + 3 * body[5] or body[5] not in (1, 3):
            return False
        height, width = (int.from_bytes(body[at : at + 2], "big") for at in (1, 3))
        self._size = width, height
        self._scale = find_scale(self._size, self.reduction.min_side)
        self._components = tuple(
            _Component(body[at], body[at + 1] >> 4, body[at + 1] & 15, body[at + 2])
            for at in range(6, len(body), 3)
        )
        self._known = {one.name: -1 for one in self._components}
        factors = [factor for one in self._components for factor in (one.across, one.down)]
        is_regular = len(self._known) == len(self._components) and set(factors) <= {1, 2, 3, 4}
        return is_regular and self._scale >= _LEAST_SCALE

    def _read_steps(self, body: bytes | bytearray) -> bool:
        """Read tables of steps; return whether they are whole."""
        while body:
            size = 1 + (body[0] >> 4)  # bytes of a number
            end = 1 + 64 * size
            if size > 2 or len(body) < end:
                return False
            self._steps[body[0] & 15] = int.from_bytes(body[1 : 1 + size], "big")
            body = body[end:]
        return True

    def _read_scan(self, body: bytes | bytearray, start: int) -> bool:
        """Read the header of a scan; return whether it is one of the first of a regular file."""
        if not body or len(body) != 4 + 2 * body[0] or not self._components:
            return False
        names = set(body[1:-3:2])
        scanned = [one for one in self._components if one.name in names]
        first, last, precision = body[-3:]
        if not names or len(scanned) != body[0] or not first <= last <= 63:
            return False
        before, after = precision >> 4, precision & 15
        if first == 0:
            if last or any(self._precision.get(name, 0) != before for name in names):
                return False
            self._known |= {name: max(0, self._known[name]) for name in names}
            self._precision |= dict.fromkeys(names, after)
            return True
        known = self._known[scanned[0].name]
        if len(scanned) != 1 or known < 0:
            return False
        if before or known >= self._last_shown(scanned[0]):
            self._dropped.append((start, _OPEN))
        elif first <= known + 1:
            self._known[scanned[0].name] = max(known, last)
        return True

    def _is_known(self, component: _Component) -> bool:
        """Return whether the scans hold all that is shown of a component."""
        step = self._steps.get(component.table, 0)
        lacking = step * (2 ** self._precision.get(component.name, 0) - 1)
        is_exact = lacking <= (0 if self.reduction.color else _MOST_LACKING[self._scale])
        return is_exact and self._known[component.name] >= self._last_shown(component)

    def _last_shown(self, component: _Component) -> int:
        """Return the last frequency that is shown of a component."""
        if (component.across, component.down) == self._most:
            return _LAST_FREQUENCY[self._scale]
        return _LAST_OF_COARSE[self._scale] if self.reduction.color else 0

    @property
    def _most(self) -> tuple[int, int]:
        """The factors of the components of the full resolution."""
        return (
            max(one.across for one in self._components),
            max(one.down for one in self._components),
        )

    def _empty_scan(self, component: _Component) -> bytes:
        """Return a scan of all frequencies that adds nothing to any block."""
        (width, height), (across, down) = self._size, self._most
        n_blocks = _ceil(_ceil(width * component.across, across), 8) * _ceil(
            _ceil(height * component.down, down), 8
        )
        header = bytes([1, component.name, 0, 1, 63, 0])
        return b"\xff\xda" + _segment(header) + _encode_runs(n_blocks)


def find_scale(size: tuple[int, int], min_side: int) -> int:
    """Return the greatest reduction, of 1, 2, 4 and 8, that leaves `min_side` pixels a side."""
    return max(scale for scale in (1, 2, 4, 8) if scale == 1 or min(size) // scale >= min_side)


def cut_behind_first_scans(image: Image.Image, reduction: Reduction) -> bytes | None:
    """Cut the file of an opened image behind the scans that a reduced decode needs.

    The function decodes no more than these scans, and looks at the markers of all others, so that
    a damaged file is decoded whole and its damage is noticed there.

    Parameters
    ----------
    image : PIL.Image.Image
        An image that Pillow opened and did not decode.
    reduction : Reduction
        How much of it must be decoded.

    Returns
    -------
    bytes or None
        A JPEG of the first scans. None if the file must be decoded whole: it is not a progressive
        JPEG, its size is not reduced to a quarter or less, or what follows is not well formed.
    """
    file = getattr(image, "fp", None)
    is_progressive = image.format == "JPEG" and "progressive" in image.info
    if (
        not is_progressive
        or file is None
        or find_scale(image.size, reduction.min_side) < _LEAST_SCALE
    ):
        return None
    position = file.tell()
    try:
        file.seek(0)
        content = file.read(_FIRST_READ)
        scans = FirstScans(reduction).look_at(content)
        if scans.is_done and scans.n_bytes is None:
            return None
        content += file.read()
        scans.look_at(content)
        if scans.n_bytes is None or not is_well_formed(content, scans.n_bytes):
            return None
        return scans.cut(content)
    finally:
        file.seek(position)


def is_well_formed(content: bytes, start: int) -> bool:
    """Return whether the segments of a JPEG from a marker on are well formed, to its very end."""
    while content[start : start + 1] == b"\xff":
        kind, body = content[start + 1 : start + 2], start + 4
        end = start + 2 + int.from_bytes(content[start + 2 : body], "big")
        if kind == END_OF_IMAGE[1:]:
            return start + len(END_OF_IMAGE) == len(content)
        if kind not in _LATER_SEGMENTS or not body <= end <= len(content):
            return False
        if kind == _TABLES and not _are_tables(content[body:end]):
            return False
        if kind == bytes([_SCAN]):
            found = _MARKER_OR_START.search(content, end)
            if found is None or not _is_scan(content[body:end]):
                return False
            end = found.start()
        start = end
    return False


def _is_scan(body: bytes) -> bool:
    """Return whether a header is one of a scan of a progressive JPEG (T.81, G.1.1.1)."""
    if len(body) < 6 or len(body) != 4 + 2 * body[0]:
        return False
    first, last, before, after = body[-3], body[-2], body[-1] >> 4, body[-1] & 15
    of_means = first == last == 0
    of_frequencies = 1 <= first <= last <= 63 and body[0] == 1
    return (of_means or of_frequencies) and after <= 13 and before in (0, after + 1)


def _are_tables(body: bytes) -> bool:
    """Return whether a segment holds whole tables of Huffman codes."""
    while len(body) > _COUNTS:
        counts = body[1 : _COUNTS + 1]
        n_codes = sum(counts)
        n_used = sum(count << (_COUNTS - length) for length, count in enumerate(counts, 1))
        if body[0] & 0xEC or n_codes > 256 or n_used > 1 << _COUNTS:
            return False
        if len(body) < 1 + _COUNTS + n_codes:
            return False
        body = body[1 + _COUNTS + n_codes :]
    return not body


def _ceil(number: int, divisor: int) -> int:
    return -(-number // divisor)


def _segment(body: bytes) -> bytes:
    return (len(body) + 2).to_bytes(2, "big") + body


def _encode_runs(n_blocks: int) -> bytes:
    """Encode blocks without frequencies (T.81, G.1.2.2)."""
    text = ""
    while n_blocks:
        n_bits = min(n_blocks.bit_length() - 1, _LONGEST_RUN)
        run = min(n_blocks, 2 ** (n_bits + 1) - 1)
        text += f"{n_bits:04b}"
        text += f"{run - 2**n_bits:0{n_bits}b}" if n_bits else ""
        n_blocks -= run
    text += "1" * (-len(text) % 8)
    data = int(text, 2).to_bytes(len(text) // 8, "big")
    return data.replace(b"\xff", b"\xff\x00")
