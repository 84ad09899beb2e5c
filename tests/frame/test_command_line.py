"""Wrong commands: one line each, exit 2, nothing written."""

import subprocess
import sys
from pathlib import Path

import pytest

from erlnet.errors import UserError
from erlnet.study import parse_command


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=cwd
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["fusoin=pixel"], "did you mean 'fusion'"),
        (["fusion=pixle"], "did you mean 'pixel'"),
        (["fusion="], "an empty value"),
        (["renderer.steps=many"], "expected a whole number"),
        (["no_such_study"], "there is no study 'no_such_study'"),
        (["fusion=pixel", "--metrics", "sim"], "did you mean 'ssim'"),
        (["fusion=pixel", "--driving", "sound"], "unknown 'sound'"),
        (["fusion=pixel", "--jobs", "0"], "--jobs 0"),
        (["data=absent.mp4"], "no such file"),
        (["data=."], "neither prepared clips nor videos"),
        (["dataset=folder"], "needs data="),
        (["demo.size=100"], "demo.size=100"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(tmp_path, words, says):
    ran = command("erlnet.ablate", *words, "--out", "out", cwd=tmp_path)
    assert ran.returncode == 2, ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1
    assert says in ran.stderr
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    ran = command("erlnet.ablate", "fusion=pixel", "--out", "file/runs", cwd=tmp_path)
    assert ran.returncode == 2
    assert "cannot be written" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_file_that_is_no_video_fails_alone_and_by_name(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    ran = command("erlnet", "prepare", "text.mp4", "--out", "clips", cwd=tmp_path)
    assert ran.returncode == 1
    assert "text.mp4" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert "text.mp4" in (tmp_path / "clips" / "quarantine.json").read_text()
    assert not list((tmp_path / "clips").glob("*/clip.json"))


def test_a_study_file_with_an_unknown_key_is_refused(tmp_path):
    (tmp_path / "mine.toml").write_text("[swep]\nfusion = ['pixel']\n")
    ran = command("erlnet.ablate", "mine.toml", cwd=tmp_path)
    assert ran.returncode == 2
    assert "unknown key 'swep'" in ran.stderr


def test_a_control_without_words_is_refused(tmp_path):
    (tmp_path / "mine.toml").write_text("also = [{}]\n[sweep]\nfusion = ['pixel']\n")
    ran = command("erlnet.ablate", "mine.toml", cwd=tmp_path)
    assert ran.returncode == 2
    assert "also number 1 must be a table of words" in ran.stderr


@pytest.mark.parametrize("line", ["title = 3", "sweep = 3", "set = ['a']", "also = 3"])
def test_a_study_file_with_something_else_in_place_of_a_table_is_refused(tmp_path, line):
    (tmp_path / "mine.toml").write_text(line + "\n")
    with pytest.raises(UserError, match=f"{line.split()[0]} must be a"):
        parse_command([str(tmp_path / "mine.toml")])
