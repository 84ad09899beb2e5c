"""The rasteriser against hand counts, ray casting and a loop over pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from erlnet.data.demo.raster import rasterize


def brute_force(points, triangles, size):
    """Nearest triangle and depth at each pixel centre, in float64, one triangle at a time."""
    height, width = size
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    depth, which = np.full(size, np.inf), np.full(size, -1)
    for index, corners in enumerate(triangles):
        (ax, ay, az), (bx, by, bz), (cx, cy, cz) = points[corners]
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if area == 0:
            continue
        b = ((x - ax) * (cy - ay) - (cx - ax) * (y - ay)) / area
        c = ((bx - ax) * (y - ay) - (x - ax) * (by - ay)) / area
        a = 1 - b - c
        z = 1 / (a / az + b / bz + c / cz)
        hit = (a >= 0) & (b >= 0) & (c >= 0) & (z < depth)
        depth[hit], which[hit] = z[hit], index
    return which, depth


def sphere(n=40):
    theta, phi = np.linspace(0.02, np.pi - 0.02, n), np.linspace(0, 2 * np.pi, n, endpoint=False)
    theta, phi = np.meshgrid(theta, phi, indexing="ij")
    points = np.stack([np.sin(theta) * np.cos(phi), np.cos(theta), np.sin(theta) * np.sin(phi)], -1).reshape(-1, 3)
    i, j = np.arange(n - 1)[:, None] * n, np.arange(n)[None]
    k = (j + 1) % n
    quads = np.stack([i + j, i + k, i + n + k, i + n + j], -1).reshape(-1, 4)
    return points, np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def test_a_right_triangle_covers_the_pixel_centres_inside_it():
    # Legs of 4 px at the corner of the image: centres with (x+.5)+(y+.5) <= 4 are 4+3+2+1, the diagonal's own included.
    points = np.array([[0.0, 0, 1], [0, 4, 1], [4, 0, 1]])
    seen = rasterize(points, np.array([[0, 1, 2]]), (6, 6))
    expected = [[1, 1, 1, 1, 0, 0], [1, 1, 1, 0, 0, 0], [1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0], [0] * 6, [0] * 6]
    assert (seen.image(seen.triangle, -1) >= 0).astype(int).tolist() == expected
    # At the first centre (.5, .5) the weights are 3/4, 1/8, 1/8.
    assert np.allclose(seen.weights[:, 0], [0.75, 0.125, 0.125])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 40), span=st.sampled_from([3.0, 12.0, 60.0]))
def test_what_is_seen_agrees_with_a_loop_over_pixels(seed, n, span):
    rng = np.random.default_rng(seed)
    corners = rng.uniform(-5, 45, (n, 1, 2)) + rng.uniform(-span, span, (n, 3, 2))
    points = np.concatenate([corners, rng.uniform(0.5, 3, (n, 3, 1))], axis=2).reshape(-1, 3)
    triangles = np.arange(3 * n).reshape(-1, 3)
    which, depth = brute_force(points, triangles, (37, 41))
    seen = rasterize(points, triangles, (37, 41), cull=False)
    ours, our_depth = seen.image(seen.triangle, -1), seen.image(seen.depth, np.inf)
    # Float32 may decide otherwise only where a pixel centre lies on an edge or two surfaces meet.
    assert (ours != which).mean() < 0.004
    same = (ours == which) & (which >= 0)
    assert np.allclose(our_depth[same], depth[same], rtol=1e-4)


def test_values_are_interpolated_with_perspective():
    # A floor that runs away from the camera: a ray through the pixel meets it at an exact place.
    focal, centre, ground = 60.0, 32.0, 0.5
    world = np.array([[-2.0, ground, 1], [2, ground, 1], [2, ground, 9], [-2, ground, 9]])
    points = np.stack([focal * world[:, 0] / world[:, 2] + centre, focal * world[:, 1] / world[:, 2] + centre,
                       world[:, 2]], 1)  # fmt: skip
    triangles = np.array([[0, 1, 2], [0, 2, 3]])
    seen = rasterize(points, triangles, (64, 64), cull=False)
    assert len(seen.pixel) > 500
    found = seen.interpolate(world.astype(np.float32), triangles)
    row, column = np.divmod(seen.pixel, 64)
    z = focal * ground / (row + 0.5 - centre)
    expected = np.stack([(column + 0.5 - centre) * z / focal, np.full(len(z), ground), z], 1)
    assert np.allclose(found, expected, atol=2e-3)
    assert np.allclose(seen.depth, z, rtol=1e-4)
    assert np.allclose(seen.weights.sum(0), 1, atol=1e-6)


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_the_nearer_triangle_wins_whatever_the_order(order):
    near = np.array([[2.0, 2, 1], [2, 14, 1], [14, 2, 1]])
    far = near + np.array([0, 0, 1])
    triangles = np.array([[0, 1, 2], [3, 4, 5]])[order]
    seen = rasterize(np.concatenate([near, far]), triangles, (16, 16))
    assert len(seen.depth) > 50
    assert (seen.depth == 1).all()


def test_a_closed_surface_shows_its_front_without_cracks():
    points, triangles = sphere()
    image = points * (50, 50, 0.2) + (64, 64, 1)
    both = rasterize(image, triangles, (128, 128), cull=False)
    front = rasterize(image, triangles, (128, 128))
    back = rasterize(image, triangles[:, ::-1], (128, 128))
    assert len(both.pixel) == pytest.approx(np.pi * 50**2, rel=0.01)
    assert np.array_equal(front.image(front.depth, 0.0), both.image(both.depth, 0.0))
    assert front.depth.max() < 1.01 < 1.19 < back.depth.max()  # culling the front shows the far side
    rows = both.image(both.triangle, -1) >= 0
    for row in rows[20:108]:  # convex: each row is one run
        assert np.abs(np.diff(row.astype(int))).sum() == 2


def test_triangles_outside_the_image_or_behind_the_camera_are_left_out():
    outside = np.array([[-9.0, -9, 1], [-9, -2, 1], [-2, -9, 1]])
    behind = np.array([[2.0, 2, 1], [2, 14, -1], [14, 2, 1]])
    triangles = np.arange(6).reshape(2, 3)
    seen = rasterize(np.concatenate([outside, behind]), triangles, (16, 16), cull=False)
    assert len(seen.pixel) == 0
    assert (seen.image(seen.depth, 0.0) == 0).all()


def test_the_same_mesh_gives_the_same_bytes():
    points, triangles = sphere(30)
    image = points * (30, 30, 0.2) + (32, 32, 1)
    first, second = (rasterize(image, triangles, (64, 64)) for _ in range(2))
    assert first.weights.tobytes() == second.weights.tobytes()
    assert first.triangle.tobytes() == second.triangle.tobytes()
