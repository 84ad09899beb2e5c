"""What the field sees of a point: frequencies, hash grids, and tinycudann's hash grid beside ours."""

import itertools
import sys
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from renderer_toys import Silent, make_components, make_settings

from erlnet.errors import UserError
from erlnet.nerf.encoding_components import Frequency, HashGrid, Tcnn
from erlnet.nerf.hashgrid import PRIMES, GridShape, HashGridEncoding, plan_levels
from erlnet.nerf.training import train_renderer

SMALL = GridShape(levels=4, features=2, table=9, coarsest=4, finest=24)  # its two finest levels are hashed


def made(shape: GridShape, seed: int = 0) -> HashGridEncoding:
    """A hash grid whose entries are large enough to be told apart."""
    encoding = HashGridEncoding(shape)
    with torch.no_grad():
        encoding.params.copy_(torch.randn(encoding.params.shape, generator=torch.Generator().manual_seed(seed)))
    return encoding


def one_by_one(encoding: HashGridEncoding, shape: GridShape, point: tuple[float, float, float]) -> list[float]:
    """A point's features, corner by corner in Python's whole numbers: tinycudann's kernel_grid, written again."""
    features, start = [], 0
    table = encoding.params.detach().double().numpy().reshape(-1, shape.features)
    for level in range(shape.levels):
        scale = shape.growth**level * shape.coarsest - 1
        vertices = int(np.ceil(scale)) + 1
        size = min((vertices**3 + 7) // 8 * 8, 2**shape.table)
        position = [(min(max(p, -1), 1) + 1) / 2 * scale + 0.5 for p in point]
        cell = [int(p) for p in position]
        total = np.zeros(shape.features)
        for corner in itertools.product((0, 1), repeat=3):
            x, y, z = (c + k for c, k in zip(cell, corner))
            if vertices**3 <= size:
                number = (x + y * vertices + z * vertices**2) % size
            else:
                number = (x ^ (y * PRIMES[1] % 2**32) ^ (z * PRIMES[2] % 2**32)) % size
            share = np.prod([p - c if k else 1 - (p - c) for p, c, k in zip(position, cell, corner)])
            total += share * table[start + number]
        features += total.tolist()
        start += size
    assert start == len(table)
    return features


coordinate = st.floats(-1, 1, width=32)


@settings(max_examples=60, deadline=None)
@given(points=st.lists(st.tuples(coordinate, coordinate, coordinate), min_size=1, max_size=4))
def test_a_hash_grid_reads_the_corners_that_tinycudann_reads(points):
    encoding = made(SMALL)
    with torch.no_grad():
        read = encoding(torch.tensor(points)).tolist()
    assert [level.dense for level in encoding.levels] == [True, True, False, False]
    for row, point in zip(read, points):
        assert row == pytest.approx(one_by_one(encoding, SMALL, point), abs=2e-4)


def test_at_a_vertex_a_dense_level_is_its_entry():
    shape = GridShape(levels=1, features=3, table=12, coarsest=5, finest=5)
    encoding = made(shape)
    x, y, z = 3, 1, 2
    at = (torch.tensor([[x, y, z]]) - 0.5) / 4 * 2 - 1  # vertices stand half a cell before whole numbers
    assert torch.allclose(encoding(at), encoding.params.view(-1, 3)[x + 5 * y + 25 * z], atol=1e-5)


@given(
    levels=st.integers(1, 16), table=st.integers(3, 19), coarsest=st.integers(2, 64), times=st.floats(1, 40, width=32)
)
def test_levels_grow_from_the_coarsest_to_the_finest_and_lie_one_after_the_other(levels, table, coarsest, times):
    shape = GridShape(levels, 2, table, coarsest, int(coarsest * times))
    planned = plan_levels(shape)
    assert planned[0].resolution == coarsest
    assert levels == 1 or planned[-1].resolution == shape.finest
    assert [level.resolution for level in planned] == sorted(level.resolution for level in planned)
    assert [level.dense for level in planned] == sorted((level.dense for level in planned), reverse=True)
    assert [level.offset for level in planned] == [sum(p.size for p in planned[:n]) for n in range(levels)]
    assert all(level.size % 8 == 0 and level.size <= 2**table for level in planned)


def test_gradients_of_points_and_entries_are_those_of_differences():
    encoding = made(SMALL).double()
    encoding.scales = encoding.scales.double()
    generator = torch.Generator().manual_seed(0)
    points = (torch.rand(20, 3, generator=generator, dtype=torch.float64) * 1.4 - 1).requires_grad_()
    wanted = torch.randn(20, encoding.width, generator=generator, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda p: (encoding(p) * wanted).sum(), points, eps=1e-7, atol=1e-4)  # within cells
    assert torch.autograd.gradcheck(
        lambda params: (torch.func.functional_call(encoding, {"params": params}, points.detach()) * wanted).sum(),
        encoding.params,
        fast_mode=True,
    )


def test_the_gradient_of_entries_that_many_points_share_is_the_same_to_the_bit():
    encoding = made(SMALL)
    points = torch.rand(20_000, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    before, found = torch.get_num_threads(), set()
    torch.set_num_threads(2)
    try:
        for _ in range(5):
            encoding.params.grad = None
            encoding(points).square().sum().backward()
            found.add(encoding.params.grad.numpy().tobytes())
    finally:
        torch.set_num_threads(before)
    assert len(found) == 1


def test_outside_the_cube_its_border_is_read():
    for encoding in (made(SMALL), Frequency().build()):
        out, border = torch.tensor([[3.0, -1.2, 0.1]]), torch.tensor([[1.0, -1.0, 0.1]])
        assert torch.equal(encoding(out), encoding(border))


def test_frequencies_are_sines_and_cosines_of_octaves():
    encoded = Frequency(octaves=2).build()(torch.tensor([[0.5, -0.25, 0.125]]))[0]
    h = 0.5**0.5
    sines = [1, -h, np.sin(np.pi / 8), 0, -1, h]
    cosines = [0, h, np.cos(np.pi / 8), -1, 0, h]
    assert encoded.tolist() == pytest.approx([0.5, -0.25, 0.125, *sines, *cosines], abs=1e-6)


def test_frequencies_have_nothing_to_train_for_one_field_or_two():
    one, two = Frequency(octaves=3).build(), Frequency(octaves=3).build(times=2)
    assert one.width == two.width == 21
    assert list(one.parameters()) == list(one.state_dict()) == []


def test_a_grid_for_two_fields_has_twice_the_parameters():
    sizes = [sum(p.numel() for p in HashGrid().build(times=n).parameters()) for n in (1, 2, 3)]
    assert sizes == [sizes[0], 2 * sizes[0], 3 * sizes[0]]


@pytest.mark.parametrize(
    "options",
    [{"levels": 0}, {"features": 0}, {"table": 2}, {"table": 25}, {"coarsest": 1}, {"coarsest": 32, "finest": 16}],
)
def test_sizes_that_make_no_grid_are_refused(options):
    with pytest.raises(ValueError, match="expected"):
        HashGrid(**options)


def tinycudann_here() -> str:
    """Why tinycudann's kernels cannot run here, or nothing."""
    try:
        Tcnn().build()
    except UserError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("shape", [HashGrid(), HashGrid(levels=12, features=2, table=14), HashGrid(coarsest=7)])
def test_tinycudann_gives_the_features_of_the_same_parameters(shape):
    if reason := tinycudann_here():
        pytest.skip(reason)
    ours = made(shape.shape(1))
    theirs = Tcnn(shape.levels, shape.features, shape.table, shape.coarsest, shape.finest).build()
    assert theirs.grid.params.shape == ours.params.shape
    with torch.no_grad():
        theirs.grid.params.copy_(ours.params)
        points = torch.rand(5000, 3, generator=torch.Generator().manual_seed(1)) * 2 - 1
        assert torch.allclose(theirs(points), ours(points), atol=2e-3)  # float32's rounding times the finest scale


@pytest.fixture
def no_tinycudann(monkeypatch):
    monkeypatch.setitem(sys.modules, "tinycudann", None)  # an import then fails as where it is not installed


def test_without_tinycudann_it_says_in_one_line_how_to_get_it(no_tinycudann):
    with pytest.raises(UserError) as caught:
        Tcnn().build()
    message = str(caught.value)
    assert "\n" not in message
    assert 'pip install "git+https://github.com/NVlabs/tiny-cuda-nn/#subdirectory=bindings/torch"' in message
    assert "encoding=hashgrid" in message


def test_without_tinycudann_a_job_ends_before_anything_trains(no_tinycudann):
    from erlnet.grammar import parse_assignments
    from erlnet.grid import resolve
    from erlnet.runs.renderer_stages import check_needs
    from erlnet.stages import make_plan

    for encoding, refused in (("tcnn", True), ("hashgrid", False)):
        (variant,) = resolve(parse_assignments([f"encoding={encoding}", "preset=smoke"])).variants
        (config,) = (
            s.config for s in make_plan(variant, 0, {}, ("tracked",), ("ssim",)).stages if s.name == "renderer"
        )
        with pytest.raises(UserError, match="tinycudann cannot be used") if refused else nullcontext():
            check_needs(config)


def test_tinycudann_on_the_cpu_is_refused(monkeypatch):
    class Kernels(torch.nn.Module):  # what tinycudann gives, its parameters moved to the CPU with the renderer
        def __init__(self, inputs, config, dtype):
            super().__init__()
            self.params = torch.nn.Parameter(torch.zeros(8, dtype=dtype))

    monkeypatch.setitem(sys.modules, "tinycudann", SimpleNamespace(Encoding=Kernels))
    with pytest.raises(UserError, match="ERLNET_DEVICE=cuda"):
        Tcnn().build()(torch.zeros(1, 3))


@pytest.mark.parametrize("encoding", [Frequency(octaves=3), HashGrid(levels=3, table=9, coarsest=4, finest=16)])
def test_a_renderer_trains_on_it_to_the_same_bits_twice(toy, encoding):
    components = replace(make_components(), encoding=encoding)
    first, second = (train_renderer(toy, components, make_settings(steps=4), 0, Silent())[0] for _ in range(2))
    assert first.branches.head.encoding.width == encoding.build().width
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name]), name
