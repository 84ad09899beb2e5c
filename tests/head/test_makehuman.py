"""The shipped head: what a face must do."""

from importlib.resources import files

import numpy as np
import pytest
import torch

from erlnet.head.components import MakeHuman
from erlnet.head.mediapipe68 import MIRROR_68
from erlnet.head.rotations import rigid

DATA = files("erlnet.head") / "data"


@pytest.fixture(scope="module")
def model():
    return MakeHuman().build()


def moved(model, **changes):
    """Vertices (V,3) of one frame at rest but for `changes`, e.g. jaw=[.2, 0, 0] or unit={"mouthPucker": 1}."""
    names = ("shape", "expression", "jaw", "eyes", "lids", "head_to_world", "root")
    motion = {name: value.clone() for name, value in zip(names, model.neutral(1))}
    for unit, value in changes.pop("unit", {}).items():
        motion["expression"][0, model.expression_names.index(unit)] = value
    for name, value in changes.items():
        motion[name][0] = torch.as_tensor(value)
    return model(**motion)[0]


def landmarks(model, **changes):
    return model.landmarks68(moved(model, **changes)[None])[0].numpy()


def inner_gap(points):
    """Mean height of the opening between the inner lips, m."""
    return (points[[61, 62, 63], 1] - points[[67, 66, 65], 1]).mean()


def lid_gaps(points):
    """Right and left: mean height between upper and lower lid, m."""
    return (
        (points[[37, 38], 1] - points[[41, 40], 1]).mean(),
        (points[[43, 44], 1] - points[[47, 46], 1]).mean(),
    )


def test_the_file_is_small_and_names_its_licence():
    assert (DATA / "makehuman.npz").stat().st_size <= 6 * 2**20
    text = (DATA / "makehuman.LICENSE.md").read_text()
    assert "CC0 1.0" in text
    assert text.count(".target") > 100  # every file that was read, with its hash


def test_sizes(model):
    assert model.n_vertices <= 7000
    assert model.n_shape >= 20
    assert model.n_expression == 39
    assert not {"jawOpen", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookUpLeft"} & set(model.expression_names)
    assert model.faces.min() == 0
    assert model.faces.max() == model.n_vertices - 1


def test_at_rest_the_layer_gives_the_template(model):
    torch.testing.assert_close(moved(model), model.v_template.view(-1, 3))


def test_landmarks_are_mirror_images(model):
    points = landmarks(model)
    np.testing.assert_allclose(points[list(MIRROR_68)] * [-1, 1, 1], points, atol=1e-3)


def test_the_face_is_the_right_way_up_and_of_human_size(model):
    points = landmarks(model)
    brows, eyes, nose, mouth, chin = (points[s, 1].mean() for s in (slice(17, 27), slice(36, 48), 30, slice(48, 68), 8))
    assert brows > eyes > nose > mouth > chin
    assert points[30, 2] > points[36:48, 2].max() > points[[0, 16], 2].max()  # nose before eyes before ears
    assert points[36, 0] < points[45, 0]  # the subject's right is at -x
    assert points[0, 0] < 0 < points[16, 0]
    joints = model.joints(torch.zeros(1, model.n_shape))[0].numpy()
    assert np.linalg.norm(joints[3] - joints[4]) == pytest.approx(0.062, abs=0.006)  # between the pupils
    assert 0.10 < points[27, 1] - points[8, 1] < 0.13  # nose root to chin


def test_the_origin_lies_between_the_eyes_at_the_jaw_joints_depth(model):
    root, neck, jaw, left, right = model.joints(torch.zeros(1, model.n_shape))[0].numpy()
    np.testing.assert_allclose((left + right)[:2] / 2, 0, atol=5e-4)
    assert abs(jaw[2]) < 0.002
    assert root[1] < neck[1] < jaw[1] < left[1]
    assert left[0] > 0 > right[0]


def test_turning_the_jaw_about_x_parts_the_inner_lips_downward(model):
    rest, opened = landmarks(model), landmarks(model, jaw=[0.2, 0, 0])
    assert 0 < inner_gap(rest) < 0.002
    assert 0.012 < inner_gap(opened) - inner_gap(rest) < 0.03
    assert opened[66, 1] < rest[66, 1] - 0.01  # the lower lip goes down
    assert abs(opened[62, 1] - rest[62, 1]) < 0.003  # the upper lip stays
    assert opened[8, 1] < rest[8, 1] - 0.01
    np.testing.assert_allclose(opened[36:48], rest[36:48], atol=1e-4)


def test_lips_part_evenly_with_the_jaw(model):
    gaps = [inner_gap(landmarks(model, jaw=[angle, 0, 0])) for angle in np.linspace(0, 0.4, 9)]
    steps = np.diff(gaps)
    assert (steps > 0).all()
    assert steps.max() / steps.min() < 1.5


def test_teeth_and_tongue_follow_the_jaw_rigidly(model):
    joint = model.joints(torch.zeros(1, model.n_shape))[0, 2].numpy()
    rest, opened = moved(model).numpy(), moved(model, jaw=[0.3, 0, 0]).numpy()
    tongue = model.mask("tongue").numpy()
    before = np.linalg.norm(rest[tongue] - joint, axis=1)
    after = np.linalg.norm(opened[tongue] - joint, axis=1)
    np.testing.assert_allclose(after, before, atol=2e-3)
    upper = model.mask("teeth").numpy() & (model.weights[:, 1].numpy() == 1)
    assert upper.sum() == 68
    np.testing.assert_allclose(opened[upper], rest[upper], atol=1e-5)


def test_mouth_close_shuts_the_wide_open_jaw(model):
    angle = model.jaw_open_angle
    opened = inner_gap(landmarks(model, jaw=[angle, 0, 0]))
    shut = inner_gap(landmarks(model, jaw=[angle, 0, 0], unit={"mouthClose": 1}))
    assert shut < 0.1 * opened


@pytest.mark.parametrize(("lids", "shut", "open_"), [([1, 0], 1, 0), ([0, 1], 0, 1)])
def test_a_lid_shuts_its_own_eye(model, lids, shut, open_):
    rest, closed = lid_gaps(landmarks(model)), lid_gaps(landmarks(model, lids=lids))
    assert abs(closed[shut]) < 0.05 * rest[shut]
    assert closed[open_] == pytest.approx(rest[open_], abs=1e-4)
    half = lid_gaps(landmarks(model, lids=[0.5 * x for x in lids]))
    assert half[shut] == pytest.approx(rest[shut] / 2, rel=0.1)


def test_smile_widens_the_mouth_and_pucker_narrows_it(model):
    def width(**unit):
        points = landmarks(model, unit=unit)
        return np.linalg.norm(points[54] - points[48])

    assert width(mouthSmileLeft=1, mouthSmileRight=1) > 1.1 * width()
    assert width(mouthPucker=1) < 0.85 * width()


def test_units_that_end_in_left_move_the_subjects_left_half(model):
    rest = moved(model).numpy()
    for name in model.expression_names:
        if name.endswith(("Left", "Right")) and name not in ("mouthLeft", "mouthRight"):
            motion = np.linalg.norm(moved(model, unit={name: 1}).numpy() - rest, axis=1)
            left = motion[rest[:, 0] > 0].sum() / motion.sum()
            assert (left > 0.6) == name.endswith("Left"), name
            assert (left < 0.4) == name.endswith("Right"), name


def test_eyeballs_turn_about_their_centres_and_left_is_first(model):
    rest = moved(model).numpy()
    turned = moved(model, eyes=[0, 0.3, 0, 0, 0, 0]).numpy()  # about +y: towards the subject's left
    eyeballs = model.mask("eyeballs").numpy()
    left = eyeballs & (rest[:, 0] > 0)
    still = ~left
    np.testing.assert_allclose(turned[still], rest[still], atol=1e-6)
    centre = model.joints(torch.zeros(1, model.n_shape))[0, 3].numpy()
    radius = np.linalg.norm(rest[left] - centre, axis=1)
    np.testing.assert_allclose(np.linalg.norm(turned[left] - centre, axis=1), radius, atol=1e-6)
    front = left & (rest[:, 2] - centre[2] > 0.01)
    assert (turned[front, 0] > rest[front, 0]).all()


def test_one_transform_for_head_and_torso_moves_everything_rigidly(model):
    transform = rigid(torch.tensor([0.2, -0.4, 0.1]), torch.tensor([0.1, 0.2, 0.6]))
    there = moved(model, head_to_world=transform, root=transform, jaw=[0.1, 0, 0])
    here = moved(model, jaw=[0.1, 0, 0])
    expected = here @ transform[:3, :3].T + transform[:3, 3]
    torch.testing.assert_close(there, expected, atol=1e-5, rtol=0)


def test_the_torso_stays_when_the_head_turns_and_the_neck_lies_between(model):
    rest = moved(model)
    turned = moved(model, head_to_world=rigid(torch.tensor([0.0, 0.5, 0.0]), torch.zeros(3)))
    motion = (turned - rest).norm(dim=1)
    chest = model.mask("torso") & (model.v_template.view(-1, 3)[:, 1] < -0.25)
    assert motion[chest].max() < 1e-3
    head = rest[model.mask("head")] @ rigid(torch.tensor([0.0, 0.5, 0.0]), torch.zeros(3))[:3, :3].T
    torch.testing.assert_close(turned[model.mask("head")], head, atol=2e-5, rtol=0)
    share = 1 - model.weights[:, 0]
    neck = model.mask("neck")
    assert share[neck].min() > 0.05
    assert share[neck].max() < 1
    assert share[model.mask("torso")].max() <= 0.1


def test_the_neck_blend_is_smooth(model):
    share, faces = 1 - model.weights[:, 0], model.faces
    edges = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]]])
    length = (model.v_template.view(-1, 3)[edges[:, 0]] - model.v_template.view(-1, 3)[edges[:, 1]]).norm(dim=1)
    jump = (share[edges[:, 0]] - share[edges[:, 1]]).abs()
    assert (jump / length.clamp_min(5e-3)).max() < 40  # at least 25 mm from torso to head


def test_regions_fit_together(model):
    masks = {name: model.mask(name) for name in model.mask_names}
    assert {"face", "mouth", "eyes", "ears", "scalp", "head", "neck", "torso", "lips", "teeth", "tongue"} <= set(masks)
    assert all(mask.any() for mask in masks.values())
    assert (masks["head"].int() + masks["neck"].int() + masks["torso"].int() == 1).all()
    for inner, outer in (("lips", "mouth"), ("teeth", "mouth"), ("tongue", "mouth"), ("eyeballs", "eyes")):
        assert (masks[outer] | ~masks[inner]).all()
    for part in ("face", "mouth", "eyes", "ears", "scalp"):
        assert (masks["head"] | ~masks[part]).all(), part
    assert not (masks["scalp"] & masks["face"]).any()
    assert not (masks["ears"] & masks["scalp"]).any()
    y = model.v_template.view(-1, 3)[:, 1]
    assert y[masks["scalp"]].mean() > y[masks["face"]].mean() > y[masks["neck"]].mean() > y[masks["torso"]].mean()


def test_inner_lip_points_lie_on_lips_and_outer_ones_on_their_border(model):
    lips = model.mask("lips")
    for k in range(60, 68):
        corners = model.landmark_vertices[k][model.landmark_barycentric[k] > 0]
        assert lips[corners].any(), k
    points = landmarks(model)
    assert points[48:60, 0].min() < points[60:68, 0].min()
    assert points[51, 1] > points[62, 1] > points[66, 1] > points[57, 1]


def test_neck_points_run_down_the_front_and_along_the_collar(model):
    points = dict(zip(model.neck_names, model.neck_points(moved(model)[None])[0].numpy()))
    assert 8 <= len(points) <= 12
    assert points["throat"][1] > points["front_upper"][1] > points["front_lower"][1] > points["collar_centre"][1]
    for name, point in points.items():
        if name.endswith("right"):
            np.testing.assert_allclose(points[name.replace("right", "left")], point * [-1, 1, 1], atol=5e-4)
            assert point[0] < -0.03


def test_shape_directions_keep_the_eyes_near_the_origin(model):
    joints = model.joints(torch.eye(model.n_shape))
    middle = (joints[:, 3] + joints[:, 4]) / 2
    assert middle[:, :2].abs().max() < 0.012
    assert middle[model.shape_names.index("sex"), 1].abs() < 1e-3


def test_male_is_wider_in_neck_and_shoulders_than_female(model):
    def width(sex, name):
        vertices = moved(model, shape=[sex if n == "sex" else 0.0 for n in model.shape_names])
        return vertices[model.mask(name), 0].max() - vertices[model.mask(name), 0].min()

    assert width(1.0, "torso") > width(-1.0, "torso")
    assert width(1.0, "head") > width(-1.0, "head")
