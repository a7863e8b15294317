"""Who does the work: processes of this machine, or a Ray cluster.

An executor runs one function over many small tasks and gives back their results as they come. A
task whose worker dies is run again, and at last given back as lost: what is done about it is the
stage's affair.
"""

from __future__ import annotations

import os
import socket
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from itertools import islice
from typing import Any, NamedTuple, Protocol

from joblib import cpu_count

from .._utils.descriptions import describe_value
from .._utils.joblib_internals import ProcessPoolExecutor
from .._utils.optional import import_extra
from ..exceptions import EngineError
from ..images._remote import Network

_PATIENCE = 5.0  # seconds that an address may take to answer, and then to speak
_START = 60.0  # seconds that a node may take to start a worker
_IDLE = 60  # seconds after which processes without work end

Function = Callable[[Any], Any]


class Outcome(NamedTuple):
    """What came of a task.

    Parameters
    ----------
    task : object
        The task.
    result : object
        What the function returned; None if the task is lost.
    lost : str or None
        Why there is no result, if every worker that tried the task died.
    """

    task: Any
    result: Any = None
    lost: str | None = None


class Executor(Protocol):
    """What a stage asks of an executor."""

    def check(self, function: Function, task: Any) -> None:
        """Run a function once on each machine, and raise what it raises."""

    def run(self, function: Function, tasks: Iterable[Any], retries: int) -> Iterator[Outcome]:
        """Run a function over tasks, in any order; an error that it raises is raised here.

        A task whose worker dies is run up to `retries` times again.
        """


class LocalExecutor:
    """Processes of this machine.

    Parameters
    ----------
    n_jobs : int, default=-1
        How many; -1 is one a core.
    """

    def __init__(self, n_jobs: int = -1) -> None:
        self.n_jobs = n_jobs
        self._pool: ProcessPoolExecutor | None = None

    def check(self, function: Function, task: Any) -> None:
        """Run a function once, here: workers are copies of this process."""
        function(task)

    def run(self, function: Function, tasks: Iterable[Any], retries: int) -> Iterator[Outcome]:
        """Run a function over tasks; see `Executor`."""
        n_workers = max(1, self.n_jobs if self.n_jobs >= 0 else cpu_count() + 1 + self.n_jobs)
        left = ((task, 0) for task in tasks)
        again: deque[tuple[Any, int]] = deque()
        running: dict[Future[Any], tuple[Any, int]] = {}
        try:
            while True:
                # When a worker dies, loky ends the others too, so who was to blame is not known:
                # what was running is run again by itself.
                handed = list(islice(left, n_workers - len(running))) if not again else []
                if again and not running:
                    handed = [again.popleft()]
                for task, n_deaths in handed:
                    future = self._submit(n_workers, function, task)
                    running[future] = (task, n_deaths)
                if not running:
                    return
                with warnings.catch_warnings():
                    # A worker that has grown is replaced between two tasks: nothing is lost.
                    warnings.filterwarnings("ignore", "A worker stopped while", UserWarning)
                    done = wait(running, return_when=FIRST_COMPLETED).done
                for future in done:
                    task, n_deaths = running.pop(future)
                    error = future.exception()
                    if error is None:
                        yield Outcome(task, future.result())
                    elif not isinstance(error, BrokenExecutor):
                        raise error
                    elif n_deaths < retries:
                        again.append((task, n_deaths + 1))
                    else:
                        yield Outcome(task, lost=f"{n_deaths + 1} processes died of it")
        finally:
            if running and self._pool is not None:  # what runs after an error is of no use
                self._pool.shutdown(kill_workers=True)
                self._pool = None

    def _submit(self, n_workers: int, function: Function, task: Any) -> Future[Any]:
        """Hand a task to processes, which are started if there are none or they broke down."""
        there = Network.here().carry(function)
        if self._pool is not None:
            try:
                return self._pool.submit(there, task)  # type: ignore[no-any-return]
            except BrokenExecutor:
                self._pool.shutdown()
        # Not joblib's own pool of processes, which joblib takes to be made by itself.
        self._pool = ProcessPoolExecutor(n_workers, timeout=_IDLE)
        return self._pool.submit(there, task)  # type: ignore[no-any-return]


class RayExecutor:
    """The workers of a Ray cluster.

    Parameters
    ----------
    address : str or None, default=None
        As in ``ray.init``: "auto" for the cluster that this machine belongs to, "host:port",
        "ray://host:port", or "local" for a new one on this machine. None: the one that is
        connected already.

    Raises
    ------
    MissingExtraError
        If Ray is not installed.
    EngineError
        If nobody answers at the address, or somebody who is not Ray: told within ten seconds.
    """

    def __init__(self, address: str | None = None) -> None:
        self._ray = import_extra("ray", "ray", "A Ray executor")
        if self._ray.is_initialized():
            return
        if address is None:
            raise EngineError(
                "No Ray cluster is connected: give its address, or 'local' to start one here."
            )
        _knock(address)
        try:
            self._ray.init(
                None if address == "local" else address,
                include_dashboard=False if address == "local" else None,
                log_to_driver=False,
                logging_level="ERROR",
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise EngineError(f"There is no Ray cluster at {address!r}: {error}") from error

    def check(self, function: Function, task: Any) -> None:
        """Run a function once on each node."""
        strategies = import_extra("ray.util.scheduling_strategies", "ray", "A Ray executor")
        remote = self._ray.remote(Network.here().carry(function))
        asked = {}
        for node in self._ray.nodes():
            if node["Alive"] and node["Resources"].get("CPU"):
                strategy = strategies.NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                options = {"scheduling_strategy": strategy, "num_cpus": 0}
                asked[node["NodeManagerAddress"]] = remote.options(**options).remote(task)
        if not asked:
            raise EngineError("The Ray cluster has no node with a CPU to work on.")
        for name, reference in asked.items():
            try:
                self._ray.get(reference, timeout=_START)
            except self._ray.exceptions.RayTaskError as error:
                raise cause_of(error) from None
            except self._ray.exceptions.RayError as error:
                raise EngineError(f"The Ray node {name} starts no worker: {error}") from error

    def put(self, value: Any) -> tuple[Any, Function]:
        """Hand a value to all nodes once; return its reference and what fetches it."""
        return self._ray.put(value), self._ray.get

    def run(self, function: Function, tasks: Iterable[Any], retries: int) -> Iterator[Outcome]:
        """Run a function over tasks; see `Executor`."""
        ray = self._ray
        remote = ray.remote(Network.here().carry(function)).options(
            max_retries=retries, num_cpus=1
        )
        n_waiting = 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))
        left = iter(tasks)
        running: dict[Any, Any] = {}
        try:
            while True:
                for task in islice(left, n_waiting - len(running)):
                    running[remote.remote(task)] = task
                if not running:
                    return
                (ready,), _ = ray.wait(list(running), num_returns=1)
                task = running.pop(ready)
                try:
                    outcome = Outcome(task, ray.get(ready))
                except ray.exceptions.RayTaskError as error:
                    raise cause_of(error) from None
                except ray.exceptions.RayError as error:
                    cause = f"{retries + 1} workers died of it ({type(error).__name__})"
                    outcome = Outcome(task, lost=cause)
                yield outcome
        finally:
            for reference in running:
                ray.cancel(reference, force=True)


def as_executor(executor: Any) -> Executor:
    """Return an executor: None means processes of this machine, an address a Ray cluster."""
    if executor is None:
        return LocalExecutor()
    if isinstance(executor, str):
        return RayExecutor(executor)
    if not hasattr(executor, "run") or not hasattr(executor, "check"):
        raise EngineError(
            f"The executor must be None, the address of a Ray cluster, a LocalExecutor or a "
            f"RayExecutor. Got {describe_value(executor)} instead."
        )
    return executor  # type: ignore[no-any-return]


def _knock(address: str) -> None:
    """Raise unless somebody listens at an address: Ray itself would try for minutes."""
    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if not colon or not port.isdigit():
        if address in ("auto", "local"):
            return
        raise EngineError(
            f"A Ray address is 'auto', 'local', 'host:port' or 'ray://host:port'. Got {address!r}."
        )
    try:
        connection = socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE)
    except OSError as error:
        raise EngineError(
            f"Nobody answers at the Ray address {address!r}: {os.strerror(error.errno or 0)}. "
            f"Is the cluster up, and is this its port?"
            if error.errno
            else f"Nobody answers at the Ray address {address!r} within {_PATIENCE:g} seconds."
        ) from error
    with connection:
        if os.environ.get("RAY_USE_TLS", "0") == "0" and not _speaks_http2(connection):
            raise EngineError(
                f"Somebody listens at the Ray address {address!r}, and it is not Ray: it does not "
                f"speak Ray's protocol within {_PATIENCE:g} seconds. Is this the port of the "
                f"cluster (6379, or 10001 with 'ray://'), and not that of its dashboard?"
            )


def _speaks_http2(connection: socket.socket) -> bool:
    """Tell whether the other side greets as servers of gRPC do: with settings (RFC 9113, 3.4)."""
    deadline = time.monotonic() + _PATIENCE
    greeting = b""
    try:
        connection.sendall(
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
        )
        while len(greeting) < 4:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            if not (received := connection.recv(64)):
                return False
            greeting += received
    except OSError:
        return False
    return greeting[3] == 4  # the kind of the first frame, after its length


def cause_of(error: Any) -> BaseException:
    """Return what a task raised, out of what Ray wraps it in."""
    cause: BaseException = getattr(error, "cause", None) or error
    return cause
