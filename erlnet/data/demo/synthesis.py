"""A source-filter voice: glottal pulses and noise through a vocal tract that moves from phoneme to phoneme.

Every glottal pulse is given the tract's response of its own moment and added in (pitch-synchronous overlap-add), which
is a time-varying filter without a loop over samples. Cascade of second-order resonators after Klatt (1980).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from erlnet.data.clip import SAMPLE_RATE
from erlnet.data.demo.sentence import Sentence
from erlnet.data.demo.smoothing import hann_smooth

CONTROL_RATE = 200  # Hz: what moves slowly is computed at this rate; sample k lies at k / CONTROL_RATE
_HOP = SAMPLE_RATE // CONTROL_RATE
_FFT = 512  # samples: a pulse and 25 ms of its ringing
_BINS = np.arange(_FFT // 2 + 1) * SAMPLE_RATE / _FFT  # Hz
_Z = np.exp(-2j * np.pi * _BINS / SAMPLE_RATE).astype(np.complex64)  # z^-1 on the unit circle
_BANDWIDTHS = (80.0, 100.0, 150.0)
_UPPER = ((3500.0, 220.0), (4500.0, 280.0), (5500.0, 350.0), (6500.0, 450.0), (7500.0, 550.0))
_NEUTRAL_TRACT = (500.0, 1500.0, 2500.0)  # Hz
_NASAL_POLE = 270.0  # Hz; a zero at the same place cancels it where the velum is shut
_GAIN = 0.22  # brings a loud vowel to about half of full scale
_ROOM = 4e-4  # amplitude of the room's hiss: silence is never digital zero


@dataclass(frozen=True)
class Voice:
    pitch: float  # Hz
    pitch_range: float  # semitones
    tract: float  # factor on the formants
    open_quotient: float  # open part of the glottal cycle
    brightness: float  # Hz, corner of the source's spectral tilt
    loudness: float


@dataclass(frozen=True)
class _Tracks:
    """What the articulators do to the sound, at CONTROL_RATE."""

    formants: np.ndarray  # (K,3) Hz
    nasality: np.ndarray  # (K,) 0..1
    voicing: np.ndarray  # (K,)
    aspiration: np.ndarray  # (K,) noise through the whole tract
    frication: np.ndarray  # (K,) noise at a constriction
    noise_centre: np.ndarray  # (K,) Hz
    noise_width: np.ndarray  # (K,) Hz


def synthesise(sentence: Sentence, voice: Voice, n_samples: int, rng: np.random.Generator) -> np.ndarray:
    """The first `n_samples` of the sentence as sound: (N,) float32 in [-1,1], mono at 16 kHz."""
    times = np.arange(n_samples // _HOP + 2) / CONTROL_RATE
    tracks = _tracks(sentence, times)
    tract = _tract(tracks, voice.tract)
    sound = np.zeros(n_samples + 2 * _FFT)
    _add_voice(sound, tracks, tract, pitch_contour(sentence, voice, times), voice, rng)
    _add_noise(sound, tracks, tract, rng)
    sound = _GAIN * voice.loudness * sound[:n_samples] + _ROOM * rng.standard_normal(n_samples)
    peak = np.abs(sound).max(initial=0.0)
    return (sound * min(1.0, 0.95 / max(peak, 1e-9))).astype(np.float32)


def pitch_contour(sentence: Sentence, voice: Voice, times: np.ndarray) -> np.ndarray:
    """(K,) Hz at `times` (K,) s: declination over each phrase, a bump on each accent, a fall or a rise at the end."""
    semitones = np.zeros(len(times))
    for phrase in sentence.phrases:
        inside = (times >= phrase.start - 0.05) & (times < phrase.end + 0.05)
        done = ((times[inside] - phrase.start) / (phrase.end - phrase.start)).clip(0, 1)
        last = ((times[inside] - phrase.end + 0.2) / 0.2).clip(0, 1)
        semitones[inside] = voice.pitch_range * (0.25 - 0.5 * done + (0.6 if phrase.rises else -0.2) * last)
    for accent in sentence.accents:
        distance = (np.abs(times - accent.time) / 0.16).clip(0, 1)
        semitones += 0.5 * voice.pitch_range * accent.strength * (0.5 + 0.5 * np.cos(np.pi * distance))
    return voice.pitch * 2 ** (hann_smooth(semitones, 15) / 12)


def _tracks(sentence: Sentence, times: np.ndarray) -> _Tracks:
    segments = sentence.segments
    said = [s for s in segments if s.phoneme.formants is not None]
    # Each target is held over the middle of its segment; breath and silence glide between their neighbours.
    knots = np.array([(s.start + 0.35 * (s.end - s.start), s.end - 0.35 * (s.end - s.start)) for s in said]).ravel()
    if said:
        targets = np.repeat(np.array([s.phoneme.formants for s in said], float), 2, axis=0)
        formants = np.stack([hann_smooth(np.interp(times, knots, column), 7) for column in targets.T], axis=1)
    else:
        formants = np.tile(_NEUTRAL_TRACT, (len(times), 1))

    voicing, nasality, aspiration, frication, centre, width = np.zeros((6, len(times)))
    for s in segments:
        p = s.phoneme
        if p.voicing:
            envelope = _gate(times, s.start, s.end, 0.02)
            voicing += p.voicing * envelope
            nasality += envelope * (p.kind == "nasal")
        if p.kind == "aspirate":
            aspiration += 0.25 * _gate(times, s.start, s.end, 0.03)
        if p.noise is not None:
            if p.kind == "stop":
                noise = p.noise.level * _gate(times, s.end - 0.022, s.end - 0.004, 0.006)  # the burst
            else:
                noise = p.noise.level * _gate(times, s.start, s.end, 0.025)
            frication += noise
            centre += noise * p.noise.centre
            width += noise * p.noise.width
    for s in segments:
        if s.phoneme.kind == "stop" and not s.phoneme.voicing:  # the voice sets in 30 ms after the release
            lag = _gate(times, s.end - 0.01, s.end + 0.03, 0.012)
            voicing *= 1 - lag
            aspiration += 0.2 * lag
    # The voice swells in and dies away with the breath.
    voicing *= sum((_gate(times, p.start + 0.01, p.end - 0.03, 0.06) for p in sentence.phrases), np.zeros(len(times)))
    total = np.maximum(frication, 1e-9)
    return _Tracks(formants, nasality.clip(0, 1), voicing, aspiration, frication, centre / total, width / total + 1.0)


def _tract(tracks: _Tracks, scale: float) -> np.ndarray:
    """(K,F) complex64: the vocal tract's transfer function at every control sample."""
    upper = np.ones(len(_BINS), np.complex64)
    for frequency, bandwidth in _UPPER:
        if frequency * scale < 0.49 * SAMPLE_RATE:
            upper = upper / _resonator(np.array([frequency * scale]), bandwidth)[0]
    denominator = 1 / upper[None, :]
    for column, bandwidth in zip(tracks.formants.T, _BANDWIDTHS, strict=True):
        denominator = denominator * _resonator(column * scale, bandwidth * (1 + tracks.nasality))
    zero = _resonator(_NASAL_POLE + 230.0 * tracks.nasality, 100.0)
    return zero / (denominator * _resonator(np.array([_NASAL_POLE]), 100.0))


def _resonator(frequency: np.ndarray, bandwidth: float | np.ndarray) -> np.ndarray:
    """(K,) Hz -> (K,F): denominator of a second-order resonator with gain 1 at 0 Hz."""
    radius = np.exp(-np.pi * np.asarray(bandwidth) / SAMPLE_RATE) * np.ones_like(frequency)
    first = -2 * radius * np.cos(2 * np.pi * frequency / SAMPLE_RATE)
    second = radius**2
    first, second, gain = (a.astype(np.float32)[:, None] for a in (first, second, 1 + first + second))
    return (1 + first * _Z + second * _Z**2) / gain


def _add_voice(
    sound: np.ndarray, tracks: _Tracks, tract: np.ndarray, pitch: np.ndarray, voice: Voice, rng: np.random.Generator
) -> None:
    times = np.arange(len(pitch)) / CONTROL_RATE
    cycles = np.concatenate([[0.0], np.cumsum(pitch[:-1]) / CONTROL_RATE])
    onsets = np.interp(np.arange(1, int(cycles[-1])), cycles, times)
    local_pitch = np.interp(onsets, times, pitch)
    onsets = onsets + 0.006 * rng.standard_normal(len(onsets)) / local_pitch  # jitter
    shimmer = 1 + 0.05 * rng.standard_normal(len(onsets))
    amplitude = np.interp(onsets, times, tracks.voicing) * shimmer
    heard = (amplitude > 1e-3) & (onsets > 0) & (onsets * SAMPLE_RATE < len(sound) - _FFT)
    onsets, local_pitch, amplitude = onsets[heard], local_pitch[heard], amplitude[heard]

    # Airflow of one cycle after Klatt and Klatt (1990): t^2 - t^3 while the glottis is open. Differenced, it is what
    # leaves the lips; differencing the continuous flow keeps the closure's sharp edge from aliasing.
    first = np.floor(onsets * SAMPLE_RATE).astype(int)
    open_samples = voice.open_quotient * SAMPLE_RATE / local_pitch
    samples = np.arange(int(open_samples.max(initial=0.0)) + 3)
    phase = (samples[None, :] - (onsets * SAMPLE_RATE - first)[:, None]) / open_samples[:, None]
    phase = phase.clip(0, 1)
    flow = 27 / 4 * (phase**2 - phase**3) * (amplitude * open_samples / 100)[:, None]
    pulse = np.diff(flow, axis=1, prepend=0.0).astype(np.float32) * 20
    pole = np.exp(-2 * np.pi * voice.brightness / SAMPLE_RATE)
    tilt = ((1 - pole) / (1 - pole * _Z)).astype(np.complex64)
    nearest = np.rint(onsets * CONTROL_RATE).astype(int)
    response = np.fft.irfft(np.fft.rfft(pulse, _FFT, axis=1) * tilt * tract[nearest], _FFT, axis=1)
    for start, row in zip(first, response, strict=True):
        sound[start : start + _FFT] += row


def _add_noise(sound: np.ndarray, tracks: _Tracks, tract: np.ndarray, rng: np.random.Generator) -> None:
    """White noise in 10 ms windows, each through the spectrum of its moment."""
    breath = tracks.aspiration + 0.015 * tracks.voicing
    active = np.flatnonzero((tracks.frication > 1e-4) | (breath > 1e-4))
    window = np.hanning(2 * _HOP + 1)[:-1]
    white = rng.standard_normal(len(sound) + 2 * _HOP)
    chunks = np.lib.stride_tricks.sliding_window_view(white, 2 * _HOP)[active * _HOP] * window
    hump = np.exp(-(((_BINS - tracks.noise_centre[active, None]) / tracks.noise_width[active, None]) ** 2))
    spectrum = tracks.frication[active, None] * hump + 0.3 * breath[active, None] * tract[active]
    response = np.fft.irfft(np.fft.rfft(chunks, _FFT, axis=1) * spectrum, _FFT, axis=1)
    for k, row in zip(active, response, strict=True):
        start = (k - 1) * _HOP
        skip = max(0, -int(start))
        sound[start + skip : start + _FFT] += row[skip:]


def _gate(times: np.ndarray, start: float, end: float, edge: float) -> np.ndarray:
    """1 between `start` and `end`, with linear edges of `edge` s centred on both; gates that meet add up to 1."""
    return ((times - start) / edge + 0.5).clip(0, 1) - ((times - end) / edge + 0.5).clip(0, 1)
