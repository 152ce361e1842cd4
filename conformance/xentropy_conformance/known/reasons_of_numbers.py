"""Normalizers, divergences, and what is left: digits."""

from __future__ import annotations

from .look import INF, Look
from .reason import JAX, KERAS, OPTAX, SCIPY, TENSORFLOW, TORCH, Reason, jax, optax, scipy, tensorflow, torch


def overflow(look: Look) -> bool:
    """16-bit numbers that grow too large on the way to a number that fits."""
    return look.half and not look.special and bool(look.wrong) and not look.finite


NORMALIZERS = (
    Reason(
        "logsumexp weights", "weights of logsumexp: a weight of 0, or its derivative",
        lambda look: look.function == "logsumexp" and "b" in look.case.inputs,
        {JAX: jax(22398), SCIPY: scipy(22903, 23548)},
    ),
    Reason(
        "logsumexp at -inf", "the gradient of logsumexp over nothing but -inf is NaN, not 0",
        lambda look: look.function == "logsumexp" and look.rule in ("1", "4"),
        {TORCH: torch(31829, 49724), JAX: jax(6811)},
    ),
    Reason(
        "logsumexp at +inf", "the gradient of logsumexp at +inf is a number at some places of the row",
        lambda look: look.function == "logsumexp" and look.rule == "5",
    ),
    Reason(
        "softmax at +inf", "a softmax, or its logarithm, with +inf among the logits is not NaN in its whole row",
        lambda look: look.normalizer and look.holds(INF), {SCIPY: scipy(23225), TORCH: torch(106545)},
    ),
    Reason(
        "softmax of nothing", "the softmax of a row without any class, or its gradient",
        lambda look: look.normalizer and look.rule == "4", {TORCH: torch(55056, 25110)},
    ),
    Reason(
        "log_softmax at -inf", "the gradient of log_softmax at a logit of -inf is not 0",
        lambda look: look.function == "log_softmax" and look.masked,
    ),
    Reason("masked normalizer", "a masked term is not removed", lambda look: look.normalizer and look.masked),
    Reason(
        "xlogy", "derivatives of x log y at 0", lambda look: look.function == "xlogy",
        {TORCH: torch(80770), TENSORFLOW: tensorflow(56873)},
    ),
    Reason(
        "sigmoid at infinity", "the derivative of a sigmoid far out loses its digits, or is NaN at an infinity",
        lambda look: look.function in ("sigmoid", "log_sigmoid", "softplus"),
    ),
)  # fmt: skip

DIVERGENCES = (
    Reason(
        "KL at 0",
        "a target of 0, or a log-probability of -inf, gives NaN in the value or a derivative",
        lambda look: look.function == "kl_divergence" and not look.finite,
        {OPTAX: optax(1786)},
    ),
)


def single(look: Look) -> bool:
    """float64 with the errors of float32, in bars."""
    worst = max((part.worst for part in look.wrong), default=0.0)
    return look.case.dtype == "float64" and look.finite and 1e6 < worst < 1e9 and not look.says("lead")


NUMBERS = (
    Reason(
        "float64 in float32", "float64 is computed in float32 on the way, or the result is float32", single, {},
        (KERAS,),
    ),
    Reason(
        "16-bit overflow", "an exponential, a sum or a count overflows in 16 bits on the way", overflow,
        {TORCH: torch(85791)},
    ),
    Reason(
        "16-bit rounding", "16-bit logits are rounded to 16 bits again between the steps",
        lambda look: look.half and look.finite,
    ),
    Reason(
        "shifted row", "a constant that is added to a row costs digits of the loss, as many as it has itself",
        lambda look: look.finite and (look.rule == "14" or look.says("1e4", "1e8", "logits of size 2048")),
    ),
    Reason(
        "confident tail", "a confident prediction loses the digits of its loss or gradient, down to 0",
        lambda look: look.rule == "accuracy" and bool(look.wrong) and not look.special, {SCIPY: scipy(19521)},
    ),
    Reason("digits", "a small number, the difference of larger ones, loses digits", lambda look: look.finite),
)  # fmt: skip
