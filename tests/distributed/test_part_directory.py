"""A part of a stage directory has its own name only when it is complete."""

from fsspec.implementations.local import LocalFileSystem

from hashfeatures.distributed._part_directory import PartDirectory


def test_a_local_file_is_renamed_and_never_copied(tmp_path, monkeypatch):
    """A copy would leave a half under the name of the file if its writer was killed."""

    def refuse(*arguments, **options):
        raise AssertionError("a file is copied")

    for name in ("mv", "mv_file", "copy", "cp_file"):
        monkeypatch.setattr(LocalFileSystem, name, refuse, raising=False)
    directory = PartDirectory(tmp_path)
    for value in (1, 2):
        directory.write_json("settings.json", {"value": value})
        assert directory.read_json("settings.json") == {"value": value}
    assert [path.name for path in tmp_path.iterdir()] == ["settings.json"]
