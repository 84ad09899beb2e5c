"""Trained renderers for the tests of `render`, made once."""

import json
import os
import subprocess
import sys
import wave

import numpy as np
import pytest
from render_calls import SMALL, TEST_CLIP, call, variant_of


@pytest.fixture(scope="module")
def no_assets(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ERLNET_ASSETS", str(tmp_path_factory.mktemp("assets")))
        yield


@pytest.fixture(scope="session")
def renderers(tmp_path_factory):
    """Variant -> OUT/results/NAME: two renderers of one mapper, and one that sound drives."""
    folder = tmp_path_factory.mktemp("render")
    for words in ("fusion=pixel,feature --driving tracked,audio", "conditioning=direct"):
        ran = subprocess.run([sys.executable, "-m", "erlnet.ablate", *words.split(), *SMALL.split()],
                             capture_output=True, text=True, cwd=folder,
                             env=os.environ | {"ERLNET_ASSETS": str(folder / "no-assets")})  # fmt: skip
        assert ran.returncode == 0, ran.stderr
    found = {}
    for result in (folder / "runs/results").iterdir():
        assert json.loads((result / "result.json").read_text())["status"] == "done"
        found[variant_of(result)] = result
    assert set(found) == {"pixel", "feature", "direct"}
    return found


@pytest.fixture(scope="session")
def sound(tmp_path_factory):
    """Half a second of a tone that swells."""
    path = tmp_path_factory.mktemp("sound") / "tone.wav"
    samples = 0.3 * np.sin(np.arange(8000) / 9) * np.sin(np.arange(8000) / 900)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


@pytest.fixture(scope="module")
def tracked(renderers, no_assets, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "tracked"
    assert call(renderers["feature"], out, coefficients=TEST_CLIP) == 0
    return out
