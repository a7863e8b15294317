"""Impossible runs fail before the work begins, and finished parts stay."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time

import fsspec
import numpy as np
import PIL
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from hashfeatures import (
    EngineError,
    MissingExtraError,
    NearDuplicateFinder,
    ParameterError,
    StageError,
)
from hashfeatures._utils.optional import install_command
from hashfeatures.distributed import (
    LocalExecutor,
    RayExecutor,
    _executors,
    assign,
    components,
    find_pairs,
    hash_dataset,
    read_stage,
)
from hashfeatures.distributed._stages import Stage

here = LocalExecutor(1)


@pytest.fixture
def hashes(tmp_path, image_files):
    """Return a finished directory of hashes."""
    hash_dataset(image_files, tmp_path / "hashes", part_size=2, executor=here)
    return tmp_path / "hashes"


class Forbidden(MemoryFileSystem):
    """A bucket that answers and denies access."""

    protocol = "forbidden"
    store: dict = {}  # noqa: RUF012

    def _refuse(self, *_, **__):
        raise PermissionError("AccessDenied")

    ls = find = isdir = open = makedirs = _refuse


fsspec.register_implementation("forbidden", Forbidden, clobber=True)


def test_ray_that_is_not_installed(image_files, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=re.escape(install_command("ray"))):
        hash_dataset(image_files, tmp_path / "out", executor="auto")


def test_pyarrow_that_is_not_installed(image_files, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtraError, match=re.escape(install_command("parquet"))):
        hash_dataset(image_files, tmp_path / "out")


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_an_address_nobody_answers_fails_within_seconds(
    image_files, tmp_path, monkeypatch, scheme
):
    ray = pytest.importorskip("ray")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)  # whatever other tests started
    with socket.socket() as taken:  # bound, but not listening
        taken.bind(("127.0.0.1", 0))
        address = f"{scheme}127.0.0.1:{taken.getsockname()[1]}"
        start = time.monotonic()
        with pytest.raises(EngineError, match=r"No server answers at the Ray address.*refused"):
            hash_dataset(image_files, tmp_path / "out", executor=address)
        assert time.monotonic() - start < 20


@pytest.mark.slow
@pytest.mark.parametrize("said", [None, b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_a_listener_that_is_not_ray_fails_within_seconds(
    image_files, tmp_path, monkeypatch, scheme, said
):
    """One that accepts and says nothing, hangs up at once, or speaks another protocol."""
    ray = pytest.importorskip("ray")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)  # whatever other tests started
    monkeypatch.setattr(_executors, "_CLUSTER_SECONDS", 5)

    def answer(listener):
        held = []
        while True:
            try:
                held.append(listener.accept()[0])
            except OSError:  # the test has ended
                break
            if said is not None:
                with held.pop() as connection:
                    connection.sendall(said)
        for connection in held:
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,), daemon=True)
        thread.start()
        address = f"{scheme}127.0.0.1:{listener.getsockname()[1]}"
        start = time.monotonic()
        try:
            with pytest.raises(EngineError, match=r"no Ray cluster at .*Ray.*not that of its"):
                hash_dataset(image_files, tmp_path / "out", executor=address)
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
        assert time.monotonic() - start < 20


@pytest.mark.parametrize("n_jobs", [0, "2", 1.5])
def test_a_number_of_processes_that_is_wrong(n_jobs):
    with pytest.raises(ParameterError, match=r"'n_jobs' parameter of LocalExecutor .* Got"):
        LocalExecutor(n_jobs)


@pytest.mark.cluster
def test_a_cluster_is_found(ray_cluster):
    """The check before connecting accepts the address of a real cluster."""
    _executors.check_address(ray_cluster.get_runtime_context().gcs_address)


@pytest.mark.parametrize("address", ["6379", "head", "head:", "ray://"])
def test_an_address_without_a_port_is_refused(address):
    pytest.importorskip("ray")
    with pytest.raises(ParameterError, match=r"'address' parameter of RayExecutor .*host:port"):
        _executors.check_address(address)


def test_an_executor_of_another_type_is_refused(image_files, tmp_path):
    with pytest.raises(
        ParameterError,
        match=r"'executor' parameter of hash_dataset must be None, the address .* Got 3",
    ):
        hash_dataset(image_files, tmp_path / "out", executor=3)


@pytest.mark.cluster
def test_workers_with_another_pillow_are_refused(image_files, tmp_path, ray_cluster, monkeypatch):
    monkeypatch.setattr(PIL, "__version__", "1.1.7")  # here, not in the workers
    with pytest.raises(EngineError, match=r"has Pillow .*started with Pillow 1\.1\.7.*same vers"):
        hash_dataset(image_files, tmp_path / "out", executor=RayExecutor())
    assert not list((tmp_path / "out").glob("*.parquet"))


def test_a_run_continued_with_another_pillow_is_refused(hashes, image_files, monkeypatch):
    monkeypatch.setattr(PIL, "__version__", "1.1.7")
    with pytest.raises(StageError, match=rf"pillow='{PIL.Image.__version__}'.*pillow='1\.1\.7'"):
        hash_dataset(image_files, hashes, executor=here)


def test_a_directory_of_other_settings_names_both(hashes, image_files, tmp_path):
    with pytest.raises(
        StageError, match=r"It has hashes=\['phash', 'dhash'\], .*run has hashes=\['ahash'\]"
    ):
        hash_dataset(image_files, hashes, NearDuplicateFinder("ahash"), executor=here)
    find_pairs(hashes, tmp_path / "pairs", NearDuplicateFinder(radius=12), executor=here)
    with pytest.raises(
        StageError, match=r"made with other settings\. It has radius=12, .* radius=10"
    ):
        find_pairs(hashes, tmp_path / "pairs", NearDuplicateFinder(radius=10), executor=here)
    with pytest.raises(StageError, match="holds hashes, not pairs"):
        components(hashes, tmp_path / "groups", hashes=hashes)
    assert len(read_stage(hashes)) == 6


def test_a_half_written_directory_is_refused(hashes, image_files, tmp_path):
    (hashes / "_manifest.json").unlink()
    with pytest.raises(StageError, match=r"no _manifest\.json, so it is not a complete"):
        hash_dataset(image_files, hashes, executor=here)
    with pytest.raises(StageError, match="is not a stage directory"):
        find_pairs(hashes, tmp_path / "pairs", executor=here)


@pytest.mark.parametrize("stage", ["hashes", "pairs", "groups", "split"])
def test_a_directory_of_another_run_is_refused_until_that_ends(
    hashes, image_files, tmp_path, stage
):
    """The other run is a process that is killed, and its lock ends with it."""
    run = {
        "hashes": lambda: hash_dataset(image_files, hashes, part_size=2, executor=here),
        "pairs": lambda: find_pairs(hashes, tmp_path / "pairs", executor=here),
        "groups": lambda: components(tmp_path / "pairs", tmp_path / "groups", hashes=hashes),
        "split": lambda: assign(tmp_path / "groups", tmp_path / "split", 0.5),
    }
    for name in run:
        run[name]()
        if name == stage:
            break
    kind, settings = (
        json.loads((tmp_path / stage / "_manifest.json").read_text())[key]
        for key in ("kind", "settings")
    )
    command = [sys.executable, "-c", HOLD, str(tmp_path / stage), kind, json.dumps(settings)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout.readline() == b"mine\n"
            before = read_stage(tmp_path / stage)
            with pytest.raises(StageError, match=rf"Another run is writing to .*{stage}\. Wait"):
                run[stage]()
        finally:
            other.kill()
    run[stage]()
    assert read_stage(tmp_path / stage).equals(before)


HOLD = """
import json, sys, time
from hashfeatures.distributed._stages import Stage
with Stage.create(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])):
    print("mine", flush=True)
    time.sleep(60)
"""


def test_hashes_that_are_not_finished_are_not_joined(hashes, tmp_path):
    (hashes / "part-00000001.parquet").unlink()
    with pytest.raises(StageError, match="is not finished: 1 of 3 parts"):
        find_pairs(hashes, tmp_path / "pairs", executor=here)


def test_a_damaged_part_is_named_and_made_again(hashes, image_files, tmp_path):
    part = hashes / "part-00000001.parquet"
    whole = part.read_bytes()
    part.write_bytes(whole[:100])
    with pytest.raises(StageError, match=r"part-00000001\.parquet is damaged.*Delete this file"):
        find_pairs(hashes, tmp_path / "pairs", executor=here)
    part.unlink()
    assert hash_dataset(image_files, hashes, part_size=2, executor=here).n_new == 2
    assert find_pairs(hashes, tmp_path / "pairs", executor=here).n_images == 6


def test_a_newer_format_is_refused(hashes, image_files):
    manifest = json.loads((hashes / "_manifest.json").read_text())
    (hashes / "_manifest.json").write_text(json.dumps(manifest | {"format": 99}))
    with pytest.raises(StageError, match="newer release"):
        hash_dataset(image_files, hashes, executor=here)


def test_pairs_of_other_hashes_are_refused(hashes, image_files, tmp_path):
    find_pairs(hashes, tmp_path / "pairs", executor=here)
    hash_dataset(image_files[:2], tmp_path / "other", part_size=2, executor=here)
    with pytest.raises(StageError, match="was made from other hashes than"):
        find_pairs(tmp_path / "other", tmp_path / "pairs", executor=here)


def test_a_bucket_without_permission(image_files, tmp_path):
    with pytest.raises(StageError, match=r"forbidden://bucket cannot be read: .*AccessDenied"):
        hash_dataset(image_files, "forbidden://bucket", executor=here)
    with pytest.raises(StageError, match=r"forbidden://bucket cannot be listed: .*AccessDenied"):
        hash_dataset("forbidden://bucket", tmp_path / "out", executor=here)


@pytest.mark.skipif(os.name != "posix" or os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(image_files, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StageError, match="cannot be written: PermissionError"):
        hash_dataset(image_files, tmp_path / "out", executor=here)


def test_an_empty_listing(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("no image")
    with pytest.raises(StageError, match=r"nothing to hash\. .*empty.* contains no image"):
        hash_dataset(tmp_path / "empty", tmp_path / "out", executor=here)
    with pytest.raises(StageError, match="cannot be listed: NotADirectoryError"):
        hash_dataset(tmp_path / "missing", tmp_path / "out", executor=here)


def test_a_table_without_the_column(tmp_path, image_files):
    table = tmp_path / "table.csv"
    table.write_text("name,label\na,b\n")
    with pytest.raises(ValueError, match=r"columns \['name', 'label'\].*column=\.\.\."):
        hash_dataset(table, tmp_path / "out", executor=here)


def test_images_in_memory_are_no_data_set(tmp_path):
    with pytest.raises(TypeError, match=r"list of paths and URLs.*hash_images"):
        hash_dataset([np.zeros((9, 9), np.uint8)], tmp_path / "out", executor=here)


@pytest.mark.parametrize("size", [0.0, 1.0, -3, 6, "half"])
def test_a_test_size_that_is_no_share_and_no_number_of_images(hashes, tmp_path, size):
    find_pairs(hashes, tmp_path / "pairs", executor=here)
    components(tmp_path / "pairs", tmp_path / "groups", hashes=hashes)
    with pytest.raises(ParameterError, match=r"'test_size' parameter of assign .* \(0, 1\)"):
        assign(tmp_path / "groups", tmp_path / "out", size)


def test_stages_live_in_any_store_of_fsspec(hashes, tmp_path):
    """The memory of this process serves as a bucket for the stages without workers."""
    find_pairs(hashes, tmp_path / "pairs", executor=here)
    memory = fsspec.filesystem("memory")
    for folder in ("hashes", "pairs"):
        memory.put(str(tmp_path / folder), f"/run/{folder}", recursive=True)
    components("memory://run/pairs", "memory://run/groups", hashes="memory://run/hashes")
    done = assign("memory://run/groups", "memory://run/split", 0.5)
    assert (done.n_train, done.n_test) == (3, 3)
    assert len(read_stage("memory://run/split")) == 6
    assert Stage.open("memory://run/split", "splits").parts()


def test_stages_live_behind_urls(image_files, tmp_path):
    out = f"file://{tmp_path}"
    hash_dataset(image_files, f"{out}/hashes", executor=here)
    assert find_pairs(f"{out}/hashes", f"{out}/pairs", executor=here).n_images == 6
