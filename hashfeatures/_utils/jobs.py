"""Count the workers of joblib, also inside a process of a pool, which cannot start processes."""

from __future__ import annotations

import multiprocessing

import joblib


def choose_backend() -> str | None:
    """Return "threading" if joblib cannot start processes here, and otherwise None."""
    return "threading" if multiprocessing.current_process().daemon else None


def count_jobs(n_jobs: int | None) -> int:
    """Return the number of workers for `n_jobs`.

    Inside a process of a pool, workers are threads. Otherwise joblib would warn that it cannot
    start processes, and use one worker.
    """
    backend = choose_backend()
    if backend is None:
        return int(joblib.effective_n_jobs(n_jobs))
    wanted = joblib.Parallel(n_jobs=n_jobs).n_jobs  # None may mean the number of a context
    with joblib.parallel_config(backend=backend):
        return int(joblib.effective_n_jobs(wanted))
