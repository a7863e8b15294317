"""Scripts without a main guard work, however the system starts processes."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import multiprocessing
import sys

multiprocessing.set_start_method(sys.argv[1])
print("started")

from hashfeatures import ImageHashFeaturizer
from hashfeatures.distributed import LocalExecutor

def double(number):
    return 2 * number

print(ImageHashFeaturizer("phash", n_jobs=2).fit_transform(sys.argv[2:]).shape)
for function in (double, lambda number: number + 1):
    print(sorted(outcome.result for outcome in LocalExecutor(2).run(function, range(3), 0)))
"""


@pytest.mark.slow
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_script_needs_no_main_guard(method, image_files, tmp_path):
    """Windows and macOS spawn workers, which must not run the script again."""
    if method == "forkserver" and os.name != "posix":
        pytest.skip("Windows has no fork server")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    command = [sys.executable, str(script), method, *map(str, image_files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    expected = ["started", f"({len(image_files)}, 64)", "[0, 2, 4]", "[1, 2, 3]"]
    assert done.stdout.splitlines() == expected
