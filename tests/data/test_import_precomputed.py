"""Tracker `precomputed`: what another program wrote comes in as its stated layout says, or is refused by name."""

import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from scipy.spatial.transform import Rotation

from erlnet.data.clip import Coefficients, write_coefficients
from erlnet.data.tracking.components import Precomputed
from erlnet.data.tracking.imported import positions, projected_landmarks, short_gaps
from erlnet.data.tracking.layout import NONE
from erlnet.errors import InputError, UserError
from erlnet.head.components import MakeHuman
from erlnet.interfaces import Observation, Origin
from erlnet.options import parse_value

T, SIZE, FOCAL = 40, 256, 900.0
FLIP = np.diag([1.0, -1.0, -1.0])
MAT = Path(__file__).parents[3] / "shared" / "data" / "motion" / "source_video__Obama_clip1.mat"


class Quiet:
    def update(self, step, total, loss=None):
        pass

    def note(self, text):
        pass


@pytest.fixture(scope="module")
def model():
    return MakeHuman().build()


def moving(model, times, seed=0):
    """Smooth motion at any times (s), float32: the same moment always gives the same row."""
    rng = np.random.default_rng(seed)
    n = len(times)
    wave = 0.5 + 0.5 * np.sin(times[:, None] * rng.uniform(1, 4, 60) + rng.uniform(0, 6, 60))
    head = np.tile(np.eye(4), (n, 1, 1))
    head[:, :3, :3] = FLIP @ Rotation.from_rotvec(wave[:, :3] * [0.3, 0.5, 0.2] - 0.1).as_matrix()
    head[:, :3, 3] = wave[:, 3:6] * 0.02 + [0.0, 0.0, 1.2]
    root = np.diag([1.0, -1.0, -1.0, 1.0])
    root[2, 3] = 1.21
    return Coefficients(
        expression=(0.4 * wave[:, : model.n_expression]).astype(np.float32),
        jaw=(wave[:, 40:43] * [0.3, 0.02, 0.02]).astype(np.float32),
        lids=wave[:, 44:46].astype(np.float32),
        head_to_world=head.astype(np.float32),
        root=root.astype(np.float32),
        torso_offset=wave[:, 46:48].astype(np.float32),
        eyes=(0.1 * wave[:, 48:54]).astype(np.float32),
        shape=rng.normal(0, 0.3, model.n_shape).astype(np.float32),
        valid=np.arange(n) != 7,
    )


@pytest.fixture(scope="module")
def truth(model):
    return moving(model, (np.arange(T) + 0.5) / 25)


@pytest.fixture
def observation(model, truth):
    seen = projected_landmarks(model, truth, FOCAL, (SIZE, SIZE))
    return Observation(seen, (SIZE, SIZE), 25, None, None, FOCAL, None)


def from_video(observation, fps, first=0.0):
    """The same clip, cut `first` s after the first picture of a video of `fps`."""
    times = first + (np.arange(T) + 0.5) / 25
    origin = Origin("talk", Path("talk.mp4"), np.floor(times * fps).astype(int), times, 0.0, 0.0, 1.0)
    return replace(observation, origin=origin)


def imported(component, observation, model):
    return component.build()(observation, model, Quiet())


def radians_between(a, b):
    a, b = (Rotation.from_matrix(m[:, :3, :3].astype(np.float64)) for m in (a, b))
    return (a.inv() * b).magnitude()


def arrays_of(c):
    return {f.name: getattr(c, f.name) for f in fields(c)}


def test_an_exported_clip_comes_back_to_the_bit(tmp_path, model, truth, observation):
    write_coefficients(tmp_path / "coefficients.npz", truth)
    found = imported(Precomputed(str(tmp_path / "coefficients.npz")), observation, model)
    for name, array in arrays_of(truth).items():
        given = getattr(found.coefficients, name)
        assert given.dtype == array.dtype
        assert given.tobytes() == array.tobytes(), name
    assert found.focal == FOCAL
    assert found.report["reprojection_px"] == 0
    assert found.report["lids_known"] == 1


def test_a_folder_holds_a_file_for_each_clip_and_its_focal_length(tmp_path, model, truth, observation):
    (tmp_path / "talk").mkdir()
    write_coefficients(tmp_path / "talk" / "coefficients.npz", truth)
    unseen = replace(from_video(observation, 25), focal=None)
    with pytest.raises(InputError, match=r"no focal length .*tracker\.focal .*clip\.json"):
        imported(Precomputed(str(tmp_path)), unseen, model)
    (tmp_path / "talk" / "clip.json").write_text(json.dumps({"camera": {"fx": 2 * FOCAL, "height": 2 * SIZE}}))
    assert imported(Precomputed(str(tmp_path)), unseen, model).focal == pytest.approx(FOCAL)
    other = replace(unseen, origin=replace(unseen.origin, name="other", video=Path("other.mov")))
    with pytest.raises(InputError, match=r"nothing for clip 'other'; expected one of other\.npz, other\.mat, other/"):
        imported(Precomputed(str(tmp_path)), other, model)


@pytest.mark.parametrize("form", ["axis-angle", "euler", "matrix"])
def test_one_matrix_of_columns_in_other_units_and_axes_is_read_as_stated(tmp_path, model, truth, observation, form):
    """A mat file with all in one array, degrees, centimetres, OpenGL's axes: written by hand, read by the options."""
    turns = FLIP @ truth.head_to_world[:, :3, :3].astype(np.float64)
    if form == "euler":  # R = Rz Ry Rx, angles by hand
        y = -np.arcsin(turns[:, 2, 0])
        x, z = np.arctan2(turns[:, 2, 1], turns[:, 2, 2]), np.arctan2(turns[:, 1, 0], turns[:, 0, 0])
        numbers = np.rad2deg(np.stack([x, y, z], 1))
    else:
        numbers = turns.reshape(T, 9) if form == "matrix" else np.rad2deg(Rotation.from_matrix(turns).as_rotvec())
    place = truth.head_to_world[:, :3, 3].astype(np.float64) @ FLIP * 100
    e = model.n_expression
    coeff = np.concatenate([truth.expression, np.rad2deg(truth.jaw), place, numbers], 1)
    scipy.io.savemat(tmp_path / "talk.mat", {"coeff": coeff, "id": truth.shape})
    component = Precomputed(
        str(tmp_path / "talk.mat"), expression=f"coeff[:{e}]", jaw=f"coeff[{e}:{e + 3}]", shape="id",
        rotation=f"coeff[{e + 6}:]", translation=f"coeff[{e + 3}:{e + 6}]", form=form, angles="deg", lengths="cm",
        axes="opengl",
    )  # fmt: skip
    found = imported(component, observation, model)
    c = found.coefficients
    assert radians_between(c.head_to_world, truth.head_to_world).max() < 1e-4
    np.testing.assert_allclose(c.head_to_world[:, :3, 3], truth.head_to_world[:, :3, 3], atol=1e-6)
    np.testing.assert_allclose(c.jaw, truth.jaw, atol=1e-6)
    np.testing.assert_allclose(c.expression, truth.expression, atol=1e-6)
    np.testing.assert_allclose(c.root[:3, 1], [0, -1, 0], atol=1e-6)  # none was given: it stands upright
    assert not c.lids.any()
    assert (found.report["lids_known"], found.report["root_known"], found.report["jaw_known"]) == (0, 0, 1)
    assert c.valid.all()


@pytest.mark.parametrize("fps", [30.0, 24.0])
def test_rows_at_another_rate_are_resampled_by_time(tmp_path, model, truth, observation, fps):
    first = 0.4
    rows = moving(model, (np.arange(int(2.2 * fps)) + 0.5) / fps)
    write_coefficients(tmp_path / "rows.npz", replace(rows, valid=np.ones(len(rows), bool)))
    wanted = moving(model, first + (np.arange(T) + 0.5) / 25)
    seen = replace(observation, landmarks=projected_landmarks(model, wanted, FOCAL, (SIZE, SIZE)))
    component = Precomputed(str(tmp_path / "rows.npz"), rows="time", fps=fps)
    found = imported(component, from_video(seen, fps, first), model)
    # Between rows of motion this fast a straight line is off by its bend, 1/8 of the second difference.
    assert radians_between(found.coefficients.head_to_world, wanted.head_to_world).max() < 2e-3
    np.testing.assert_allclose(found.coefficients.expression, wanted.expression, atol=2e-3)
    assert found.report["reprojection_px"] < 0.2
    assert found.coefficients.valid.all()


def test_between_two_rows_rotations_take_the_shortest_turn(tmp_path, model, truth, observation):
    """Rows at 12.5 fps stand at .04, .12, ... s; frame 2 (.1 s) lies three quarters of the way from row 0 to row 1."""
    turn = Rotation.from_rotvec([[0, 0.2, 0], [0, 1.0, 0]] * 10)
    pose = np.tile(np.eye(4), (20, 1, 1))
    pose[:, :3, :3], pose[:, 2, 3] = turn.as_matrix(), 1.2
    rows = moving(model, np.arange(20) / 12.5)
    write_coefficients(tmp_path / "rows.npz", replace(rows, head_to_world=pose, valid=np.ones(20, bool)))
    component = Precomputed(str(tmp_path / "rows.npz"), rows="time", fps=12.5)
    c = imported(component, observation, model).coefficients
    angles = Rotation.from_matrix(c.head_to_world[:4, :3, :3].astype(np.float64)).as_rotvec()[:, 1]
    np.testing.assert_allclose(angles, [0.2, 0.4, 0.8, 0.8], atol=1e-5)


def test_rows_of_source_frames_follow_the_clips_own_choice_of_frames(tmp_path, model, truth, observation):
    clip = from_video(observation, 30, 0.2)
    rows = moving(model, np.arange(70) / 30)
    write_coefficients(tmp_path / "rows.npz", replace(rows, valid=np.ones(70, bool)))
    component = Precomputed(str(tmp_path / "rows.npz"), rows="frames")
    c = imported(component, clip, model).coefficients
    np.testing.assert_array_equal(c.expression, rows.expression[clip.origin.frames])
    assert radians_between(c.head_to_world, rows.head_to_world[clip.origin.frames]).max() < 1e-6


def test_rows_that_are_no_numbers_are_filled_and_marked(tmp_path, model, truth, observation):
    broken = truth.jaw.copy()
    broken[10:13] = np.nan
    broken[20:27] = np.nan
    write_coefficients(tmp_path / "rows.npz", replace(truth, jaw=broken, valid=np.ones(T, bool)))
    found = imported(Precomputed(str(tmp_path / "rows.npz")), observation, model)
    c = found.coefficients
    marked = np.isnan(broken).any(1)
    np.testing.assert_array_equal(c.valid, ~marked)
    np.testing.assert_array_equal(c.jaw[~marked], truth.jaw[~marked])
    np.testing.assert_allclose(c.jaw[11], (truth.jaw[9] + truth.jaw[13]) / 2, atol=1e-6)
    np.testing.assert_array_equal(c.jaw[[21, 25]], truth.jaw[[19, 27]])  # held at the nearer side
    assert found.report["frames_held"] == 10
    write_coefficients(tmp_path / "none.npz", replace(truth, jaw=broken * np.nan))
    with pytest.raises(InputError, match=r"none\.npz: no row of it is free of NaN"):
        imported(Precomputed(str(tmp_path / "none.npz")), observation, model)


def test_gaps_are_bridged_up_to_five_frames_and_never_at_an_end():
    known = np.ones(20, bool)
    known[[0, 1, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 19]] = False  # 2 at the start, 5, 6, 1 at the end
    assert np.flatnonzero(short_gaps(known)).tolist() == [4, 5, 6, 7, 8]
    assert positions(known).tolist() == [
        2, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 10, 17, 17, 17, 17, 18, 18,
    ]  # fmt: skip


def test_every_mistake_is_named_in_one_line(tmp_path, model, truth, observation):
    arrays = arrays_of(truth)

    def refused(match, options=None, kind=InputError, seen=observation, **changed):
        held = {k: v for k, v in (arrays | changed).items() if v is not None}
        np.savez(tmp_path / "rows.npz", **held)
        with pytest.raises(kind, match=match) as caught:
            imported(Precomputed(str(tmp_path / "rows.npz"), **(options or {})), seen, model)
        assert type(caught.value) is kind  # what is wrong with every clip must stop a batch, with one must not
        assert "\n" not in str(caught.value)
        assert "rows.npz" in str(caught.value) or "tracker." in str(caught.value)

    refused(r"rows\.npz has no array 'jaw' for tracker\.jaw; it holds expression, .*: set tracker\.jaw", jaw=None)
    refused(r"has no array 'blinks' for tracker\.lids", {"lids": "blinks"})
    refused(r"tracker\.jaw=eyes\[4:9\], but 'eyes' has columns 0 to 6", {"jaw": "eyes[4:9]"})
    refused(r"tracker\.jaw=eyes\[: expected an array's name", {"jaw": "eyes["}, UserError)
    refused(r"'jaw' has shape \(40, 2\), expected \(40,3\)", jaw=truth.lids)
    refused(r"'lids' has shape \(39, 2\), expected \(40,2\)", lids=truth.lids[1:])
    refused(r"'head_to_world' has shape \(40, 3, 3\), expected \(rows,4,4\)", head_to_world=np.zeros((T, 3, 3)))
    refused(r"'root' has shape \(3, 3\)", root=np.eye(3))
    refused(r"'expression' has 12 expression numbers, the head model has 39", expression=np.zeros((T, 12)))
    refused(r"'shape' has 3 shape numbers, the head model has", shape=np.zeros(3))
    refused(r"'shape' is no row of numbers", shape=np.full(len(truth.shape), np.nan))
    refused(r"'shape' is no row of numbers", shape=np.zeros((2, 2, 2)))
    refused(r"has no array 'jaw'", jaw=np.array(["open"] * T))
    refused(r"'jaw' has shape \(1,\)", jaw=np.float32(0.2))
    refused(r"a rotation's determinant is 1", head_to_world=np.zeros((T, 4, 4)))
    refused(r"tracker\.focal=-3: expected px", {"focal": -3.0}, UserError)
    refused(r"rotation and tracker\.translation go together", {"rotation": "jaw"}, UserError)
    refused(r"'jaw' has shape \(40, 3\), expected \(rows,9\) for tracker\.form=matrix",
            {"rotation": "jaw", "translation": "jaw", "form": "matrix"})  # fmt: skip
    refused(r"tracker\.fps=-1", {"rows": "time", "fps": -1.0}, UserError)
    short = {f: getattr(truth.cut(0, 30), f) for f in arrays}
    refused(r"'expression' has 30 rows, the clip 40 frames; state tracker\.rows=time", **short)
    refused(r"has 30 rows, the clip needs 40 rows at 25 fps; it is cut short", {"rows": "time"}, **short)
    clip = from_video(observation, 30)
    refused(r"has 30 rows, the clip needs 48 source frames", {"rows": "frames"}, seen=clip, **short)
    refused(r"was not cut from a video; use tracker\.rows=clip", {"rows": "frames"}, UserError)


def test_files_that_are_none_are_named(tmp_path, model, observation):
    with pytest.raises(UserError, match=r"set tracker\.path"):
        imported(Precomputed(), observation, model)
    with pytest.raises(UserError, match="there is no such file or folder"):
        imported(Precomputed(str(tmp_path / "nowhere.npz")), observation, model)
    (tmp_path / "text.npz").write_text("hello")
    np.savez(tmp_path / "objects.npz", expression=np.array([{}], dtype=object))
    (tmp_path / "text.mat").write_text("hello" * 100)
    for name in ("text.npz", "objects.npz", "text.mat"):
        with pytest.raises(InputError, match=rf"cannot read .*{name}: .*expected \.npz or \.mat"):
            imported(Precomputed(str(tmp_path / name)), observation, model)


def test_without_landmarks_the_report_leaves_out_what_needs_them(tmp_path, model, truth, observation):
    write_coefficients(tmp_path / "rows.npz", truth)
    blind = replace(observation, landmarks=np.full((T, 68, 2), np.nan))
    report = imported(Precomputed(str(tmp_path / "rows.npz")), blind, model).report
    assert "reprojection_px" not in report
    assert report["frames_without_face"] == T
    assert all(np.isfinite(value) for value in report.values())


def test_slices_and_none_can_be_written_on_a_command_line():
    assert parse_value("coeff[80:144]", str, "tracker.expression") == "coeff[80:144]"
    assert parse_value("none", str, "tracker.lids") == NONE


@pytest.mark.skipif(not MAT.is_file(), reason="the real mat files lie in ../shared, which is absent")
def test_a_real_file_of_another_head_models_numbers_is_read_and_then_refused(model):
    n = len(scipy.io.loadmat(MAT)["coeff"])
    seen = Observation(np.full((n, 68, 2), np.nan), (SIZE, SIZE), 25, None, None, FOCAL, None)
    component = Precomputed(
        str(MAT), expression="coeff[80:144]", jaw=NONE, shape="coeff[0:80]", rotation="coeff[224:227]",
        translation="coeff[254:257]", form="euler", axes="opengl",
    )  # fmt: skip
    with pytest.raises(InputError, match=r"'coeff\[80:144\]' has 64 expression numbers, the head model has 39"):
        imported(component, seen, model)
