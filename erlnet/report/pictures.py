"""What the page shows of one clip: its video and its chosen frames, truth beside every variant."""

from __future__ import annotations

import hashlib
from typing import Any, Protocol

import numpy as np

from erlnet.report.clips_shown import Moment, ShownClip
from erlnet.report.inputs import FolderFrames, Frames, Study, TruthClip
from erlnet.report.media import MAX_VIDEO_SECONDS, Tile, png, region_box, side_by_side

CROPS = ("mouth", "neck")


class Store(Protocol):
    def add(self, name: str, content: bytes) -> str: ...


def clip_media(study: Study, shown: ShownClip, store: Store) -> dict[str, Any]:
    """Template context of one clip; the media go to `store`."""
    clip = next(c for c in study.filmed if c.name == shown.name)
    stem = hashlib.sha256(clip.name.encode()).hexdigest()[:8]  # a clip's name may hold anything
    rendered = _rendered(study, clip)
    rows = [
        [Tile("truth", clip.pictures)] + [Tile(f"{name} ({driving})", frames) for name, frames in arms.items()]
        for driving, arms in rendered.items()
    ]
    video = store.add(f"{stem}.mp4", side_by_side(rows, clip.fps, clip.audio, clip.sample_rate)) if rows else None
    driving = study.primary.driving if study.primary.driving in rendered else next(iter(rendered), None)
    arms = {"truth": clip.pictures} | (rendered[driving] if driving else {})
    return {
        "name": clip.name,
        "rank": shown.rank,
        "value": shown.value,
        "video": video,
        "modes": list(rendered),
        "sound": clip.audio is not None,
        "shown_seconds": MAX_VIDEO_SECONDS if len(clip.pictures) > MAX_VIDEO_SECONDS * clip.fps else None,
        "driving": driving,
        "arms": list(arms),
        "moments": [_moment(clip, moment, arms, stem, store) for moment in shown.moments],
    }


def _rendered(study: Study, clip: TruthClip) -> dict[str, dict[str, Frames]]:
    """driving -> variant -> frames, as far as they exist."""
    found: dict[str, dict[str, Frames]] = {}
    for driving in study.driving:
        for variant in study.variants:
            folder = variant.frames.get((driving, clip.name))
            frames = FolderFrames(folder) if variant.status == "done" and folder is not None else None
            if frames:  # a folder without frames is none
                found.setdefault(driving, {})[variant.name] = frames
    return found


def _moment(clip: TruthClip, moment: Moment, arms: dict[str, Frames], stem: str, store: Store) -> dict[str, Any]:
    boxes = {name: region_box(clip.regions, moment.frame, name) for name in CROPS} if clip.regions else {}
    cells: list[dict[str, Any]] = []
    for index, (name, frames) in enumerate(arms.items()):
        if moment.frame >= len(frames):
            cells.append({"name": name, "src": None, "crops": []})
            continue
        picture = frames.frame(moment.frame)
        label = f"{stem}-{moment.why}-{index}"
        crops = [
            {"region": region, "src": store.add(f"{label}-{region}.png", png(_cut(picture, box)))}
            for region, box in boxes.items()
            if box
        ]
        cells.append({"name": name, "src": store.add(f"{label}.png", png(picture)), "crops": crops})
    return {"why": moment.why, "frame": moment.frame, "value": moment.value, "cells": cells}


def _cut(picture: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    left, top, right, bottom = box
    return picture[:, top:bottom, left:right]
