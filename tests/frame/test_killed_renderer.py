"""A job killed in the renderer stage, on disk: re-issued, it ends with the files of one that was not killed."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from erlnet.runs.folders import unfinished_folder
from erlnet.runs.job import _one_line, _told

WORDS = "fusion=feature preset=smoke renderer.steps=60 threads=1 --metrics psnr --driving tracked"
COMMAND = [sys.executable, "-m", "erlnet.ablate", *WORDS.split()]


def start(folder: Path) -> subprocess.Popen:
    environment = os.environ | {"ERLNET_CHECKPOINT_SECONDS": "0"}
    return subprocess.Popen(
        COMMAND, cwd=folder, env=environment, start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def finish(process: subprocess.Popen) -> str:
    told, _ = process.communicate(timeout=300)
    assert process.returncode == 0, told
    return told


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """(folder of an uninterrupted run, folder of one that was killed while it trained and issued again, its words)."""
    whole, broken = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("broken")
    finish(start(whole))
    shutil.copytree(whole / "runs", broken / "runs")
    shutil.rmtree(broken / "runs/stages/renderer")
    process = start(broken)
    while not list((broken / "runs/checkpoints").glob("renderer-*/renderer-000.checkpoint")):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not list((broken / "runs/stages").glob("renderer/*/DONE"))
    return whole, broken, finish(start(broken))


def renderer(folder: Path) -> Path:
    (stage,) = (folder / "runs/stages/renderer").iterdir()
    return stage


def test_the_renderers_are_the_same_files(killed):
    whole, broken, _ = killed
    names = [f.relative_to(renderer(whole)) for f in sorted(renderer(whole).rglob("*.safetensors"))]
    assert [str(n) for n in names] == [
        "budget/renderer-000-half.safetensors", "budget/renderer-000-quarter.safetensors", "renderer-000.safetensors",
    ]  # fmt: skip
    for name in names:
        assert (renderer(broken) / name).read_bytes() == (renderer(whole) / name).read_bytes(), name


def test_it_went_on_where_it_was_and_counts_the_seconds_of_both_attempts(killed):
    _, broken, told = killed
    assert "goes on at step" in told
    metrics = json.loads((renderer(broken) / "metrics.json").read_text())
    assert 0 < metrics["seconds_before"] < metrics["seconds"]


def test_nothing_of_the_checkpoints_is_left(killed):
    for folder in killed[:2]:
        assert list((folder / "runs/checkpoints").iterdir()) == []


def test_checkpoints_outlive_an_attempt_and_go_with_the_product(tmp_path):
    final, scratch, kept = tmp_path / "renderer" / "k", tmp_path / ".tmp", tmp_path / "checkpoints" / "renderer-k"

    def dies():
        with unfinished_folder(final, scratch, kept) as working:
            kept.mkdir(parents=True)
            (kept / "state").write_text("x")
            (working / "half").write_text("x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        dies()
    with unfinished_folder(final, scratch, kept) as working:
        assert list(working.iterdir()) == []
        assert (kept / "state").read_text() == "x"
    assert not kept.exists()
    kept.mkdir()  # killed between the two
    with unfinished_folder(final, scratch, kept) as working:
        assert working is None
    assert not kept.exists()


def test_a_full_disk_is_told_in_one_line_wherever_it_shows():
    error = OSError(errno.ENOSPC, "No space left on device", "frames/00001.png")
    assert _one_line(_told(error)).startswith("no space left on the disk: frames/00001.png could not be written")
    other = OSError(errno.EACCES, "Permission denied", "x")
    assert _told(other) is other
