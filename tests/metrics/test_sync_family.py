"""The family `sync`: a small SyncNet, trained here, tells how late a picture is; and what is refused."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from metric_fakes import ArrayClip, face

from erlnet.errors import UserError
from erlnet.metrics.pairs import ClipPair, Unavailable
from erlnet.metrics.sync_cards import SYNC_CARDS, SYNCNET_VARIABLE, sync_fingerprint
from erlnet.metrics.sync_family import SyncNetFamily
from erlnet.metrics.syncnet import sync_of
from erlnet.metrics.syncnet_crop import cut_out, face_squares
from erlnet.metrics.syncnet_model import SyncNet, Widths, load_syncnet
from erlnet.metrics.syncnet_sound import mfcc

TINY = Widths((4, 4, 4, 4, 4, 32), (4, 4, 4, 4, 4, 32), 64, 5)


def loudness(frames: int, seed: int) -> np.ndarray:
    """Of 20 frames before, `frames` frames and 20 after, in [0,1]."""
    return np.convolve(np.random.default_rng(seed).uniform(0, 1, frames + 40), [0.3, 0.4, 0.3], "same")


def talking(frames: int, seed: int, late: int = 0, size: int = 112) -> ClipPair:
    """A mouth as bright as the sound is loud, `late` frames behind it, and the sound: three tones."""
    loud = loudness(frames, seed)
    picture = np.full((frames, 3, size, size), 90, np.uint8)
    picture[:, :, 60:90, 36:76] = (loud[20 - late : 20 - late + frames] * 250).astype(np.uint8)[:, None, None, None]
    seconds = np.arange(frames * 640) / 16000
    tones = np.sin(2 * np.pi * np.outer([300, 900, 2100], seconds)).sum(axis=0) / 6
    sound = (10 ** (2 * np.repeat(loud[20 : 20 + frames], 640) - 2) * tones).astype(np.float32)
    points = np.tile(face((56, 48), 40), (frames, 1, 1))
    clip = ArrayClip(picture, points)
    bits = np.zeros((frames, size, size), np.uint8)
    return ClipPair(f"late {late}", "a", clip, clip, bits, points, sound=lambda: sound)


def windows_of(pair: ClipPair) -> tuple[torch.Tensor, torch.Tensor]:
    """All (T-5) windows of lips and of sound, cut without the family."""
    squares, columns = face_squares(pair.landmarks), torch.from_numpy(mfcc(pair.sound())).float()
    faces = np.stack([cut_out(f, s, 224)[::-1] for f, s in zip(pair.rendered.array, squares)])
    lips = torch.stack([torch.from_numpy(faces[t : t + 5]).float().transpose(0, 1) for t in range(len(pair) - 5)])
    return lips, torch.stack([columns[:, 4 * t : 4 * t + 20] for t in range(len(pair) - 5)])


def trained() -> SyncNet:
    """Random convolutions, normalised; heads whose last layer is fitted to the loudness of a window's five frames."""
    torch.manual_seed(0)
    network, frames = SyncNet(TINY), 130
    wanted = loudness(frames, 1)[20 : 20 + frames]
    target = torch.tensor(np.stack([wanted[t : t + 5] for t in range(frames - 5)])).float()
    target = (target - target.mean()) / target.std()
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum = 1.0  # statistics are those of the one batch
    lips, sound = windows_of(talking(frames, 1))
    with torch.no_grad():
        for body, head, windows in (
            (network.netcnnlip, network.netfclip, lips), (network.netcnnaud, network.netfcaud, sound[:, None]),
        ):  # fmt: skip
            hidden = head[:3](body(windows).flatten(1))
            centred = hidden - hidden.mean(dim=0)
            square = centred.T @ centred + 0.01 * len(hidden) * torch.eye(TINY.hidden)
            head[3].weight.copy_(torch.linalg.solve(square, centred.T @ target).T)
            head[3].bias.copy_(-head[3].weight @ hidden.mean(dim=0))
    return network.eval()


@pytest.fixture(scope="module")
def small() -> SyncNet:
    return trained()


@pytest.mark.parametrize("late", [-6, 0, 11])
def test_a_clip_that_is_late_by_k_frames_reads_k_through_the_whole_family(small, tmp_path, late):
    torch.save(small.state_dict(), tmp_path / "small.model")
    network = load_syncnet(tmp_path / "small.model", TINY)
    rows = {row.metric: row.value for row in SyncNetFamily(network=network).score([talking(60, 7, late)])}
    assert rows["sync_offset"] == late
    assert rows["lse_c"] > 0.7
    assert set(rows) == {card.id for card in SYNC_CARDS if card.family == "sync"}


def test_sound_of_another_clip_is_trusted_less(small):
    own, other = talking(60, 7), talking(60, 8)
    crossed = ClipPair("x", "a", own.reference, own.rendered, own.regions, own.landmarks, sound=other.sound)
    found = [{row.metric: row.value for row in SyncNetFamily(network=small).score([pair])} for pair in (own, crossed)]
    assert found[0]["lse_c"] > 1.5 * found[1]["lse_c"]
    assert found[0]["lse_d"] < found[1]["lse_d"]


def test_a_long_clip_is_read_in_parts_and_reads_the_same_as_whole(small):
    pair = talking(60, 9)
    SyncNetFamily(network=small).score([pair])
    assert max(stop - start for start, stop in pair.rendered.asked) <= 24
    lips, sound = windows_of(pair)
    with torch.inference_mode():
        whole = sync_of(small.lips(lips), small.sound(sound))
    found = {row.metric: row.value for row in SyncNetFamily(network=small).score([pair])}
    assert found["sync_offset"] == whole.offset
    assert found["lse_d"] == pytest.approx(whole.lse_d, rel=1e-4)


def test_without_weights_nothing_is_computed(monkeypatch):
    monkeypatch.delenv(SYNCNET_VARIABLE, raising=False)
    with pytest.raises(Unavailable) as caught:
        SyncNetFamily().score([talking(30, 1)])
    assert "ERLNET_SYNCNET=FILE" in caught.value.remedy
    monkeypatch.setenv(SYNCNET_VARIABLE, "/nowhere/syncnet_v2.model")
    with pytest.raises(UserError, match=r"SyncNet weights /nowhere/syncnet_v2\.model: cannot be read"):
        SyncNetFamily().score([talking(30, 1)])


def test_the_users_file_is_part_of_the_fingerprint(tmp_path, monkeypatch):
    monkeypatch.delenv(SYNCNET_VARIABLE, raising=False)
    assert sync_fingerprint("sync")["weights_sha256"] == "absent"
    marks = []
    for content in (b"one", b"two2"):
        (tmp_path / "w").write_bytes(content)
        monkeypatch.setenv(SYNCNET_VARIABLE, str(tmp_path / "w"))
        marks.append(json.dumps(sync_fingerprint("sync")))
    assert len(set(marks)) == 2
    assert "absent" not in marks[0]


def test_clips_that_cannot_be_heard_or_seen_have_no_value_and_other_rates_are_refused(small):
    pair = talking(30, 1)
    silent = ClipPair("silent", "a", pair.reference, pair.rendered, pair.regions, pair.landmarks)
    nobody = ClipPair("nobody", "a", pair.reference, pair.rendered, pair.regions, pair.landmarks * np.nan,
                      sound=pair.sound)  # fmt: skip
    short = ClipPair("short", "a", *[ArrayClip(pair.reference.array[:14], pair.landmarks[:14])] * 2,
                     pair.regions[:14], pair.landmarks[:14], sound=pair.sound)  # fmt: skip
    rows = SyncNetFamily(network=small).score([pair, silent, nobody, short])
    assert {row.clip for row in rows if row.value is not None} == {pair.name}
    assert len(rows) == 12
    with pytest.raises(Unavailable, match="no clip has sound"):
        SyncNetFamily(network=small).score([silent])
    fast = ClipPair("fast", "a", pair.reference, pair.rendered, pair.regions, pair.landmarks, 30.0, pair.sound)
    with pytest.raises(Unavailable, match="clip 'fast' has 30 frames a second"):
        SyncNetFamily(network=small).score([fast])


def test_the_cards_need_no_torch():
    code = "import sys; from erlnet.metrics import sync_cards as c; c.sync_fingerprint('sync_ridge');"
    subprocess.run([sys.executable, "-c", code + "assert 'torch' not in sys.modules"], check=True)
