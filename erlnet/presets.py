"""Presets: sizes and step counts together, never seconds; a word on the command line overrides any of them."""

from __future__ import annotations

from typing import Any

from erlnet.errors import UserError
from erlnet.registry import did_you_mean

_SMOKE = {
    "demo.size": 64, "demo.train_clips": 2, "demo.test_clips": 2, "demo.train_seconds": 0.8, "demo.test_seconds": 0.4,
    "codec.steps": 8, "motion.steps": 8, "renderer.size": 64, "renderer.factor": 4, "renderer.steps": 10,
    "renderer.windows": 2, "triplane.resolution": 16, "triplane.channels": 4,
    "bank.speakers": 1, "bank.train_clips": 2, "bank.judge_clips": 3, "bank.seconds": 1.0,
}  # fmt: skip

_ADF = {
    "demo": {"motion.steps": 300},  # half a minute of one speaker: more steps only learn it by heart
    "study": {},
    "fast": {"codec.steps": 600, "motion.steps": 800},
    "full": {"codec.steps": 900, "motion.steps": 1500},
}
_MOUTH = {"renderer.mouth_share": 0.35, "renderer.mouth_weight": 2.0, "renderer.eyes_share": 0.15}
_AT_128 = _MOUTH | {"renderer.size": 128, "renderer.factor": 4, "renderer.window": 8, "renderer.windows": 16}
_AT_256 = _MOUTH | {"renderer.size": 256, "renderer.factor": 4, "renderer.window": 12, "renderer.windows": 14}

_FULL_512 = _AT_256 | _ADF["full"] | {
    "renderer.size": 512, "renderer.factor": 8, "renderer.channels": 192, "renderer.steps": 30000,
}  # fmt: skip

_CODETALKER, _ARTALK, _OURS = "after CodeTalker", "after ARTalk", "ours"
PAPER_GUESSES: dict[str, tuple[Any, str]] = {
    "vq.width": (256, _OURS),
    "vq.layers": (4, _OURS),
    "vq.heads": (8, _CODETALKER),
    "vq.code_dim": (64, _CODETALKER),
    "ema.codes": (256, _CODETALKER),
    "ema.commitment": (0.25, _CODETALKER),
    "codec.steps": (50_000, _OURS),
    "codec.window": (100, _ARTALK),
    "codec.batch": (64, _OURS),
    "codec.lr": (1e-4, _CODETALKER),
    "motion.steps": (100_000, _OURS),
    "motion.window": (100, _ARTALK),
    "motion.batch": (64, _OURS),
    "motion.lr": (1e-4, _CODETALKER),
    "motion.width": (256, _OURS),
    "motion.layers": (4, _OURS),
    "motion.heads": (8, _OURS),
    "motion.style_width": (128, _OURS),
    "motion.dropout": (0.1, _OURS),
}
"""`preset=paper`: the paper names the parts (two transformer VQ-VAEs, wav2vec2, a style encoder, frozen decoders) and
hardly a number. Value, and whose it is; docs/adf.md says why. They are for hours of data and a GPU."""

_PAPER = {"audio": "wav2vec2", "vq": "dual", "style": "transformer", "speech_loss": "contrastive"} | {
    name: value for name, (value, _) in PAPER_GUESSES.items()
}

PRESETS: dict[str, dict[str, Any]] = {
    "smoke": _SMOKE,
    "demo": _AT_128
    | _ADF["demo"]
    | {"renderer.steps": 1350, "renderer.mouth_share": 0.4, "renderer.mouth_weight": 3.0},
    "study": _AT_128 | _ADF["study"] | {"renderer.steps": 2500},
    "fast": _AT_256 | _ADF["fast"] | {"renderer.steps": 3000},
    "full": _AT_256 | _ADF["full"] | {"renderer.steps": 12000},
    "full512": _FULL_512,
    "paper": _FULL_512 | _PAPER,
}
"""Names are as on the command line: SLOT, SLOT.OPTION, COMPONENT.OPTION (that component alone) or STAGE.OPTION."""


def preset_values(name: str) -> dict[str, Any]:
    """Option name -> value; options of components that a variant does not have are passed over."""
    if name not in PRESETS:
        raise UserError(f"preset={name}: {did_you_mean(name, PRESETS)}")
    return PRESETS[name]


def default_preset(dataset: str) -> str:
    """`study` where there are no frames to render: its motion stages train in under a minute."""
    return {"demo": "demo", "bank": "study", "sequences": "study"}.get(dataset, "fast")
