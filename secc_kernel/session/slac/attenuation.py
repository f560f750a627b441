"""Attenuation by groups of carriers: what a modem measures of each sound, and its average."""

from __future__ import annotations

__all__ = ["Average", "mean"]


def mean(groups: bytes) -> float | None:
    """The average over the groups, dB; None where there is none."""
    return sum(groups) / len(groups) if groups else None


class Average:
    """The average of several sounds, group by group."""

    def __init__(self) -> None:
        self.count = 0
        self._sums: list[int] = []

    def add(self, groups: bytes) -> bool:
        """Take the measurement of one sound, dB a group; False for one of no groups, or of another number of them."""
        if not groups or (self.count and len(groups) != len(self._sums)):
            return False
        self._sums = [total + value for total, value in zip(self._sums or bytes(len(groups)), groups, strict=True)]
        self.count += 1
        return True

    def groups(self) -> bytes:
        """The average of each group, dB, rounded."""
        return bytes(round(total / self.count) for total in self._sums) if self.count else b""

    @property
    def mean(self) -> float | None:
        """The average of all groups, dB."""
        return mean(self.groups())
