"""Why peers disagree: the first reason that fits a failure is written next to it. Reasons are looked at in order.

A reason says what happens, in the words of somebody who would mend it, with the numbers of public issues about it. It
describes a choice as one: not everything that differs from the rules is a bug.
"""

from __future__ import annotations

from .look import Look
from .reason import Reason
from .reasons_of_losses import BINARY, CATEGORICAL
from .reasons_of_numbers import DIVERGENCES, NORMALIZERS, NUMBERS
from .reasons_of_rows import REFUSED, ROWS

__all__ = ["REASONS", "UNEXPLAINED", "explain"]

UNEXPLAINED = "unexplained"
REASONS: tuple[Reason, ...] = (*REFUSED, *ROWS, *BINARY, *CATEGORICAL, *NORMALIZERS, *DIVERGENCES, *NUMBERS)


def explain(look: Look) -> str:
    """The name of the first reason that fits."""
    return next((reason.name for reason in REASONS if reason(look)), UNEXPLAINED)
