"""The loops that align pairs of small pictures, compiled by numba.

They share one module because numba compiles a cached loop again only when its own module changes,
not when a module of a loop that it calls changes.

Inside the loops, the sides of every picture have length 1 and the origin is its center, so that a
map is the same at each resolution. A map is an array of six numbers: x' = a x + b y + c and
y' = d x + e y + f.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from .._utils.compiling import compile_loop, read_only, writable

SIDE = 64
_COARSE = 16
_MIDDLE = 32

# Reordering sums lets the compiler use vectors. NaN and infinity keep their meaning.
_FAST = {"reassoc", "contract", "arcp", "nsz"}

_EIGHT_BIT = read_only(types.uint8, 2)
_PLANE = writable(types.float32, 2)
_PLANES = writable(types.float32, 3)
_MAP = writable(types.float64)
_SPANS = writable(types.int64, 2)

# Alignments whose overlap is smaller, or that change the area or the aspect ratio by more, do not
# count.
_MIN_OVERLAP = 1 / 3
_MAX_AREA = 4.0
_MAX_ANISOTROPY = 2.5
_MUCH_LARGER = 2.0  # the area by which one picture shows much more than the other

_ENOUGH = 0.95  # pairs that agree as well as this are not aligned
# Pairs whose gradients correlate less than this at the coarsest resolution, or at the next, are
# left there. Most strangers are, and hardly a copy.
_LEAST_COARSE = 0.58
_LEAST_MIDDLE = 0.66
_ALIKE = 0.9  # pairs that correlate as well at the coarsest resolution are compared as they are

# Only starts are tried whose levels correlate nearly as well as those of the best. Of the starts
# that are a last resort, only the best is tried.
_MOST_STARTS = 3
_NEARLY = 0.25

_COARSE_STEPS = 8
_MIDDLE_STEPS = 8
_FINE_STEPS = 6
_MAX_STEP = 0.15  # how far a step moves a corner at most, in lengths of a side
_RIDGE = 1e-3  # what keeps a map still in directions in which nothing changes

# A pixel counts half if its squared difference is this many times the mean.
_HALF_WEIGHT = 3.0
_LEAST_SPREAD = 4.0  # the least mean of squared differences, as levels are rounded

# The gradient, in levels per pixel, at which an edge counts by half: at the finest resolution, and
# at the others. Stronger edges hardly count more, so that a frame does not outweigh its picture.
_STRONG = 4.0
_STRONG_COARSE = 8.0
_FLAT = 0.5  # the variance of levels at or below which a picture has nothing to align
_SMOOTH = 1e-3  # the mean square of gradients, in levels per pixel, at or below which none counts


def _half_gaussian(sigma: float) -> NDArray[np.float32]:
    """Return the weights of a pixel and of its next two neighbors."""
    half = np.exp(-((np.arange(3) / sigma) ** 2) / 2)
    return np.asarray(half / (2 * half.sum() - half[0]), dtype=np.float32)


_NARROW = _half_gaussian(1.0)
_WIDE = _half_gaussian(1.4)


@compile_loop(types.void(_EIGHT_BIT, _PLANE))
def _widen(picture: Any, levels: Any) -> Any:  # pragma: no cover (compiled)
    """Convert levels to float32."""
    for row in range(SIDE):
        for column in range(SIDE):
            levels[row, column] = np.float32(picture[row, column])


@compile_loop(
    types.void(_PLANE, read_only(types.float32), types.int64, _PLANE, _PLANE), fastmath=_FAST
)
def _blur(
    plane: Any, weights: Any, step: Any, scratch: Any, blurred: Any
) -> Any:  # pragma: no cover (compiled)
    """Blur by five weights a side, whose pixels lie `step` apart. Pixels at the edge repeat."""
    side = plane.shape[0]
    last = side - 1
    w0, w1, w2 = weights[0], weights[1], weights[2]
    for row in range(side):
        here = plane[row]
        up1, up2 = plane[max(row - step, 0)], plane[max(row - 2 * step, 0)]
        down1, down2 = plane[min(row + step, last)], plane[min(row + 2 * step, last)]
        for column in range(side):
            scratch[row, column] = (
                w0 * here[column]
                + w1 * (up1[column] + down1[column])
                + w2 * (up2[column] + down2[column])
            )
    for row in range(side):
        here = scratch[row]
        for column in range(2 * step, side - 2 * step):
            blurred[row, column] = (
                w0 * here[column]
                + w1 * (here[column - step] + here[column + step])
                + w2 * (here[column - 2 * step] + here[column + 2 * step])
            )
        for k in range(4 * step):
            column = k if k < 2 * step else side - 1 - k + 2 * step
            blurred[row, column] = (
                w0 * here[column]
                + w1 * (here[max(column - step, 0)] + here[min(column + step, last)])
                + w2 * (here[max(column - 2 * step, 0)] + here[min(column + 2 * step, last)])
            )


@compile_loop(types.void(_PLANE, _PLANES), fastmath=_FAST)
def _flatten(plane: Any, scratch: Any) -> Any:  # pragma: no cover (compiled)
    """Subtract slow changes, such as those of light, from a plane."""
    slow = scratch[1]
    _blur(plane, _WIDE, 2, scratch[0], slow)
    for row in range(plane.shape[0]):
        for column in range(plane.shape[1]):
            plane[row, column] -= slow[row, column]


@compile_loop(types.void(_PLANE, _PLANE), fastmath=_FAST)
def _halve(plane: Any, half: Any) -> Any:  # pragma: no cover (compiled)
    """Average blocks of two by two pixels."""
    side = half.shape[0]
    for row in range(side):
        upper, lower = plane[2 * row], plane[2 * row + 1]
        for column in range(side):
            left, right = 2 * column, 2 * column + 1
            half[row, column] = np.float32(0.25) * (
                upper[left] + upper[right] + lower[left] + lower[right]
            )


@compile_loop(types.void(_EIGHT_BIT, _PLANE, _PLANE), fastmath=_FAST)
def _shrink(picture: Any, scratch: Any, coarse: Any) -> Any:  # pragma: no cover (compiled)
    """Average blocks of four by four pixels, and blur the averages lightly."""
    for row in range(_COARSE):
        for column in range(_COARSE):
            total = np.int32(0)
            for i in range(4):
                for j in range(4):
                    total += np.int32(picture[4 * row + i, 4 * column + j])
            scratch[row, column] = np.float32(total) * np.float32(1 / 16)
    last = _COARSE - 1
    quarter, half = np.float32(0.25), np.float32(0.5)
    for row in range(_COARSE):
        up, down = max(row - 1, 0), min(row + 1, last)
        for column in range(_COARSE):
            coarse[row, column] = half * scratch[row, column] + quarter * (
                scratch[up, column] + scratch[down, column]
            )
    for row in range(_COARSE):
        before = coarse[row, 0]
        for column in range(_COARSE):
            here = coarse[row, column]
            coarse[row, column] = half * here + quarter * (
                before + coarse[row, min(column + 1, last)]
            )
            before = here


@compile_loop(types.void(_PLANE, _PLANES), fastmath=_FAST)
def _differentiate(plane: Any, slopes: Any) -> Any:  # pragma: no cover (compiled)
    """Compute the derivatives of a plane from left to right and downward, per length of a side."""
    side = plane.shape[0]
    across, down = slopes[0], slopes[1]
    half = np.float32(0.5 * side)
    for row in range(side):
        upper, lower = plane[max(row - 1, 0)], plane[min(row + 1, side - 1)]
        line = plane[row]
        for column in range(side):
            down[row, column] = half * (lower[column] - upper[column])
        for column in range(1, side - 1):
            across[row, column] = half * (line[column + 1] - line[column - 1])
        across[row, 0] = half * (line[1] - line[0])
        across[row, side - 1] = half * (line[side - 1] - line[side - 2])


@compile_loop(types.UniTuple(types.int64, 2)(_MAP, types.int64, types.int64), fastmath=_FAST)
def _find_inside(map_: Any, row: Any, side: Any) -> Any:  # pragma: no cover (compiled)
    """Return the first column of a row that the map takes into the picture, and the last + 1."""
    y = (row + 0.5) / side - 0.5
    first, last = 0.0, side - 1.0
    for start, slope in ((map_[1] * y + map_[2], map_[0]), (map_[4] * y + map_[5], map_[3])):
        # -1/2 <= slope x + start <= 1/2, where x = (column + 1/2) / side - 1/2
        if abs(slope) < 1e-9:
            if abs(start) > 0.5 + 1e-6:
                return 0, 0
            continue
        x0, x1 = (-0.5 - start) / slope, (0.5 - start) / slope
        if slope < 0:
            x0, x1 = x1, x0
        first = max(first, (x0 + 0.5) * side - 0.5)
        last = min(last, (x1 + 0.5) * side - 0.5)
    if last < first:
        return 0, 0
    return np.int64(np.ceil(first - 1e-6)), np.int64(np.floor(last + 1e-6)) + 1


@compile_loop(types.boolean(types.int64, types.int64, _MAP))
def _is_enough(n: Any, side: Any, map_: Any) -> Any:  # pragma: no cover (compiled)
    """Return whether `n` pixels of the template are enough of the smaller of both pictures."""
    area = abs(map_[0] * map_[4] - map_[1] * map_[3])
    return n * min(max(area, 1.0), _MAX_AREA) >= _MIN_OVERLAP * side * side


@compile_loop(
    types.void(_PLANE, _MAP, types.int64, types.int64, types.int64, writable(types.float32)),
    fastmath=_FAST,
)
def _sample_row(
    plane: Any, map_: Any, row: Any, first: Any, end: Any, line: Any
) -> Any:  # pragma: no cover (compiled)
    """Sample a plane where the map takes the columns of a row, between its four nearest pixels."""
    side = plane.shape[0]
    flat = plane.reshape(-1)
    y = (row + 0.5) / side - 0.5
    origin = 0.5 / side - 0.5
    across = np.float32((map_[0] * origin + map_[1] * y + map_[2] + 0.5) * side - 0.5)
    down = np.float32((map_[3] * origin + map_[4] * y + map_[5] + 0.5) * side - 0.5)
    step_across, step_down = np.float32(map_[0]), np.float32(map_[3])
    nothing, last = np.float32(0), np.float32(side - 1)
    last_cell, width = np.int32(side - 2), np.int32(side)
    for column in range(first, end):
        u = min(max(across + np.float32(column) * step_across, nothing), last)
        v = min(max(down + np.float32(column) * step_down, nothing), last)
        i, j = min(np.int32(v), last_cell), min(np.int32(u), last_cell)
        u, v = u - np.float32(j), v - np.float32(i)
        corner = np.uint32(i * width + j)
        below = corner + np.uint32(width)
        upper = flat[corner] + (flat[corner + np.uint32(1)] - flat[corner]) * u
        lower = flat[below] + (flat[below + np.uint32(1)] - flat[below]) * u
        line[column] = upper + (lower - upper) * v


@compile_loop(types.float64(_PLANE, _PLANE, _MAP, writable(types.float32)), fastmath=_FAST)
def _correlate_levels(
    template: Any, other: Any, map_: Any, line: Any
) -> Any:  # pragma: no cover (compiled)
    """Correlate the levels of two planes over their overlap."""
    side = template.shape[0]
    n = 0
    t1: Any = 0.0
    t2: Any = 0.0
    i1: Any = 0.0
    i2: Any = 0.0
    ti: Any = 0.0
    zero: Any = np.float32(0)
    for row in range(side):
        first, end = _find_inside(map_, row, side)
        if end <= first:
            continue
        _sample_row(other, map_, row, first, end, line)
        n += end - first
        s_t, s_tt, s_i, s_ii, s_ti = zero, zero, zero, zero, zero
        for column in range(first, end):
            t, i = template[row, column], line[column]
            s_t += t
            s_tt += t * t
            s_i += i
            s_ii += i * i
            s_ti += t * i
        t1 += s_t
        t2 += s_tt
        i1 += s_i
        i2 += s_ii
        ti += s_ti
    if not _is_enough(n, side, map_):
        return -1.0
    t2, i2, ti = t2 - t1 * t1 / n, i2 - i1 * i1 / n, ti - t1 * i1 / n
    if t2 <= _FLAT * n or i2 <= _FLAT * n:
        return 0.0
    return ti / np.sqrt(t2 * i2)


@compile_loop(types.int64(_PLANES, _MAP, _PLANES, _SPANS), fastmath=_FAST)
def _cut_overlap(
    levels: Any, map_: Any, overlap: Any, spans: Any
) -> Any:  # pragma: no cover (compiled)
    """Cut the overlap from both planes, repeat its outermost pixels, and return its size.

    What lies beyond the overlap, such as a black bar, would cast its shadow on what is blurred.
    """
    side = levels.shape[1]
    n = 0
    top, bottom = side, 0
    for row in range(side):
        first, end = _find_inside(map_, row, side)
        spans[row, 0], spans[row, 1] = first, end
        if end <= first:
            continue
        n += end - first
        top, bottom = min(top, row), row
        _sample_row(levels[1], map_, row, first, end, overlap[1, row])
        for column in range(first, end):
            overlap[0, row, column] = levels[0, row, column]
        for which in range(2):
            line = overlap[which, row]
            for column in range(first):
                line[column] = line[first]
            for column in range(end, side):
                line[column] = line[end - 1]
    for which in range(2):
        for row in range(top if n else 0):
            for column in range(side):
                overlap[which, row, column] = overlap[which, top, column]
        for row in range(bottom + 1 if n else side, side):
            for column in range(side):
                overlap[which, row, column] = overlap[which, bottom, column]
    return n


@compile_loop(types.void(_SPANS, types.int64, types.int64, _SPANS), fastmath=_FAST)
def _erode(spans: Any, side: Any, margin: Any, eroded: Any) -> Any:  # pragma: no cover (compiled)
    """Leave out a margin around the overlap, and the outermost pixels, which have no gradients."""
    for row in range(side):
        first, end = 1, side - 1
        for near in range(max(row - margin, 0), min(row + margin + 1, side)):
            # The template's own edges are not edges of the overlap.
            low, high = spans[near]
            first = max(first, low + margin if low > 0 else 0)
            end = min(end, high - margin if high < side else side)
        eroded[row, 0], eroded[row, 1] = first, max(first, end)


@compile_loop(
    types.float64(
        _PLANES, _MAP, types.boolean, _PLANES, _PLANES, types.Array(types.int64, 3, "C")
    ),
    fastmath=_FAST,
)
def _correlate_gradients(
    levels: Any, map_: Any, is_fine: Any, overlap: Any, scratch: Any, spans: Any
) -> Any:  # pragma: no cover (compiled)
    """Correlate the gradients of the template and of the other picture over their overlap.

    Parameters
    ----------
    levels : ndarray of shape (2, side, side), dtype float32
        The levels of the template and of the other picture.
    map_ : ndarray of shape (6,), dtype float64
        The map from the template to the other picture.
    is_fine : bool
        Whether the pictures have all their noise and slow changes, which do not count.
    overlap, scratch, spans : ndarray
        Scratch of shapes (2, side, side), (2, side, side) and (2, side, 2).

    Returns
    -------
    float
        The correlation, from -1 to 1. It is 0 if the overlap is under a third, or if a picture has
        no gradients there.
    """
    side = levels.shape[1]
    if not _is_enough(_cut_overlap(levels, map_, overlap, spans[0]), side, map_):
        return 0.0
    _erode(spans[0], side, 2 if is_fine else 1, spans[1])
    inside = spans[1]
    template, moved = overlap[0], overlap[1]
    if is_fine:
        for plane in (template, moved):
            _blur(plane, _NARROW, 1, scratch[0], plane)
            _flatten(plane, scratch)
    zero: Any = np.float32(0)
    one, half = np.float32(1), np.float32(0.5)
    n = 0
    tt: Any = 0.0
    ii: Any = 0.0
    ti: Any = 0.0
    for row in range(1, side - 1):
        a, b = zero, zero
        n += inside[row, 1] - inside[row, 0]
        for column in range(inside[row, 0], inside[row, 1]):
            gx = half * (template[row, column + 1] - template[row, column - 1])
            gy = half * (template[row + 1, column] - template[row - 1, column])
            hx = half * (moved[row, column + 1] - moved[row, column - 1])
            hy = half * (moved[row + 1, column] - moved[row - 1, column])
            a += gx * gx + gy * gy
            b += hx * hx + hy * hy
        tt += a
        ii += b
    if not (tt > _SMOOTH * n and ii > _SMOOTH * n):
        return 0.0
    # The strength of edges is measured after the contrasts have been made equal.
    ratio = np.float32(np.sqrt(tt / ii))
    strong = _STRONG if is_fine else _STRONG_COARSE
    square = np.float32(1 / strong**2)
    t_gain, i_gain = square / ratio, square * ratio
    tt, ii = 0.0, 0.0
    for row in range(1, side - 1):
        a, b, c = zero, zero, zero
        for column in range(inside[row, 0], inside[row, 1]):
            gx = half * (template[row, column + 1] - template[row, column - 1])
            gy = half * (template[row + 1, column] - template[row - 1, column])
            hx = half * (moved[row, column + 1] - moved[row, column - 1])
            hy = half * (moved[row + 1, column] - moved[row - 1, column])
            g, h = gx * gx + gy * gy, hx * hx + hy * hy
            u, v = one / (one + t_gain * g), one / (one + i_gain * h)
            a += g * u
            b += h * v
            c += (gx * hx + gy * hy) * np.sqrt(u * v)
        tt += a
        ii += b
        ti += c
    return ti / np.sqrt(tt * ii)


@compile_loop(types.boolean(writable(types.float64, 2), writable(types.float64, 2)))
def _solve(matrix: Any, columns: Any) -> Any:  # pragma: no cover (compiled)
    """Solve for each of the columns by Cholesky's method, and return whether that worked."""
    n = matrix.shape[0]
    for i in range(n):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            if i == j:
                if not total > 0:
                    return False
                matrix[i, i] = np.sqrt(total)
            else:
                matrix[i, j] = total / matrix[j, j]
    for which in range(columns.shape[0]):
        solution = columns[which]
        for i in range(n):
            for k in range(i):
                solution[i] -= matrix[i, k] * solution[k]
            solution[i] /= matrix[i, i]
        for i in range(n - 1, -1, -1):
            for k in range(i + 1, n):
                solution[i] -= matrix[k, i] * solution[k]
            solution[i] /= matrix[i, i]
    return True


# The methods of arrays would make numba import its linear algebra, which takes 0.2 s.


@compile_loop(types.float64(_MAP))
def _sum(values: Any) -> Any:  # pragma: no cover (compiled)
    total = 0.0
    for value in values:
        total += value
    return total


@compile_loop(types.int64(_MAP))
def _find_greatest(values: Any) -> Any:  # pragma: no cover (compiled)
    """Return where the first of the greatest values is; NaN is greater than all others."""
    greatest = 0
    for place in range(len(values)):
        if values[place] > values[greatest] or np.isnan(values[place]):
            greatest = place
            if np.isnan(values[place]):
                break
    return greatest


@compile_loop(types.void(_MAP, _MAP))
def _follow(map_: Any, step: Any) -> Any:  # pragma: no cover (compiled)
    """Replace a map by the inverse of a small move, followed by the map."""
    p, q, r, s = 1 + step[0], step[1], step[3], 1 + step[4]
    area = p * s - q * r
    p, q, r, s = s / area, -q / area, -r / area, p / area
    x = -(p * step[2] + q * step[5])
    y = -(r * step[2] + s * step[5])
    for k in (0, 3):
        a, b = map_[k], map_[k + 1]
        map_[k] = a * p + b * r
        map_[k + 1] = a * q + b * s
        map_[k + 2] += a * x + b * y


@compile_loop(
    types.float64(_PLANES, _PLANES, _MAP, writable(types.float64), writable(types.float32, 2)),
    fastmath=_FAST,
)
def _improve(
    levels: Any, slopes: Any, map_: Any, tone: Any, lines: Any
) -> Any:  # pragma: no cover (compiled)
    """Take one step of the alignment.

    The step maximizes the enhanced correlation coefficient of the template, moved a little and
    linearized, and of the other picture seen through the map. Pixels that differ much count less,
    so that captions, borders and watermarks do not pull.

    Parameters
    ----------
    levels : ndarray of shape (2, side, side), dtype float32
        The levels of the template and of the other picture.
    slopes : ndarray of shape (2, side, side), dtype float32
        The derivatives of the template.
    map_ : ndarray of shape (6,), dtype float64
        The map from the template to the other picture. The step changes it.
    tone : ndarray of shape (3,), dtype float64
        The gain and the offset from the other's levels to the template's, and one over the squared
        difference at which a pixel counts half. The step changes them.
    lines : ndarray of shape (2, n), dtype float32
        Scratch of at least `side` columns.

    Returns
    -------
    float
        How far the step moves the corners at most, in lengths of a side. It is negative if there
        is not a step.
    """
    template, other = levels[0], levels[1]
    across, down = slopes[0], slopes[1]
    side = template.shape[0]
    line, weights = lines[0], lines[1]
    stride = 1 if side == _COARSE else 2  # half of the rows are enough
    matrix = np.zeros((6, 6))
    columns = np.zeros((2, 6))
    sums = np.zeros(6)
    n = 0
    w0: Any = 0.0
    t1: Any = 0.0
    t2: Any = 0.0
    i1: Any = 0.0
    i2: Any = 0.0
    ti: Any = 0.0
    rr: Any = 0.0
    zero: Any = np.float32(0)
    one, middle, scale = np.float32(1), np.float32(0.5 - side / 2), np.float32(1 / side)
    gain, offset, sharpness = np.float32(tone[0]), np.float32(tone[1]), np.float32(tone[2])
    for row in range(stride // 2, side, stride):
        first, end = _find_inside(map_, row, side)
        if end <= first:
            continue
        _sample_row(other, map_, row, first, end, line)
        n += end - first
        y = (row + 0.5) / side - 0.5
        s_w, s_r, s_t, s_tt, s_i, s_ii, s_ti = zero, zero, zero, zero, zero, zero, zero
        for column in range(first, end):
            t, i = template[row, column], line[column]
            r = t - gain * i - offset
            r *= r
            w = one / (one + sharpness * r)
            weights[column] = w
            s_w += w
            s_r += w * r
            s_t += w * t
            s_tt += w * t * t
            s_i += w * i
            s_ii += w * i * i
            s_ti += w * t * i
        w0 += s_w
        rr += s_r
        t1 += s_t
        t2 += s_tt
        i1 += s_i
        i2 += s_ii
        ti += s_ti
        # The derivatives by the six numbers of a map are gx x, gx y, gx, gy x, gy y and gy.
        xx0, xx1, xx2 = zero, zero, zero
        xy0, xy1, xy2 = zero, zero, zero
        yy0, yy1, yy2 = zero, zero, zero
        x0, x1, y0, y1 = zero, zero, zero, zero
        for column in range(first, end):
            x = (np.float32(column) + middle) * scale
            gx, gy = across[row, column], down[row, column]
            hx, hy = weights[column] * gx, weights[column] * gy
            xx, xy, yy = hx * gx, hx * gy, hy * gy
            xx0 += xx
            xx1 += xx * x
            xx2 += xx * x * x
            xy0 += xy
            xy1 += xy * x
            xy2 += xy * x * x
            yy0 += yy
            yy1 += yy * x
            yy2 += yy * x * x
            x0 += hx
            x1 += hx * x
            y0 += hy
            y1 += hy * x
        tx0, tx1, ty0, ty1 = zero, zero, zero, zero
        ix0, ix1, iy0, iy1 = zero, zero, zero, zero
        for column in range(first, end):
            x = (np.float32(column) + middle) * scale
            t, i = template[row, column], line[column]
            gx, gy = weights[column] * across[row, column], weights[column] * down[row, column]
            tx0 += gx * t
            tx1 += gx * t * x
            ty0 += gy * t
            ty1 += gy * t * x
            ix0 += gx * i
            ix1 += gx * i * x
            iy0 += gy * i
            iy1 += gy * i * x
        for k, to, along, constant in (
            (0, sums, x1, x0),
            (3, sums, y1, y0),
            (0, columns[0], ix1, ix0),
            (3, columns[0], iy1, iy0),
            (0, columns[1], tx1, tx0),
            (3, columns[1], ty1, ty0),
        ):
            to[k] += along
            to[k + 1] += constant * y
            to[k + 2] += constant
        for j, k, constant, along, twice in (
            (0, 0, xx0, xx1, xx2),
            (3, 0, xy0, xy1, xy2),
            (3, 3, yy0, yy1, yy2),
        ):
            matrix[j, k] += twice
            matrix[j + 1, k] += along * y
            matrix[j + 1, k + 1] += constant * y * y
            matrix[j + 2, k] += along
            matrix[j + 2, k + 1] += constant * y
            matrix[j + 2, k + 2] += constant
    if not (_is_enough(n * stride, side, map_) and w0 > 0):
        return -1.0
    t_mean, i_mean = t1 / w0, i1 / w0
    t2, i2, ti = t2 - t1 * t_mean, i2 - i1 * i_mean, ti - t1 * i_mean
    if t2 <= _FLAT * w0 or i2 <= _FLAT * w0:
        return -1.0
    # The tones as they fit now give the weights of the next step.
    tone[0] = max(ti / i2, 0.0)
    tone[1] = t_mean - tone[0] * i_mean
    spread = rr / w0 if sharpness > 0 else max(t2 - tone[0] * ti, 0.0) / w0
    tone[2] = 1 / (_HALF_WEIGHT * max(spread, _LEAST_SPREAD))
    # The products of gx and gy are the same either way.
    matrix[3, 1], matrix[3, 2], matrix[4, 2] = matrix[4, 0], matrix[5, 0], matrix[5, 1]
    largest = 0.0
    for j in range(6):
        for k in range(j + 1):
            matrix[j, k] -= sums[j] * sums[k] / w0
        columns[0, j] -= sums[j] * i_mean
        columns[1, j] -= sums[j] * t_mean
        largest = max(largest, matrix[j, j])
    for j in range(6):
        matrix[j, j] += _RIDGE * (matrix[j, j] + 0.01 * largest) + 1e-9
    t_slopes = columns[1].copy()
    if not _solve(matrix, columns):
        return -1.0
    tpt = _sum(t_slopes * columns[1])
    ipt = _sum(t_slopes * columns[0])
    if not ti - ipt > 1e-6 * np.sqrt(t2 * i2):
        return -1.0
    step = max(t2 - tpt, 0.0) / (ti - ipt) * columns[0] - columns[1]
    length = max(
        (abs(step[0]) + abs(step[1])) / 2 + abs(step[2]),
        (abs(step[3]) + abs(step[4])) / 2 + abs(step[5]),
    )
    if not length < 1e6:
        return -1.0
    # No corner moves farther than the linearization holds.
    if length > _MAX_STEP:
        step *= _MAX_STEP / length
    _follow(map_, step)
    return length


@compile_loop(types.int64(_EIGHT_BIT, _EIGHT_BIT))
def _compare(one: Any, other: Any) -> Any:  # pragma: no cover (compiled)
    """Return -1, 0 or 1 by the first pixel that differs."""
    for row in range(SIDE):
        for column in range(SIDE):
            if one[row, column] != other[row, column]:
                return -1 if one[row, column] < other[row, column] else 1
    return 0


@compile_loop(types.boolean(_MAP))
def _is_sound(map_: Any) -> Any:  # pragma: no cover (compiled)
    """Return whether the map keeps the area within bounds, and shears and stretches little."""
    a, b, d, e = map_[0], map_[1], map_[3], map_[4]
    area = abs(a * e - b * d)
    if not (1 / _MAX_AREA <= area <= _MAX_AREA):
        return False
    # The squares of both singular values add up to this, and their product is the area.
    squares = a * a + b * b + d * d + e * e
    return squares <= area * (_MAX_ANISOTROPY + 1 / _MAX_ANISOTROPY)


@compile_loop(types.void(_MAP, _MAP))
def _copy(values: Any, copy: Any) -> Any:  # pragma: no cover (compiled)
    for k in range(len(values)):
        copy[k] = values[k]


@compile_loop(types.void(_MAP, _MAP))
def _invert(map_: Any, inverse: Any) -> Any:  # pragma: no cover (compiled)
    area = map_[0] * map_[4] - map_[1] * map_[3]
    a, b, d, e = map_[4] / area, -map_[1] / area, -map_[3] / area, map_[0] / area
    x, y = map_[2], map_[5]
    inverse[0], inverse[1], inverse[2] = a, b, -(a * x + b * y)
    inverse[3], inverse[4], inverse[5] = d, e, -(d * x + e * y)


@compile_loop(
    types.void(
        read_only(types.uint8, 3),
        read_only(types.int64),
        read_only(types.int64),
        writable(types.float64, 2),
        types.int64,
        types.boolean,
        writable(types.float64),
        writable(types.float64, 2),
    ),
)
def align_pairs(
    pictures: Any,
    left: Any,
    right: Any,
    starts: Any,
    n_starts: Any,
    is_thorough: Any,
    agreement: Any,
    maps: Any,
) -> Any:  # pragma: no cover (compiled)
    """Align pairs of pictures.

    Parameters
    ----------
    pictures : ndarray of shape (n_pictures, SIDE, SIDE), dtype uint8
        The pictures.
    left, right : ndarray of shape (n_pairs,), dtype int64
        The pairs.
    starts : ndarray of shape (n_starts, 6), dtype float64
        The maps to start from. They hold their inverses.
    n_starts : int
        The number of the starts, from the first on, that are tried for each pair. The others are a
        last resort.
    is_thorough : bool
        Whether to align pairs that agree well as they are.
    agreement : ndarray of shape (n_pairs,), dtype float64
        Receives the agreement.
    maps : ndarray of shape (n_pairs, 6), dtype float64
        Receives the maps from left to right.
    """
    levels = np.empty((2, SIDE, SIDE), np.float32)
    fine = np.empty((2, SIDE, SIDE), np.float32)
    fine_slopes = np.empty((2, SIDE, SIDE), np.float32)
    middle = np.empty((2, _MIDDLE, _MIDDLE), np.float32)
    middle_slopes = np.empty((2, _MIDDLE, _MIDDLE), np.float32)
    coarse = np.empty((2, _COARSE, _COARSE), np.float32)
    coarse_slopes = np.empty((2, _COARSE, _COARSE), np.float32)
    overlap = np.empty((2, SIDE, SIDE), np.float32)
    middle_overlap = np.empty((2, _MIDDLE, _MIDDLE), np.float32)
    coarse_overlap = np.empty((2, _COARSE, _COARSE), np.float32)
    scratch = np.empty((2, SIDE, SIDE), np.float32)
    lines = np.empty((2, SIDE), np.float32)
    spans = np.empty((2, SIDE, 2), np.int64)
    scores = np.empty(len(starts))
    map_, start, aligned, best = np.empty(6), np.empty(6), np.empty(6), np.empty(6)
    tone, best_tone = np.empty(3), np.empty(3)
    for pair in range(len(left)):
        one, other = left[pair], right[pair]
        # The pictures themselves decide which of them is the template, not their sides.
        order = _compare(pictures[one], pictures[other])
        if order == 0:
            agreement[pair] = 1.0
            maps[pair] = 0.0
            maps[pair, 0] = maps[pair, 4] = 1.0
            continue
        if order > 0:
            one, other = other, one
        for which, index in ((0, one), (1, other)):
            _shrink(pictures[index], coarse_overlap[0], coarse[which])
            _flatten(coarse[which], coarse_overlap)
        _differentiate(coarse[0], coarse_slopes)
        highest, as_is = -2.0, -2.0
        for first, end, most in (
            (0, n_starts, _MOST_STARTS),
            (n_starts, len(starts), 1),
        ):
            if highest >= _LEAST_COARSE or end == first:
                break
            for k in range(first, end):
                scores[k] = _correlate_levels(coarse[0], coarse[1], starts[k], lines[0])
            least = scores[first + _find_greatest(scores[first:end])] - _NEARLY
            for _ in range(min(most, end - first)):
                tried = first + _find_greatest(scores[first:end])
                if scores[tried] < least:
                    break
                scores[tried] = -2.0
                _copy(starts[tried], map_)
                tone[:] = 0.0
                score = _correlate_gradients(coarse, map_, False, coarse_overlap, scratch, spans)
                score_of_start = score
                if score > highest:
                    highest, as_is = score, score
                    _copy(map_, start)
                    _copy(map_, aligned)
                    _copy(tone, best_tone)
                for _ in range(_COARSE_STEPS):
                    if _improve(coarse, coarse_slopes, map_, tone, lines) < 0.01:
                        break
                score = _correlate_gradients(coarse, map_, False, coarse_overlap, scratch, spans)
                if score > highest:
                    highest, as_is = score, score_of_start
                    _copy(starts[tried], start)
                    _copy(map_, aligned)
                    _copy(tone, best_tone)
        # Where one picture shows much more, the other is the template: no pixel of it is skipped.
        if abs(aligned[0] * aligned[4] - aligned[1] * aligned[3]) > _MUCH_LARGER:
            one, other, order = other, one, -order
            _invert(aligned, aligned)
            _invert(start, start)
            best_tone[:] = 0.0
        agreed = 0.0
        _copy(start, best)
        if highest >= _LEAST_COARSE:
            _widen(pictures[one], levels[0])
            _widen(pictures[other], levels[1])
            was_compared = as_is >= _ALIKE and _is_sound(start)
            if was_compared:
                agreed = _correlate_gradients(levels, start, True, overlap, scratch, spans)
            if agreed < _ENOUGH or is_thorough:
                for which in range(2):
                    _blur(levels[which], _NARROW, 1, scratch[0], fine[which])
                    _halve(fine[which], middle[which])
                _differentiate(middle[0], middle_slopes)
                as_is = _correlate_gradients(middle, start, False, middle_overlap, scratch, spans)
                for _ in range(_MIDDLE_STEPS):
                    if _improve(middle, middle_slopes, aligned, best_tone, lines) < 0.003:
                        break
                score = _correlate_gradients(
                    middle, aligned, False, middle_overlap, scratch, spans
                )
                if as_is > score:
                    _copy(start, aligned)
                if max(as_is, score) >= _LEAST_MIDDLE:
                    _differentiate(fine[0], fine_slopes)
                    for _ in range(_FINE_STEPS):
                        if _improve(fine, fine_slopes, aligned, best_tone, lines) < 0.001:
                            break
                    if _is_sound(aligned):
                        score = _correlate_gradients(
                            levels, aligned, True, overlap, scratch, spans
                        )
                        if score > agreed:
                            agreed = score
                            _copy(aligned, best)
                    is_promising = as_is >= _LEAST_MIDDLE and agreed < _ENOUGH
                    if is_promising and not was_compared and _is_sound(start):
                        score = _correlate_gradients(levels, start, True, overlap, scratch, spans)
                        if score > agreed:
                            agreed = score
                            _copy(start, best)
        agreement[pair] = min(max(agreed, 0.0), 1.0)
        if order > 0:
            _invert(best, maps[pair])
        else:
            _copy(best, maps[pair])
