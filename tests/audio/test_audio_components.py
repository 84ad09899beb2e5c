"""The slot `audio` is looked at without anything heavy."""

import subprocess
import sys

from erlnet import registry
from erlnet.audio.components import Wav2Vec2, Whisper


def test_the_components_import_neither_torch_nor_transformers():
    code = "import erlnet.audio.components, sys; print({'torch', 'transformers', 'numpy'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"


def test_all_three_are_registered():
    assert set(registry.names("audio")) >= {"logmel", "wav2vec2", "whisper"}
    assert registry.load("audio", "wav2vec2") is Wav2Vec2
    assert registry.load("audio", "whisper") is Whisper
