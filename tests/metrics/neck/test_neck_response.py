"""Every fault is seen by its own metric, more the stronger it is; and the matrix is written as it was measured."""

import csv

import numpy as np
import pytest
from neck_scene import Person, lively, person, still

from erlnet.errors import UserError
from erlnet.metrics.families import build_family
from erlnet.metrics.faults import FAULTS, Fault
from erlnet.metrics.faults_scene import Scene
from erlnet.metrics.neck.cards import NECK_CARDS
from erlnet.metrics.neck.family import NeckFamily
from erlnet.metrics.pairs import Row
from erlnet.metrics.response import (
    TRUTH,
    Response,
    means,
    read_csv,
    respond,
    rises,
    shade,
    worse,
    write_csv,
    write_markdown,
)
from erlnet.metrics.response_plot import plot

ONE_FRAME = ("torso_shift", "neck_band", "gap", "ghost", "seam", "blur", "flat_collar", "gain")


def scene_for(fault: Fault) -> Scene:
    """The smallest clip in which that fault shows."""
    if fault.id in ONE_FRAME:
        return as_scene(still(1, 256))
    if fault.id == "frozen_torso":  # the torso drifts, so what is held longer is farther off
        t = np.arange(20)
        return as_scene(person(np.zeros((20, 2)), np.stack([0.4 * t, 0 * t], axis=1), 96))
    if fault.id == "delayed_mouth":
        t = np.arange(12)
        return as_scene(person(np.zeros((12, 2)), np.zeros((12, 2)), mouth=0.5 - 0.5 * np.cos(np.pi * t / 11)))
    return as_scene(lively(6, 96))


def as_scene(figure: Person) -> Scene:
    return Scene(figure.pair(figure.frames).reference, figure.bits, figure.landmarks)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_each_fault_raises_its_own_metric_strictly_over_five_strengths(fault):
    if fault.own[0] != "ssim":
        pytest.importorskip("cv2", reason="the neck metrics need OpenCV (the extra track)")
    family = build_family("ssim") if fault.own[0] == "ssim" else NeckFamily()
    cells = list(respond({"clip": scene_for(fault)}, [family], [fault]))
    shown = [cell.value for cell in cells if (cell.metric, cell.region) == fault.own]
    assert len(shown) == 6
    assert rises(cells, fault, *fault.own), shown


def test_own_metrics_are_metrics_that_there_are():
    known = {(card.id, region) for card in NECK_CARDS for region in card.regions}
    assert {fault.own for fault in FAULTS} <= known | {("ssim", "frame"), ("ssim", "mouth")}


def cells_of(values: dict[float, float | None], metric: str = "ssim") -> list[Response]:
    return [Response("c", TRUTH if s == 0 else "gap", s, metric, "neck", v) for s, v in values.items()]


GAP = next(fault for fault in FAULTS if fault.id == "gap")


def test_rising_is_strict_and_of_all_six_and_ssim_falls():
    falling = dict(zip((0, *GAP.strengths), (1, 0.9, 0.8, 0.7, 0.6, 0.5)))
    assert rises(cells_of(falling), GAP, "ssim", "neck")
    assert not rises(cells_of(falling, "neck_seam"), GAP, "neck_seam", "neck")
    assert not rises(cells_of(falling | {6: 0.9}), GAP, "ssim", "neck")
    assert not rises(cells_of(falling | {16: None}), GAP, "ssim", "neck")
    assert not rises([], GAP, "ssim", "neck")


def test_psnr_counts_as_squared_error():
    assert worse("psnr", 20) == pytest.approx(0.01)
    assert worse("ssim", 0.9) == -0.9
    assert worse("neck_seam", 3) == 3


def test_means_leave_frames_without_a_value_out():
    rows = [Row("c", 0, "a", "neck", 1.0), Row("c", 1, "a", "neck", None), Row("c", None, "b", "neck", None)]
    assert means(rows) == {("a", "neck"): 1.0, ("b", "neck"): None}


def made_up() -> list[Response]:
    """A matrix of two metrics in which one has no value at the strongest gap."""
    cells = []
    for fault, strength in [(TRUTH, 0.0), *((f.id, float(s)) for f in FAULTS for s in f.strengths)]:
        size = 0.0 if fault == TRUTH else 1.0 + min(strength, 20)
        gone = (fault, strength) == ("gap", 16.0)
        cells.append(Response("demo", fault, strength, "neck_distance", "neck", None if gone else size))
        cells.append(Response("demo", fault, strength, "ssim", "neck", round(1 - size / 100, 4)))
    return cells


def test_shades_are_shares_of_the_largest_change_and_nan_without_a_value():
    rows = [(fault, s) for fault in FAULTS for s in fault.strengths]
    columns = [("neck_distance", "neck"), ("ssim", "neck")]
    shades = shade(made_up(), "demo", columns, rows)
    names = [(fault.id, float(s)) for fault, s in rows]
    assert np.isnan(shades[names.index(("gap", 16.0)), 0])
    assert shades[names.index(("frozen_torso", float("inf")))].tolist() == pytest.approx([1, 1])
    assert shades[names.index(("gap", 4.0)), 1] == pytest.approx(5 / 21)


def test_the_matrix_is_written_as_table_and_picture(tmp_path):
    write_csv(tmp_path / "m.csv", made_up())
    with open(tmp_path / "m.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 66
    gone = next(row for row in rows if row["fault"] == "gap" and row["strength"] == "16.0")
    assert gone["value"] == ""
    assert {row["strength"] for row in rows if row["fault"] == "frozen_torso"} >= {"inf"}
    assert read_csv(tmp_path / "m.csv") == made_up()
    write_markdown(tmp_path / "m.md", made_up())
    text = (tmp_path / "m.md").read_text()
    assert "| background between head and neck, px: 4, 8, 16 | 5 9 n/a | 0.95 0.91 0.83 ^ |" in text
    pytest.importorskip("matplotlib", reason="the plot needs matplotlib")
    plot(tmp_path / "m.png", made_up())
    assert (tmp_path / "m.png").read_bytes()[:4] == b"\x89PNG"


def test_without_matplotlib_the_plot_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(UserError, match=r"pip install 'erlnet\[plots\]'"):
        plot(tmp_path / "m.png", made_up())
