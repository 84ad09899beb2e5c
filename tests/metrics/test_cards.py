import json
import subprocess
import sys

import pytest

from erlnet.interfaces import REGIONS
from erlnet.metrics import protocol
from erlnet.metrics.cards import CARDS, FAMILIES, MODES, READS, REFERENCE_ROWS, USUAL, fingerprint
from erlnet.metrics.families import build_family


def test_cards_and_fingerprints_need_no_torch():
    code = (
        "import sys; from erlnet.metrics import cards, gain, guard, pairs;"
        "[cards.fingerprint(family) for family in cards.FAMILIES];"
        "assert 'torch' not in sys.modules and 'mediapipe' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_metric_belongs_to_one_family_and_says_what_it_is():
    assert [metric for members in FAMILIES.values() for metric in members] == list(CARDS)
    for card in CARDS.values():
        assert card.definition.endswith(".")
        assert len(card.definition) > 60
        assert set(card.regions) <= {*REGIONS, "frame", "none"}
    assert {"ssim", "psnr", "lpips", "lmd", "lmd_mouth", "mouth_open_r", "mouth_open_slope", "mouth_lag"} <= set(CARDS)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_fingerprint_survives_json(family):
    assert json.loads(json.dumps(fingerprint(family))) == fingerprint(family)


@pytest.mark.parametrize(
    ("family", "number", "value"),
    [
        ("ssim", "SSIM_SIGMA", 1.4), ("ssim", "MIN_REGION_PX", 65), ("psnr", "PSNR_CAP", 99.0),
        ("lpips", "MOUTH_BOX", (1.2, 0.9)), ("landmarks", "MAX_LAG", 14), ("landmarks", "DETECTION_MIN_SIZE", 512),
    ],
)  # fmt: skip
def test_a_number_that_decides_a_score_is_in_its_fingerprint(family, number, value, monkeypatch):
    before = fingerprint(family)
    monkeypatch.setattr(protocol, number, value)
    assert fingerprint(family) != before


def test_an_unknown_family_is_an_error():
    with pytest.raises(KeyError):
        fingerprint("fid")


def test_every_family_of_frames_can_be_built_by_its_name():
    for family in (name for name, stage in READS.items() if stage == "render"):
        assert build_family(family).name == family
    with pytest.raises(KeyError):
        build_family("fid")


def test_what_is_usual_is_a_part_of_all_and_every_family_has_its_modes_and_rows():
    assert set(USUAL) < set(FAMILIES) == set(READS) == set(MODES) == set(REFERENCE_ROWS)
