"""The executors that run the stages."""

import pytest

from hashfeatures.distributed import LocalExecutor, RayExecutor
from hashfeatures.distributed._executors import Outcome


class InProcess:
    """Runs tasks in this process, and notes their names."""

    def __init__(self):
        self.ran = []

    def check(self, function, task):
        function(task)

    def run(self, function, tasks, retries):
        for task in tasks:
            self.ran.append(task.name)
            yield Outcome(task, function(task))


@pytest.fixture
def in_process():
    """Return an executor that runs tasks in this process, and notes their names in `ran`."""
    return InProcess()


@pytest.fixture(params=["local", pytest.param("ray", marks=pytest.mark.cluster)])
def executor(request):
    """Return each executor with two workers."""
    if request.param == "local":
        return LocalExecutor(2)
    request.getfixturevalue("ray_cluster")
    return RayExecutor()
