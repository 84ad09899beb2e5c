"""`python -m erlnet.runs.response [CLIP ...] --out DIR`: what each metric says to faults planted into true frames."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from erlnet import registry
from erlnet.data.clip import Clip, open_clip, open_index
from erlnet.errors import UserError
from erlnet.interfaces import Preparation
from erlnet.metrics.families import build_family
from erlnet.metrics.faults_scene import HeldFrames, Scene
from erlnet.metrics.neck.family import NeckFamily
from erlnet.metrics.neck.flow import RememberedFlow
from erlnet.metrics.pairs import ClipPair, Family, Unavailable
from erlnet.metrics.references import PickedFrames
from erlnet.metrics.response import Response, respond, write_csv, write_markdown
from erlnet.metrics.response_plot import plot, show

SHOWN = (("frame", "neck"), ("ssim", "psnr", "lpips"))  # regions and families of image metrics that the matrix shows
_FIELDS = 200  # flow fields kept: all that one pass over 25 frames asks for, so the reference's own stay
_ROWS = 66  # the truth, and 13 faults at 5 strengths


class Silent:
    """An `erlnet.interfaces.Progress` that says nothing."""

    def update(self, step: int, total: int, loss: float | None = None) -> None: ...

    def note(self, text: str) -> None: ...


def main(arguments: Sequence[str] | None = None) -> int:
    """0 well, 2 the command was wrong. The last line on stdout is the table's path."""
    parser = argparse.ArgumentParser(
        prog="python -m erlnet.runs.response",
        description="Plants 13 faults at 5 strengths, scores each: OUT/matrix.csv, matrix.md, matrix.png, faults.png",
    )
    parser.add_argument("clips", nargs="*", type=Path, metavar="CLIP", help="prepared clips (none: one of the demo)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the matrix")
    parser.add_argument("--frames", type=int, default=25, help="frames of each clip, from its first (25)")
    parser.add_argument("--size", type=int, default=256, help="height that clips are reduced to, px (256)")
    parser.add_argument("--metrics", default="neck,ssim,psnr,lpips", help="families, comma-separated")
    options = parser.parse_args(arguments)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        clips = [open_clip(path) for path in options.clips] or [demo_clip(options.out / "demo", options.size)]
        scenes = {clip.name: scene(clip, options.frames, options.size) for clip in clips}
        cells = measure(scenes, families(options.metrics.split(","), next(iter(scenes.values()))))
        write_csv(options.out / "matrix.csv", cells)
        write_markdown(options.out / "matrix.md", cells)
        plot(options.out / "matrix.png", cells)
        show(options.out / "faults.png", next(iter(scenes.values())))
    except UserError as error:
        print(f"erlnet: {error}", file=sys.stderr)
        return 2
    print(options.out / "matrix.csv")
    return 0


def scene(clip: Clip, frames: int, size: int) -> Scene:
    """The clip's first frames at that height, in memory; UserError where it cannot be reduced to it."""
    part = clip.cut(0, min(frames, len(clip)), clip.name).reduced_to(size)
    return Scene(HeldFrames(part.frames()), part.regions(), part.landmarks)


def measure(scenes: dict[str, Scene], judges: Sequence[Family]) -> list[Response]:
    """The matrix, without the image metrics' other regions; says on stderr how far it is."""
    cells: list[Response] = []
    at: tuple[str, str, float] | None = None
    done = 0
    regions, of_images = SHOWN
    for cell in respond(scenes, judges):
        if (cell.clip, cell.fault, cell.strength) != at:
            at, done = (cell.clip, cell.fault, cell.strength), done + 1
            text = f"{done}/{_ROWS * len(scenes)}  {cell.clip}  {cell.fault}"
            print(f"\r{text:<60}", end="", file=sys.stderr, flush=True)
        wanted = (*regions, "mouth") if cell.metric == "ssim" else regions
        if cell.metric not in of_images or cell.region in wanted:
            cells.append(cell)
    print(file=sys.stderr)
    return cells


def families(names: Sequence[str], scene: Scene) -> list[Family]:
    """Families by name, tried on one frame; one whose weights are missing is left out, and said so.

    UserError for an unknown name, and where none is left.
    """
    built: list[Family] = []
    bits, landmarks = scene.bits(0)[None], scene.landmarks[:1]
    first = PickedFrames([scene.source], ((0, 0),))
    for name in names:
        if name != "neck" and name not in SHOWN[1]:
            raise UserError(f"--metrics: unknown family '{name}'; choices: neck, {', '.join(SHOWN[1])}")
        family: Family = NeckFamily(RememberedFlow(_FIELDS)) if name == "neck" else build_family(name)
        try:
            # The last frame: the truth against itself would need neither flow nor weights.
            other = PickedFrames([scene.source], ((0, len(scene) - 1),))
            family.score([ClipPair("first", "", first, other, bits, landmarks)], None)
        except Unavailable as missing:
            print(f"erlnet: without {name}: {missing}", file=sys.stderr)
        else:
            built.append(family)
    if not built:
        raise UserError("--metrics: none of these families can be computed here; see above what each needs")
    return built


def demo_clip(out: Path, size: int) -> Clip:
    """One test clip of the embedded demo, a second and a half long, filmed into `out` unless it is there."""
    if not (out / "index.json").exists():
        demo: Any = registry.load("dataset", "demo")(
            size=size, train_clips=1, test_clips=1, train_seconds=1.0, test_seconds=1.5
        )
        tracker: Any = registry.load("tracker", "landmarks")()
        head: Any = registry.load("head_model", "makehuman")()
        out.mkdir(parents=True, exist_ok=True)
        demo.build().prepare(Preparation(None, out, out / "store", tracker, head, 1, Silent()))
    return next(clip for clip in open_index(out) if clip.labels.split == "test")


if __name__ == "__main__":
    sys.exit(main())
