"""Steps of a resize that a compiler does not vectorize by itself, as code for whole vectors.

They are written in LLVM's own vector operations, which exist for every processor. Inside compiled
loops they take the place of functions. None of them checks the bounds of an array.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

TILE = 16  # rows and columns of a square that `transpose_tile` transposes
LANES = 32  # sums that `sum_lines` computes side by side, in the registers of a processor

# Weights in Pillow's resampling of 8-bit images are in units of 2 ** -22.
FRACTION_BITS = 22

_BYTE, _INT, _LONG = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_BYTES = ir.VectorType(_BYTE, LANES)
_SUMS = ir.VectorType(_INT, LANES)


def _vector_code(define: Callable[..., Any]) -> Any:
    """Make a function that defines code callable from compiled loops."""
    return intrinsic(define)


@_vector_code
def transpose_tile(
    typing_context: Any, source: Any, at: Any, stride: Any, target: Any, to: Any, step: Any
) -> Any:
    """Copy 16 x 16 bytes from one array to another, with rows and columns exchanged.

    Row i begins at the byte ``at + i * stride`` of `source`. It becomes column i of the square
    whose row j begins at the byte ``to + j * step`` of `target`.
    """
    line = ir.VectorType(_BYTE, TILE)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, at, stride, _, to, step = arguments
        pointer = _data_of(context, builder, signature, arguments, 0)
        lines = []
        for _ in range(TILE):
            lines.append(_load(builder, pointer, at, line))
            at = builder.add(at, stride)
        # Four rounds of a perfect shuffle transpose a square of 16 rows.
        halves = [_zip_order(0), _zip_order(TILE // 2)]
        for _ in range(4):
            pairs = zip(lines[: TILE // 2], lines[TILE // 2 :], strict=True)
            lines = [builder.shuffle_vector(*pair, half) for pair in pairs for half in halves]
        pointer = _data_of(context, builder, signature, arguments, 3)
        for each in lines:
            _store(builder, each, pointer, to)
            to = builder.add(to, step)
        return context.get_dummy_value()

    return types.void(source, types.int64, types.int64, target, types.int64, types.int64), generate


@_vector_code
def sum_lines(
    typing_context: Any,
    source: Any,
    at: Any,
    stride: Any,
    weights: Any,
    first: Any,
    n_lines: Any,
    target: Any,
    to: Any,
) -> Any:
    """Add up weighted lines of 32 bytes, and round the sums to bytes as Pillow does.

    Line i begins at the byte ``at + i * stride`` of `source`, and its weight is
    ``weights[first + i]``. The sums are stored from the byte `to` of `target` on. There must be at
    least one line.
    """
    signature = types.void(
        *(source, types.int64, types.int64, weights, types.int64, types.int64),
        *(target, types.int64),
    )

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, at, stride, _, first, n_lines, _, to = arguments
        source = _data_of(context, builder, signature, arguments, 0)
        weights = _data_of(context, builder, signature, arguments, 3)
        target = _data_of(context, builder, signature, arguments, 6)
        start = builder.block
        loop, done = builder.append_basic_block("lines"), builder.append_basic_block("sums")
        builder.branch(loop)
        builder.position_at_end(loop)
        line, place, sums = builder.phi(_LONG), builder.phi(_LONG), builder.phi(_SUMS)
        line.add_incoming(_LONG(0), start)
        place.add_incoming(at, start)
        sums.add_incoming(_all(1 << (FRACTION_BITS - 1)), start)
        pixels = builder.zext(_load(builder, source, place, _BYTES), _SUMS)
        weight = builder.load(builder.gep(weights, [builder.add(first, line)]))
        added = builder.add(sums, builder.mul(pixels, _spread(builder, weight)))
        next_line = builder.add(line, _LONG(1))
        line.add_incoming(next_line, loop)
        place.add_incoming(builder.add(place, stride), loop)
        sums.add_incoming(added, loop)
        builder.cbranch(builder.icmp_signed("<", next_line, n_lines), loop, done)
        builder.position_at_end(done)
        levels = builder.ashr(added, _all(FRACTION_BITS))
        for sign, bound in (("<", _all(0)), (">", _all(255))):
            levels = builder.select(builder.icmp_signed(sign, levels, bound), bound, levels)
        _store(builder, builder.trunc(levels, _BYTES), target, to)
        return context.get_dummy_value()

    return signature, generate


def _data_of(context: Any, builder: Any, signature: Any, arguments: Any, number: int) -> Any:
    """Return the pointer to the items of an argument that is an array."""
    return context.make_array(signature.args[number])(context, builder, arguments[number]).data


def _load(builder: Any, pointer: Any, at: Any, kind: Any) -> Any:
    return builder.load(_place(builder, pointer, at, kind), align=1)


def _store(builder: Any, value: Any, pointer: Any, at: Any) -> None:
    builder.store(value, _place(builder, pointer, at, value.type), align=1)


def _place(builder: Any, pointer: Any, at: Any, kind: Any) -> Any:
    return builder.bitcast(builder.gep(pointer, [at]), kind.as_pointer())


def _all(value: int) -> Any:
    return ir.Constant(_SUMS, [value] * LANES)


def _spread(builder: Any, value: Any) -> Any:
    """Return a vector that holds one value in all places."""
    nothing = ir.Constant(_SUMS, ir.Undefined)
    single = builder.insert_element(nothing, value, _INT(0))
    return builder.shuffle_vector(single, nothing, _order([0] * LANES))


def _zip_order(first: int) -> Any:
    """Return the order that takes bytes of two lines in turn."""
    half = range(first, first + TILE // 2)
    return _order([place for each in half for place in (each, TILE + each)])


def _order(places: Sequence[int]) -> Any:
    return ir.Constant(ir.VectorType(_INT, len(places)), list(places))
