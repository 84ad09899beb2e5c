"""Random sentences of the demo language: syllables, words, phrases, and when each phoneme sounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from erlnet.data.demo.phonemes import CONSONANTS, SILENCE, VOWELS, Phoneme

VOWEL_SECONDS = (0.080, 0.180)
CONSONANT_SECONDS = (0.050, 0.110)
PAUSE_SECONDS = (0.14, 0.36)


@dataclass(frozen=True)
class Segment:
    phoneme: Phoneme
    start: float  # s
    end: float  # s

    @property
    def centre(self) -> float:
        return 0.5 * (self.start + self.end)


@dataclass(frozen=True)
class Accent:
    """A stressed syllable: pitch, brows and head go with it."""

    time: float  # s, the middle of its vowel
    strength: float  # in [0.5, 1]


@dataclass(frozen=True)
class Phrase:
    """What is said in one breath."""

    start: float  # s
    end: float  # s
    rises: bool  # a question: the pitch goes up at its end


@dataclass(frozen=True)
class Sentence:
    segments: tuple[Segment, ...]  # without gaps from 0 on
    accents: tuple[Accent, ...]
    phrases: tuple[Phrase, ...]


def compose(rng: np.random.Generator, seconds: float, rate: float) -> Sentence:
    """Speech that goes on past `seconds`; `rate` divides the durations, which stay in each class's range."""
    writer = _Writer(rng, rate)
    writer.pause(0.04, 0.14)
    # The end is cut out of running speech, so that co-articulation has its context there too.
    while writer.now < seconds + 0.3:
        writer.phrase()
        writer.pause(*PAUSE_SECONDS)
    return Sentence(tuple(writer.segments), tuple(writer.accents), tuple(writer.phrases))


class _Writer:
    """Appends phonemes and keeps the time."""

    def __init__(self, rng: np.random.Generator, rate: float):
        self.rng, self.rate, self.now = rng, rate, 0.0
        self.segments: list[Segment] = []
        self.accents: list[Accent] = []
        self.phrases: list[Phrase] = []

    def phrase(self) -> None:
        start, n_words = self.now, int(self.rng.integers(3, 6))
        for word in range(n_words):
            n_syllables = self._pick((0.45, 0.35, 0.2)) + 1
            stressed = int(self.rng.integers(n_syllables)) if self.rng.random() < 0.75 else -1
            for syllable in range(n_syllables):
                last = syllable == n_syllables - 1
                self._syllable(syllable == 0, last, syllable == stressed, last and word == n_words - 1)
        self.phrases.append(Phrase(start, self.now, bool(self.rng.random() < 0.2)))

    def pause(self, shortest: float, longest: float) -> None:
        self._append(SILENCE, self.rng.uniform(shortest, longest))

    def _syllable(self, initial: bool, final: bool, stressed: bool, phrase_final: bool) -> None:
        """(C)V(C): an onset is missing only at a word's start, a coda is rare inside a word."""
        if not initial or self.rng.random() < 0.88:
            self._consonant()
        shortest, longest = (0.100, 0.165) if stressed else (0.080, 0.120)
        seconds = self.rng.uniform(shortest, longest) / self.rate * (1.25 if phrase_final else 1.0)
        start = self.now
        self._append(VOWELS[self._pick(_VOWEL_SHARES)], float(np.clip(seconds, *VOWEL_SECONDS)))
        if stressed:
            self.accents.append(Accent(0.5 * (start + self.now), self.rng.uniform(0.5, 1.0)))
        if self.rng.random() < (0.4 if final else 0.12):
            self._consonant(coda=True)

    def _consonant(self, coda: bool = False) -> None:
        previous = self.segments[-1].phoneme
        while True:
            phoneme = CONSONANTS[self._pick(_CONSONANT_SHARES)]
            # No doubled sound and no glide or breath at a syllable's end: nobody talks so.
            if phoneme is not previous and not (coda and phoneme.symbol in ("W", "HH")):
                break
        self._append(phoneme, float(np.clip(self.rng.uniform(0.050, 0.100) / self.rate, *CONSONANT_SECONDS)))

    def _append(self, phoneme: Phoneme, seconds: float) -> None:
        self.segments.append(Segment(phoneme, self.now, self.now + seconds))
        self.now += seconds

    def _pick(self, shares: tuple[float, ...]) -> int:
        return int(np.searchsorted(np.cumsum(shares), self.rng.random() * sum(shares)))


_VOWEL_SHARES = tuple(p.frequency for p in VOWELS)
_CONSONANT_SHARES = tuple(p.frequency for p in CONSONANTS)
