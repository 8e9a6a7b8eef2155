"""A disk that is full, or a file that may not grow, is named in the one line of the error."""

import errno
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ENVIRONMENT, PROJECT, assert_one_line_error

from realage.core.disk import is_of_machine
from realage.network import model_file
from realage.photos import decode

SOUND = PROJECT / "tests/data/regression-0.1.keras"
LIMIT = 10_000  # bytes of a file
WRITERS = {  # the file that is named: code that writes it
    "metrics/a.json": "from realage.core.files import write_json; "
    "write_json(Path('metrics/a.json'), {'a': 'b' * 20_000})",
    "photos/abc.png": "from realage.photos.prepared import write_prepared; Path('photos').mkdir(); "
    "write_prepared(Path('photos'), 'abc', bytes(20_000))",
}
RUN = "from pathlib import Path; from realage.runner.command import run\ndef command():\n    {}\nrun(command)"


def run_limited(folder: Path, code: str, limit: int, size: int) -> subprocess.CompletedProcess:
    """Run `code` as a program that may use `size` bytes of the resource `limit`."""
    return subprocess.run(
        [sys.executable, "-c", RUN.format(code)],
        cwd=folder,
        env={**ENVIRONMENT, "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(limit, (size, size)),
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("file", WRITERS)
def test_the_file_that_cannot_be_written_is_named(workspace, file):
    done = run_limited(workspace, WRITERS[file], resource.RLIMIT_FSIZE, LIMIT)
    assert_one_line_error(done, f"error: {file}: File too large")


def test_a_full_disk_is_no_fault_of_the_model_file(workspace, monkeypatch):
    def load(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(model_file.keras.models, "load_model", load)
    monkeypatch.setattr(model_file.tempfile, "tempdir", "full")
    shutil.copy(SOUND, "age.keras")
    with pytest.raises(OSError, match="No space left on device: 'full'"):
        model_file.load_model(Path("age.keras"))


def test_no_temporary_folder_is_no_missing_file(workspace):
    code = "raise FileNotFoundError(2, 'No usable temporary directory found in [/tmp]')"
    done = run_limited(workspace, code, resource.RLIMIT_FSIZE, LIMIT)
    assert_one_line_error(done, "No usable temporary directory found in [/tmp]")
    assert "dvc repro" not in done.stderr
    assert is_of_machine(FileNotFoundError(2, "No usable temporary directory found in [/tmp]"))


def test_a_disk_that_cannot_be_read_rejects_no_photo(workspace, monkeypatch):
    def fail(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    Path("a.jpg").touch()
    monkeypatch.setattr(decode, "open_limited", fail)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        decode.load_photo(Path("a.jpg"), 50)


@pytest.mark.parametrize("gibibytes", [0.5, 2.0, 2.8])
def test_too_little_address_space_for_keras_is_one_line(workspace, gibibytes):
    code = "import realage.network.quiet_keras"
    done = run_limited(workspace, code, resource.RLIMIT_AS, int(gibibytes * 2**30))
    assert_one_line_error(done, f"may use {gibibytes} GiB of address space", "'ulimit -v unlimited'")


def test_too_little_memory_is_one_line(workspace):
    done = run_limited(workspace, "raise MemoryError", resource.RLIMIT_FSIZE, LIMIT)
    assert_one_line_error(done, "not enough memory")
