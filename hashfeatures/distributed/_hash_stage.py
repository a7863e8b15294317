"""The format of a directory of hashes: its settings, its columns, and the keys of images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from hashlib import blake2b
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray

from ..hashing._algorithms import BITS_VERSION, REDUCED_VERSION
from ..hashing._spec import HashSpec, parse_hashes
from ..images._decoding import Decoding
from ._part_directory import arrow

KIND = "hashes"
LISTING = "_listing"
DIGEST_BYTES = 16

# What a run derives for reduced decoding is the same in all stages. Manifests have held it from
# the first, and those of earlier runs must compare equal.
_DERIVED = {"reduced_side": 256, "colour": True}


def settings_of(specs: Sequence[HashSpec], decoding: Decoding, min_detail: int) -> dict[str, Any]:
    """Return the settings that determine the bits, as JSON values."""
    settings = {
        "hashes": [str(spec) for spec in specs],
        "decoding": asdict(decoding) | _DERIVED,
        "min_detail": min_detail,
        "pillow": PIL.__version__,
        "bits": BITS_VERSION,
    }
    if decoding.decode == "reduced":
        settings["reduced_bits"] = REDUCED_VERSION
    return settings


def read_settings(settings: dict[str, Any]) -> tuple[tuple[HashSpec, ...], Decoding, int]:
    """Return the hashes, the decoding and the least detail of a stage."""
    decoding = {k: v for k, v in settings["decoding"].items() if k not in _DERIVED}
    if isinstance(decoding["background"], list):
        decoding["background"] = tuple(decoding["background"])
    return parse_hashes(settings["hashes"]), Decoding(**decoding), settings["min_detail"]


def schema_of(specs: Sequence[HashSpec]) -> Any:
    """Return the columns of the parts."""
    pyarrow = arrow()
    return pyarrow.schema(
        {
            "image": pyarrow.string(),
            "key": pyarrow.uint64(),
            "codes": pyarrow.binary(sum(-(-spec.n_bits // 8) for spec in specs)),
            "detail": pyarrow.uint8(),
            "width": pyarrow.int32(),
            "height": pyarrow.int32(),
            "format": pyarrow.string(),
            "digest": pyarrow.binary(),
            "error": pyarrow.string(),
        }
    )


def digest_of(name: str) -> bytes:
    """Return 16 bytes that identify a name."""
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()


def keys_of(names: Iterable[str]) -> NDArray[np.uint64]:
    """Return a 64-bit key for each name, which is the same in all runs."""
    joined = b"".join(digest_of(name)[:8] for name in names)
    return np.frombuffer(joined, dtype="<u8").astype(np.uint64)
