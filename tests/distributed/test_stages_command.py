"""``hashfeatures stages`` runs the four stages on either executor."""

import json

import pandas as pd
import pytest

from hashfeatures import NearDuplicateFinder, assign_split, seal_images
from hashfeatures.cli import main
from hashfeatures.distributed import read_stage


@pytest.mark.parametrize("engine", ["local", pytest.param("ray", marks=pytest.mark.cluster)])
def test_runs_all_stages_and_goes_on(family, tmp_path, capsys, engine, request):
    if engine == "ray":
        request.getfixturevalue("ray_cluster")
    out = tmp_path / "run"
    asked = ["stages", str(tmp_path), "-o", str(out), "--engine", engine, "-j", "2", "--json"]
    assert main(asked) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["images"], result["new"], result["groups"], result["duplicates"]) == (
        15,
        15,
        5,
        15,
    )
    assert len(read_stage(out / "split")) == 15
    assert main(asked) == 0
    assert json.loads(capsys.readouterr().out) == {**result, "new": 0}


def test_explains_what_is_wrong(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    asked = ["stages", str(tmp_path / "empty"), "-o", str(tmp_path / "run")]
    assert main(asked) == 3
    assert "nothing to hash" in capsys.readouterr().err
    assert main([*asked, "--address", "auto"]) == 2
    assert "Add --engine ray" in capsys.readouterr().err


def test_writes_lists_that_training_reads(family, tmp_path, capsys):
    """Each image is listed once, and unreadable images are in neither part."""
    (tmp_path / "broken.png").write_bytes(b"no image")
    out = tmp_path / "run"
    for _ in range(2):  # the second run replaces the lists
        assert main(["stages", str(tmp_path), "-o", str(out), "-j", "1", "--json"]) == 0
    out_of_both = capsys.readouterr().out
    result = json.loads(out_of_both[out_of_both.rindex("{") :])
    lists = {
        name: (out / f"{name}.txt").read_text("utf-8").splitlines()
        for name in ("train", "test", "unreadable")
    }
    assert [len(lists["train"]), len(lists["test"])] == [result["train"], result["test"]]
    assert lists["unreadable"] == [str(tmp_path / "broken.png")]
    assert sorted(lists["train"] + lists["test"]) == sorted(map(str, family[0]))
    assert main(["leaks", str(out / "train.txt"), str(out / "test.txt")]) == 0


def test_borders_are_trimmed_only_from_the_start(family, tmp_path, capsys):
    """Another setting would mix hashes of two kinds in one directory."""
    command = ["stages", str(tmp_path), "-o", str(tmp_path / "run"), "-j", "1"]
    assert main([*command, "--trim-borders"]) == 0
    assert main(command) == 3
    assert "made with other settings" in capsys.readouterr().err


def test_splits_by_the_columns_of_a_table_and_a_lock(family, tmp_path, capsys):
    """Classes, groups and the lock are those of `assign`."""
    paths = list(map(str, family[0]))
    table = pd.DataFrame({"path": paths, "label": "a", "patient": family[1] // 2})
    table.to_csv(tmp_path / "scans.csv", index=False)
    command = ["stages", str(tmp_path / "scans.csv"), "-o", str(tmp_path / "run"), "-j", "1"]
    command += ["--no-verify", "--lock", str(tmp_path / "split.lock.json"), "--test-size", "0.4"]
    command += ["--stratify-by", "label", "--groups", "patient", "--json"]
    assert main(command) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["train"] + result["test"] == len(paths)
    split = read_stage(tmp_path / "run" / "split")
    by_path = split.set_index("image")["split"]
    parts = set(zip(table["patient"], by_path[paths], strict=True))
    assert len(parts) == table["patient"].nunique() == 3
    named = assign_split(
        paths, lock=tmp_path / "split.lock.json", finder=NearDuplicateFinder(verify=False)
    )
    assert named.tolist() == by_path[paths].tolist()


def test_columns_are_checked_before_any_image_is_hashed(family, tmp_path, capsys):
    pd.DataFrame({"path": map(str, family[0])}).to_csv(tmp_path / "scans.csv", index=False)
    command = ["-o", str(tmp_path / "run"), "--groups", "ward"]
    assert main(["stages", str(tmp_path / "scans.csv"), *command]) == 3
    assert "'ward' is not a column of images: the table has the columns path." in (
        capsys.readouterr().err
    )
    assert main(["stages", str(tmp_path), *command]) == 3
    assert "add --table FILE" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_table_names_its_column_of_images_itself(family, tmp_path, capsys):
    """--column is that of SOURCE."""
    paths = list(map(str, family[0]))
    pd.DataFrame({"place": paths}).to_csv(tmp_path / "scans.csv", index=False)
    known = pd.DataFrame({"image": paths, "label": "a"})
    known.to_csv(tmp_path / "known.csv", index=False)
    command = ["stages", str(tmp_path / "scans.csv"), "-o", str(tmp_path / "run"), "-j", "1"]
    command += ["--column", "place", "--no-verify", "--stratify-by", "label"]
    assert main([*command, "--table", str(tmp_path / "known.csv")]) == 0


def test_a_seal_is_no_data_set(family, tmp_path, capsys):
    seal_images(family[0], tmp_path / "t.seal")
    command = ["stages", str(tmp_path), "-o", str(tmp_path / "run")]
    assert main([*command, "--against", str(tmp_path / "t.seal")]) == 3
    assert "hashfeatures leaks PATHS --against" in capsys.readouterr().err
