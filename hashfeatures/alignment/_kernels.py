"""The loops that align pairs of small pictures, compiled by numba.

Inside the loops, the sides of every picture have length 1 and the origin is its center, so that a
map is the same at each resolution. A map is an array of six numbers: x' = a x + b y + c and
y' = d x + e y + f.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from .._utils.compiling import compile_loop, read_only, writable

SIDE = 64
_COARSE = 16
_MIDDLE = 32

# Reordering sums lets the compiler use vectors. NaN and infinity keep their meaning.
_FAST = {"reassoc", "contract", "arcp", "nsz"}

_EIGHT_BIT = read_only(types.uint8, 2)
_PLANE = writable(types.float32, 2)
_MAP = writable(types.float64)

# What `_align` accepts as an alignment.
_MIN_OVERLAP = 1 / 3
_MAX_AREA = 4.0
_MAX_ANISOTROPY = 2.0
_RIDGE = 1e-3
_MAX_STEP = 0.15

_ENOUGH = 0.95  # pairs that agree as well as this are not aligned
_LEAST_COARSE = 0.6  # strangers correlate less than this at the coarsest resolution

# The kernel of a Gaussian of standard deviation 1, cut off at 2.
_TAPS = np.exp(-(np.arange(3) ** 2) / 2)
_TAP_0, _TAP_1, _TAP_2 = (np.float32(tap) for tap in _TAPS / (_TAPS[0] + 2 * _TAPS[1:].sum()))


@compile_loop(types.void(_PLANE, _PLANE, _PLANE), fastmath=_FAST)
def _blur(plane: Any, scratch: Any, blurred: Any) -> Any:  # pragma: no cover (compiled)
    """Blur a plane with a Gaussian of standard deviation 1, and repeat its outermost pixels."""
    side = plane.shape[0]
    for row in range(side):
        up1, up2 = max(row - 1, 0), max(row - 2, 0)
        down1, down2 = min(row + 1, side - 1), min(row + 2, side - 1)
        for column in range(side):
            scratch[row, column] = (
                _TAP_0 * plane[row, column]
                + _TAP_1 * (plane[up1, column] + plane[down1, column])
                + _TAP_2 * (plane[up2, column] + plane[down2, column])
            )
    for row in range(side):
        line = scratch[row]
        for column in range(2, side - 2):
            blurred[row, column] = (
                _TAP_0 * line[column]
                + _TAP_1 * (line[column - 1] + line[column + 1])
                + _TAP_2 * (line[column - 2] + line[column + 2])
            )
        for column in (0, 1, side - 2, side - 1):
            blurred[row, column] = (
                _TAP_0 * line[column]
                + _TAP_1 * (line[max(column - 1, 0)] + line[min(column + 1, side - 1)])
                + _TAP_2 * (line[max(column - 2, 0)] + line[min(column + 2, side - 1)])
            )


@compile_loop(types.void(_PLANE, _PLANE), fastmath=_FAST)
def _halve(plane: Any, half: Any) -> Any:  # pragma: no cover (compiled)
    """Average blocks of two by two pixels."""
    side = half.shape[0]
    for row in range(side):
        upper, lower = plane[2 * row], plane[2 * row + 1]
        for column in range(side):
            half[row, column] = np.float32(0.25) * (
                upper[2 * column]
                + upper[2 * column + 1]
                + lower[2 * column]
                + lower[2 * column + 1]
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


@compile_loop(types.void(_PLANE, _PLANE, _PLANE), fastmath=_FAST)
def _differentiate(plane: Any, across: Any, down: Any) -> Any:  # pragma: no cover (compiled)
    """Compute the differences of neighbors, per length of a side."""
    side = plane.shape[0]
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


@compile_loop(
    types.void(_PLANE, _MAP, types.int64, types.int64, types.int64, writable(types.float32)),
    fastmath=_FAST,
)
def _sample_row(
    plane: Any, map_: Any, row: Any, first: Any, end: Any, line: Any
) -> Any:  # pragma: no cover (compiled)
    """Sample a plane where the map takes the columns of a row, between its four nearest pixels."""
    side = plane.shape[0]
    flat = plane.ravel()
    y = (row + 0.5) / side - 0.5
    origin = 0.5 / side - 0.5
    across = np.float32((map_[0] * origin + map_[1] * y + map_[2] + 0.5) * side - 0.5)
    down = np.float32((map_[3] * origin + map_[4] * y + map_[5] + 0.5) * side - 0.5)
    step_across, step_down = np.float32(map_[0]), np.float32(map_[3])
    nothing, last = np.float32(0), np.float32(side - 1)
    last_cell = np.int32(side - 2)
    width = np.int32(side)
    for column in range(first, end):
        x = min(max(across + np.float32(column) * step_across, nothing), last)
        y_ = min(max(down + np.float32(column) * step_down, nothing), last)
        i = min(np.int32(y_), last_cell)
        j = min(np.int32(x), last_cell)
        u, v = x - np.float32(j), y_ - np.float32(i)
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
    for row in range(side):
        first, end = _find_inside(map_, row, side)
        if end <= first:
            continue
        _sample_row(other, map_, row, first, end, line)
        n += end - first
        zero: Any = np.float32(0)
        a, b, c, d, e = zero, zero, zero, zero, zero
        for column in range(first, end):
            t, i = template[row, column], line[column]
            a += t
            b += t * t
            c += i
            d += i * i
            e += t * i
        t1 += a
        t2 += b
        i1 += c
        i2 += d
        ti += e
    if n < _MIN_OVERLAP * side * side:
        return -1.0
    t2, i2, ti = t2 - t1 * t1 / n, i2 - i1 * i1 / n, ti - t1 * i1 / n
    if t2 <= 0.5 * n or i2 <= 0.5 * n:
        return 0.0
    return ti / np.sqrt(t2 * i2)


@compile_loop(types.boolean(writable(types.float64, 2), writable(types.float64, 2)))
def _solve(matrix: Any, columns: Any) -> Any:  # pragma: no cover (compiled)
    """Solve for two right-hand sides in place by Cholesky's method; return whether it worked."""
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


@compile_loop(
    types.UniTuple(types.float64, 2)(
        _PLANE,
        _PLANE,
        _PLANE,
        _PLANE,
        _MAP,
        writable(types.float32),
        writable(types.float64, 2),
        writable(types.float64, 2),
    ),
    fastmath=_FAST,
)
def _improve(
    template: Any,
    across: Any,
    down: Any,
    other: Any,
    map_: Any,
    line: Any,
    matrix: Any,
    columns: Any,
) -> Any:  # pragma: no cover (compiled)
    """Take one step of the alignment.

    The step maximizes the enhanced correlation coefficient of the template, moved a little and
    linearized, and of the other picture seen through the map.

    Parameters
    ----------
    template, across, down : ndarray of shape (side, side), dtype float32
        The levels of the template and their derivatives.
    other : ndarray of shape (side, side), dtype float32
        The levels of the other picture.
    map_ : ndarray of shape (6,), dtype float64
        The map from the template to the other picture. The step changes it.
    line, matrix, columns : ndarray
        Scratch of shapes (side,), (6, 6) and (2, 6).

    Returns
    -------
    correlation, step : float
        The correlation before the step, and how far the step moves the corners at most, in
        lengths of a side. The step is negative if there is none.
    """
    side = template.shape[0]
    matrix[:] = 0.0
    columns[:] = 0.0
    sums = np.zeros(6)
    n = 0
    t1: Any = 0.0
    t2: Any = 0.0
    i1: Any = 0.0
    i2: Any = 0.0
    ti: Any = 0.0
    zero: Any = np.float32(0)
    scale = np.float32(1 / side)
    for row in range(side):
        first, end = _find_inside(map_, row, side)
        if end <= first:
            continue
        _sample_row(other, map_, row, first, end, line)
        n += end - first
        y = (row + 0.5) / side - 0.5
        s_t, s_tt, s_i, s_ii, s_ti = zero, zero, zero, zero, zero
        xx0, xx1, xx2, xy0, xy1, xy2, yy0, yy1, yy2 = (
            zero,
            zero,
            zero,
            zero,
            zero,
            zero,
            zero,
            zero,
            zero,
        )
        for column in range(first, end):
            t, i = template[row, column], line[column]
            s_t += t
            s_tt += t * t
            s_i += i
            s_ii += i * i
            s_ti += t * i
            x = (np.float32(column) + np.float32(0.5)) * scale - np.float32(0.5)
            gx, gy = across[row, column], down[row, column]
            xx, xy, yy = gx * gx, gx * gy, gy * gy
            xx0 += xx
            xx1 += xx * x
            xx2 += xx * x * x
            xy0 += xy
            xy1 += xy * x
            xy2 += xy * x * x
            yy0 += yy
            yy1 += yy * x
            yy2 += yy * x * x
        x0, x1, y0, y1 = zero, zero, zero, zero
        tx0, tx1, ty0, ty1 = zero, zero, zero, zero
        ix0, ix1, iy0, iy1 = zero, zero, zero, zero
        for column in range(first, end):
            t, i = template[row, column], line[column]
            x = (np.float32(column) + np.float32(0.5)) * scale - np.float32(0.5)
            gx, gy = across[row, column], down[row, column]
            hx, hy = gx * x, gy * x
            x0 += gx
            x1 += hx
            y0 += gy
            y1 += hy
            tx0 += gx * t
            tx1 += hx * t
            ty0 += gy * t
            ty1 += hy * t
            ix0 += gx * i
            ix1 += hx * i
            iy0 += gy * i
            iy1 += hy * i
        t1 += s_t
        t2 += s_tt
        i1 += s_i
        i2 += s_ii
        ti += s_ti
        # The six derivatives are gx x, gx y, gx, gy x, gy y, gy.
        sums[0] += x1
        sums[1] += x0 * y
        sums[2] += x0
        sums[3] += y1
        sums[4] += y0 * y
        sums[5] += y0
        columns[0, 0] += ix1
        columns[0, 1] += ix0 * y
        columns[0, 2] += ix0
        columns[0, 3] += iy1
        columns[0, 4] += iy0 * y
        columns[0, 5] += iy0
        columns[1, 0] += tx1
        columns[1, 1] += tx0 * y
        columns[1, 2] += tx0
        columns[1, 3] += ty1
        columns[1, 4] += ty0 * y
        columns[1, 5] += ty0
        for i, j, s0, s1, s2 in (
            (0, 0, xx0, xx1, xx2),
            (3, 0, xy0, xy1, xy2),
            (3, 3, yy0, yy1, yy2),
        ):
            matrix[i, j] += s2
            matrix[i + 1, j] += s1 * y
            matrix[i + 1, j + 1] += s0 * y * y
            matrix[i + 2, j] += s1
            matrix[i + 2, j + 1] += s0 * y
            matrix[i + 2, j + 2] += s0
    if n < _MIN_OVERLAP * side * side:
        return -1.0, -1.0
    t_mean, i_mean = t1 / n, i1 / n
    t2, i2, ti = t2 - t1 * t_mean, i2 - i1 * i_mean, ti - t1 * i_mean
    if t2 <= 0.5 * n or i2 <= 0.5 * n:
        return 0.0, -1.0
    correlation = ti / np.sqrt(t2 * i2)
    # The block of gx by gy is symmetric in x and y.
    matrix[3, 1], matrix[3, 2], matrix[4, 2] = matrix[4, 0], matrix[5, 0], matrix[5, 1]
    for i in range(6):
        for j in range(i + 1):
            matrix[i, j] -= sums[i] * sums[j] / n
        columns[0, i] -= sums[i] * i_mean
        columns[1, i] -= sums[i] * t_mean
    largest = 0.0
    for i in range(6):
        largest = max(largest, matrix[i, i])
    for i in range(6):
        matrix[i, i] += _RIDGE * (matrix[i, i] + 0.01 * largest) + 1e-9
    along = columns[1].copy()
    if not _solve(matrix, columns):
        return correlation, -1.0
    tpt, ipt = 0.0, 0.0
    for i in range(6):
        tpt += along[i] * columns[1, i]
        ipt += along[i] * columns[0, i]
    if not ti - ipt > 1e-6 * np.sqrt(t2 * i2):
        return correlation, -1.0
    gain = max(t2 - tpt, 0.0) / (ti - ipt)
    step = gain * columns[0] - columns[1]
    # No corner moves farther than the linearization holds.
    length = max(
        (abs(step[0]) + abs(step[1])) / 2 + abs(step[2]),
        (abs(step[3]) + abs(step[4])) / 2 + abs(step[5]),
    )
    if not length < 1e6:
        return correlation, -1.0
    if length > _MAX_STEP:
        step *= _MAX_STEP / length
    # The map follows the inverse of the template's move.
    p, q, r, s = 1 + step[0], step[1], step[3], 1 + step[4]
    area = p * s - q * r
    if not area > 0.1:
        return correlation, -1.0
    p, q, r, s = s / area, -q / area, -r / area, p / area
    x = -(p * step[2] + q * step[5])
    y = -(r * step[2] + s * step[5])
    for k in (0, 3):
        a, b = map_[k], map_[k + 1]
        map_[k] = a * p + b * r
        map_[k + 1] = a * q + b * s
        map_[k + 2] += a * x + b * y
    return correlation, length


@compile_loop(types.boolean(_MAP))
def _is_sound(map_: Any) -> Any:  # pragma: no cover (compiled)
    """Return whether the map keeps the area within bounds and shears little."""
    a, b, d, e = map_[0], map_[1], map_[3], map_[4]
    area = abs(a * e - b * d)
    if not (1 / _MAX_AREA <= area <= _MAX_AREA):
        return False
    # The sum of the squares of both singular values is 2 area at least.
    energy = a * a + b * b + d * d + e * e
    return energy <= area * (_MAX_ANISOTROPY + 1 / _MAX_ANISOTROPY)


@compile_loop(
    types.float64(_PLANE, _PLANE, _PLANE, _MAP, _PLANE, _PLANE, _PLANE, writable(types.int64, 2)),
    fastmath=_FAST,
)
def _correlate_gradients(
    across: Any, down: Any, other: Any, map_: Any, moved: Any, scratch: Any, soft: Any, inside: Any
) -> Any:  # pragma: no cover (compiled)
    """Correlate the gradients of the template and of the other picture over their overlap.

    Parameters
    ----------
    across, down : ndarray of shape (SIDE, SIDE), dtype float32
        The derivatives of the blurred template.
    other : ndarray of shape (SIDE, SIDE), dtype float32
        The levels of the other picture.
    map_ : ndarray of shape (6,), dtype float64
        The map from the template to the other picture.
    moved, scratch, soft : ndarray of shape (SIDE, SIDE), dtype float32
        Scratch.
    inside : ndarray of shape (SIDE, 2), dtype int64
        Scratch.

    Returns
    -------
    float
        The correlation, from -1 to 1.
    """
    for row in range(SIDE):
        inside[row] = _find_inside(map_, row, SIDE)
        _sample_row(other, map_, row, 0, SIDE, moved[row])
    _blur(moved, scratch, soft)
    zero: Any = np.float32(0)
    half = np.float32(0.5 * SIDE)
    n = 0
    tt: Any = 0.0
    ii: Any = 0.0
    ti: Any = 0.0
    for row in range(1, SIDE - 1):
        first, end = 1, SIDE - 1
        for near in range(max(row - 2, 0), min(row + 3, SIDE)):
            # The picture's own edge is no edge of the overlap.
            low, high = inside[near]
            first = max(first, low + 2 if low > 0 else 0)
            end = min(end, high - 2 if high < SIDE else SIDE)
        if end <= first:
            continue
        n += end - first
        a, b, c = zero, zero, zero
        for column in range(first, end):
            gx, gy = across[row, column], down[row, column]
            hx = half * (soft[row, column + 1] - soft[row, column - 1])
            hy = half * (soft[row + 1, column] - soft[row - 1, column])
            a += gx * gx + gy * gy
            b += hx * hx + hy * hy
            c += gx * hx + gy * hy
        tt += a
        ii += b
        ti += c
    if n < _MIN_OVERLAP * SIDE * SIDE:
        return 0.0
    # A mean square below a thousandth of a level per pixel is rounding.
    least = 1e-3 * half * half * n
    if not (tt > least and ii > least):
        return 0.0
    return ti / np.sqrt(tt * ii)


@compile_loop(types.int64(_EIGHT_BIT, _EIGHT_BIT))
def _compare(one: Any, other: Any) -> Any:  # pragma: no cover (compiled)
    """Return -1, 0 or 1 by the first pixel that differs."""
    for row in range(SIDE):
        for column in range(SIDE):
            if one[row, column] != other[row, column]:
                return -1 if one[row, column] < other[row, column] else 1
    return 0


@compile_loop(types.void(_EIGHT_BIT, _PLANE))
def _widen(picture: Any, levels: Any) -> Any:  # pragma: no cover (compiled)
    for row in range(SIDE):
        for column in range(SIDE):
            levels[row, column] = np.float32(picture[row, column])


@compile_loop(
    types.void(
        read_only(types.uint8, 3),
        read_only(types.int64),
        read_only(types.int64),
        read_only(types.float64, 2),
        types.boolean,
        writable(types.float64),
        writable(types.float64, 2),
    ),
)
def align_pairs(
    pictures: Any, left: Any, right: Any, starts: Any, is_thorough: Any, agreement: Any, maps: Any
) -> Any:  # pragma: no cover (compiled)
    """Align pairs of pictures.

    Parameters
    ----------
    pictures : ndarray of shape (n_pictures, SIDE, SIDE), dtype uint8
        The pictures.
    left, right : ndarray of shape (n_pairs,), dtype int64
        The pairs.
    starts : ndarray of shape (n_starts, 6), dtype float64
        The maps to start from.
    is_thorough : bool
        Whether to align pairs that agree well as they are, and pairs of strangers.
    agreement : ndarray of shape (n_pairs,), dtype float64
        Receives the agreement.
    maps : ndarray of shape (n_pairs, 6), dtype float64
        Receives the maps from left to right.
    """
    levels = np.empty((2, SIDE, SIDE), np.float32)
    fine = np.empty((2, SIDE, SIDE), np.float32)
    middle = np.empty((2, _MIDDLE, _MIDDLE), np.float32)
    coarse = np.empty((2, _COARSE, _COARSE), np.float32)
    slopes = np.empty((2, SIDE, SIDE), np.float32)
    slopes_middle = np.empty((2, _MIDDLE, _MIDDLE), np.float32)
    slopes_coarse = np.empty((2, _COARSE, _COARSE), np.float32)
    scratch = np.empty((3, SIDE, SIDE), np.float32)
    scratch_coarse = np.empty((_COARSE, _COARSE), np.float32)
    inside = np.empty((SIDE, 2), np.int64)
    line = np.empty(SIDE, np.float32)
    matrix = np.empty((6, 6))
    columns = np.empty((2, 6))
    map_ = np.empty(6)
    best = np.empty(6)
    for pair in range(len(left)):
        one, other = left[pair], right[pair]
        order = _compare(pictures[one], pictures[other])
        if order == 0:
            agreement[pair] = 1.0
            maps[pair] = 0.0
            maps[pair, 0] = maps[pair, 4] = 1.0
            continue
        if order > 0:
            one, other = other, one
        _shrink(pictures[one], scratch_coarse, coarse[0])
        _shrink(pictures[other], scratch_coarse, coarse[1])
        highest = -2.0
        for start in range(len(starts)):
            map_[:] = starts[start]
            correlation = _correlate_levels(coarse[0], coarse[1], map_, line)
            if correlation > highest:
                highest = correlation
                best[:] = map_
        map_[:] = best
        _differentiate(coarse[0], slopes_coarse[0], slopes_coarse[1])
        correlation = highest
        for _ in range(12):
            correlation, length = _improve(
                coarse[0],
                slopes_coarse[0],
                slopes_coarse[1],
                coarse[1],
                map_,
                line,
                matrix,
                columns,
            )
            if length < 0.01:
                break
        correlation = _correlate_levels(coarse[0], coarse[1], map_, line)
        if correlation < highest:
            map_[:] = best
        agreement[pair] = 0.0
        if max(correlation, highest) >= _LEAST_COARSE or is_thorough:
            for which, index in ((0, one), (1, other)):
                _widen(pictures[index], levels[which])
                _blur(levels[which], scratch[0], fine[which])
            _differentiate(fine[0], slopes[0], slopes[1])
            agreed = _correlate_gradients(
                slopes[0], slopes[1], levels[1], best, scratch[0], scratch[1], scratch[2], inside
            )
            if agreed < _ENOUGH or is_thorough:
                for which in range(2):
                    _halve(fine[which], middle[which])
                _differentiate(middle[0], slopes_middle[0], slopes_middle[1])
                for _ in range(8):
                    _, length = _improve(
                        middle[0],
                        slopes_middle[0],
                        slopes_middle[1],
                        middle[1],
                        map_,
                        line,
                        matrix,
                        columns,
                    )
                    if length < 0.003:
                        break
                for _ in range(8):
                    _, length = _improve(
                        fine[0], slopes[0], slopes[1], fine[1], map_, line, matrix, columns
                    )
                    if length < 0.001:
                        break
                if _is_sound(map_):
                    aligned = _correlate_gradients(
                        slopes[0],
                        slopes[1],
                        levels[1],
                        map_,
                        scratch[0],
                        scratch[1],
                        scratch[2],
                        inside,
                    )
                    if aligned > agreed:
                        agreed = aligned
                        best[:] = map_
            agreement[pair] = min(max(agreed, 0.0), 1.0)
        maps[pair] = best
        if order > 0:
            area = best[0] * best[4] - best[1] * best[3]
            if abs(area) > 1e-12:
                a, b, d, e = best[4] / area, -best[1] / area, -best[3] / area, best[0] / area
                maps[pair, 0], maps[pair, 1] = a, b
                maps[pair, 2] = -(a * best[2] + b * best[5])
                maps[pair, 3], maps[pair, 4] = d, e
                maps[pair, 5] = -(d * best[2] + e * best[5])
