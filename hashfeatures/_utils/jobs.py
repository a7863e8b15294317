"""How many workers joblib gives, also in a process of a pool, which may start no processes."""

from __future__ import annotations

import multiprocessing

import joblib


def choose_backend() -> str | None:
    """Return "threading" where joblib would start no processes; None leaves it to joblib."""
    return "threading" if multiprocessing.current_process().daemon else None


def count_jobs(n_jobs: int | None) -> int:
    """Return how many workers there are for `n_jobs`.

    In a process of a pool these are threads: joblib would warn that it starts no processes there,
    and give one.
    """
    backend = choose_backend()
    if backend is None:
        return int(joblib.effective_n_jobs(n_jobs))
    wanted = joblib.Parallel(n_jobs=n_jobs).n_jobs  # None may mean what a context says
    with joblib.parallel_config(backend=backend):
        return int(joblib.effective_n_jobs(wanted))
