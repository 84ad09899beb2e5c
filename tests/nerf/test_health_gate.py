"""The gate passes what is sound and fails each fault by itself."""

import pytest
import torch
from renderer_toys import bits

from erlnet.nerf.health import LIMITS, HealthFrames, HealthTotals


def frames(head_face=1.0, head_torso=0.0, head_background=0.0, static_face=0.0, lost_face=0.5, lost_torso=0.0):
    """Three 8 px stripes: face, torso, background; a render that is off by .01."""
    rows = [bits("head", "face")] * 8 + [bits("torso")] * 8 + [bits("background")] * 8
    regions = torch.tensor(rows, dtype=torch.uint8)[None, :, None].repeat(1, 1, 8)

    def stripes(*values):
        return torch.tensor(values).repeat_interleave(8).view(1, 1, 24, 1).expand(1, 1, 24, 8).contiguous()

    truth = torch.full((1, 3, 24, 8), 0.4)
    image = truth + 0.01
    without = image + stripes(lost_face, lost_torso, 0.0)
    head = stripes(head_face, head_torso, head_background)
    return HealthFrames(head, stripes(static_face, 1.0, 0.0), image, without, truth, regions)


def verdict(batch):
    totals = HealthTotals()
    totals.count(batch)
    return totals.verdict()


def test_sound_branches_pass_with_their_values():
    result = verdict(frames())
    assert result["status"] == "passed"
    assert set(result["values"]) == set(LIMITS)
    assert result["values"]["head_opacity_face"] == pytest.approx(1)
    # the face's error rises from .01 to .51: 20 log10(51) dB
    assert result["values"]["dropping_head_costs_face_db"] == pytest.approx(34.151, abs=0.01)
    assert result["values"]["dropping_head_costs_torso_db"] == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(
    "fault",
    [
        {"head_face": 0.85},
        {"head_torso": 0.2},
        {"head_background": 0.2},
        {"static_face": 0.3},
        {"lost_face": 0.01},
        {"lost_torso": 0.01},
    ],
)
def test_each_fault_alone_fails(fault):
    assert verdict(frames(**fault))["status"] == "failed"


def test_batches_are_averaged_over_pixels():
    totals = HealthTotals()
    totals.count(frames(head_face=1.0))
    totals.count(frames(head_face=0.7))
    assert totals.values()["head_opacity_face"] == pytest.approx(0.85)


def test_what_could_not_be_measured_does_not_pass():
    batch = frames()
    nothing = batch._replace(regions=torch.full_like(batch.regions, bits("background")))
    result = verdict(nothing)
    assert result["status"] == "failed"
    assert set(result["values"]) == {"head_opacity_background"}
    assert HealthTotals().verdict() == {"status": "failed", "values": {}}


def test_the_unknown_band_is_not_judged():
    batch = frames()
    regions = batch.regions.clone()
    regions[:, 6:8] |= bits("unknown")
    head = batch.head_opacity.clone()
    head[:, :, 6:8] = 0
    assert verdict(batch._replace(regions=regions, head_opacity=head))["values"]["head_opacity_face"] == pytest.approx(
        1
    )
