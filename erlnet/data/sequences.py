"""Dataset `sequences`: coefficient sequences that a user has, without pictures. Imports nothing heavy."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Literal, NoReturn

from erlnet.data.folder import prepared_clips
from erlnet.data.items import unique_names
from erlnet.data.sequence_names import Named, compiled, named, sides
from erlnet.data.video_files import sha256_of
from erlnet.errors import InputError, UserError

if TYPE_CHECKING:
    from erlnet.data.sequence_files import Motion
    from erlnet.interfaces import Preparation, Progress

_SUFFIXES = (".npz", ".mat")
_SHOWN = 5  # files that an error names


@dataclass(frozen=True)
class SequenceOptions:
    """What a user may choose about coefficient sequences."""

    fps: float = 0.0  # of the files; 0: as each says, 30 for .mat
    sound: bool = False
    names: str = ""
    split: Literal["recordings", "speakers", "none"] = "recordings"
    test_share: float = 0.2  # of the frames
    val_share: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.fps <= 1000:
            raise ValueError(f"fps={self.fps}: expected frames a second, or 0 for what each file says")
        if not (0 < self.test_share < 1 and 0 <= self.val_share < 1 and self.test_share + self.val_share < 1):
            raise ValueError(
                f"test_share={self.test_share} and val_share={self.val_share}: expected a share over 0 to test on, and "
                "some left to train on"
            )
        if self.names:
            compiled(self.names)


@dataclass(frozen=True)
class SequenceSource:
    """`ClipSource` over `.npz` and `.mat` files."""

    options: SequenceOptions

    def index(self, data: Path | None) -> NoReturn:
        """UserError: `prepare` and `doctor` are for videos."""
        raise UserError(
            "dataset=sequences: a sweep takes coefficient files as they are, python -m erlnet.ablate dataset=sequences "
            f"data={data}; there are no videos to prepare or to examine"
        )

    def fingerprint(self, data: Path | None) -> dict:
        """Content hashes of the files, and of their sound where it is used, by their places in the folder."""
        root, files = self._files(data)
        sounds = [file.with_suffix(".wav") for file in files] if self.options.sound else []
        read = [*files, *(sound for sound in sounds if sound.is_file())]
        return {"files": {file.relative_to(root).as_posix(): sha256_of(file) for file in read}}

    def prepare(self, wanted: Preparation) -> None:
        """Writes a clip for each file under `out`, and the index.

        A file that cannot be used is noted and left out; UserError where all of them are, and where their expressions
        are not of one width.
        """
        from erlnet.data.clip import ClipFacts, Indexed, Labels, write_index
        from erlnet.data.motion_clip import NO_CAMERA, write_motion_clip
        from erlnet.data.sequence_files import read_sound

        root, files = self._files(wanted.data)
        tell = {file: named(file.relative_to(root), self.options.names) for file in files}
        motions = self._read_all(files, wanted.progress)
        _check_widths(root, motions)
        told = {file: _told(tell[file], motion) for file, motion in motions.items()}
        side = self._sides(root, motions, told)
        names = unique_names([_name(file.relative_to(root)) for file in motions])
        for done, (file, motion, name) in enumerate(zip(motions, motions.values(), names), start=1):
            who, place = told[file], file.relative_to(root).as_posix()
            # Where a clip lies in its recording is not known: cut by time, a file is a recording of its own.
            source = place if self.options.split == "none" else who.recording
            sound = read_sound(file, len(motion.coefficients)) if self.options.sound else None
            write_motion_clip(
                wanted.out / name,
                name,
                Labels(who.speaker, who.style, "sequences", side[file], source),
                NO_CAMERA,
                motion.coefficients,
                sound,
                ClipFacts({place: sha256_of(file)}),
            )
            wanted.progress.update(done, len(motions))
        write_index(wanted.out, [Indexed(wanted.out / name) for name in sorted(names)])

    def _files(self, data: Path | None) -> tuple[Path, list[Path]]:
        """(the folder they are named from, sorted files)."""
        if data is None:
            raise UserError("dataset=sequences needs data=FOLDER, with coefficient files (.npz, .mat)")
        if not data.exists():
            raise UserError(f"data={data}: there is no such file or folder")
        if data.is_file():
            if data.suffix.lower() not in _SUFFIXES:
                raise UserError(f"data={data}: no coefficient file, those end in {' or '.join(_SUFFIXES)}")
            return data.parent, [data]
        if prepared_clips(data):
            raise UserError(f"data={data}: holds prepared clips; take them with dataset=folder")
        found = sorted(path for path in data.rglob("*") if _is_sequence(path.relative_to(data), path))
        if not found:
            raise UserError(f"data={data}: no coefficient file ({', '.join(_SUFFIXES)}) in this folder")
        return data, found

    def _read_all(self, files: list[Path], progress: Progress) -> dict[Path, Motion]:
        from erlnet.data.sequence_files import read_motion, read_sound

        motions, reasons = {}, []
        for file in files:
            try:
                motion = read_motion(file, self.options.fps)
                if self.options.sound:
                    read_sound(file, len(motion.coefficients))  # read again when written: not all sound lies in memory
                motions[file] = motion
            except InputError as error:
                reasons.append(str(error))
                progress.note(f"left out: {error}")
        if not motions:
            rest = len(reasons) - _SHOWN
            raise UserError("; ".join(reasons[:_SHOWN]) + (f"; and {rest} more" if rest > 0 else ""))
        return motions

    def _sides(self, root: Path, motions: dict[Path, Motion], told: dict[Path, Named]) -> dict[Path, str]:
        if self.options.split == "none":
            return dict.fromkeys(motions, "")
        group = {file: who.speaker if self.options.split == "speakers" else who.recording for file, who in told.items()}
        frames: dict[str, int] = defaultdict(int)
        for file, motion in motions.items():
            frames[group[file]] += len(motion.coefficients)
        o = self.options
        try:
            side = sides(frames, o.test_share, o.val_share, o.seed)
        except UserError as error:
            raise UserError(f"data={root}: {o.split}, {error}") from None
        return {file: side[group[file]] for file in motions}


def _told(name: Named, motion: Motion) -> Named:
    """What the file itself says goes before its name."""
    return Named(motion.speaker or name.speaker, motion.style or name.style, name.recording)


def _check_widths(root: Path, motions: dict[Path, Motion]) -> None:
    """UserError that names the files whose expression is not as wide as most are."""
    widths = {file: motion.coefficients.expression.shape[1] for file, motion in motions.items()}
    (usual, n), *others = Counter(widths.values()).most_common()
    if others:
        odd = [f"{file.relative_to(root)} has {width}" for file, width in widths.items() if width != usual]
        more = f" and {len(odd) - _SHOWN} more differ" if len(odd) > _SHOWN else ""
        raise UserError(
            f"data={root}: expression has {usual} values a frame in {n} of {len(widths)} files, but "
            f"{', '.join(odd[:_SHOWN])}{more}; one codec takes one width: keep the kinds in folders of their own"
        )


def _name(place: PurePath) -> str:
    return "-".join([*place.parent.parts, place.stem])


def _is_sequence(place: PurePath, path: Path) -> bool:
    hidden = any(part.startswith(".") for part in place.parts)
    return path.suffix.lower() in _SUFFIXES and not hidden and path.is_file()
