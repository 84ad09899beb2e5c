"""What is there of a data set, what is missing, broken or leaking, and what to do about it, before anyone trains."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from erlnet.data.items import Finding, Index, Kind
from erlnet.data.layouts import hdtf, ldst, mead, voxceleb
from erlnet.data.opening import SILENT

SHAPES = {"mead": mead.SHAPE, "hdtf": hdtf.SHAPE, "ldst": ldst.SHAPE, "voxceleb": voxceleb.SHAPE}
SHAPE_OF_ANY = "videos with sound"
LISTED = 10  # of a section, in text
SETTLED = "nothing to do"  # how the remedy of a finding begins that the reader has dealt with

_SECTIONS: tuple[tuple[Kind, str], ...] = (
    ("missing", "missing"), ("broken", "broken"), ("mismatch", "contradicting"), ("leaking", "leaking"),
)  # fmt: skip


@dataclass(frozen=True)
class Todo:
    """One thing to do, and how many findings it would settle."""

    remedy: str
    findings: int


@dataclass(frozen=True)
class Diagnosis:
    """`erlnet doctor`'s answer. `missing` .. `leaking` are whole lists of one line each."""

    dataset: str
    expected: str  # what the layout looks like
    present: dict[str, int]  # what was counted, in words
    missing: tuple[str, ...]
    broken: tuple[str, ...]
    mismatch: tuple[str, ...]
    leaking: tuple[str, ...]
    todo: tuple[Todo, ...]  # what settles most comes first, what needs nothing done comes last

    @property
    def healthy(self) -> bool:
        return not (self.missing or self.broken or self.mismatch or self.leaking)

    def text(self) -> str:
        """For a terminal; a long list ends with how many more there are."""
        lines = [f"{self.dataset}", "", "expected", f"  {self.expected}", "", "present"]
        lines += _short([f"{count:>7}  {what}" for what, count in self.present.items()], len(self.present))
        for kind, title in _SECTIONS:
            found = getattr(self, kind)
            lines += ["", f"{title}: {len(found)}" if found else f"{title}: nothing", *_short(found, LISTED)]
        lines += ["", "what to do" if self.todo else "what to do: nothing"]
        lines += _short([f"{todo.remedy} ({_times(todo.findings)})" for todo in self.todo], LISTED)
        return "\n".join(lines)

    def to_json(self) -> str:
        """Everything, nothing shortened."""
        return json.dumps({**asdict(self), "healthy": self.healthy}, indent=1)


def examine(dataset_name: str, index: Index, opened: Mapping[Path, str | None]) -> Diagnosis:
    """Sorts the index's findings and those of `opened` (`erlnet.data.opening.open_all`; empty where none was opened).

    A video that merely has no sound is broken only where no sound file of its own stands in for it.
    """
    findings = [*index.findings, *_unopened(index, opened)]
    lines = {kind: tuple(f.what for f in findings if f.kind == kind) for kind, _ in _SECTIONS}
    remedies = Counter(f.remedy for f in findings).most_common()
    todo = [Todo(*r) for r in sorted(remedies, key=lambda r: r[0].startswith(SETTLED))]  # stable: the rest stays as is
    present = dict(index.counts) or {"clips selected": len(index.items)}
    if opened:
        present["files opened"] = len(opened)
        present["files opened without fault"] = sum(reason is None for reason in opened.values())
    return Diagnosis(
        dataset_name,
        SHAPES.get(dataset_name, SHAPE_OF_ANY),
        present,
        lines["missing"],
        lines["broken"],
        lines["mismatch"],
        lines["leaking"],
        tuple(todo),
    )


def files_of(index: Index) -> list[Path]:
    """The videos and sound files that the index's items read, each once, in order: what there is to be opened."""
    return list(dict.fromkeys(path for item in index.items for path in (item.video, item.sound) if path))


def _unopened(index: Index, opened: Mapping[Path, str | None]) -> list[Finding]:
    needs_sound = {item.video for item in index.items if item.sound is None}
    return [
        Finding("broken", f"{path}: {reason}", NEW_SOUND if reason == SILENT else NEW_COPY)
        for path, reason in opened.items()
        if reason and (reason != SILENT or path in needs_sound)
    ]


def _short(lines, limit: int) -> list[str]:
    more = len(lines) - limit
    return [f"  {line}" for line in lines[:limit]] + ([f"  ... and {more} more, see --json"] if more > 0 else [])


def _times(findings: int) -> str:
    return f"{findings} findings" if findings > 1 else "1 finding"


NEW_COPY = "copy or download the file again; `prepare` lists it and goes on without it"
NEW_SOUND = "bring a copy with sound, or do not select it; `prepare` lists it and goes on without it"
