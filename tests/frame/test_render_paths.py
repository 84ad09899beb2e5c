"""Where a render's head and camera are: tracks, to and fro, other sides; each against a hand calculation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from render_toys import CAMERA, MIDDLE, ROOT, still

from erlnet.errors import UserError
from erlnet.runs.render_camera import check_in_view, read_camera, turned
from erlnet.runs.render_poses import fitted, from_stream, on_root, read_track, to_and_fro
from erlnet.runs.render_rows import read_rows


@given(st.integers(1, 30), st.integers(1, 90))
def test_a_short_track_goes_to_and_fro_without_a_jump(have, want):
    index = to_and_fro(have, want)
    assert len(index) == want
    assert index.min() >= 0
    assert index.max() < have
    assert np.abs(np.diff(index)).max(initial=0) <= 1
    assert (index[: min(have, want)] == np.arange(min(have, want))).all()  # a long one is cut


def test_to_and_fro_by_hand():
    assert to_and_fro(3, 8).tolist() == [0, 1, 2, 1, 0, 1, 2, 1]
    assert fitted(still(3), 8).root.shape == (8, 4, 4)


def test_rows_of_a_track_put_the_head_on_the_torso(tmp_path):
    path = tmp_path / "track.csv"
    path.write_text("rx,ry,rz,tx,ty,tz\n# nodding\n0,0,0,0,0,0\n\n0.1,0,0,0,0.02,0\n")
    track = read_track(path, ROOT)
    np.testing.assert_allclose(track.head_to_world[0], ROOT, atol=1e-6)
    turn = np.array([[1, 0, 0], [0, np.cos(0.1), -np.sin(0.1)], [0, np.sin(0.1), np.cos(0.1)]])
    np.testing.assert_allclose(track.head_to_world[1, :3, :3], ROOT[:3, :3] @ turn, atol=1e-6)
    np.testing.assert_allclose(track.head_to_world[1, :3, 3], ROOT[:3, 3] + [0, -0.02, 0], atol=1e-6)  # up is -y
    np.testing.assert_allclose(track.root, [ROOT, ROOT], atol=1e-6)


def test_arrays_of_a_track_are_the_same_track(tmp_path):
    stream = np.array([[0.1, 0.2, 0, 0, 0.01, 0], [0, 0, -0.3, 0.02, 0, 0.01]] * 3)
    wanted = from_stream(stream, ROOT).head_to_world
    np.savez(tmp_path / "a.npz", rotation=stream[:, :3], translation=stream[:, 3:])
    np.savez(tmp_path / "b.npz", head_to_world=wanted)
    elsewhere = np.eye(4)
    elsewhere[:3, 3] = 5, 6, 7
    np.savez(tmp_path / "c.npz", head_to_world=elsewhere @ wanted, root=elsewhere @ ROOT)
    for name in "abc":
        np.testing.assert_allclose(read_track(tmp_path / f"{name}.npz", ROOT).head_to_world, wanted, atol=1e-5)
    np.savez(tmp_path / "d.npz", rotation=np.zeros((60, 3)), fps=50.0)
    assert len(read_track(tmp_path / "d.npz", ROOT)) == 30


@pytest.mark.parametrize(
    ("name", "held", "says"),
    [
        ("a.npz", {"head_to_world": np.zeros((3, 3, 4))}, "expected numbers (frames, 4, 4)"),
        ("a.npz", {"head_to_world": np.zeros((3, 4, 4))}, "is no rotation and translation in frame 0"),
        ("a.npz", {"head_to_world": np.eye(4)[None], "root": 2 * np.eye(4)}, "'root' is no rotation and translation"),
        ("a.npz", {"head_to_world": np.eye(4)[None], "root": np.eye(3)}, "'root' is float64 (1, 3, 3), expected"),
        ("a.npz", {"rotation": np.full((2, 3), np.nan)}, "no number in frame 0"),
        ("a.npz", {"rotation": np.zeros((2, 3)), "translation": np.zeros((3, 3))}, "'translation' has 3"),
        ("a.npz", {"rotation": np.zeros((0, 3))}, "expected numbers (frames, 3)"),
        ("a.npz", {"rotation": np.zeros((9, 3)), "fps": 0.0}, "0 frames a second"),
        ("a.npz", {"rotation": np.zeros((9, 3)), "fps": "fast"}, "'fps' is <U4 (), expected one number"),
        ("a.npz", {"rotation": np.full((9, 3), 1e200)}, "it is in radians"),
        ("a.npz", {"other": np.zeros(3)}, "neither 'head_to_world' nor 'rotation', only other"),
        ("a.npz", "no archive", "cannot be read as .npz"),
        ("a.csv", "1,2,3,4,5,6\n1,2,3\n", "line 2 is '1,2,3', expected 6 finite numbers"),
        ("a.csv", "1,2,3,4,5,nan\n", "line 1 is"),
        ("a.csv", "0,0,0,0,0,0\n0,0,0,1e39,0,0\n", "out of all bounds in frame 1"),
        ("a.csv", "yaw,pitch\n", "holds no row of numbers"),
        ("a.txt", "", "an .npz or a .csv file"),
    ],
)  # fmt: skip
def test_a_track_that_is_none_is_told_in_one_line(tmp_path, name, held, says):
    path = tmp_path / name
    if isinstance(held, str):
        path.write_text(held)
    else:
        np.savez(path, **held)
    with pytest.raises(UserError) as error:
        read_track(path, ROOT)
    assert says in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_damaged_archive_is_no_track(tmp_path):
    path = tmp_path / "track.npz"
    np.savez(path, rotation=np.zeros((5, 3)))
    whole = path.read_bytes()
    with open(path, "wb") as file:
        np.save(file, np.zeros((5, 3)))
    one_array = path.read_bytes()
    for content in (
        whole[:-40],
        whole[:150] + b"\1" + whole[151:],
        one_array,
    ):  # cut short, a bit fell over, no archive
        path.write_bytes(content)
        with pytest.raises(UserError, match="cannot be read as"):
            read_track(path, ROOT)


def test_a_camera_to_the_right_sees_the_nose_further_left_and_from_above_further_down():
    nose = np.array([0, 0, 0.1, 1])  # out of the face
    path, n = still(1), np.zeros((1, 2))
    assert np.array_equal(turned(path, n, MIDDLE).head_to_world, path.head_to_world)
    right = turned(path, np.array([[15.0, 0.0]]), MIDDLE).head_to_world[0] @ nose
    np.testing.assert_allclose(right[:3], [-0.1 * np.sin(np.pi / 12), 0, 1 - 0.1 * np.cos(np.pi / 12)], atol=1e-6)
    above = turned(path, np.array([[0.0, 15.0]]), MIDDLE).head_to_world[0] @ nose
    np.testing.assert_allclose(above[:3], [0, 0.1 * np.sin(np.pi / 12), 1 - 0.1 * np.cos(np.pi / 12)], atol=1e-6)


@given(st.lists(st.tuples(st.floats(-20, 20), st.floats(-20, 20)), min_size=1, max_size=6), st.floats(-0.1, 0.1))
def test_a_moving_camera_moves_nothing_against_anything_else(angles, height):
    path, centre = still(len(angles), (0.05, -0.1, 0.8)), np.array([0.0, height, 0.02])
    moved = turned(path, np.array(angles), centre)
    neck = [np.linalg.inv(p.root) @ p.head_to_world for p in (path, moved)]
    np.testing.assert_allclose(neck[0], neck[1], atol=1e-5)
    middles = [p.head_to_world[:, :3, :3] @ centre + p.head_to_world[:, :3, 3] for p in (path, moved)]
    np.testing.assert_allclose(middles[0], middles[1], atol=1e-5)  # the head stood still: it is what is turned about


def test_words_of_a_camera_by_hand(tmp_path):
    orbit = read_camera("orbit:20", 101)
    np.testing.assert_allclose(orbit[[0, 25, 50, 75, 100], 0], [0, 20, 0, -20, 0], atol=1e-9)
    assert not orbit[:, 1].any()
    assert read_camera("yaw=15,pitch=-5", 2).tolist() == [[15, -5], [15, -5]]
    assert read_camera("pitch=3", 1).tolist() == [[0, 3]]
    (tmp_path / "path.csv").write_text("yaw,pitch\n0,0\n5,1\n")
    assert read_camera(str(tmp_path / "path.csv"), 4).tolist() == [[0, 0], [5, 1], [0, 0], [5, 1]]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("orbit:21", "21 degrees is beyond the 20 to each side"),
        ("yaw=0,pitch=-20.5", "20.5 degrees is beyond"),
        ("yaw=180", "would put the camera behind the head"),
        ("orbit:nan", "'nan' is no number of degrees"),
        ("orbit:", "'' is no number of degrees"),
        ("roll=3", "'roll=3' says nothing"),
        ("left", "give orbit:DEGREES"),
        ("absent.csv", "there is no such file"),
    ],
)
def test_a_camera_that_is_none_or_goes_too_far_is_refused(words, says):
    with pytest.raises(UserError, match=r"^--camera") as error:
        read_camera(words, 2)  # of an orbit that has not yet swung out, too
    assert says in str(error.value)


def test_a_head_that_the_camera_cannot_see_is_refused_with_its_frame():
    def wrong(change):
        path = still(3)
        change(path.head_to_world)
        with pytest.raises(UserError) as error:
            check_in_view("--pose a.npz", path, MIDDLE, CAMERA)
        return str(error.value)

    check_in_view("--pose a.npz", still(3), MIDDLE, CAMERA)

    def behind(head):
        head[2, 2, 3] = -1

    def outside(head):
        head[1, 0, 3] = 0.4  # 40 px from the middle of 64

    def away(head):
        head[1, :3, :3] = np.diag([1, 1, 1])

    assert "in frame 2 the head is behind the camera" in wrong(behind)
    assert "in frame 1 the head is out of the picture" in wrong(outside)
    assert "in frame 1 the camera is behind the head" in wrong(away)


def test_rows_say_where_they_are_wrong(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes("\ufeffyaw,pitch\n1, 2\n".encode())
    assert read_rows(path, "--camera", 2).tolist() == [[1, 2]]
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=f"--camera {path}: cannot be read as text"):
        read_rows(path, "--camera", 2)


def test_motion_against_the_torso_goes_to_another_torso():
    neck = np.tile(np.eye(4), (2, 1, 1))
    neck[1, :3, 3] = 0, 0.03, 0
    path = on_root(neck, ROOT)
    np.testing.assert_allclose(np.linalg.inv(path.root) @ path.head_to_world, neck, atol=1e-6)
