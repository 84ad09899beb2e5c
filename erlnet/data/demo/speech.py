"""One performance of a demo speaker: the sound, and every motion that goes with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from erlnet.data.clip import FPS, SAMPLE_RATE
from erlnet.data.demo.eyes import blinks, gaze
from erlnet.data.demo.face import by_name, face_units, jaw_rotation
from erlnet.data.demo.motion import head_angles, head_pose, hidden_motion, torso_sway
from erlnet.data.demo.mouth import articulate
from erlnet.data.demo.sentence import Segment, compose
from erlnet.data.demo.styles import STYLES, Speaker, SpeakingStyle
from erlnet.data.demo.styles import speaker as speaker_of
from erlnet.data.demo.synthesis import CONTROL_RATE, Voice, synthesise
from erlnet.errors import UserError

_PER_FRAME = CONTROL_RATE // FPS


@dataclass(frozen=True)
class Performance:
    """What one clip says and shows; frame t stands for time (t + 0.5) / 25 s. All float32; rotations axis-angle rad.

    With `root` the torso's place in the world: torso vertices go by root @ torso, skull vertices by
    root @ torso @ pose, both from rest coordinates.
    """

    audio: np.ndarray  # (T*640,) mono 16 kHz in [-1,1]
    jaw: np.ndarray  # (T,3) opening about +x
    expression: np.ndarray  # (T,E) in [0,1], in the order of the names that were asked for
    lids: np.ndarray  # (T,2) left, right: 0 open .. 1 shut
    eyes: np.ndarray  # (T,6) left, right, relative to the head
    pose: np.ndarray  # (T,6) the head relative to the torso: axis-angle, translation m
    torso: np.ndarray  # (T,6) the torso relative to its resting place: axis-angle, translation m
    hidden: np.ndarray  # (T,3) in [-1,1], motion.HIDDEN: no coefficient holds it
    phonemes: tuple[Segment, ...]  # what is said, with times in s; the last may go on past the end


def perform(
    seed: int, speaker: int, style: str, n_frames: int, expression_names: tuple[str, ...], pivot: np.ndarray
) -> Performance:
    """A random sentence spoken by `speaker` in `style` (neutral, happy, angry) for `n_frames` at 25 fps.

    `pivot` (3,) m is the point in rest coordinates that the head turns about. Units among `expression_names` that
    speech does not use stay 0. The same arguments give the same bytes; another seed, speaker or style is another
    sentence. Raises UserError for an unknown style.
    """
    if style not in STYLES:
        raise UserError(f"the demo has no speaking style '{style}'; it has {', '.join(STYLES)}")
    if seed < 0 or speaker < 0 or n_frames < 1:
        raise ValueError(f"seed {seed} and speaker {speaker} must be >= 0, n_frames {n_frames} >= 1")
    manner, person, pivot = STYLES[style], speaker_of(speaker), np.asarray(pivot, float)
    # One stream of random numbers for each part: a change to one leaves the others as they are.
    entropy = np.random.SeedSequence((seed, speaker, list(STYLES).index(style)))
    words, voice, face, lids, looks, head, body, unseen = (
        np.random.Generator(np.random.PCG64(s)) for s in entropy.spawn(8)
    )
    sentence = compose(words, n_frames / FPS, manner.rate)
    times = np.arange(n_frames * _PER_FRAME) / CONTROL_RATE
    mouth = articulate(sentence.segments, times)
    jaw = jaw_rotation(face, mouth, manner, person)
    units = face_units(face, times, mouth, sentence.accents, manner, person)
    angles = head_angles(head, times, manner.head, person, sentence.accents)
    pose = head_pose(head, angles, manner.head.speed, pivot)
    return Performance(
        audio=synthesise(sentence, _voice(manner, person), n_frames * SAMPLE_RATE // FPS, voice),
        jaw=_frames(jaw),
        expression=_frames(by_name(units, expression_names, person.asymmetry)),
        lids=_frames(blinks(lids, times, manner.blinks * person.blinks, manner.lids)),
        eyes=_frames(gaze(looks, times, angles)),
        pose=_frames(pose),
        torso=_frames(torso_sway(body, times, pose, pivot)),
        hidden=_frames(hidden_motion(unseen, times)),
        phonemes=tuple(s for s in sentence.segments if s.start < n_frames / FPS),
    )


def _voice(style: SpeakingStyle, speaker: Speaker) -> Voice:
    return Voice(
        pitch=speaker.pitch * 2 ** (style.pitch / 12),
        pitch_range=style.pitch_range,
        tract=speaker.tract,
        open_quotient=style.open_quotient,
        brightness=style.brightness,
        loudness=style.loudness,
    )


def _frames(track: np.ndarray) -> np.ndarray:
    """(T*8, C) at CONTROL_RATE -> (T, C) float32 at the middle of each frame."""
    return track[_PER_FRAME // 2 :: _PER_FRAME].astype(np.float32)
