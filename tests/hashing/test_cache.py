"""What was hashed once is found again, whoever else writes, and no other file is harmed."""

import copy
import io
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import hashfeatures.hashing._cache
from hashfeatures import CacheError
from hashfeatures.hashing._cache import HashCache, _uri_of
from hashfeatures.hashing._record import ImageRecord
from hashfeatures.hashing._source_keys import SourceKey, key_of

FULL = ImageRecord(
    {"phash": b"\x00\x01\xff", "dhash:16": b""}, 37, 640, 480, "JPEG", b"\x00digest", "why\udcff"
)
KEY = SourceKey("/images/a.png", 5, 10**18)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "hashes.sqlite"


@pytest.fixture
def clock(monkeypatch):
    """Stop the clock of the cache; the test moves its only element."""
    now = [0.0]
    monkeypatch.setattr(hashfeatures.hashing._cache, "monotonic", lambda: now[0])
    return now


def put(path, *entries, settings="s"):
    with HashCache(path, settings) as cache:
        cache.put_many(entries)


def get(path, key=KEY, settings="s"):
    with HashCache(path, settings) as cache:
        return cache.get_many([key])[0]


def numbered(number):
    return SourceKey(f"/{number}", number, 0), ImageRecord({"phash": number.to_bytes(8, "big")})


# What an entry holds


@pytest.mark.parametrize("record", [ImageRecord(), FULL, ImageRecord(error="")], ids=repr)
def test_every_field_comes_back(path, record):
    """Both from the entries that wait and from the file."""
    with HashCache(path, "s") as cache:
        cache.put_many([(KEY, record)])
        assert cache.get_many([KEY]) == [record]
        cache.flush()
        assert cache.get_many([KEY]) == [record]
    assert get(path) == record


def test_look_ups_are_row_aligned(path):
    """More than one query's worth, with repeated, unknown and absent keys among them."""
    entries = [numbered(number) for number in range(1500)]
    put(path, *entries)
    keys = [None, KEY, *(key for key, _ in entries), entries[3][0], None]
    records = [None, None, *(record for _, record in entries), entries[3][1], None]
    with HashCache(path, "s") as cache:
        assert cache.get_many(keys) == records
        assert cache.get_many([]) == []


@pytest.mark.parametrize("flushed", [True, False], ids=["in the file", "in memory"])
def test_hashes_are_merged(path, flushed):
    """A second hash keeps the first, and no later entry loses a digest."""
    with HashCache(path, "s") as cache:
        cache.put_many([(KEY, ImageRecord({"a": b"1", "b": b"2"}, 9, 2, 3, "PNG", b"digest"))])
        if flushed:
            cache.flush()
        cache.put_many([(KEY, ImageRecord({"b": b"3", "c": b"4"}, 9, 2, 3, "PNG"))])
        merged = ImageRecord({"a": b"1", "b": b"3", "c": b"4"}, 9, 2, 3, "PNG", b"digest")
        assert cache.get_many([KEY]) == [merged]
    assert get(path) == merged


def test_an_error_displaces_no_hashes(path):
    """But what was hashed after all displaces an error."""
    put(path, (KEY, ImageRecord(error="OSError: x")))
    put(path, (KEY, ImageRecord({"a": b"1"}, 9)))
    assert get(path) == ImageRecord({"a": b"1"}, 9)
    put(path, (KEY, ImageRecord(error="OSError: x")))
    assert get(path) == ImageRecord({"a": b"1"}, 9)


@pytest.mark.parametrize("flushed", [True, False], ids=["in the file", "in memory"])
@pytest.mark.parametrize(
    "change",
    [{"size": 6}, {"mtime_ns": 10**18 - 1}, {"ctime_ns": 1}, {"inode": 2**64 - 1}],
    ids=repr,
)
def test_a_changed_file_is_entered_anew(path, change, flushed):
    """An entry of the file as it was is neither found nor merged with."""
    changed = KEY._replace(**change)
    with HashCache(path, "s") as cache:
        cache.put_many([(KEY, FULL)])
        assert cache.get_many([changed]) == [None]
        if flushed:
            cache.flush()
        assert cache.get_many([changed, KEY]) == [None, FULL]
        cache.put_many([(changed, ImageRecord({"a": b"1"}))])
        assert cache.get_many([changed, KEY]) == [ImageRecord({"a": b"1"}), None]
    assert get(path, changed) == ImageRecord({"a": b"1"})
    assert get(path) is None


def test_settings_are_kept_apart(path):
    """A name has an entry for each settings text, whatever the text."""
    texts = ["", "s", "s ", "\udcff"]
    for number, text in enumerate(texts):
        put(path, (KEY, replace(FULL, detail=number)), settings=text)
    assert [get(path, settings=text).detail for text in texts] == [0, 1, 2, 3]
    assert get(path, settings="other") is None


# Keys


def test_the_key_of_a_file(tmp_path, monkeypatch):
    """Any way to write its path is the same key, which tells a change."""
    file = tmp_path / "a.png"
    file.write_bytes(b"12345")
    status = file.stat()
    key = SourceKey(str(file), 5, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    monkeypatch.chdir(tmp_path)
    for source in (str(file), file, "a.png", "./x/../a.png", Path("a.png"), {"path": "a.png"}):
        (tmp_path / "x").mkdir(exist_ok=True)
        assert key_of(source) == key
    os.utime(file, ns=(0, 7))
    assert key_of(file) == key._replace(mtime_ns=7, ctime_ns=file.stat().st_ctime_ns)


@pytest.mark.skipif(sys.platform != "linux", reason="the file system takes only text")
def test_a_file_name_that_is_no_utf_8(tmp_path, path):
    """Names are bytes on disk; the ones that are not text are kept too."""
    name = os.fsencode(tmp_path) + b"/\xff\xe9.png"
    with open(name, "wb"):
        key = key_of(os.fsdecode(name))
    put(path, (key, FULL))
    assert get(path, key) == FULL
    assert os.fsencode(key.name) == name


def test_what_has_no_key(tmp_path):
    """Missing values, files that are not there and objects that are not images are not kept."""
    (tmp_path / "broken.png").write_bytes(b"")
    closed = Image.new("L", (2, 2))
    closed.close()
    nothing = [None, float("nan"), "", "a\0b", "\ud800", tmp_path, tmp_path / "gone.png", 3, {}]
    nothing += [{"path": None, "bytes": None}, {"path": str(tmp_path / "gone")}, io.BytesIO(b"x")]
    nothing += [{"bytes": np.zeros((2, 2), np.uint8)}, np.zeros((2, 2)), closed, "/dev/null"]
    assert [source for source in nothing if key_of(source) is not None] == []


def test_the_key_of_content():
    """Equal bytes are equal whatever holds them; bytes, arrays and images are not confused."""
    data = b"some content"
    key = key_of(data)
    assert (key.size, key.mtime_ns) == (12, 0)
    interleaved = memoryview(b"".join(bytes([value, 0]) for value in data))[::2]
    for source in (bytearray(data), memoryview(data), {"bytes": data, "path": "x"}, interleaved):
        assert key_of(source) == key
    array = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert key_of(array) == key_of(np.asfortranarray(array))
    image = Image.fromarray(array)
    others = [b"", data + b"x", array, array.T, array.reshape(2, 6), array.tobytes(), image]
    assert len({key_of(source) for source in [*others, data, "https://a/b", "s3://a/b"]}) == 10
    assert key_of("https://a/b") == SourceKey("https://a/b", 0, 0)


def test_the_key_of_a_pillow_image(encode, noise_image):
    """Everything that a hash can depend on is in it, and nothing that it cannot."""
    image = noise_image(0)
    paletted = image.quantize(8)
    repainted = paletted.copy()
    repainted.putpalette(paletted.getpalette()[::-1])
    alpha_palette = paletted.copy()
    alpha_palette.putpalette([90] * 1024, "RGBA")
    see_through = [paletted.copy() for _ in range(4)]
    for source, value in zip(see_through, [0, 1, b"\x00\x80", None], strict=True):
        source.info["transparency"] = value
    gray, see_through_gray = image.convert("L"), image.convert("L")
    see_through_gray.info["transparency"] = 0
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = Image.open(io.BytesIO(encode(image, exif=exif)))
    dotted = image.copy()
    dotted.putpixel((0, 0), (1, 2, 3))
    modes = [image.convert(mode) for mode in ("1", "RGBA", "CMYK", "YCbCr", "HSV", "LA", "I", "F")]
    wide, tall = Image.new("L", (4, 2)), Image.new("L", (2, 4))
    different = [image, paletted, repainted, alpha_palette, *see_through, gray, see_through_gray]
    different += [turned, dotted, *modes, wide, tall]
    keys = [key_of(source) for source in different]
    assert None not in keys
    assert len(set(keys)) == len(different)
    assert keys == [key_of(copy.copy(source)) for source in different]
    assert keys[0] == key_of(Image.open(io.BytesIO(encode(image, dpi=(9, 9)))))
    assert key_of(Image.open(io.BytesIO(encode(image)[:-400]))) is None


# When entries are written


def test_entries_are_written_when_many_wait(path, clock):
    """After 256 of them, and not before."""
    with HashCache(path, "s") as cache, HashCache(path, "s") as reader:
        keys = [numbered(number)[0] for number in range(300)]
        cache.put_many(numbered(number) for number in range(255))
        assert not any(reader.get_many(keys))
        cache.put_many(numbered(number) for number in range(255, 300))
        assert sum(map(bool, reader.get_many(keys))) == 256


def test_entries_are_written_after_a_second(path, clock):
    """The second counts from the write before, also within one call."""

    def slow():
        yield numbered(0)
        assert reader.get_many([numbered(0)[0]]) == [None]
        clock[0] += 1
        yield numbered(1)
        assert None not in reader.get_many([numbered(0)[0], numbered(1)[0]])
        clock[0] += 0.9
        yield numbered(2)
        assert reader.get_many([numbered(2)[0]]) == [None]

    with HashCache(path, "s") as cache, HashCache(path, "s") as reader:
        cache.put_many(slow())


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_entries_are_written_after_an_exception(path, error):
    """Whatever ends the work, even between two entries of one call, what was done is kept."""

    def interrupted():
        yield KEY, FULL
        raise error

    with pytest.raises(error), HashCache(path, "s") as cache:
        cache.put_many(interrupted())
    assert get(path) == FULL


def test_an_interrupted_write_is_done_again(path, monkeypatch):
    """A transaction that is interrupted halfway is undone and leaves its entries waiting."""
    row_of = hashfeatures.hashing._cache._row_of
    calls = iter([None, KeyboardInterrupt])

    def interrupt(key, record):
        error = next(calls, None)
        if error:
            raise error
        return row_of(key, record)

    monkeypatch.setattr(hashfeatures.hashing._cache, "_row_of", interrupt)
    with pytest.raises(KeyboardInterrupt), HashCache(path, "s") as cache:
        cache.put_many([numbered(0), numbered(1)])
        cache.flush()
    assert None not in [get(path, numbered(0)[0]), get(path, numbered(1)[0])]


# Other processes

PROCESS = """
import sys
import tempfile
from hashfeatures.hashing._cache import HashCache
from hashfeatures.hashing._source_keys import SourceKey
from hashfeatures.hashing._record import ImageRecord
def entry(name, hash_name="phash"):
    return SourceKey(name, 1, 1), ImageRecord({hash_name: name.encode()}, digest=b"d")
print("ready", flush=True)
sys.stdin.readline()
"""


def start(code, *arguments):
    command = [sys.executable, "-c", PROCESS + code, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def release(*processes):
    """Let processes go on together, once all have imported what they need."""
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()


def test_two_processes_lose_nothing(tmp_path):
    """They create, write and leave the same files at once, and add hashes to the same entries."""
    code = """
folder, me = sys.argv[1:]
for number in range(25):
    with HashCache(f"{folder}/{number}.sqlite", "s") as cache:
        for row in range(40):
            cache.put_many([entry(f"/{me}/{row}"), entry(f"/{row}", me)])
            if row % 5 == 0:
                cache.flush()
"""
    with start(code, tmp_path, "a") as first, start(code, tmp_path, "b") as second:
        release(first, second)
    assert (first.returncode, second.returncode) == (0, 0)
    for number in range(25):
        with HashCache(tmp_path / f"{number}.sqlite", "s") as cache:
            for row in range(40):
                names = [f"/a/{row}", f"/b/{row}", f"/{row}"]
                found = cache.get_many([SourceKey(name, 1, 1) for name in names])
                assert [set(record.hashes) for record in found] == [{"phash"}, {"phash"}, {*"ab"}]
    assert sorted(os.listdir(tmp_path)) == sorted(f"{number}.sqlite" for number in range(25))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_writer_loses_only_what_waited(path):
    """The file stays good, and every entry that was written is in it."""
    code = """
with HashCache(sys.argv[1], "s") as cache:
    for start in range(0, 10**9, 256):
        cache.put_many(entry(f"/{start + row}") for row in range(256))
        print(start, flush=True)
"""
    with start(code, path) as process:
        release(process)
        for _ in range(20):
            written = int(process.stdout.readline()) + 256
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert Path(f"{path}-wal").exists()
    with HashCache(path, "s") as cache:
        assert None not in cache.get_many([SourceKey(f"/{row}", 1, 1) for row in range(written)])
        cache.put_many([(KEY, FULL)])
    assert get(path) == FULL


def test_a_writer_killed_as_it_created_the_file(path):
    """What is left of the transaction, the journal and some pages, is undone."""
    put(path, (KEY, FULL))
    path.write_bytes(path.read_bytes()[:4096])
    header = bytes.fromhex("d9d505f920a163d7") + b"".join(
        number.to_bytes(4, "big") for number in (0, 1, 0, 512, 4096)
    )
    Path(f"{path}-journal").write_bytes(header.ljust(512, b"\0"))
    assert get(path) is None
    put(path, (KEY, FULL))
    assert get(path) == FULL


# Files that are refused


def other_database(path, wal=False):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'}")
        connection.execute("CREATE TABLE images (name TEXT)")
        connection.commit()


def newer_version(path):
    put(path, (KEY, FULL))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 4")


def damage(path, at, data):
    put(path, *(numbered(number) for number in range(1000)))
    content = path.read_bytes()
    path.write_bytes(content[:at] + data + content[at + len(data) :])


def truncate(path, by):
    put(path, *(numbered(number) for number in range(1000)))
    path.write_bytes(path.read_bytes()[:-by])  # of 20 pages or so


REFUSED = {
    "text": (lambda path: path.write_text("no database"), "is not an SQLite database: delete it"),
    "zeros": (lambda path: path.write_bytes(bytes(9999)), "is not an SQLite database: delete it"),
    "other": (other_database, "is an SQLite database of something else: delete it"),
    "other WAL": (lambda path: other_database(path, True), "is an SQLite database of something"),
    "newer": (newer_version, "is of format version 4, .* knows version 3: delete it"),
    "header": (lambda path: damage(path, 0, b"garbage"), "is not an SQLite database: delete it"),
    "schema": (lambda path: damage(path, 100, b"\xff" * 500), "is damaged .*: delete it"),
    "page": (lambda path: damage(path, 5 * 4096, os.urandom(4096)), "is damaged .*: delete it"),
    "part": (lambda path: damage(path, 5 * 4096 - 99, b"\xff" * 200), "is damaged .*: delete it"),
    "one page less": (lambda path: truncate(path, 4096), "is damaged .*: delete it"),
    "half a page less": (lambda path: truncate(path, 2048), "is damaged .*: delete it"),
    "half": (lambda path: truncate(path, 10 * 4096 + 99), "is damaged .*: delete it"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_that_is_refused_stays_as_it_is(tmp_path, kind):
    """The error says where, what it is and what to do, and leaves every byte alone."""
    path = tmp_path / "it's 100% #1?.sqlite"
    make, message = REFUSED[kind]
    make(path)
    content, status = path.read_bytes(), path.stat()
    with pytest.raises(CacheError, match=message) as caught:
        HashCache(path, "s")
    assert repr(str(path)) in str(caught.value)
    assert path.read_bytes() == content
    assert path.stat().st_mtime_ns == status.st_mtime_ns


def test_a_damaged_file_with_a_log_stays_as_it_is(tmp_path, path):
    """Closing a refused file must not move into it what a killed process left in the log."""
    with HashCache(path, "s") as cache:
        cache.put_many(numbered(number) for number in range(1000))
        cache.flush()
        cache._connection.execute("PRAGMA wal_checkpoint").fetchall()
        cache.put_many([(KEY, FULL)])
        cache.flush()
        content, log = bytearray(path.read_bytes()), Path(f"{path}-wal").read_bytes()
    content[5 * 4096 : 6 * 4096] = b"\xff" * 4096
    twin = tmp_path / "twin.sqlite"
    twin.write_bytes(content)
    Path(f"{twin}-wal").write_bytes(log)
    with pytest.raises(CacheError, match="is damaged"):
        HashCache(twin, "s")
    assert twin.read_bytes() == content
    assert Path(f"{twin}-wal").read_bytes() == log


def test_the_journal_of_another_database_is_left_to_it(path):
    """An interrupted transaction of another program is not ours to undo."""
    other_database(path)
    content = path.read_bytes()
    header = bytes.fromhex("d9d505f920a163d7") + b"".join(
        number.to_bytes(4, "big") for number in (0, 1, 1, 512, 4096)
    )
    Path(f"{path}-journal").write_bytes(header.ljust(512, b"\0"))
    with pytest.raises(CacheError, match="cannot be used"):
        HashCache(path, "s")
    assert path.read_bytes() == content


def test_places_that_hold_no_file(tmp_path):
    """A folder, a folder that is not there, and one where nothing can be created."""
    places = {
        tmp_path: "is not a file",
        tmp_path / "gone" / "x.sqlite": "is in a folder that does not exist",
    }
    if sys.platform == "linux":  # a place that not even root can write to
        places[Path("/proc/x.sqlite")] = "cannot be used .*unable to open.*choose another path"
    for place, message in places.items():
        with pytest.raises(CacheError, match=message) as caught:
            HashCache(place, "s")
        assert repr(str(place)) in str(caught.value)


def as_nobody(code, *arguments):
    """Run Python without the powers of root, which are let go of when all is imported."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def open_folder():
    """Return a folder that any user can get to."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


LOOK_UP = """
import os, sys
import tempfile
from hashfeatures.hashing._cache import HashCache
from hashfeatures.hashing._source_keys import SourceKey
from hashfeatures.hashing._record import ImageRecord
if os.geteuid() == 0:
    os.setuid(65534)
key = SourceKey("/images/a.png", 5, 10**18)
with HashCache(sys.argv[1], "s") as cache:
    print(cache.get_many([key])[0].detail, cache.is_read_only)
    cache.put_many([(key, ImageRecord({"a": b"1"}))])
"""


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
@pytest.mark.parametrize("whole_folder", [True, False], ids=["folder", "file"])
def test_a_file_that_cannot_be_written_answers(open_folder, whole_folder):
    """What it holds is of use to those who may not add to it."""
    path = open_folder / "hashes.sqlite"
    put(path, (KEY, FULL))
    path.chmod(0o444)
    open_folder.chmod(0o555 if whole_folder else 0o777)
    done = as_nobody(LOOK_UP, path)
    assert done.stdout.split() == ["37", "True"], done.stderr
    open_folder.chmod(0o755)
    assert get(path) == FULL
    path.chmod(0o000)
    assert "CacheUnavailableError" in as_nobody(LOOK_UP, path).stderr


def test_a_file_of_an_older_release_is_emptied(path):
    """Its hashes are of another making, and no reason to fail."""
    put(path, (KEY, FULL))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE images")
        connection.execute("CREATE TABLE images (settings INTEGER, name BLOB, size INTEGER)")
        connection.execute("PRAGMA user_version = 2")
        connection.commit()
    assert get(path) is None
    put(path, (KEY, FULL))
    assert get(path) == FULL


def test_a_large_file_is_not_looked_through_to_be_opened(path, monkeypatch):
    """Half a million entries would take half a second each time; damage is told when it is met."""
    monkeypatch.setattr(hashfeatures.hashing._cache, "_CHECKED", 1000)
    damage(path, 5 * 4096, b"\xff" * 4096)
    with HashCache(path, "s") as cache, pytest.raises(CacheError, match="is damaged"):
        cache.get_many([numbered(number)[0] for number in range(1000)])


def test_an_empty_file_is_new(path):
    """As `tempfile` makes it."""
    path.touch()
    put(path, (KEY, FULL))
    assert get(path) == FULL


def test_what_a_deleted_file_leaves_beside_it_is_not_used(path):
    """To delete the file is the advice, and its log may be left there."""
    with HashCache(path, "s") as cache:
        cache.put_many([(KEY, FULL)])
        cache.flush()
        log = Path(f"{path}-wal").read_bytes()
    path.unlink()
    Path(f"{path}-wal").write_bytes(log)
    assert get(path) is None


def test_damage_found_later_is_told(path):
    """Both what SQLite does not know to be damage, and what it does."""
    put(path, (KEY, FULL))
    damages = [("layout", text) for text in ("{", "[]", '{"phash": "zz"}', '{"phash": 4}')]
    for column, value in (*damages, ("hashes", b"short"), ("hashes", 3)):
        path.unlink()
        put(path, (KEY, FULL))
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"UPDATE images SET {column} = ?", [value])
            connection.commit()
        with pytest.raises(CacheError, match=r"is damaged in the entry of '/images/a\.png'"):
            get(path)
    with HashCache(path, "s") as cache, closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE images")
        with pytest.raises(CacheError, match=r"cannot be used .*no such table"):
            cache.get_many([KEY])


def test_a_full_disk_is_told(path):
    """When the entries are written, also by leaving the context, and the file is let go of."""
    cache = HashCache(path, "s")
    cache._connection.execute("PRAGMA max_page_count = 8")
    with pytest.raises(CacheError, match=r"cannot be used .*full"), cache:
        cache.put_many(numbered(number) for number in range(5000))
    put(path, (KEY, FULL))
    assert get(path) == FULL


# Properties

texts = st.text(st.characters(), max_size=8)
plain_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
whole = st.integers(0, 2**63 - 1)
records = st.builds(
    ImageRecord,
    hashes=st.dictionaries(plain_texts, st.binary(max_size=9), max_size=3),
    detail=st.integers(0, 100),
    width=whole,
    height=whole,
    format=st.none() | plain_texts,
    digest=st.none() | st.binary(min_size=1, max_size=16),
    error=st.none() | texts,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(entries=st.dictionaries(texts, st.tuples(whole, whole, records), max_size=5), text=texts)
def test_any_record_of_any_name_comes_back(tmp_path, entries, text):
    """Names, settings and errors may be any text, even one that is not Unicode."""
    path = tmp_path / "any.sqlite"
    path.unlink(missing_ok=True)
    given_ = {SourceKey(name, *numbers): record for name, (*numbers, record) in entries.items()}
    put(path, *given_.items(), settings=text)
    with HashCache(path, text) as cache:
        assert cache.get_many(list(given_)) == list(given_.values())


def known_after(known, record):
    if known is None:
        return record
    if record.error is not None and known.error is None:
        return known
    hashes = {**known.hashes, **record.hashes}
    return replace(record, hashes=hashes, digest=record.digest or known.digest)


keys = st.builds(SourceKey, st.sampled_from(["/a", "/b"]), st.integers(0, 1), st.integers(0, 1))
small = st.builds(
    ImageRecord,
    hashes=st.dictionaries(st.sampled_from("pd"), st.binary(max_size=2)),
    detail=st.integers(0, 2),
    digest=st.sampled_from([None, b"1", b"2"]),
) | st.just(ImageRecord(error="x"))  # what failed has no hashes
steps = st.one_of(
    st.tuples(st.just("put"), keys, small),
    st.tuples(st.just("get"), keys, st.none()),
    st.tuples(st.sampled_from(["flush", "reopen"]), st.none(), st.none()),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(steps=st.lists(steps, min_size=2, max_size=15))
def test_a_cache_is_a_dict(tmp_path, steps):
    """Whatever is put and asked for, with writes in between or without."""
    path = tmp_path / "dict.sqlite"
    path.unlink(missing_ok=True)
    model = {}
    cache = HashCache(path, "s")
    try:
        for step, key, record in steps:
            if step == "put":
                held, known = model.get(key.name, (key, None))
                model[key.name] = key, known_after(known if held == key else None, record)
                cache.put_many([(key, record)])
            elif step == "get":
                held, known = model.get(key.name, (None, None))
                assert cache.get_many([key]) == [known if held == key else None]
            elif step == "flush":
                cache.flush()
            else:
                cache.close()
                cache = HashCache(path, "s")
        expected = list(model.values())
        assert cache.get_many([key for key, _ in expected]) == [record for _, record in expected]
    finally:
        cache.close()


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        (PureWindowsPath(r"C:\a b.sqlite"), "file:///C:/a%20b.sqlite"),
        (PureWindowsPath(r"\\server\share\a.sqlite"), "file:////server/share/a.sqlite"),
        (PurePosixPath("/a?b.sqlite"), "file:///a%3Fb.sqlite"),
    ],
)
def test_sqlite_opens_files_of_windows(path, uri):
    """SQLite refuses a URI with a host, as that of a shared folder."""
    assert _uri_of(path) == uri
