"""A cache that fails stands in the way of no run: it is gone without, and that is said once."""

import os
import sqlite3
import warnings
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import hashfeatures.hashing._cache
from hashfeatures import CacheError, CacheWarning, ImageHashFeaturizer, hash_images
from hashfeatures.hashing import _batch as batch
from hashfeatures.hashing import _pool
from hashfeatures.hashing._cache import HashCache


@pytest.fixture
def many_files(image_files):
    return [*image_files, *(Path(path).read_bytes() for path in image_files)]


def count_kept(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT count(*) FROM images").fetchone()[0]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_disk_that_fills_up_in_mid_run_costs_nothing_that_was_hashed(
    many_files, tmp_path, monkeypatch, n_jobs
):
    monkeypatch.setattr(hashfeatures.hashing._cache, "_WAITING", 2)
    monkeypatch.setattr(batch, "_BLOCK", 4)
    prepare = HashCache._prepare

    def prepare_a_small_disk(cache):
        prepare(cache)
        cache._connection.execute("PRAGMA max_page_count = 4")

    monkeypatch.setattr(HashCache, "_prepare", prepare_a_small_disk)
    X = [np.full((9, 9), level, np.uint8) for level in range(200)] + many_files
    expected = ImageHashFeaturizer().transform(X)
    with pytest.warns(CacheWarning, match=r"full.*The run went on without it") as caught:
        bits = ImageHashFeaturizer(cache=tmp_path / "cache", n_jobs=n_jobs).transform(X)
    assert len(caught) == 1
    np.testing.assert_array_equal(bits, expected)


def test_a_locked_cache_is_gone_without(image_files, tmp_path, monkeypatch):
    """As by a process that was stopped in the middle of a transaction."""
    monkeypatch.setattr(hashfeatures.hashing._cache, "_TIMEOUT", 0.05)
    cache = tmp_path / "cache"
    hash_images(image_files[:2], "phash", cache=cache)
    with closing(sqlite3.connect(cache, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.warns(CacheWarning, match="locked"):
            table = hash_images(image_files, "phash", cache=cache)
    assert table["phash"].notna().all()


def test_a_cache_that_is_deleted_in_mid_run_is_gone_without(image_files, tmp_path, monkeypatch):
    """With its folder, too."""
    folder = tmp_path / "folder"
    folder.mkdir()
    hash_chunk = _pool.hash_chunk

    def delete_and_hash(*arguments):
        for path in folder.iterdir():
            path.unlink()
        return hash_chunk(*arguments)

    monkeypatch.setattr(_pool, "hash_chunk", delete_and_hash)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CacheWarning)
        table = hash_images(image_files, "phash", cache=folder / "cache")
    assert table["phash"].notna().all()


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="a place that root cannot write to")
def test_a_place_where_nothing_can_be_made_is_gone_without(image_files):
    with pytest.warns(CacheWarning, match=r"cannot be used.*The run went on without it"):
        table = hash_images(image_files, "phash", cache="/proc/x.sqlite")
    assert table["phash"].notna().all()


def test_a_cache_that_can_only_be_read_is_used(image_files, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    expected = hash_images(image_files[:3], "phash", cache=cache)

    def refuse(self, mode):
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(HashCache, "_open", refuse)
    with pytest.warns(CacheWarning, match="used its entries and added none") as caught:
        table = hash_images(image_files, "phash", cache=cache)
    assert len(caught) == 1
    assert table["phash"].notna().all()
    assert table["phash"][:3].tolist() == expected["phash"].tolist()
    assert count_kept(cache) == 3


def test_foreign_and_damaged_files_are_refused_still(image_files, tmp_path):
    """They are not a cache: the user has named the wrong file."""
    cache = tmp_path / "cache"
    cache.write_text("a letter to somebody")
    with pytest.raises(CacheError, match="is not an SQLite database"):
        hash_images(image_files, "phash", cache=cache)
    assert cache.read_text() == "a letter to somebody"


def test_a_file_replaced_at_equal_size_and_time_is_hashed_anew(tmp_path, noise_image):
    """As copies that keep their times are."""
    path, other = tmp_path / "a.bmp", tmp_path / "b.bmp"
    noise_image(0).save(path)
    noise_image(1).save(other)
    status = os.stat(path)
    cache = tmp_path / "cache"
    before = hash_images([path], "phash", cache=cache)["phash"][0]
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    os.replace(other, path)
    assert os.stat(path).st_size == status.st_size
    assert hash_images([path], "phash", cache=cache)["phash"][0] != before
