"""URLs, read whole through fsspec: with a time-out, a size limit, and retries.

http and https, and every protocol that an installed fsspec file system speaks (``s3://``,
``gs://``, ``memory://``, ``file://`` …). Credentials and endpoints come from fsspec's own
configuration.
"""

from __future__ import annotations

import time
from typing import Any

from .exceptions import MissingExtraError
from .extras import import_extra

TIMEOUT = 30.0  # seconds, for one attempt from the connection to the last byte
MAX_BYTES = 256 * 2**20
ATTEMPTS = 3

_PURPOSE = "Reading a URL"
_CHUNK = 2**20
_RETRIED_STATUS = {408, 425, 429, 500, 502, 503, 504}


def read_url(
    url: str,
    *,
    timeout: float = TIMEOUT,
    max_bytes: int = MAX_BYTES,
    attempts: int = ATTEMPTS,
) -> bytes:
    """Read everything that a URL gives.

    Parameters
    ----------
    url : str
        The address, with its protocol.
    timeout : float
        Seconds that one attempt may take. Protocols other than http are looked at between blocks
        of 1 MiB only.
    max_bytes : int
        The most that is read.
    attempts : int
        How often a connection that fails, a time-out, or an answer that says "later" (HTTP 408,
        425, 429 and 5xx) is tried, with growing pauses. Any other error is final at once.

    Returns
    -------
    bytes
        The content.

    Raises
    ------
    FileNotFoundError
        If there is nothing at the address.
    TimeoutError
        If the last attempt took too long.
    ConnectionError
        If there is no connection, or the server said "later", in the last attempt too.
    OSError
        If more than `max_bytes` came, or the server refused.
    MissingExtraError
        If fsspec, or what it needs for the protocol, is not installed.
    """
    tenacity = import_extra("tenacity", "remote", _PURPOSE)
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type((TimeoutError, ConnectionError)),
        stop=tenacity.stop_after_attempt(attempts),
        wait=tenacity.wait_random_exponential(multiplier=0.2, max=5),
        reraise=True,
    )
    content: bytes = retrying(_read_once, url, timeout, max_bytes)
    return content


def _read_once(url: str, timeout: float, max_bytes: int) -> bytes:
    fsspec = import_extra("fsspec", "remote", _PURPOSE)
    scheme, separator, rest = url.partition("://")
    url = scheme.lower() + separator + rest
    options: dict[str, Any] = {}
    opening: dict[str, Any] = {}
    find = fsspec.core.url_to_fs
    faults: tuple[type[Exception], ...] = ()
    refusals: tuple[type[Exception], ...] = ()
    if url.startswith(("http://", "https://")):
        aiohttp = import_extra("aiohttp", "remote", _PURPOSE)
        # Two colons are of the address, not the chain of file systems that fsspec sees in them.
        find = _find_on_the_web
        options["client_kwargs"] = {"timeout": aiohttp.ClientTimeout(total=timeout)}
        # One streamed answer. A size that is known beforehand spares the look-up in front,
        # which reports every fault of the server as a missing file.
        opening = {"block_size": 0, "size": 1}
        faults = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)
        refusals = (aiohttp.ClientResponseError,)
    deadline = time.monotonic() + timeout
    too_slow = f"no complete answer within {timeout:g} seconds"
    try:
        system, path = find(url, **options)
        with system.open(path, "rb", **opening) as file:
            content = bytearray()
            while chunk := file.read(min(_CHUNK, max_bytes + 1 - len(content))):
                content += chunk
                if len(content) > max_bytes:
                    raise OSError(f"the answer is longer than the limit of {max_bytes} bytes")
                if time.monotonic() > deadline:
                    raise TimeoutError(too_slow)
    except TimeoutError as error:
        raise TimeoutError(too_slow) from error
    except ImportError as error:
        raise MissingExtraError(f"{_PURPOSE} of {scheme}: {error}") from error
    except FileNotFoundError as error:
        raise FileNotFoundError("there is nothing at this address") from error
    except faults as error:
        raise ConnectionError(str(error)) from error
    except refusals as error:
        status = getattr(error, "status", None)
        kind = ConnectionError if status in _RETRIED_STATUS else OSError
        raise kind(f"the server answered {status} {getattr(error, 'message', '')}") from error
    return bytes(content)


def _find_on_the_web(url: str, **options: Any) -> tuple[Any, str]:
    fsspec = import_extra("fsspec", "remote", _PURPOSE)
    return fsspec.filesystem(url.partition(":")[0], **options), url
