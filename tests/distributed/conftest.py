"""The executors that run the stages, and groups without stages before them."""

import pandas as pd
import pytest

from hashfeatures.distributed import LocalExecutor, RayExecutor
from hashfeatures.distributed._executors import Outcome
from hashfeatures.distributed._hash_stage import keys_of
from hashfeatures.distributed._part_directory import arrow
from hashfeatures.distributed._stages import Stage


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


@pytest.fixture(scope="session")
def write_parts():
    """Return a function that writes a directory as `components` would, of parts of these sizes."""

    def write(out, table, sizes):
        columns = ["image", "key", "error", "group", "component"]
        table, first = table[[name for name in columns if name in table]], 0
        with Stage.create(out, "groups", {}) as stage:
            for number, size in enumerate(sizes):
                rows = table.iloc[first : first + size]
                content = arrow().Table.from_pandas(rows, preserve_index=False)
                stage.write(f"part-{number:08d}.parquet", [content], content.schema)
                first += size
            stage.publish("part")

    return write


@pytest.fixture
def frames(tmp_path, write_parts):
    """Write the groups of frames of six drives, of which each image is alone, and return names."""
    names = [f"/data/drive{n}/{n}_frame_{row:04d}.png" for n in range(6) for row in range(7)]
    keys = keys_of(names)
    table = pd.DataFrame({"image": names, "key": keys, "error": None, "group": keys})
    write_parts(tmp_path / "groups", table, [20, 22])
    return names
