"""The loops over all pixels, compiled by numba.

They release the interpreter lock, so that threads run in parallel. They are cached on disk, so
that only the first use after an installation compiles them. Every step keeps integers of 32 bits,
as the compiler would not vectorize others.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from .._utils.compiling import compile_loop, inline
from ._vectors import FRACTION_BITS, LANES, TILE, sum_lines, transpose_tile

Pixels = NDArray[np.uint8]

_LANCZOS_SUPPORT = 3.0

# Classes of colors: black, gray, six faint hues, six bright hues, and the colors on the edge
# between faint and bright.
N_COLOR_CLASSES = 15
_CHUNK = 4096  # pixels whose classes fit into the L1 cache


def _read_only(dtype: Any, n_dimensions: int) -> Any:
    return types.Array(dtype, n_dimensions, "C", readonly=True)


def lanczos_weights(n_in: int, n_out: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the weights of Lanczos' filter between two numbers of lines.

    Parameters
    ----------
    n_in, n_out : int
        The numbers of lines.

    Returns
    -------
    spans : ndarray of shape (n_out, 2), dtype int64
        The first line of each sum, and the one after its last.
    weights : ndarray of shape (n_out, n_taps), dtype int32
        The weights of those lines, in units of 2 ** -22.
    """
    scale = n_in / n_out
    stretch = max(scale, 1.0)
    support = _LANCZOS_SUPPORT * stretch
    centers = (np.arange(n_out) + 0.5) * scale
    starts = np.maximum((centers - support + 0.5).astype(np.int64), 0)
    ends = np.minimum((centers + support + 0.5).astype(np.int64), n_in)
    taps = np.arange((ends - starts).max())
    offsets = (taps + starts[:, None] - centers[:, None] + 0.5) * (1.0 / stretch)
    weights = np.sinc(offsets) * np.sinc(offsets / _LANCZOS_SUPPORT)
    weights[(offsets < -_LANCZOS_SUPPORT) | (offsets >= _LANCZOS_SUPPORT)] = 0
    weights[taps >= (ends - starts)[:, None]] = 0
    # Added one after the other as in Pillow, as another order rounds differently.
    weights /= np.cumsum(weights, axis=1)[:, -1:]
    fixed = np.trunc(weights * (1 << FRACTION_BITS) + np.copysign(0.5, weights))
    return np.stack([starts, ends], axis=1), fixed.astype(np.int32)


# The photos of a collection have some dozen different side lengths. An entry takes up to 0.5 MB.
@lru_cache(maxsize=128)
def _weights_of(n_in: int, n_outs: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the weights from one number of lines to several.

    Parameters
    ----------
    n_in : int
        The number of lines.
    n_outs : tuple of int
        The numbers of lines of the results.

    Returns
    -------
    spans : ndarray of shape (sum(n_outs), 3), dtype int64
        Of each line of each result: the first line of its sum, their number, and the place of the
        first weight.
    weights : ndarray of shape (n_weights,), dtype int32
        The weights.
    """
    spans, weights = [], []
    for n_out in n_outs:
        borders, rows = lanczos_weights(n_in, n_out)
        lengths = borders[:, 1] - borders[:, 0]
        spans.append(np.stack([borders[:, 0], lengths], axis=1))
        weights.append(rows[np.arange(rows.shape[1]) < lengths[:, None]])
    firsts_and_lengths = np.concatenate(spans)
    ends = np.cumsum(firsts_and_lengths[:, 1])
    places = ends - firsts_and_lengths[:, 1]
    return np.column_stack([firsts_and_lengths, places]), np.concatenate(weights)


@lru_cache(maxsize=256)
def _sides_of(sizes: tuple[tuple[int, int], ...]) -> tuple[Any, Any, NDArray[np.int64]]:
    widths, heights = zip(*sizes, strict=True)
    return widths, heights, np.array(sizes, dtype=np.int64)


def lanczos(
    luma: Pixels, sizes: tuple[tuple[int, int], ...], vertical_first: bool
) -> list[Pixels]:
    """Resize an 8-bit image to several sizes by Lanczos' filter, in Pillow's own arithmetic.

    Parameters
    ----------
    luma : ndarray of shape (n_rows, n_columns), dtype uint8
        The image.
    sizes : tuple of (int, int)
        The widths and heights of the results.
    vertical_first : bool
        Which of the two passes comes first. Values between the passes are rounded to 8 bits.

    Returns
    -------
    list of ndarray of shape (height, width), dtype uint8
        The resized images.
    """
    if vertical_first:
        turned = tuple([(height, width) for width, height in sizes])
        parts = lanczos(transpose(luma), turned, False)
        return [np.ascontiguousarray(part.T) for part in parts]
    n_rows, n_columns = luma.shape
    widths, heights, table = _sides_of(sizes)
    # Pillow omits a pass that keeps the number of lines. Here its weights are ones.
    resized = _resize(luma, *_weights_of(n_columns, widths), *_weights_of(n_rows, heights), table)
    parts, first = [], 0
    for width, height in sizes:
        parts.append(resized[first : first + width * height].reshape(height, width))
        first += width * height
    return parts


@inline
def _copy_transposed(
    source: Any, at: Any, n_rows: Any, n_columns: Any, stride: Any, target: Any, step: Any
) -> None:  # pragma: no cover (compiled)
    """Copy rows of bytes, which begin at the byte `at`, into columns of rows of `step` bytes."""
    if n_rows < TILE or n_columns < TILE:
        for row in range(n_rows):
            for column in range(n_columns):
                target[column * step + row] = source[at + row * stride + column]
    else:
        for strip in range(0, n_rows, TILE):
            row = min(strip, n_rows - TILE)  # whole tiles, of which the last may overlap another
            for left in range(0, n_columns, TILE):
                column = min(left, n_columns - TILE)
                first = at + row * stride + column
                transpose_tile(source, first, stride, target, column * step + row, step)


@compile_loop(types.Array(types.uint8, 2, "C")(_read_only(types.uint8, 2)))
def transpose(pixels: Any) -> Any:  # pragma: no cover (compiled)
    """Return an image with rows and columns exchanged."""
    n_rows, n_columns = pixels.shape
    result = np.empty((n_columns, n_rows), np.uint8)
    _copy_transposed(
        pixels.reshape(-1), 0, n_rows, n_columns, n_columns, result.reshape(-1), n_rows
    )
    return result


@compile_loop(
    types.Array(types.uint8, 1, "C")(
        _read_only(types.uint8, 2),
        types.Array(types.int64, 2, "C"),
        types.Array(types.int32, 1, "C"),
        types.Array(types.int64, 2, "C"),
        types.Array(types.int32, 1, "C"),
        types.Array(types.int64, 2, "C"),
    ),
)
def _resize(
    luma: Any, by_column: Any, column_weights: Any, by_row: Any, row_weights: Any, sizes: Any
) -> Any:  # pragma: no cover (compiled)
    """Resize an image to several sizes, sums of columns first, and return all their pixels.

    Strips of 32 rows are transposed, so that a vector holds one column. They stay in the fastest
    memory while all sums of columns are computed.
    """
    n_rows, n_columns = luma.shape
    pixels = luma.reshape(-1)
    n_strips = -(-n_rows // LANES)
    # The columns of each size begin a vector of their own.
    step = 0
    n_pixels = 0
    for size in range(len(sizes)):
        step += -(-sizes[size, 0] // LANES) * LANES
        n_pixels += sizes[size, 0] * sizes[size, 1]
    strip = np.empty(n_columns * LANES, np.uint8)
    sums = np.empty(step * LANES, np.uint8)
    narrow = np.empty(n_strips * LANES * step, np.uint8)
    for number in range(n_strips):
        top = max(0, min(number * LANES, n_rows - LANES))
        height = min(LANES, n_rows)
        _copy_transposed(pixels, top * n_columns, height, n_columns, n_columns, strip, LANES)
        line = 0
        place = 0
        for size in range(len(sizes)):
            for _ in range(sizes[size, 0]):
                sum_lines(
                    strip,
                    by_column[line, 0] * LANES,
                    LANES,
                    column_weights,
                    by_column[line, 2],
                    by_column[line, 1],
                    sums,
                    place * LANES,
                )
                line += 1
                place += 1
            place = -(-place // LANES) * LANES
        _copy_transposed(sums, 0, step, LANES, LANES, narrow[top * step :], step)
    # Each line is stored with whole vectors. The next line overwrites what lies behind it.
    result = np.empty(n_pixels + LANES, np.uint8)
    line = 0
    left = 0
    first = 0
    for size in range(len(sizes)):
        width, height = sizes[size]
        for _ in range(height):
            for column in range(0, width, LANES):
                sum_lines(
                    narrow,
                    by_row[line, 0] * step + left + column,
                    step,
                    row_weights,
                    by_row[line, 2],
                    by_row[line, 1],
                    result,
                    first + column,
                )
            first += width
            line += 1
        left += -(-width // LANES) * LANES
    return result


@inline
def _classify(
    red: Any, green: Any, blue: Any, luma: Any, classes: Any
) -> None:  # pragma: no cover
    """Write the class of each color. Products fit into 16 bits, which doubles the speed."""
    for place in range(len(luma)):
        r, g, b = np.int16(red[place]), np.int16(green[place]), np.int16(blue[place])
        top = max(r, max(g, b))
        bottom = min(r, min(g, b))
        chroma = np.int16(top - bottom)
        gray = np.int16(np.int16(3) * chroma) < top
        bright = np.int16(np.int16(85) * chroma) >= np.int16(np.int16(57) * top)
        faint = np.int16(np.int16(3) * chroma) < np.int16(np.int16(2) * top)
        # The borders of the six bins of hue, by the greatest channel.
        above_blue = np.int16(np.int16(85) * np.int16(b - bottom))
        near_red = above_blue <= np.int16(np.int16(84) * chroma)
        near_yellow = np.int16(np.int16(85) * np.int16(top - r)) < chroma
        near_cyan = np.int16(np.int16(85) * np.int16(top - g)) < chroma
        of_red = np.int16(0) if g >= b else (np.int16(5) if near_red else np.int16(4))
        yellow = np.int16(0) if near_yellow else np.int16(1)
        of_green = np.int16(2) if (b > bottom) | (r == bottom) else yellow
        cyan = np.int16(2) if near_cyan else np.int16(3)
        of_blue = np.int16(4) if g <= r else cyan
        hue = of_red if r == top else (of_green if g == top else of_blue)
        kind = np.int16(hue + (np.int16(8) if bright else np.int16(2)))
        kind = kind if bright | faint else np.int16(14)
        kind = np.int16(1) if gray else kind
        kind = np.int16(0) if luma[place] < np.uint8(32) else kind
        classes[place] = np.uint8(kind)


@compile_loop(
    types.void(
        _read_only(types.uint32, 1),
        types.Array(types.uint8, 1, "C"),
        types.Array(types.int64, 1, "C"),
    ),
)
def measure_colors(pixels: Any, luma: Any, counts: Any) -> None:  # pragma: no cover (compiled)
    """Convert pixels to luma, and count the classes of their colors.

    The comparisons are those of Pillow's hue and saturation, multiplied out into integers. They
    are equal for each of the 2 ** 24 colors.

    Parameters
    ----------
    pixels : ndarray of shape (n_pixels,), dtype uint32
        Red, green and blue, starting at the lowest byte.
    luma : ndarray of shape (n_pixels,), dtype uint8
        Output: the luma of each pixel.
    counts : ndarray of shape (15,), dtype int64
        Output, added to: the numbers of pixels that are black, gray, of six faint hues, of six
        bright hues, and on the edge between faint and bright.
    """
    red, green, blue, classes = np.empty((4, _CHUNK), np.uint8)
    # Classes are counted in pairs, which halves the steps, and in four tables, so that no addition
    # waits for the previous one.
    twos = np.empty(_CHUNK // 2, np.uint8)
    tallies = np.zeros((4, 256), np.int64)
    low = np.uint32(255)
    for start in range(0, len(pixels), _CHUNK):
        chunk = pixels[start : start + _CHUNK]
        chunk_luma = luma[start : start + _CHUNK]
        for place in range(len(chunk)):
            pixel = chunk[place]
            r = np.int32(pixel & low)
            g = np.int32((pixel >> np.uint32(8)) & low)
            b = np.int32((pixel >> np.uint32(16)) & low)
            level = np.int32(
                r * np.int32(19595) + g * np.int32(38470) + b * np.int32(7471) + np.int32(32768)
            ) >> np.int32(16)
            red[place], green[place], blue[place] = np.uint8(r), np.uint8(g), np.uint8(b)
            chunk_luma[place] = np.uint8(level)
        _classify(red, green, blue, chunk_luma, classes)
        half = len(chunk) // 2
        for place in range(half):
            twos[place] = classes[place] | (classes[half + place] << np.uint8(4))
        n_whole = half // 4 * 4
        for place in range(0, n_whole, 4):
            tallies[0, twos[place]] += 1
            tallies[1, twos[place + 1]] += 1
            tallies[2, twos[place + 2]] += 1
            tallies[3, twos[place + 3]] += 1
        for place in range(n_whole, half):
            tallies[0, twos[place]] += 1
        if len(chunk) % 2:
            counts[classes[len(chunk) - 1]] += 1
    for two in range(256):
        # A call of sum() would make numba import its linear algebra.
        tally = tallies[0, two] + tallies[1, two] + tallies[2, two] + tallies[3, two]
        if tally:
            counts[two % 16] += tally
            counts[two // 16] += tally


@compile_loop(types.int64(_read_only(types.uint8, 2)))
def sum_steps(pixels: Any) -> Any:  # pragma: no cover (compiled)
    """Sum the differences of neighboring pixels, in whole hundredths of the range."""
    n_rows, n_columns = pixels.shape
    total = 0
    for row in range(n_rows):
        for column in range(n_columns):
            here = np.int64(pixels[row, column])
            if row:
                total += abs(here - pixels[row - 1, column]) * 100 // 255
            if column:
                total += abs(here - pixels[row, column - 1]) * 100 // 255
    return total


@compile_loop(
    types.Array(types.int64, 2, "C")(_read_only(types.uint8, 2), types.int64),
)
def sum_blocks(pixels: Any, n_blocks: Any) -> Any:  # pragma: no cover (compiled)
    """Sum the pixels of a square image over `n_blocks` by `n_blocks` blocks."""
    side = len(pixels) // n_blocks
    sums = np.zeros((n_blocks, n_blocks), np.int64)
    totals = np.empty(n_blocks * side, np.uint32)
    for block in range(n_blocks):
        totals[:] = 0
        for row in range(block * side, (block + 1) * side):
            line = pixels[row]
            for column in range(len(totals)):
                totals[column] += np.uint32(line[column])
        for column in range(len(totals)):
            sums[block, column // side] += totals[column]
    return sums
