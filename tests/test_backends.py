"""Hashing and joins under the backends of joblib that clusters bring: the results are loky's."""

import joblib
import numpy as np
import pytest
from joblib.pool import PicklingPool

from hashfeatures import HammingNeighbors, ImageHashFeaturizer, NearDuplicateFinder

pytestmark = [
    pytest.mark.cluster,
    # What the backends and their schedulers warn of is not an affair of this package.
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture(scope="module")
def dask_cluster(poisonable):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
    ):
        yield "dask"


@pytest.fixture
def ray_backend(ray_cluster):
    from ray.util.joblib import register_ray

    register_ray()
    bases = PicklingPool.__bases__
    yield "ray"
    # Ray puts its own pool below joblib's for good, and with it under "multiprocessing".
    PicklingPool.__bases__ = bases


@pytest.fixture(params=["ray_backend", "dask_cluster"])
def backend(request):
    return request.getfixturevalue(request.param)


def test_bits_are_those_of_loky(backend, image_files):
    images = [*image_files, "missing.png", *image_files]
    featurizer = ImageHashFeaturizer(errors="coerce")
    with joblib.parallel_config(backend="loky", n_jobs=2):
        expected = featurizer.fit_transform(images)
    with joblib.parallel_config(backend=backend, n_jobs=2):
        np.testing.assert_array_equal(featurizer.fit_transform(images), expected)


def test_plugins_of_the_caller_reach_the_workers(backend, image_files, strange_files):
    expected = ImageHashFeaturizer("phash").transform(image_files)
    with joblib.parallel_config(backend=backend, n_jobs=2):
        np.testing.assert_array_equal(
            ImageHashFeaturizer("phash").transform(strange_files), expected
        )


def test_groups_are_those_of_loky(backend, family):
    files, shown = family
    with joblib.parallel_config(backend="loky", n_jobs=2):
        expected = NearDuplicateFinder().fit(files)
    with joblib.parallel_config(backend=backend, n_jobs=2):
        found = NearDuplicateFinder().fit(files)
    np.testing.assert_array_equal(found.labels_, expected.labels_)
    np.testing.assert_array_equal(found.labels_, shown)


def test_joins_are_those_of_loky(backend):
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (3000, 64), dtype=np.uint8)
    bits[1500:] = bits[:1500]
    bits[1500:, :3] ^= 1
    with joblib.parallel_config(backend="loky", n_jobs=2):
        expected = HammingNeighbors(radius=4).fit(bits).pairs()
    with joblib.parallel_config(backend=backend, n_jobs=2):
        found = HammingNeighbors(radius=4).fit(bits).pairs()
    assert len(expected.left) >= 1500
    for column, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(column, wanted)
