"""The command that a missing extra names works where the package was installed from."""

import json
from importlib import metadata

import pytest

from hashfeatures import MissingExtraError
from hashfeatures._utils import optional as extras
from hashfeatures._utils.optional import import_extra, install_command


class Installed:
    """A distribution with these files in its metadata."""

    def __init__(self, **files):
        self.files = files

    def read_text(self, name):
        return self.files.get(name.removesuffix(".json"))


@pytest.fixture
def install(monkeypatch):
    """Return a function that says how the package was installed."""

    def installed(url=None, installer="pip\n", **info):
        files = {"INSTALLER": installer}
        if url is not None:
            files["direct_url"] = json.dumps({"url": url} | info)
        monkeypatch.setattr(metadata, "distribution", lambda name: Installed(**files))

    return installed


def test_from_an_index_the_name_is_enough(install):
    install()
    assert install_command("remote") == 'pip install "hashfeatures[remote]"'


def test_an_editable_clone_stays_editable(install, tmp_path):
    clone = tmp_path / "a cloné"
    clone.mkdir()
    install(clone.as_uri(), dir_info={"editable": True})
    assert install_command("plot") == f'pip install -e "{clone}[plot]"'


def test_a_clone_is_installed_from_again(install, tmp_path):
    install(tmp_path.as_uri(), dir_info={})
    assert install_command("plot") == f'pip install "{tmp_path}[plot]"'


def test_a_clone_that_is_gone_leaves_the_names_of_the_packages(install, tmp_path, monkeypatch):
    install((tmp_path / "gone").as_uri(), dir_info={})
    required = [
        "numpy>=2",
        "pyarrow>=17 ; extra == 'parquet'",
        'ray[data]>=2.59.0; extra == "ray"',
        "hashfeatures[parquet]; extra == 'ray'",
    ]
    monkeypatch.setattr(metadata, "requires", lambda name: required)
    assert install_command("ray") == 'pip install "ray[data]>=2.59.0" "pyarrow>=17"'


def test_a_repository_is_named_with_its_commit(install):
    vcs = {"vcs": "git", "commit_id": "ab12"}
    install("https://example.org/h.git", vcs_info=vcs)
    assert install_command("pdq") == (
        'pip install "hashfeatures[pdq] @ git+https://example.org/h.git@ab12"'
    )


def test_an_archive_is_named_by_its_address(install):
    install("https://example.org/h-1.whl", archive_info={})
    assert install_command("pdq") == (
        'pip install "hashfeatures[pdq] @ https://example.org/h-1.whl"'
    )


def test_who_installs_with_uv_is_told_so(install):
    install(installer="uv")
    assert install_command("remote") == 'uv pip install "hashfeatures[remote]"'


def test_a_clone_on_the_path_is_named(monkeypatch, tmp_path):
    """Nothing is installed where a clone is merely on PYTHONPATH."""

    def fail(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", fail)
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setattr(
        extras, "__file__", str(tmp_path / "hashfeatures" / "_utils" / "optional.py")
    )
    assert install_command("remote") == f'pip install "{tmp_path}[remote]"'


def test_the_message_names_the_command(install):
    install()
    with pytest.raises(MissingExtraError, match=r"needs no_such_module.*hashfeatures\[remote\]"):
        import_extra("no_such_module", "remote", "Fetching a URL")
