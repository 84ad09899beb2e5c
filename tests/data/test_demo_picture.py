"""What the demo's painter and dressmaker are made of: layers over a mesh, light, textures."""

import subprocess
import sys

import numpy as np
import pytest

from erlnet.data.demo.layers import cut, patch, refine
from erlnet.data.demo.look import draw_look
from erlnet.data.demo.scene import SUPERSAMPLE, _through_lens
from erlnet.data.demo.shading import Normals, direction, hemisphere, occlusion, to_linear, to_srgb
from erlnet.data.demo.texture import Cylinder, inside, line_distance, noise

SQUARE = np.array([[0.0, 0, 0], [2, 0, 0], [2, 2, 0], [0, 2, 0]])
HALVES = np.array([[0, 1, 2], [0, 2, 3]])


def area(points, triangles):
    a, b, c = (points[triangles[:, k]] for k in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2


def test_cutting_a_square_leaves_the_part_above_the_line():
    layer = patch(HALVES, 4)
    whole = layer.weights @ SQUARE
    part, height = cut(layer, whole[:, 1] - 0.5)  # above y = .5: 2 x 1.5
    points = part.weights @ SQUARE
    assert area(points, part.triangles) == pytest.approx(3.0, abs=1e-6)
    assert points[:, 1].min() == pytest.approx(0.5, abs=1e-6)
    assert np.allclose(points[:, 1] - 0.5, height, atol=1e-6)
    a, b, c = (points[part.triangles[:, k]] for k in range(3))
    assert (np.cross(b - a, c - a)[:, 2] > 0).all()  # still anticlockwise


def test_refining_keeps_a_closed_shape_symmetric_and_flat_parts_flat():
    finer = refine(patch(HALVES, 4))
    points = finer.weights @ SQUARE
    assert len(finer.triangles) == 8
    assert np.allclose(np.asarray(finer.weights.sum(1)), 1)
    assert (points[:, 2] == 0).all()
    # Loop's rule at an octahedron's corners: 3/32 from each of four neighbours that cancel, so (1 - 3/8) of the corner.
    corners = np.array([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
    faces = np.array([[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]])
    ball = refine(patch(faces, 6)).weights @ corners
    assert np.allclose(ball[:6], corners * 5 / 8)
    # An edge's middle: 3/8 of both ends, 1/8 of the two corners across, which cancel.
    assert np.allclose(np.sort(np.abs(ball[6:]), axis=1), [0, 3 / 8, 3 / 8])


def test_a_layer_stands_off_along_the_normals():
    layer = patch(HALVES, 4)
    normals = Normals(HALVES, 4)(SQUARE)
    lifted = layer.place(SQUARE, normals, np.full(4, 0.25))
    assert np.allclose(lifted, SQUARE + np.array([0, 0, 0.25]))


def test_light_from_above_does_not_reach_under_a_plate():
    span = np.linspace(-1, 1, 21)
    x, z = (axis.ravel() for axis in np.meshgrid(span, span))
    floor = np.stack([x, np.zeros_like(x), z], 1)
    i = (np.arange(20)[:, None] * 21 + np.arange(20)).ravel()
    ground = np.concatenate([np.stack([i, i + 21, i + 1], 1), np.stack([i + 1, i + 21, i + 22], 1)])
    plate = np.array([[-0.4, 0.3, -0.4], [-0.4, 0.3, 0.4], [0.4, 0.3, 0.4], [0.4, 0.3, -0.4]])
    points = np.concatenate([floor, plate])
    triangles = np.concatenate([ground, HALVES + len(floor)])
    normals = np.tile([0.0, 1, 0], (len(points), 1))
    lit = occlusion(points, normals, triangles, np.array([[0.05, 1.0, 0.02]]) / np.linalg.norm([0.05, 1.0, 0.02]))
    assert lit[: len(floor)][(np.abs(x) < 0.3) & (np.abs(z) < 0.3)].max() == 0
    assert lit[: len(floor)][(np.abs(x) > 0.6) | (np.abs(z) > 0.6)].min() == 1
    assert lit[len(floor) :].min() == 1


def test_directions_spread_evenly_over_the_cap():
    axis = direction(0.3, -0.5, 0.8)
    rays = hemisphere(400, axis)
    assert np.allclose(np.linalg.norm(rays, axis=1), 1, atol=1e-6)
    assert (rays @ axis > 0).all()
    assert rays.mean(0) == pytest.approx(axis / 2, abs=0.01)  # the mean of a half sphere lies half way up


def test_srgb_and_linear_light_undo_each_other():
    values = np.linspace(0, 1, 101, dtype=np.float32)
    assert np.allclose(to_linear(to_srgb(values)), values, atol=1e-5)
    assert to_linear(0.5) == pytest.approx(0.21404, abs=1e-4)  # the standard's own example


def test_the_lens_keeps_brightness_and_spreads_a_point_by_its_deviation():
    image = np.full((16, 16, 3), 0.3, np.float32)
    assert np.allclose(_through_lens(_through_lens(image, 0), 1), 0.3)
    spread = []
    for at in (64, 65):  # both phases of a point against the pixel grid
        line = np.zeros((128, 2, 3), np.float32)
        line[at] = 1
        seen = _through_lens(line, 0)[:, 0, 0]
        where = (np.arange(64) + 0.5) * SUPERSAMPLE - (at + 0.5)
        spread.append((seen * where**2).sum() / seen.sum())
    assert np.sqrt(np.mean(spread)) / SUPERSAMPLE == pytest.approx(0.56, abs=0.01)


def test_unrolled_lengths_are_those_on_the_head():
    cylinder = Cylinder(axis_z=0.01, radius=0.08, low=-0.3, high=0.1)
    angle = np.deg2rad(30)
    point = np.array([0.08 * np.sin(angle), 0.05, 0.01 + 0.08 * np.cos(angle)])
    assert np.allclose(cylinder.unroll(point), (0.08 * angle, 0.05))
    column, row = cylinder.texels(point).astype(int)
    across, up = cylinder.grid
    assert across[0, column] == pytest.approx(0.08 * angle, abs=0.0008)
    assert up[row, 0] == pytest.approx(0.05, abs=0.0006)


def test_distances_to_drawn_lines_are_those_of_hand():
    x, y = np.array([[0.5, 3.0, -3.0]]), np.array([[1.0, 0.0, 4.0]])
    distance, along = line_distance(x, y, np.array([[0.0, 0], [0, 0], [2, 0]]))  # a repeated point does no harm
    assert np.allclose(distance, [[1, 1, 5]])
    assert np.allclose(along, [[0.25, 1, 0]])
    assert np.allclose(inside(np.array([[1.0, 3.0]]), np.array([[0.5, 1.0]]), SQUARE[:, :2]), [[0.5, -1.0]])


def test_noise_is_of_unit_deviation_and_as_coarse_as_asked():
    rng = np.random.default_rng(0)
    coarse, fine = noise(rng, 12, (256, 256)), noise(rng, 2, (256, 256))
    for field in (coarse, fine):
        assert field.std() == pytest.approx(1, abs=1e-4)
    slope = [np.diff(field, axis=0).std() for field in (coarse, fine)]
    assert slope[0] < slope[1] / 4


def test_speakers_look_different_and_each_always_the_same():
    looks = [draw_look(3, speaker) for speaker in range(4)]
    again = draw_look(3, 2)
    assert np.array_equal(looks[2].skin, again.skin)
    assert looks[2].shape_seed == again.shape_seed
    skins = np.stack([look.skin for look in looks])
    assert min(np.abs(skins[i] - skins[j]).max() for i in range(4) for j in range(i)) > 0.03


def test_a_film_process_imports_no_torch():
    code = "import sys, erlnet.data.demo.filming; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
