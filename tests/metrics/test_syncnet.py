"""SyncNet: its sound, its layers, its loader, its pictures and its numbers."""

import numpy as np
import pytest
import torch
from metric_fakes import face
from torch.nn.functional import pairwise_distance

from erlnet.errors import UserError
from erlnet.metrics.syncnet import mean_distances, sync_of
from erlnet.metrics.syncnet_crop import cut_out, face_squares
from erlnet.metrics.syncnet_model import SyncNet, Widths, load_syncnet
from erlnet.metrics.syncnet_sound import mfcc

TINY = Widths((4, 4, 4, 4, 4, 32), (4, 4, 4, 4, 4, 32), 64, 32)


def chirp(samples: int) -> np.ndarray:
    """16-bit numbers."""
    t = np.arange(samples) / 16000
    tone = 0.1 * np.sin(2 * np.pi * 3100 * t) * (np.arange(samples) % 3000 < 1500)
    return ((0.3 * np.sin(2 * np.pi * (200 + 600 * t) * t) + tone) * 32767).round().astype(np.int16)


def test_mfccs_are_what_the_package_that_syncnet_was_trained_with_gives():
    """python_speech_features 0.6, `mfcc(chirp(3200), 16000)`, columns 0, 7 and 18 (the last, half silence)."""
    expected = [
        [21.083115, -6.105717, 4.463614, 51.417449, -11.972862, -6.619519, 25.987167, -38.212717, -20.862022, 4.481458,
         -44.890799, -16.657561, 0.12357],
        [21.085052, 1.512627, -1.042582, 47.367432, -26.752491, -19.801351, 8.928257, -50.657009, -30.19255, 2.93203,
         -38.615618, -4.150205, 11.892892],
        [20.613756, -0.06447, 0.373242, 22.624329, -42.246386, -36.510098, 3.572129, -37.797072, -5.483173, 31.931976,
         -3.532809, 18.122723, 25.59646],
    ]  # fmt: skip
    columns = mfcc(chirp(3200) / 32768)
    assert columns.shape == (13, 19)
    np.testing.assert_allclose(columns.T[[0, 7, 18]], expected, atol=1e-5)


@pytest.mark.parametrize(("samples", "columns"), [(1, 1), (400, 1), (401, 2), (16000, 99), (6400, 39)])
def test_there_are_a_hundred_columns_a_second_and_silence_is_finite(samples, columns):
    assert mfcc(np.zeros(samples)).shape == (13, columns)
    assert np.isfinite(mfcc(np.zeros(samples))).all()
    published = pytest.importorskip("python_speech_features", reason="the published MFCCs are not installed")
    np.testing.assert_allclose(
        mfcc(chirp(samples) / 32768), published.mfcc(chirp(samples), 16000).T, rtol=1e-9, atol=1e-9
    )


def test_the_layers_have_the_names_and_shapes_of_the_weights_that_are_handed_round():
    state = {name: tuple(value.shape) for name, value in SyncNet().state_dict().items()}
    sound = {0: (64, 1, 3, 3), 4: (192, 64, 3, 3), 8: (384, 192, 3, 3), 11: (256, 384, 3, 3), 14: (256, 256, 3, 3),
             18: (512, 256, 5, 4)}  # fmt: skip
    lips = {0: (96, 3, 5, 7, 7), 4: (256, 96, 1, 5, 5), 8: (256, 256, 1, 3, 3), 11: (256, 256, 1, 3, 3),
            14: (256, 256, 1, 3, 3), 18: (512, 256, 1, 6, 6)}  # fmt: skip
    expected = {f"netcnnaud.{i}.weight": shape for i, shape in sound.items()}
    expected |= {f"netcnnlip.{i}.weight": shape for i, shape in lips.items()}
    for head in ("netfcaud", "netfclip"):
        expected |= {f"{head}.0.weight": (512, 512), f"{head}.3.weight": (1024, 512)}
    convolutions = {name: shape for name, shape in state.items() if len(shape) > 1}
    assert convolutions == expected
    norms = [name for name in state if name.endswith("running_mean")]
    after = [f"{n}.{i + 1}.running_mean" for n in ("netcnnaud", "netcnnlip") for i in (0, 4, 8, 11, 14, 18)]
    assert sorted(norms) == sorted([*after, "netfcaud.1.running_mean", "netfclip.1.running_mean"])


def test_a_window_of_each_kind_becomes_a_point():
    network = SyncNet().eval()
    with torch.inference_mode():
        assert network.sound(torch.zeros(2, 13, 20)).shape == (2, 1024)
        assert network.lips(torch.zeros(1, 3, 5, 224, 224)).shape == (1, 1024)


def randomised(widths: Widths = TINY, seed: int = 0) -> SyncNet:
    """All parameters and statistics away from their defaults."""
    generator = torch.Generator().manual_seed(seed)
    network = SyncNet(widths)
    for value in network.state_dict().values():
        if value.is_floating_point():
            value.copy_(torch.rand(value.shape, generator=generator) * 0.2 + 0.01)
    return network.eval()


@pytest.mark.parametrize("form", ["new zip file", "old file without counts"])
def test_a_state_dict_is_read_back_to_the_same_points(tmp_path, form):
    network, path = randomised(), tmp_path / "syncnet_v2.model"
    state = network.state_dict()
    if form == "new zip file":
        torch.save(state, path)
    else:
        state = {name: value for name, value in state.items() if "num_batches" not in name}
        torch.save(state, path, _use_new_zipfile_serialization=False)
    read, sound = load_syncnet(path, TINY), torch.rand(3, 13, 20)
    assert not read.training
    torch.testing.assert_close(read.sound(sound), network.sound(sound), rtol=0, atol=0)


def test_weights_of_the_published_size_are_read(tmp_path):
    state = SyncNet().state_dict()
    torch.save(state, tmp_path / "syncnet_v2.model")
    read = load_syncnet(tmp_path / "syncnet_v2.model").state_dict()
    torch.testing.assert_close(read["netcnnlip.18.weight"], state["netcnnlip.18.weight"], rtol=0, atol=0)


class Harmful:
    def __reduce__(self):
        return print, ("ran",)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"), (b"no weights", "not a torch file of tensors"), (Harmful(), "not a torch file"),
        ([1.0], "holds no state dict"), ("less", r"lacks netfclip\.3\.weight and 1 more"),
        ("more", r"has extra\.weight, which SyncNet has not"),
        ("other", r"netfcaud\.0\.weight is \(2,\), not \(64, 32\)"),
        ("nan", r"netfcaud\.3\.bias is not finite"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_it_is_one_line_that_says_why(tmp_path, capsys, content, said):
    path, state = tmp_path / "syncnet_v2.model", randomised().state_dict()
    if content == "less":
        del state["netfclip.3.bias"], state["netfclip.3.weight"]
    elif content == "more":
        state["extra.weight"] = torch.zeros(1)
    elif content == "other":
        state["netfcaud.0.weight"] = torch.zeros(2)
    elif content == "nan":
        state["netfcaud.3.bias"][0] = torch.nan
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(state if isinstance(content, str) else content, path)
    with pytest.raises(UserError, match=said) as caught:
        load_syncnet(path, TINY)
    assert "\n" not in str(caught.value)
    assert "syncnet_v2.model" in str(caught.value)
    assert capsys.readouterr().out == ""


def test_distances_are_those_of_the_published_loop():
    generator = torch.Generator().manual_seed(1)
    lips, sound = torch.randn(40, 8, generator=generator), torch.randn(40, 8, generator=generator)
    expected = []
    for shift in range(-15, 16):
        heard = [sound[t + shift] if 0 <= t + shift < 40 else torch.zeros(8) for t in range(40)]
        expected.append(pairwise_distance(lips, torch.stack(heard)).mean())
    torch.testing.assert_close(mean_distances(lips, sound), torch.stack(expected))
    found = sync_of(lips, sound)
    assert found.lse_d == pytest.approx(float(min(expected)))
    assert found.lse_c == pytest.approx(sorted(map(float, expected))[15] - float(min(expected)), abs=1e-6)


@pytest.mark.parametrize("late", [-15, -4, 0, 3, 15])
def test_a_picture_that_is_late_reads_so(late):
    points = torch.randn(100 + 30, 16, generator=torch.Generator().manual_seed(2))
    found = sync_of(points[15 - late : 115 - late], points[15:115])
    assert found.offset == late
    assert found.lse_c > 1


def test_the_square_is_2_8_half_boxes_around_the_face_and_knows_no_gap():
    points = np.tile(face(), (30, 1, 1))
    points[10:] += 6
    low, high = points[0].min(axis=0), points[0].max(axis=0)
    top = low[1] - 0.25 * (high[1] - low[1])
    half = max(high[0] - low[0], high[1] - top) / 2
    expected = [(low[0] + high[0]) / 2 - 1.4 * half, (top + high[1]) / 2 - half, 2.8 * half]
    np.testing.assert_allclose(face_squares(points)[0], expected)
    np.testing.assert_allclose(face_squares(points)[29], np.add(expected, [6, 6, 0]))
    gap = points.copy()
    gap[3:5], gap[27:] = np.nan, np.nan
    np.testing.assert_allclose(face_squares(gap), face_squares(points))
    jump = points.copy()
    jump[20] += 40  # one wrong detection
    np.testing.assert_allclose(face_squares(jump), face_squares(points))
    assert face_squares(np.full((4, 68, 2), np.nan)) is None


def test_the_face_is_cut_out_and_what_lies_beyond_the_frame_is_grey():
    frame = np.zeros((3, 40, 60), np.uint8)
    frame[0] = np.arange(60)
    np.testing.assert_array_equal(cut_out(frame, np.array([10.0, 5.0, 20.0]), 20), frame[:, 5:25, 10:30])
    doubled = cut_out(frame, np.array([10.0, 5.0, 20.0]), 40)[0, 20]
    np.testing.assert_allclose(doubled[1:-1], np.arange(40)[1:-1] / 2 + 9.75, atol=0.51)
    over = cut_out(frame, np.array([50.0, 30.0, 20.0]), 20)
    np.testing.assert_array_equal(over[:, :10, :10], frame[:, 30:, 50:])
    assert (over[:, 10:] == 110).all()
    assert (over[:, :, 10:] == 110).all()
