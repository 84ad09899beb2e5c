"""A Progress for work that nobody wants to see."""

from __future__ import annotations


class Silence:
    """Takes everything and tells nothing."""

    def update(self, step: int, total: int, loss: float | None = None) -> None:
        pass

    def note(self, text: str) -> None:
        pass
