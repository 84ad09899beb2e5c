"""Driving modes and metric families of a sweep: which say something of its variants, which decides. Torch-free."""

from __future__ import annotations

from collections.abc import Sequence

from erlnet.errors import UserError
from erlnet.metrics.cards import CARDS, FAMILIES, READS, USUAL
from erlnet.registry import did_you_mean
from erlnet.variant import Variant

DRIVING = ("tracked", "reconstructed", "audio", "audio_free")
QUICK = ("demo", "smoke")  # presets
ADF_SLOTS = {"audio", "vq", "quantizer", "style", "speech_loss", "codec", "motion"}


def applies(mode: str, variant: Variant) -> bool:
    """Whether the variant's clips, codec and conditioning give the mode a meaning."""
    return obstacle(mode, variant) is None


def obstacle(mode: str, variant: Variant) -> str | None:
    """Why the mode means nothing for the variant, None where it means something."""
    dataset = f"dataset={variant.choices['dataset'].name}"
    if mode == "tracked" and not variant.has_frames:
        return f"{dataset}: its clips have no frames"
    if mode == "reconstructed" and not variant.has_codes:
        return f"{dataset}: no variant has a codec with codes"
    if mode in ("audio", "audio_free") and not variant.has_sound:
        return f"{dataset}: its clips have no sound"
    if variant.renders_sound and mode != "audio":
        name = variant.choices["conditioning"].name
        return f"conditioning={name}: sound and the tracked head pose drive it; ask for --driving audio"
    return None


def choose_driving(asked: str | None, swept: Sequence[str], variants: Sequence[Variant]) -> tuple[str, ...]:
    """`--driving`, or the default: the renderer alone and the whole pipeline; all modes where ADF is swept.

    Clips without frames have no renderer, clips without sound no generator. Where some variant renders sound itself,
    `audio` is the only mode to compare in. UserError where a mode that was asked for means nothing for any variant.
    """
    if asked is None:
        motion_alone = not variants[0].has_frames or bool(ADF_SLOTS & set(swept))
        wanted: tuple[str, ...] = DRIVING if motion_alone else ("tracked", "audio")
        if any(v.renders_sound for v in variants):
            wanted = ("audio",)
        return tuple(mode for mode in wanted if any(applies(mode, v) for v in variants))
    chosen = _chosen("--driving", asked, DRIVING)
    for mode in chosen:
        if not any(applies(mode, v) for v in variants):
            raise UserError(f"--driving {mode}: {obstacle(mode, variants[0])}")
    return chosen


def choose_families(asked: str | None) -> tuple[str, ...]:
    """`--metrics`: families by name, `all`, or the usual ones where nothing is said."""
    if asked is None:
        return USUAL
    return tuple(FAMILIES) if asked == "all" else _chosen("--metrics", asked, tuple(FAMILIES))


def _chosen(flag: str, asked: str, choices: Sequence[str]) -> tuple[str, ...]:
    words = [word.strip() for word in asked.split(",")]
    for word in words:
        if word not in choices:
            raise UserError(f"{flag} {asked}: unknown '{word}'; {did_you_mean(word, choices)}")
    return tuple(dict.fromkeys(words))


def budget_endpoint(
    swept: Sequence[str], driving: Sequence[str], families: Sequence[str], variants: Sequence[Variant]
) -> tuple[str, str] | None:
    """(family, driving) in which renderers are also scored after a quarter and half of their steps.

    None where that says nothing of what is compared: stage one is swept, the endpoint is not read off frames or was not
    asked for; or where the preset is there to be quick.
    """
    filmed = any(v.has_frames for v in variants) and any(READS[family] == "render" for family in families)
    metric, _, mode = primary_endpoint(swept, driving, filmed, any(v.renders_sound for v in variants))
    family = CARDS[metric].family
    told = READS[family] == "render" and family in families and mode in driving and not ADF_SLOTS & set(swept)
    return (family, mode) if told and all(v.preset not in QUICK for v in variants) else None


def primary_endpoint(
    swept: Sequence[str], driving: Sequence[str], has_frames: bool = True, renders_sound: bool = False
) -> tuple[str, str, str]:
    """(metric, region, driving) that a study's verdict goes by, declared before it runs.

    `renders_sound`: some variant's renderer is driven by sound itself, so that the variants meet in `audio` alone.
    """
    frames_in = "audio" if renders_sound else "tracked"
    if not has_frames:
        if "audio" in driving:
            return "mesh_mouth_r", "mouth", "audio"
        if "reconstructed" in driving:
            return "expression_error", "face", "reconstructed"
        return "pose_frechet", "head", "audio_free"
    if ADF_SLOTS & set(swept):
        return "mouth_open_r", "mouth", "audio"
    if {"fusion", "branches", "deform"} & set(swept):
        return "ssim", "neck", frames_in
    return "lpips", "frame", frames_in
