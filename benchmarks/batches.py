"""The arrays that all libraries are timed on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

IGNORED = -100
SURE = 40.0  # what a confident logit is
BLOCK = 1 << 20  # logits that are drawn; a larger batch repeats them


@dataclass(frozen=True)
class Batch:
    """Logits and class indices of rows; or, without classes, logits and labels of 0 and 1."""

    rows: int
    classes: int | None
    dtype: str
    confident: bool = False
    ignored: float = 0.0  # the share of the rows

    def __str__(self) -> str:
        size = f"{self.rows}" if self.classes is None else f"{self.rows}x{self.classes}"
        return f"{size} {self.dtype}, {self.logits}" + (f", {self.ignored:.0%} ignored" if self.ignored else "")

    @property
    def logits(self) -> str:
        return "confident" if self.confident else "random"

    @property
    def kept(self) -> int:
        """Rows that count."""
        return self.rows if self.classes is None else int((self.y != IGNORED).sum())

    @property
    def options(self) -> dict[str, Any]:
        return {"ignore_index": IGNORED} if self.ignored else {}

    @cached_property
    def x(self) -> np.ndarray:
        x = filled((self.rows, self.classes) if self.classes else (self.rows,), self.dtype)
        if self.confident:
            rows = np.flatnonzero(self.y != IGNORED)
            x[rows, self.y[rows]] = SURE
        return x

    @cached_property
    def y(self) -> np.ndarray:
        rng = np.random.default_rng(1)
        if self.classes is None:
            return rng.integers(0, 2, self.rows).astype(self.dtype)
        y = rng.integers(0, self.classes, self.rows)
        y[rng.permutation(self.rows)[: round(self.ignored * self.rows)]] = IGNORED
        return y


def filled(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Normal numbers, drawn once and repeated, so that the memory of a large array is all there is."""
    x = np.empty(shape, dtype)
    flat = x.reshape(-1)
    block = np.random.default_rng(0).normal(size=min(BLOCK, x.size)).astype(dtype)
    for start in range(0, x.size, BLOCK):
        flat[start : start + BLOCK] = block[: x.size - start]
    return x
