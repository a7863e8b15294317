"""The recipes for users of Dask and Spark run as they are printed, on clusters of this machine."""

import os
import re
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest

from hashfeatures import NearDuplicateFinder, find_duplicates, hash_images

pytestmark = [
    pytest.mark.cluster,
    # What the engines warn of is not an affair of this package.
    pytest.mark.filterwarnings("ignore"),
]

PAGE = Path(__file__).parents[1] / "docs" / "user-guide" / "large-collections.md"


def run_recipe(heading, replaced, given):
    """Run the Python blocks of a section in turn, with some texts replaced."""
    section = PAGE.read_text("utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert blocks, f"the page has no section {heading!r}"
    names = {"__name__": "__main__", **given}  # what `__main__` defines is sent to workers whole
    for block in blocks:
        for text, value in replaced.items():
            assert text in section, text
            block = block.replace(text, value)
        exec(block, names)
    return names


@pytest.fixture
def paths(family, image_files):
    """Return five photos with two copies of each, and six images without copies."""
    return [*family[0], *image_files]


@pytest.fixture
def scheduler():
    """Return the address of the scheduler of a Dask cluster of two workers."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
    ) as cluster:
        yield cluster.scheduler_address


def test_with_dask_finder_and_table_are_those_of_one_process(scheduler, paths):
    names = run_recipe("With Dask", {"tcp://scheduler:8786": scheduler}, {"paths": paths})
    pd.testing.assert_frame_equal(names["table"], hash_images(paths, ["phash", "dhash"]))
    expected = NearDuplicateFinder().fit(paths)
    assert names["finder"].labels_.tolist() == expected.labels_.tolist()
    assert expected.graph_.n_pairs > 0


@pytest.fixture
def spark(monkeypatch):
    """Start Spark on two threads of this machine; the recipe gets this session."""
    sql = pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Spark needs Java")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    settings = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        "spark.ui.enabled": "false",
    }
    session = sql.SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
    yield session
    session.stop()


def test_with_spark_table_groups_and_stages_are_those_of_one_process(spark, paths, tmp_path):
    """An image that cannot be read is a row with an error, as on one machine."""
    paths = [*paths, str(tmp_path / "missing.png")]
    replaced = {
        "s3://bucket": str(tmp_path),
        ', executor="auto"': "",
        "repartition(200)": "repartition(2)",
    }
    names = run_recipe("With Spark", replaced, {"paths": paths})

    def in_order(table):
        """Return the rows by image, with whatever number types each engine has as one."""
        rows = table.sort_values("image", ignore_index=True).astype(object)
        return rows.where(rows.notna(), None)

    expected = in_order(hash_images(paths, ["phash", "dhash"]))
    assert in_order(names["table"]).equals(expected)

    def groups_of(table):
        return {
            frozenset(images) for _, images in table.groupby("group")["image"] if len(images) > 1
        }

    wanted = groups_of(find_duplicates(paths, finder=NearDuplicateFinder(decode="full")))
    assert len(wanted) >= 4
    assert groups_of(pd.read_parquet(tmp_path / "spark" / "groups")) == wanted
    joined = pd.read_parquet(tmp_path / "spark" / "run" / "table")
    assert sorted(joined["image"]) == sorted(paths)
    assert groups_of(joined) == groups_of(find_duplicates(paths))
