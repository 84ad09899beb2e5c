"""What a reader must know of the frames that were compared, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from erlnet.runs.evaluate_frames import Staged

TRUTH = "the reference"  # the reference's row
_LISTED = 3  # clips that a note names


def notes_of(staged: Mapping[str, Mapping[str, Staged]], fps: float) -> list[str]:
    """`staged`: row -> clip -> its frames. Lengths and names that differ, compression, rates, scaling."""
    notes = _of_lengths(staged)
    for row, clips in staged.items():
        who, rest = ("The reference", "every score") if row == TRUTH else (row, "its scores")
        lossy = sorted({s.codec for s in clips.values() if s.lossy})
        if lossy:
            notes.append(f"{who} is lossy ({', '.join(lossy)}): what compression did to it is a part of {rest}.")
        rates = sorted({round(s.rate, 2) for s in clips.values() if s.rate and abs(s.rate - fps) > 0.01})
        if rates:
            notes.append(
                f"{who} has {', '.join(f'{rate:g}' for rate in rates)} frames a second and is read at {fps:g}: the"
                " picture on show at the middle of each frame."
            )
        scaled = next((s for s in clips.values() if s.size != s.own_size), None)
        if scaled:
            own, size = (f"{width}x{height}" for height, width in (scaled.own_size, scaled.size))
            notes.append(f"{who} was scaled from {own} to {size} px (bicubic): scaling is a part of {rest}.")
        if row != TRUTH:
            notes += _of_names(row, clips, staged[TRUTH])
    return notes


def _of_lengths(staged: Mapping[str, Mapping[str, Staged]]) -> list[str]:
    told = []
    for clip in staged[TRUTH]:
        counts = {row: clips[clip].count for row, clips in staged.items() if clip in clips}
        if len(set(counts.values())) > 1:
            listed = ", ".join(f"{row} {count}" for row, count in counts.items())
            told.append(f"{clip}: {listed} frames; only the first {min(counts.values())} are scored, in every row.")
    return some("Lengths differ", told)


def _of_names(row: str, clips: Mapping[str, Staged], true: Mapping[str, Staged]) -> list[str]:
    told = []
    for clip, one in clips.items():
        pair = one.first, true[clip].first
        if all(pair) and Path(pair[0]).stem != Path(pair[1]).stem:
            told.append(f"{clip} begins with {pair[0]} beside {pair[1]}.")
    return some(f"The pictures of {row} have other names than the reference's and are paired in their order", told)


def some(what: str, told: Sequence[str]) -> list[str]:
    """No note, or one that lists the first few."""
    if not told:
        return []
    more = [f"And {len(told) - _LISTED} more."] if len(told) > _LISTED else []
    return [f"{what}. {' '.join([*(text if text[-1] in '.?' else text + '.' for text in told[:_LISTED]), *more])}"]


def told_of(clips: Mapping[str, Staged], units: int) -> dict[str, object]:
    """One row's frames in numbers, for the report's tables and the record."""
    every = list(clips.values())
    sizes = sorted({f"{s.own_size[1]}x{s.own_size[0]}" for s in every})
    return {
        "codec": ", ".join(sorted({s.codec for s in every})),
        "lossy": any(s.lossy for s in every),
        "size_px": ", ".join(sizes[:_LISTED]) + (" ..." if len(sizes) > _LISTED else ""),
        "resized": any(s.size != s.own_size for s in every),
        "frames": sum(s.count for s in every),
        "clips": len(every),
        "units": units,
    }
