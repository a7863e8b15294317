"""Reading URLs, whole or in parts, through fsspec, with a time-out, a size limit and retries.

It supports http, https and every protocol of an installed fsspec file system (``s3://``,
``gs://``, ``memory://``, ``zip://`` …). Credentials, headers and endpoints come from fsspec's own
configuration, proxies from the environment.
"""

from __future__ import annotations

import functools
import os
import platform
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

from .._utils.optional import import_extra
from .._utils.validation import refuse
from ..exceptions import MissingExtraError
from ._byte_ranges import (
    Part,
    PartError,
    check_answer,
    read_span,
    request_headers,
    sends_whole_file,
)
from ._sources import local_path

TIMEOUT = 30.0  # seconds, for one attempt from the connection to the last byte
MAX_BYTES = 256 * 2**20
ATTEMPTS = 3

# The environment variable for the seconds that a server may delay an image, and its default.
MAX_WAIT_VARIABLE = "HASHFEATURES_MAX_WAIT"
MAX_WAIT = 120.0

_PURPOSE = "Reading a URL"
_CHUNK = 2**20
_WEB = ("http", "https")
_RETRIED_STATUS = {408, 425, 429, 500, 502, 503, 504}
_TOO_MANY_REQUESTS = 429
_LEAST_PAUSE, _MOST_PAUSE = 0.5, 30.0  # seconds, if a server names no number


def read_url(
    url: str,
    *,
    timeout: float | None = None,
    max_bytes: int = MAX_BYTES,
    attempts: int = ATTEMPTS,
    max_wait: float | None = None,
) -> bytes:
    """Read the whole content of a URL.

    After an answer with ``Retry-After`` or HTTP 429, this read and all others of the process from
    the same host wait for as long as the server requests.

    Parameters
    ----------
    url : str
        The address, with its protocol.
    timeout : float, optional
        Seconds that one attempt may take. None means the time-out in fsspec's configuration, or
        30. For protocols other than http it is checked between blocks of 1 MiB only.
    max_bytes : int
        The most bytes to read.
    attempts : int
        The number of attempts, with growing pauses, after a failed connection, a time-out, or a
        temporary error without a time to wait (HTTP 408, 425 and 5xx). Other errors are final.
    max_wait : float, optional
        The seconds that a server may delay this read, or all reads without an answer in between.
        None means the value of the environment variable HASHFEATURES_MAX_WAIT, or 120.

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
        If the last attempt had no connection or a temporary error, too.
    OSError
        If the content is longer than `max_bytes`, or the server refused.
    MissingExtraError
        If fsspec, or a package that it needs for the protocol, is not installed.
    """
    return _retry(url, timeout, max_bytes, attempts, max_wait).content


def read_part(url: str, start: int, stop: int, max_bytes: int = MAX_BYTES) -> Part:
    """Read a run of bytes of a URL, with the time-out, limit and retries of `read_url`.

    Parameters
    ----------
    url : str
        The address, with its protocol.
    start, stop : int
        The first byte, and the one after the last. The file may end before.
    max_bytes : int
        The most bytes that the whole file may have.

    Returns
    -------
    Part
        The bytes, or the whole file.

    Raises
    ------
    PartError
        If the server or the file system sends no parts, or others than requested.
    OSError
        See `read_url`.
    """
    part = _retry(url, None, max_bytes, ATTEMPTS, None, (start, stop))
    if part.n_total > max_bytes:
        raise OSError(_too_long(max_bytes))
    return part


def _retry(
    url: str,
    timeout: float | None,
    max_bytes: int,
    attempts: int,
    max_wait: float | None,
    span: tuple[int, int] | None = None,
) -> Part:
    """Read a file, or a span of it, with several attempts."""
    tenacity = import_extra("tenacity", "remote", _PURPOSE)
    scheme, separator, rest = url.partition("://")
    url = _resolve_file_url(scheme.lower() + separator + rest)
    limit = max_wait_here() if max_wait is None else max_wait
    host = _host_of(url)
    start = time.monotonic()
    n_failed = 0
    pause = tenacity.wait_random_exponential(multiplier=0.2, max=5)

    def read() -> Part:
        host.wait(start, limit)
        part = _read_once(url, timeout, max_bytes, host, limit, span)
        host.answered()
        return part

    def is_postponed(state: Any) -> bool:
        return isinstance(state.outcome.exception(), _LaterError)

    def is_last(state: Any) -> bool:
        nonlocal n_failed
        n_failed += not is_postponed(state)
        return n_failed >= attempts

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(
            lambda error: (
                isinstance(error, TimeoutError | ConnectionError)
                and not isinstance(error, _TooLateError)
            )
        ),
        stop=is_last,
        wait=lambda state: 0.0 if is_postponed(state) else pause(state),  # the host waits itself
        reraise=True,
    )
    part: Part = retrying(read)
    return part


def max_wait_here() -> float:
    """Return the seconds that a server may delay an image, as set in the environment."""
    text = os.environ.get(MAX_WAIT_VARIABLE, "").strip()
    try:
        seconds = float(text) if text else MAX_WAIT
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise refuse("the environment", MAX_WAIT_VARIABLE, "a number of seconds", text)
    return seconds


@dataclass(frozen=True)
class Network:
    """The state of a process that determines how URLs are read, for its workers.

    Parameters
    ----------
    process : tuple
        The machine and the id of that process.
    variables : dict of str to str
        The environment variables of proxies and of the maximum wait.
    config : mapping, optional
        The configuration of fsspec, if it is loaded.
    """

    process: tuple[str, int]
    variables: dict[str, str]
    config: Mapping[str, Any] | None = field(default=None, repr=False)  # it may hold secrets

    @classmethod
    def here(cls) -> Network:
        """Return the state of this process."""
        max_wait_here()
        module = sys.modules.get("fsspec.config")
        config = None if module is None else dict(module.conf)
        return cls(_this_process(), _variables(), config)

    def apply(self) -> None:
        """Put the state in place in a worker."""
        if self.process == _this_process():
            return
        own = _variables()
        if self.process[0] == platform.node():
            for name in own.keys() - self.variables.keys():
                del os.environ[name]
            own = {}
        # Another machine may have its own proxies, which are the right ones there.
        own.pop(MAX_WAIT_VARIABLE, None)
        os.environ.update(self.variables | own)
        if self.config:
            fsspec = import_extra("fsspec", "remote", _PURPOSE)
            fsspec.config.conf.update(self.config)

    def carry(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Return the function for workers, which puts this state in place before each call."""

        @functools.wraps(function)
        def there(task: Any) -> Any:
            self.apply()
            return function(task)

        return there


def _this_process() -> tuple[str, int]:
    return platform.node(), os.getpid()


def _variables() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name.lower().endswith("_proxy") or name == MAX_WAIT_VARIABLE
    }


class _LaterError(ConnectionError):
    """The server asked to try again later."""


class _TooLateError(ConnectionError):
    """The server asks to wait for longer than the limit."""


@dataclass
class _Host:
    """The pause that a host requested, which all reads of a process share."""

    resume: float = 0.0  # in time.monotonic, as all times here
    since: float | None = None  # the first postponement since the last answer
    latest: float = 0.0
    n_postponed: int = 0
    said: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def postpone(self, pause: float | None, said: str, limit: float) -> None:
        """Record that reads from the host must pause for some seconds."""
        with self.lock:
            now = time.monotonic()
            if self.since is None or now - max(self.latest, self.resume) > limit:
                self.since, self.n_postponed = now, 0
            if pause is None:
                pause = min(2.0**self.n_postponed, _MOST_PAUSE)
            self.n_postponed += 1
            self.latest = now
            self.resume = max(self.resume, now + max(pause, _LEAST_PAUSE))
            self.said = said

    def answered(self) -> None:
        """Record that the host answered."""
        with self.lock:
            self.since, self.n_postponed = None, 0

    def wait(self, start: float, limit: float) -> None:
        """Wait until the host accepts reads, or raise if that takes too long for this read."""
        while (left := self.resume - time.monotonic()) > 0:
            begun = start if self.since is None else min(start, self.since)
            if self.resume - begun > limit:
                raise _TooLateError(
                    f"{self.said} and asks to retry in {left:.0f} seconds. The limit is "
                    f"{limit:g} seconds in all. Set the environment variable "
                    f"{MAX_WAIT_VARIABLE} to change it"
                )
            time.sleep(left)


def name_below(system: Any, folder: str, name: str) -> str:
    """Return the path of a file below a folder of an fsspec file system, from its relative name.

    On web servers, a path is a URL, in which some letters of names are escaped.
    """
    protocol = system.protocol
    protocols = {protocol} if isinstance(protocol, str) else set(protocol)
    return f"{folder}/{quote(name) if protocols & set(_WEB) else name}"


def _resolve_file_url(url: str) -> str:
    """Replace a ``file:`` URL at the end of a chain by its path, as fsspec expects."""
    rest, separator, last = url.rpartition("::")
    path = local_path(last)
    return url if not separator or path is None else rest + separator + path


_hosts: dict[str, _Host] = {}


def _host_of(url: str) -> _Host:
    last = url if url.startswith(("http://", "https://")) else url.rpartition("::")[2]
    name = urlsplit(last).netloc.rpartition("@")[2].lower()
    return _hosts.setdefault(name, _Host())


def _read_once(
    url: str,
    timeout: float | None,
    max_bytes: int,
    host: _Host,
    limit: float,
    span: tuple[int, int] | None,
) -> Part:
    fsspec = import_extra("fsspec", "remote", _PURPOSE)
    opening: dict[str, Any] = {}
    faults: tuple[type[Exception], ...] = ()
    protocols = [link.partition("://")[0] for link in url.split("::")]
    web = [name for name in protocols if name in _WEB]
    options = {name: _web_options(name, url, timeout) for name in web}
    seconds = _seconds_in(options, timeout)
    if web:
        aiohttp = import_extra("aiohttp", "remote", _PURPOSE)
        faults = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)
    deadline = time.monotonic() + seconds
    too_slow = f"no complete answer within {seconds:g} seconds"
    try:
        if protocols[0] in _WEB:
            # Two colons belong to the address here, and start no chain of file systems.
            system, path = fsspec.filesystem(protocols[0], **options[protocols[0]]), url
            # One streamed answer. With a size given, fsspec skips its look-up, which reports
            # every server error as a missing file.
            opening = {"block_size": 0, "size": 1}
            if span is not None:
                opening["headers"] = request_headers(span, options[protocols[0]])
        else:
            system, path = fsspec.core.url_to_fs(url, **options)
            if span is not None:
                return read_span(system, path, span)
        with system.open(path, "rb", **opening) as file:
            content = bytearray()
            is_part = span is not None and not sends_whole_file(file)
            most = span[1] - span[0] if span is not None and is_part else max_bytes
            while chunk := file.read(min(_CHUNK, most + 1 - len(content))):
                content += chunk
                if len(content) > most:
                    raise (PartError if is_part else OSError)(_too_long(most))
                if time.monotonic() > deadline:
                    raise TimeoutError(too_slow)
            if span is not None:
                return check_answer(bytes(content), file, span)
    except TimeoutError as error:
        raise TimeoutError(too_slow) from error
    except ImportError as error:
        raise MissingExtraError(f"{_PURPOSE} of {protocols[0]}: {error}") from error
    except Exception as error:
        if answer := _answer_in(error):
            told = _error_of(answer, host, limit)
            if span is not None and type(told) is OSError:  # it may lie with the span
                raise PartError(str(told)) from error
            raise told from error
        if isinstance(error, FileNotFoundError):
            raise FileNotFoundError("there is nothing at this address") from error
        if faults and isinstance(error, aiohttp.TooManyRedirects):
            raise OSError("the address redirects in a circle") from error
        if isinstance(error, faults):
            raise ConnectionError(str(error)) from error
        if span is not None and not isinstance(error, OSError):
            raise PartError(str(error)) from error
        raise
    return Part(bytes(content), len(content), is_whole=True)


def _too_long(max_bytes: int) -> str:
    return f"the answer is longer than the limit of {max_bytes} bytes"


def _web_options(protocol: str, url: str, timeout: float | None) -> dict[str, Any]:
    """Return fsspec's configured options for web servers, with a time-out and proxies."""
    fsspec = import_extra("fsspec", "remote", _PURPOSE)
    aiohttp = import_extra("aiohttp", "remote", _PURPOSE)
    options = fsspec.config.apply_config(fsspec.get_filesystem_class(protocol), {})
    client = dict(options.get("client_kwargs") or {})
    if timeout is not None or "timeout" not in client:
        client["timeout"] = aiohttp.ClientTimeout(total=TIMEOUT if timeout is None else timeout)
    headers = {**(client.get("headers") or {}), **(options.get("headers") or {})}
    if not any(name.lower() == "authorization" for name in headers):
        client.setdefault("trust_env", True)
    elif "trust_env" not in client and "proxy" not in options:
        # aiohttp must not find a second one in ~/.netrc beside this header.
        name = urlsplit(url.rpartition("::")[2]).hostname or ""
        if not urllib.request.proxy_bypass(name):
            options["proxy"] = urllib.request.getproxies().get(protocol)
    return {**options, "client_kwargs": client}


def _seconds_in(options: Mapping[str, Any], timeout: float | None) -> float:
    """Return the seconds that an attempt may take: as passed, as configured, or by default."""
    for web in options.values():
        configured = web["client_kwargs"]["timeout"]
        total = getattr(configured, "total", configured)
        return float("inf") if total is None else float(total)
    return TIMEOUT if timeout is None else timeout


@dataclass(frozen=True)
class _Answer:
    """The answer of a server that did not return the content."""

    status: int
    reason: str
    headers: Mapping[str, str]

    def pause(self) -> float | None:
        """Return the seconds that the server asks to wait, or None."""
        requested = (self.headers.get("Retry-After") or "").strip()
        try:
            return max(float(int(requested)), 0.0)
        except ValueError:
            pass
        then, now = _read_date(requested), _read_date(self.headers.get("Date") or "")
        if then is None:
            return None
        return max((then - (now or datetime.now(UTC))).total_seconds(), 0.0)


def _read_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError):  # it depends on the version of Python
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _answer_in(error: BaseException | None) -> _Answer | None:
    """Find the answer of a server in an error of aiohttp or requests, or in its causes."""
    while error is not None:
        response = getattr(error, "response", None)
        status = getattr(error, "status", None) or getattr(response, "status_code", None)
        if isinstance(status, int) and status >= 400:
            reason = getattr(error, "message", None) or getattr(response, "reason", None) or ""
            headers = getattr(error, "headers", None) or getattr(response, "headers", None) or {}
            return _Answer(status, str(reason), headers)
        error = error.__cause__ or error.__context__
    return None


def _error_of(answer: _Answer, host: _Host, limit: float) -> Exception:
    """Return the error for an answer."""
    said = f"the server answered {answer.status} {answer.reason}".rstrip()
    pause = answer.pause()
    if pause is not None or answer.status == _TOO_MANY_REQUESTS:
        host.postpone(pause, said, limit)
        return _LaterError(said)
    if answer.status in (404, 410):
        return FileNotFoundError("there is nothing at this address")
    return (ConnectionError if answer.status in _RETRIED_STATUS else OSError)(said)
