"""The executors that run the stages."""

import pytest

from hashfeatures.distributed import LocalExecutor, RayExecutor


@pytest.fixture(params=["local", pytest.param("ray", marks=pytest.mark.cluster)])
def executor(request):
    """Return each executor with two workers."""
    if request.param == "local":
        return LocalExecutor(2)
    request.getfixturevalue("ray_cluster")
    return RayExecutor()
