"""A study made up for the tests: frames of a real photograph, variants that are blurred or noisy copies of it.

Scores are computed on those frames (skimage), so pictures, curves and tables belong together.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage import data
from skimage.metrics import structural_similarity

from erlnet.interfaces import REGIONS
from erlnet.metrics.cards import CARDS
from erlnet.report.inputs import (
    Check,
    Cost,
    FolderFrames,
    Primary,
    ReferenceResult,
    SharedPlan,
    Study,
    TruthClip,
    Unavailable,
    VariantResult,
)

BOXES = {"frame": (0, 0, 1, 1), "mouth": (0.42, 0.37, 0.62, 0.48), "neck": (0.34, 0.47, 0.72, 0.62)}  # x0 y0 x1 y1


ROLES = {"mean_frame": "floor", "last_frame": "floor", "truth": "control", "frozen_mouth": "control"}


@dataclass(frozen=True)
class BoxMaps:
    """Region maps with one box for the mouth and one for the neck."""

    size: int

    def regions(self, start: int, stop: int) -> np.ndarray:
        maps = np.zeros((stop - start, self.size, self.size), np.uint8)
        for name in ("mouth", "neck"):
            maps[(slice(None), *pixels(name, self.size))] |= 1 << REGIONS.index(name)
        return maps


def pixels(region: str, size: int) -> tuple[slice, slice]:
    x0, y0, x1, y1 = (round(v * size) for v in BOXES[region])
    return slice(y0, y1), slice(x0, x1)


@cache
def portrait(size: int) -> Image.Image:
    return Image.fromarray(data.astronaut()[:300, 72:372]).resize((size, size), Image.Resampling.LANCZOS)


def true_frame(clip: int, t: int, size: int) -> np.ndarray:
    """(H,W,3) float in [0,1]: the portrait nodding and turning a little, with a mouth that opens."""
    phase = 0.35 * t + clip
    angle, dx, dy = 4 * np.sin(phase * 0.5), 3 * np.sin(phase * 0.7), 2 * np.cos(phase)
    moved = portrait(size).rotate(angle, Image.Resampling.BICUBIC, translate=(dx * size / 128, dy * size / 128))
    frame = np.asarray(moved, float) / 255
    rows, columns = pixels("mouth", size)
    opening = 0.5 + 0.5 * np.sin(phase * 2)
    frame[rows, columns] *= 1 - 0.35 * opening
    return frame


def degraded(frame: np.ndarray, sigma: float, noise: float, rng: np.random.Generator) -> np.ndarray:
    blurred = gaussian_filter(frame, (sigma, sigma, 0)) if sigma else frame
    return np.clip(blurred + rng.normal(0, noise, frame.shape), 0, 1)


def frame_scores(truth: np.ndarray, render: np.ndarray) -> dict[tuple[str, str], float]:
    """Of two (H,W,3) uint8 frames."""
    _, similarity = structural_similarity(
        truth, render, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5, full=True
    )
    squares = ((truth.astype(float) - render) / 255) ** 2
    found = {}
    for region in BOXES:
        cut = pixels(region, truth.shape[0])
        found["ssim", region] = float(similarity[cut].mean())
        found["psnr", region] = float(min(100.0, -10 * np.log10(max(squares[cut].mean(), 1e-10))))
    return found


def to_bytes(frame: np.ndarray) -> np.ndarray:
    return np.round(frame * 255).astype(np.uint8)


def score_rows(clip, driving, frame, seed, values) -> list[dict]:
    return [
        {"seed": seed, "clip": clip, "driving": driving, "frame": frame, "metric": m, "region": r, "value": v}
        for (m, r), v in values.items()
    ]


def scores_frame(rows: list[dict]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["seed", "clip", "driving", "frame", "metric", "region", "value"])


def save(frame: np.ndarray, folder: Path, t: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(frame).save(folder / f"{t:05d}.png", compress_level=1)


def speech(n_frames: int, clip: int) -> np.ndarray:
    t = np.arange(n_frames * 640) / 16_000
    return (0.3 * np.sin(2 * np.pi * (140 + 10 * clip) * t) * (0.5 + 0.5 * np.sin(2 * np.pi * 4 * t))).astype(
        np.float32
    )


def opening(clip: int, t: int, sigma: float = 0.0) -> dict[tuple[str, str], float]:
    """The mouth's opening as a series; blur makes it smaller and late."""
    amplitude = 0.5 if sigma == 0 else 0.4
    return {("mouth_open", "mouth"): 0.5 + amplitude * np.sin((0.35 * t + clip) * 2 - 0.2 * sigma)}


def reference_frames(truth: np.ndarray, mean: np.ndarray, last: np.ndarray) -> dict[str, np.ndarray]:
    """(H,W,3) uint8 each, in the order of the tables."""
    shut = truth.copy()
    shut[pixels("mouth", truth.shape[0])] = mean[pixels("mouth", truth.shape[0])]
    return {"mean_frame": mean, "last_frame": last, "truth": truth, "frozen_mouth": shut}


def joined_rows(driving: str, r: float, slope: float, seed: int = 0) -> list[dict]:
    """Short clips are joined per speaker: one value."""
    values = {("mouth_open_r", "mouth"): r, ("mouth_open_slope", "mouth"): slope}
    return score_rows("anna", driving, None, seed, values)


def make_study(
    folder: Path,
    n_clips: int = 3,
    n_frames: int = 6,
    size: int = 64,
    driving: tuple[str, ...] = ("tracked",),
    recipes: dict[str, tuple[float, float]] | None = None,
    failed: bool = False,
) -> Study:
    """Writes PNG frames under `folder` and scores them; `recipes` is variant -> (blur sigma at 128 px, noise)."""
    recipes = recipes or {"pixel": (1.0, 0.02), "feature": (0.8, 0.02)}
    rows: dict[str, list[dict]] = {name: [] for name in (*recipes, *ROLES)}
    frames: dict[str, dict] = {name: {} for name in recipes}
    sample = [true_frame(c, t, size) for c in range(n_clips) for t in range(0, n_frames, 3)]
    mean, last = to_bytes(np.mean(sample, axis=0)), to_bytes(true_frame(n_clips, 0, size))
    clips = []
    for c in range(n_clips):
        clip, rng = f"clip{c:02d}", np.random.default_rng(c)
        for t in range(n_frames):
            exact = true_frame(c, t, size)
            truth = to_bytes(exact)
            save(truth, folder / "truth" / clip, t)
            for name, picture in reference_frames(truth, mean, last).items():
                values = frame_scores(truth, picture) | (opening(c, t) if name == "truth" else {})
                rows[name] += [row for mode in driving for row in score_rows(clip, mode, t, 0, values)]
            for mode in driving:
                blur = size / 128 * (1.0 if mode == "tracked" else 1.6) * (1 + 0.25 * np.sin(c * 2.1 + t * 0.4))
                for name, (sigma, noise) in recipes.items():
                    render = to_bytes(degraded(exact, sigma * blur, noise, rng))
                    target = frames[name].setdefault((mode, clip), folder / name / mode / clip)
                    save(render, target, t)
                    rows[name] += score_rows(clip, mode, t, 0, frame_scores(truth, render) | opening(c, t, sigma))
        truth_frames = FolderFrames(folder / "truth" / clip)
        clips.append(TruthClip(clip, truth_frames, 25, speech(n_frames, c), 16_000, "anna", BoxMaps(size)))
    for mode in driving:
        for name, (sigma, _) in recipes.items():
            rows[name] += joined_rows(mode, 0.95 - 0.1 * sigma, 0.9 - 0.1 * sigma)
        rows["truth"] += joined_rows(mode, 1.0, 1.0)
        rows["frozen_mouth"] += joined_rows(mode, float("nan"), 0.0)
    variants = [variant(name, index, recipes, rows, frames) for index, name in enumerate(recipes)]
    if failed:
        error = "renderer: loss became NaN at step 412 (batch of clip07, frames 3-10)"
        variants.append(VariantResult("attention", "failed", {"fusion": "attention"}, {}, "f" * 12, error, (0,)))
    return Study(
        "fusion",
        "python -m erlnet.ablate fusion=pixel,feature",
        Primary("ssim", "neck", "tracked"),
        next(iter(recipes)),
        tuple(variants),
        tuple(ReferenceResult(name, role, scores_frame(rows[name])) for name, role in ROLES.items()),
        driving,
        CARDS,
        tuple(clips),
        "demo",
        "blocks",
        {"erlnet": "0.1.0", "python": "3.11", "torch": "2.13.0", "device": "cpu", "threads": 2},
        ("8 training clips of 4 s, 12 test clips of 1 s.",),
    )


def variant(name: str, index: int, recipes: dict, rows: dict, frames: dict) -> VariantResult:
    """A finished variant; its sums beside the scores are made up."""
    sigma, _ = recipes[name]
    others = [n for n in recipes if n != name]
    gate = {"head_in_face": 0.96 - 0.01 * index, "head_on_torso": 0.03, "static_in_face": 0.08}
    stages = {"prepare clips": 21.0, "train the motion codecs": 14.2, "train the renderer": 52.4 + index}
    return VariantResult(
        name,
        "done",
        {"fusion": name, "vq": "dual", "branches": "dual"},
        {"preset": "demo", "renderer.steps": 900, "fusion.rule": "normalised"},
        f"{index:012x}",
        None,
        (0,),
        scores_frame(rows[name]),
        Check("passed", gate, "Head-NeRF at least 0.9 in the face, at most 0.1 on the torso."),
        Check("passed", {"r": 0.95 - 0.1 * sigma, "slope": 0.9 - 0.1 * sigma, "lag": 0.0}, "r at least 0.8."),
        Cost(sum(stages.values()), 1_320_000_000, stages, {"renderer": 1_204_331, "codec": 310_224}, 345_678_901),
        SharedPlan({s: f"{s.split()[-1]}/{index:012x}" for s in stages}, {"prepare clips": others}),
        (Unavailable("lpips", "the asset 'lpips' is missing", "python -m erlnet assets fetch lpips"),),
        frames[name],
    )
