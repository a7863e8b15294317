"""Executors of tasks: processes of this machine, or the workers of a Ray cluster.

An executor calls one function for each of many small tasks, and yields the results as they come. A
task whose worker dies runs again. If its workers keep dying, the executor yields it as lost, and
the stage decides what to do.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from itertools import islice
from typing import Any, NamedTuple, Protocol

from joblib import cpu_count

from .._utils.joblib_internals import ProcessPoolExecutor
from .._utils.optional import import_extra
from .._utils.validation import check_n_jobs, refuse
from ..exceptions import EngineError
from ..images._remote import Network

_CONNECT_SECONDS = 5.0  # until a machine accepts a connection
_CLUSTER_SECONDS = 30.0  # until Ray's client finds a cluster
_START_SECONDS = 60.0  # until a node starts a worker
_IDLE_SECONDS = 60  # until idle processes end

# Ray's client, in a process of its own, which can be killed.
_CONNECT = """
import sys
try:
    import ray
    ray.init(sys.argv[1], log_to_driver=False, logging_level="ERROR")
except Exception as error:
    print(f"{type(error).__name__}: {error}")
    sys.exit(1)
"""

Function = Callable[[Any], Any]


class Outcome(NamedTuple):
    """The outcome of a task.

    Parameters
    ----------
    task : object
        The task.
    result : object
        The return value of the function, or None if the task is lost.
    lost : str or None
        Why there is no result, if every worker that ran the task died.
    """

    task: Any
    result: Any = None
    lost: str | None = None


class Executor(Protocol):
    """The interface that stages need of an executor."""

    def check(self, function: Function, task: Any) -> None:
        """Call a function once on each machine, and raise what it raises."""

    def run(self, function: Function, tasks: Iterable[Any], retries: int) -> Iterator[Outcome]:
        """Call a function for each task, in any order, and raise what it raises.

        A task whose worker dies runs again, up to `retries` times.
        """


class ThisProcess:
    """Run tasks in this process, which takes less time than to start workers for a few."""

    def check(self, function: Function, task: Any) -> None:
        """Call a function once."""
        function(task)

    def run(self, function: Function, tasks: Iterable[Any], retries: int) -> Iterator[Outcome]:
        """Call a function for each task, see `Executor`."""
        for task in tasks:
            yield Outcome(task, function(task))


class LocalExecutor:
    """Run tasks in processes of this machine.

    Read more in the :doc:`User Guide </user-guide/large-collections>`.

    Parameters
    ----------
    n_jobs : int or None, default=-1
        The number of processes. -1 starts one for each processor, and None starts one.

    See Also
    --------
    RayExecutor : Runs tasks on a Ray cluster.

    Examples
    --------
    >>> from hashfeatures.distributed import LocalExecutor
    >>> executor = LocalExecutor(n_jobs=1)
    >>> [outcome.result for outcome in executor.run(len, ["a", "bc"], retries=0)]
    [1, 2]
    """

    def __init__(self, n_jobs: int | None = -1) -> None:
        check_n_jobs("LocalExecutor", n_jobs)
        self.n_jobs = n_jobs
        self._pool: ProcessPoolExecutor | None = None

    def check(self, function: Function, task: Any) -> None:
        """Call a function once in this process, because the workers are copies of it.

        Parameters
        ----------
        function : callable
            The function, which takes a task.
        task : object
            The task.
        """
        function(task)

    def run(self, function: Function, tasks: Iterable[Any], retries: int) -> Iterator[Outcome]:
        """Call a function for each task.

        Parameters
        ----------
        function : callable
            The function, which takes a task. What it raises is raised here.
        tasks : iterable of object
            The tasks.
        retries : int
            How often a task runs again if its worker dies.

        Yields
        ------
        Outcome
            The task with the result of the function, or with the reason why there is none.
            The order is that in which tasks end.
        """
        n_jobs = 1 if self.n_jobs is None else self.n_jobs
        n_workers = max(1, n_jobs if n_jobs > 0 else cpu_count() + 1 + n_jobs)
        left = ((task, 0) for task in tasks)
        again: deque[tuple[Any, int]] = deque()
        running: dict[Future[Any], tuple[Any, int]] = {}
        try:
            while True:
                # When one worker dies, loky kills the others too, so the task that killed it is
                # not known. Each task that was running then runs again alone.
                submitted = list(islice(left, n_workers - len(running))) if not again else []
                if again and not running:
                    submitted = [again.popleft()]
                for task, n_deaths in submitted:
                    future = self._submit(n_workers, function, task)
                    running[future] = (task, n_deaths)
                if not running:
                    return
                with warnings.catch_warnings():
                    # loky replaces a worker that has grown between two tasks. Nothing is lost.
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
                        yield Outcome(task, lost=f"it killed {n_deaths + 1} worker processes")
        finally:
            if running and self._pool is not None:  # after an error, these results are not needed
                self._pool.shutdown(kill_workers=True)
                self._pool = None

    def _submit(self, n_workers: int, function: Function, task: Any) -> Future[Any]:
        """Submit a task to the processes, and start them if they do not run or broke down."""
        carried = Network.here().carry(function)
        if self._pool is not None:
            try:
                return self._pool.submit(carried, task)  # type: ignore[no-any-return]
            except BrokenExecutor:
                self._pool.shutdown()
        # joblib assumes that it alone starts its shared pool, so this one is separate.
        self._pool = ProcessPoolExecutor(n_workers, timeout=_IDLE_SECONDS)
        return self._pool.submit(carried, task)  # type: ignore[no-any-return]


class RayExecutor:
    """Run tasks on the workers of a Ray cluster.

    Read more in the :doc:`User Guide </user-guide/large-collections>`.

    Parameters
    ----------
    address : str or None, default=None
        The address of the cluster, as in ``ray.init``: "auto" for the cluster of this machine,
        "host:port", "ray://host:port", or "local" to start a cluster on this machine. None uses
        the cluster that this process is connected to.

    Raises
    ------
    MissingExtraError
        If Ray is not installed.
    EngineError
        If Ray finds no cluster at the address within half a minute.

    See Also
    --------
    LocalExecutor : Runs tasks on this machine.

    Examples
    --------
    >>> from hashfeatures.distributed import RayExecutor, hash_dataset
    >>> executor = RayExecutor("ray://head:10001")  # doctest: +SKIP
    >>> hash_dataset("s3://photos", "s3://run/hashes", executor=executor)  # doctest: +SKIP
    """

    def __init__(self, address: str | None = None) -> None:
        self._ray = import_extra("ray", "ray", "A Ray executor")
        if self._ray.is_initialized():
            return
        if address is None:
            raise EngineError(
                "This process is connected to no Ray cluster. Pass the address of a cluster, or "
                "'local' to start one on this machine."
            )
        if address != "local":
            check_address(address)
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
        """Call a function once on each node.

        Parameters
        ----------
        function : callable
            The function, which takes a task.
        task : object
            The task.
        """
        strategies = import_extra("ray.util.scheduling_strategies", "ray", "A Ray executor")
        remote = self._ray.remote(Network.here().carry(function))
        references = {}
        for node in self._ray.nodes():
            if node["Alive"] and node["Resources"].get("CPU"):
                strategy = strategies.NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                options = {"scheduling_strategy": strategy, "num_cpus": 0}
                references[node["NodeManagerAddress"]] = remote.options(**options).remote(task)
        if not references:
            raise EngineError("No node of the Ray cluster has a CPU.")
        for name, reference in references.items():
            try:
                self._ray.get(reference, timeout=_START_SECONDS)
            except self._ray.exceptions.RayTaskError as error:
                raise cause_of(error) from None
            except self._ray.exceptions.RayError as error:
                raise EngineError(f"The Ray node {name} starts no worker: {error}") from error

    def put(self, value: Any) -> tuple[Any, Function]:
        """Send a value to all nodes once.

        Parameters
        ----------
        value : object
            The value.

        Returns
        -------
        reference : ray.ObjectRef
            What tasks take in its place.
        fetch : callable
            The function that returns the value of a reference.
        """
        return self._ray.put(value), self._ray.get

    def run(self, function: Function, tasks: Iterable[Any], retries: int) -> Iterator[Outcome]:
        """Call a function for each task.

        Parameters
        ----------
        function : callable
            The function, which takes a task. What it raises is raised here.
        tasks : iterable of object
            The tasks.
        retries : int
            How often a task runs again if its worker dies.

        Yields
        ------
        Outcome
            The task with the result of the function, or with the reason why there is none.
            The order is that in which tasks end.
        """
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
                    cause = f"it killed {retries + 1} workers ({type(error).__name__})"
                    outcome = Outcome(task, lost=cause)
                yield outcome
        finally:
            for reference in running:
                ray.cancel(reference, force=True)


def as_executor(executor: Any, caller: str) -> Executor:
    """Return an executor; None means processes of this machine, an address a Ray cluster."""
    if executor is None:
        return LocalExecutor()
    if isinstance(executor, str):
        return RayExecutor(executor)
    if not hasattr(executor, "run") or not hasattr(executor, "check"):
        expected = "None, the address of a Ray cluster, a LocalExecutor or a RayExecutor"
        raise refuse(caller, "executor", expected, executor)
    return executor  # type: ignore[no-any-return]


def check_address(address: str) -> None:
    """Raise unless Ray's client finds a cluster at an address within half a minute.

    Ray itself would retry for minutes, so its client runs in a process that can be killed.
    """
    _check_port(address)
    command = [sys.executable, "-P", "-c", _CONNECT, address]
    with (
        tempfile.TemporaryFile() as output
    ):  # a pipe may stay open in the client's child processes
        try:
            ended = subprocess.run(
                command, stdout=output, stderr=subprocess.DEVNULL, timeout=_CLUSTER_SECONDS
            )
        except subprocess.TimeoutExpired:
            said = f"Ray's client found none within {_CLUSTER_SECONDS:g} seconds"
        else:
            if not ended.returncode:
                return
            output.seek(0)
            said = output.read().decode("utf-8", "replace").strip()
            said = said or f"Ray's client ended with exit code {ended.returncode}"
    raise EngineError(
        f"There is no Ray cluster at {address!r}: {said.rstrip('.')}. Is this the port of the "
        f"cluster (6379, or 10001 with 'ray://'), and not that of its dashboard?"
    )


def _check_port(address: str) -> None:
    """Raise at once if an address has no port, or if its port accepts no connection."""
    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if not colon or not port.isdigit():
        if address == "auto":
            return
        expected = "'auto', 'local', 'host:port', 'ray://host:port' or None"
        raise refuse("RayExecutor", "address", expected, address)
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else f"after {_CONNECT_SECONDS:g} seconds"
        raise EngineError(
            f"No server answers at the Ray address {address!r}: {why}. Is the cluster running, "
            f"and is this its port?"
        ) from error


def cause_of(error: Any) -> BaseException:
    """Return the exception of a task, which Ray wraps in another."""
    cause: BaseException = getattr(error, "cause", None) or error
    return cause
