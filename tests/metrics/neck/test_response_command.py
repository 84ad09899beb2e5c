"""`python -m erlnet.runs.response` on a prepared clip of two small frames."""

import csv
from pathlib import Path

import numpy as np
import pytest
from neck_scene import lively

pytest.importorskip("cv2", reason="the neck metrics need OpenCV (the extra track)")
pytest.importorskip("matplotlib", reason="the plot needs matplotlib")

from erlnet.data.clip import Camera, ClipWriter, Coefficients, Labels
from erlnet.errors import UserError
from erlnet.metrics.faults import FAULTS
from erlnet.runs.response import families, main, scene


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("clips") / "small"
    person = lively(2, 64)
    writer = ClipWriter(folder, "small", Labels("a", "", "folder", "", "small"), Camera(500, 500, 32, 32, 64, 64))
    for frame, bits in zip(person.frames, person.bits):
        writer.add_frame(np.ascontiguousarray(frame.transpose(1, 2, 0)))
        writer.add_regions(bits)
    still = Coefficients(
        np.zeros((2, 4)), np.zeros((2, 3)), np.zeros((2, 2)), np.tile(np.eye(4), (2, 1, 1)), np.eye(4),
        np.zeros((2, 2)), np.zeros((2, 6)), np.zeros(3), np.ones(2, bool),
    )  # fmt: skip
    writer.close(np.zeros(2560, np.float32), still, person.landmarks)
    return folder


def test_it_writes_table_and_picture_of_every_fault_and_strength(clip, tmp_path, capsys):
    assert main([str(clip), "--out", str(tmp_path), "--size", "64", "--metrics", "neck,ssim"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "matrix.csv")
    with open(tmp_path / "matrix.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["fault"], row["strength"]) for row in rows} == {("truth", "0.0")} | {
        (fault.id, str(float(strength))) for fault in FAULTS for strength in fault.strengths
    }
    assert {row["region"] for row in rows if row["metric"] == "ssim"} == {"frame", "neck", "mouth"}
    assert (tmp_path / "matrix.md").read_text().count("\n|") == 2 + len(FAULTS)
    assert (tmp_path / "matrix.png").stat().st_size > 1000
    assert (tmp_path / "faults.png").stat().st_size > 1000


def test_mistakes_are_one_line(clip, tmp_path, capsys):
    for wrong in ([str(tmp_path / "none")], [str(clip), "--size", "64", "--metrics", "sharpness"]):
        assert main([*wrong, "--out", str(tmp_path / "out")]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_a_family_without_its_weights_is_left_out_and_said(clip, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ERLNET_ASSETS", str(tmp_path))
    from erlnet.data.clip import open_clip

    part = scene(open_clip(clip), 25, 64)
    assert [family.name for family in families(["lpips", "psnr"], part)] == ["psnr"]
    assert "assets fetch lpips" in capsys.readouterr().err
    with pytest.raises(UserError, match="none of these families"):
        families(["lpips"], part)
