import subprocess
import sys
from pathlib import Path

import pytest

from erlnet import registry
from erlnet.errors import UserError
from erlnet.interfaces import PROTOCOLS, SLOTS

PLUGIN = """
from dataclasses import dataclass
from typing import ClassVar

@dataclass(frozen=True)
class Mine:
    \"\"\"A stranger's fusion.\"\"\"
    VERSION: ClassVar[int] = 1
    sharpness: float = 1.0
    def build(self, channels):
        raise AssertionError("listing must not build")
"""


def distribution(folder: Path, name: str, points: str) -> None:
    """An installed distribution's metadata, as pip would have written it."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[erlnet.components]\n{points}\n")


def listing(folder: Path, slot: str = "fusion") -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "erlnet", "components", slot],
        capture_output=True, text=True, env={"PYTHONPATH": str(folder), "PATH": ""},
    )  # fmt: skip


def test_a_strangers_component_is_listed_beside_ours(tmp_path):
    (tmp_path / "stranger.py").write_text(PLUGIN)
    distribution(tmp_path, "stranger", "fusion.mine = stranger:Mine")
    shown = listing(tmp_path)
    assert "mine [stranger]  A stranger's fusion." in shown.stdout
    assert "fusion.sharpness=1.0  (a number)" in shown.stdout
    assert "feature (default) [erlnet]" in shown.stdout


def test_a_broken_plug_in_breaks_only_its_own_selection(tmp_path):
    distribution(tmp_path, "broken", "fusion.bad = no_such_module:Bad")
    shown = listing(tmp_path)
    assert shown.returncode == 0
    assert "bad: does not load" in shown.stdout
    assert "distribution 'broken'" in shown.stdout
    assert "feature (default)" in shown.stdout


def test_a_name_with_two_owners_is_an_error_naming_both(tmp_path):
    (tmp_path / "stranger.py").write_text(PLUGIN)
    distribution(tmp_path, "stranger", "fusion.pixel = stranger:Mine")
    run = subprocess.run(
        [sys.executable, "-m", "erlnet.ablate", "fusion=pixel", "--out", str(tmp_path / "out")],
        capture_output=True, text=True, env={"PYTHONPATH": str(tmp_path), "PATH": ""},
    )  # fmt: skip
    assert run.returncode == 2
    assert "registered twice, by erlnet" in run.stderr
    assert "stranger (stranger:Mine)" in run.stderr


def test_every_slot_has_a_protocol_and_its_default_component():
    assert set(PROTOCOLS) == set(SLOTS)
    for slot, default in SLOTS.items():
        assert default in registry.names(slot)


def test_an_unknown_slot_is_answered_with_a_guess():
    with pytest.raises(UserError, match="did you mean 'fusion'"):
        registry.names("fusoin")


@pytest.mark.parametrize("arguments", [["-m", "erlnet.ablate", "--help"], ["-m", "erlnet", "components"]])
def test_help_and_listing_import_no_torch(arguments):
    code = f"import sys, runpy; sys.argv = {arguments[1:]!r}; "
    code += "\ntry: runpy.run_module(sys.argv[0], run_name='__main__')\nexcept SystemExit: pass"
    code += "\nprint(sorted(set(sys.modules) & {'torch', 'numpy', 'mediapipe', 'matplotlib'}))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.stdout.strip().endswith("[]"), shown.stdout[-500:] + shown.stderr
