"""Calls that are refused, and rows and batches in which little is left to count."""

from __future__ import annotations

import numpy as np

from .look import Look
from .reason import KERAS, OPTAX, SKLEARN, TENSORFLOW, TORCH, Reason, keras, optax, tensorflow, torch


def all_removed(look: Look) -> bool:
    """A mean over rows none of which counts, or over weights that sum to 0."""
    return (
        look.mean
        and look.loss
        and bool((look.case.expected.value.data == 0).all())
        and bool(np.isnan(look.given).any())
    )


def unclean(look: Look) -> bool:
    """A row that is removed and holds something that is no number."""
    return look.rule == "6" and (look.special or look.says("holds", "infinite"))


def bad_index(look: Look) -> bool:
    return look.rule == "9" and look.index and not look.binary and not look.raised and look.spoilt


REFUSED = (
    Reason(
        "sparse axis", "class indices with their classes along another axis than the last raise",
        lambda look: bool(look.raised) and look.index and look.rule in ("7", "8", "13") and "axis" in look.options,
        {KERAS: keras(21097)}, (KERAS,),
    ),
    Reason(
        "zero weights raise", "weights that are all 0 raise", lambda look: "non-zero" in look.raised, {}, (SKLEARN,),
    ),
    Reason("empty raises", "an array without elements raises", lambda look: bool(look.raised) and look.rule == "15"),
    Reason(
        "removed labels raise", "a bad label in a row of weight 0 raises",
        lambda look: bool(look.raised) and look.rule == "9" and look.says("weight is 0"),
    ),
    Reason(
        "uint labels", "labels of some integer dtypes raise, or are misread on the way",
        lambda look: bool(look.raised) and look.index and look.rule == "9",
        {TORCH: torch(45540)},
    ),
)  # fmt: skip

ROWS = (
    Reason(
        "empty mean", "the mean of a batch without rows is NaN", lambda look: look.rule == "15" and look.mean,
        {TORCH: torch(51906, 51910)},
    ),
    Reason("empty shape", "the shape of a result without rows is another", lambda look: look.rule == "15"),
    Reason(
        "default ignore_index", "the label -100 is ignored where no other ignore_index is given, as documented",
        lambda look: look.says("-100") and look.loss and not look.raised, {}, (TORCH,),
    ),
    Reason(
        "default ignore_index of torch",
        "the label -100 is ignored on the torch backend, where it is the default below",
        lambda look: look.says("-100") and look.setting.startswith("torch") and not look.raised, {}, (KERAS,),
    ),
    Reason(
        "nothing counts", "a mean in which no row counts is NaN, of 0 / 0, on purpose", all_removed,
        {TORCH: torch(70348, 116349, 75181)}, (TORCH,),
    ),
    Reason(
        "removed rows", "a row that is ignored or has weight 0 passes on its NaN or infinity to value or gradient",
        unclean, {TORCH: torch(11551)},
    ),
    Reason(
        "unchecked labels", "a class index out of range gives a finite loss, or the loss of another class", bad_index,
        {OPTAX: optax(1185), TENSORFLOW: tensorflow(8484, 10268, 126005), KERAS: keras(23664)},
    ),
    Reason(
        "unchecked probabilities", "a label that is no probability gives a finite loss",
        lambda look: look.rule == "9" and look.binary and (look.outside or look.says("probability")),
    ),
    Reason(
        "NaN labels", "a NaN or an infinity among class probabilities does not make its whole row NaN",
        lambda look: look.rule == "9" and look.soft and look.says("distribution", "NaN", "inf"),
    ),
)  # fmt: skip
