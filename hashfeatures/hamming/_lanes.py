"""Compare eight codes at once with each of several others, inside a compiled loop.

LLVM turns these operations on vectors into one instruction with AVX-512, and into several with
AVX2, NEON or less.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 8

# Of longer codes, only so many words are compared: others are rarely near in these.
_MOST_WORDS = 4

_WORD = ir.IntType(64)
_VECTOR = ir.VectorType(_WORD, LANES)
_PLACE = ir.IntType(32)


@intrinsic(prefer_literal=True)  # type: ignore[untyped-decorator]
def near_lanes(
    typing_context: Any,
    codes: Any, begin: Any, end: Any, others: Any, place: Any, n_words: Any, radius: Any,
) -> Any:  # fmt: skip
    """Return which of eight codes may be near to any of some others, as bits from the lowest on.

    The first four words of a code decide. No code that is near is left out.

    Parameters
    ----------
    codes : ndarray of shape (n_codes, n_words), dtype uint64
        Codes.
    begin, end : int64
        The range of codes to compare.
    others : ndarray of shape (n_others, n_words), dtype uint64
        Codes.
    place : int64
        The first of the eight others to compare. All eight must exist.
    n_words : int
        The number of words of a code, a constant.
    radius : int64
        The greatest distance.

    Returns
    -------
    uint64
        The bits.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        codes, begin, end, others, place, _, radius = arguments
        code_words = signature.args[5].literal_value
        first = _address(context, builder, signature.args[3], others, place, code_words)
        lanes = _load(builder, first, code_words)
        least = cgutils.alloca_once_value(builder, ir.Constant(_VECTOR, [64 * code_words] * LANES))
        with cgutils.for_range_slice(builder, begin, end, _WORD(1)) as (row, _):
            code = _address(context, builder, signature.args[0], codes, row, code_words)
            distance = ir.Constant(_VECTOR, [0] * LANES)
            for word, others_word in enumerate(lanes):
                one = builder.load(builder.gep(code, [_WORD(word)]))
                differing = builder.xor(others_word, _repeat(builder, one))
                distance = builder.add(distance, _count_ones(builder, differing))
            before = builder.load(least)
            is_less = builder.icmp_signed("<", distance, before)
            builder.store(builder.select(is_less, distance, before), least)
        near = builder.icmp_signed("<=", builder.load(least), _repeat(builder, radius))
        return builder.zext(builder.bitcast(near, ir.IntType(LANES)), _WORD)

    arguments = codes, types.int64, types.int64, others, types.int64, n_words, types.int64
    return types.uint64(*arguments), generate


def _address(
    context: Any, builder: Any, kind: Any, codes: Any, row: Any, n_words: int
) -> Any:  # of a code
    array = context.make_array(kind)(context, builder, codes)
    return builder.gep(array.data, [builder.mul(row, _WORD(n_words))])


def _load(builder: Any, address: Any, n_words: int) -> list[Any]:
    """Return a vector for each of the first words of eight codes."""
    kind = ir.VectorType(_WORD, LANES * n_words)
    codes = builder.load(builder.bitcast(address, kind.as_pointer()), align=8)
    nothing = ir.Constant(kind, ir.Undefined)
    places = ir.VectorType(_PLACE, LANES)
    return [
        builder.shuffle_vector(
            codes, nothing, ir.Constant(places, [word + n_words * lane for lane in range(LANES)])
        )
        for word in range(min(n_words, _MOST_WORDS))
    ]


def _repeat(builder: Any, word: Any) -> Any:
    """Return a vector of eight equal words."""
    nothing = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(nothing, word, _PLACE(0))
    places = ir.Constant(ir.VectorType(_PLACE, LANES), [0] * LANES)
    return builder.shuffle_vector(first, nothing, places)


def _count_ones(builder: Any, vector: Any) -> Any:
    kind = ir.FunctionType(_VECTOR, [_VECTOR])
    count = cgutils.get_or_insert_function(builder.module, kind, f"llvm.ctpop.v{LANES}i64")
    return builder.call(count, [vector])
