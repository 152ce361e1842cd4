"""A failure, and what is special about its case."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ..run import RAISES, Outcome
from ..vectors import POSITIONAL, Case

INF = float("inf")


class Look:
    """What the reasons ask about a failure."""

    def __init__(self, target: str, setting: str, case: Case, outcome: Outcome) -> None:
        self.target, self.setting, self.case, self.outcome = target, setting, case, outcome
        self.function, self.rule, self.options = case.function, case.rule, case.options
        self.wrong = [part for part in outcome.parts if not part.agrees]
        self.raised = outcome.text if outcome.status == RAISES else ""

    def array(self, name: str) -> np.ndarray:
        return self.case.inputs[name].values.astype(np.float64)

    @cached_property
    def first(self) -> np.ndarray:
        return self.array(POSITIONAL[self.function][0])

    @property
    def loss(self) -> bool:
        return self.function in ("cross_entropy", "nll_loss")

    @property
    def binary(self) -> bool:
        return self.function.startswith(("binary", "sigmoid_focal"))

    @property
    def normalizer(self) -> bool:
        return self.function in ("logsumexp", "softmax", "log_softmax")

    @property
    def index(self) -> bool:
        return "labels" in self.case.inputs and not self.case.inputs["labels"].floating

    @property
    def soft(self) -> bool:
        return "labels" in self.case.inputs and self.case.inputs["labels"].floating

    @property
    def half(self) -> bool:
        return self.case.dtype.endswith("16")

    @property
    def mean(self) -> bool:
        return self.options.get("reduction") == "mean"

    @property
    def masked(self) -> bool:
        return bool(np.isneginf(self.first).any()) or "where" in self.case.inputs

    @property
    def special(self) -> bool:
        """Whether the first input holds a NaN or an infinity."""
        return not bool(np.isfinite(self.first).all())

    @property
    def smoothed(self) -> bool:
        return bool(self.options.get("label_smoothing")) or "label_smoothing" in self.case.inputs

    @property
    def weighted(self) -> bool:
        return "class_weight" in self.case.inputs

    @property
    def given(self) -> np.ndarray:
        """All numbers of the parts that are wrong."""
        return np.asarray([float(x) for part in self.wrong for x in part.given])

    @property
    def finite(self) -> bool:
        """Whether nothing but digits is wrong."""
        return bool(self.wrong) and all(not part.complaint and part.worst < INF for part in self.wrong)

    def holds(self, *values: float) -> bool:
        """Whether one of these stands in the first input."""
        x = self.first
        return any(bool(np.isnan(x).any() if v != v else (x == v).any()) for v in values)

    @property
    def spoilt(self) -> bool:
        """Whether NaN is the answer."""
        return bool(np.isnan(self.case.expected.value.data).any())

    @property
    def outside(self) -> bool:
        """Whether a label is no number between 0 and 1."""
        labels = self.array("labels")
        return bool((~((labels >= 0) & (labels <= 1))).any())

    def only(self, *words: str) -> bool:
        """Whether nothing is wrong but parts whose names hold one of these words."""
        return bool(self.wrong) and all(any(word in part.name for word in words) for part in self.wrong)

    def any(self, *words: str) -> bool:
        return any(word in part.name for part in self.wrong for word in words)

    def says(self, *words: str) -> bool:
        """Whether the case is about one of these."""
        return any(word in self.case.about for word in words)
