"""Losses of independent yes-or-no labels."""

from __future__ import annotations

from typing import Any

from . import _checks as check
from ._core import losses
from ._core.binary import BinaryCrossEntropy, SigmoidFocal
from ._core.elements import ElementLoss
from ._core.precision import kind
from ._core.views import as_mask, leading
from ._policy import look, resolve

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits", "sigmoid_focal_loss"]

INF = float("inf")


def binary_cross_entropy_with_logits(
    logits: Any,
    labels: Any,
    /,
    *,
    where: Any = None,
    sample_weight: Any = None,
    pos_weight: Any = None,
    label_smoothing: Any = 0.0,
    reduction: str = "mean",
    normalizer: Any = None,
    check_labels: str = "auto",
) -> Any:
    r"""Binary cross-entropy of logits, in nats.

    .. math:: l = w\, y \log(1 + e^{-x}) + (1 - y) \log(1 + e^x)

    Parameters
    ----------
    logits : floating array of any shape
        16-bit floats are computed in float32.
    labels : array of the shape of `logits`
        In [0, 1]: floating, integer or bool.
    where : bool array, broadcasting to `logits`
        False removes an element, whatever it holds.
    sample_weight : array of as many dimensions as `logits`, broadcasting to it, or 0-d
        A weight of 0 hides whatever the element holds.
    pos_weight : number or array, broadcasting to `logits`
        w. It does not enter the denominator of the mean.
    label_smoothing : number or 0-d array in [0, 1]
        y (1 - eps) + eps / 2.
    reduction : {"mean", "sum", "none"}
        The mean is over the elements that count, weighted by `sample_weight`; 0 over nothing.
    normalizer : number or 0-d array
        Replaces the denominator of the mean.
    check_labels : {"auto", "raise", "nan", "trust", "checkify"}
        What a label outside [0, 1] or NaN does: see `cross_entropy`.

    Returns
    -------
    array
        0-d, or of the shape of `logits` for "none"; of their dtype, float32 for 16-bit logits. (+inf, 1) and
        (-inf, 0) are 0 with gradient 0, their opposites +inf with a finite gradient.

    Raises
    ------
    TypeError
        No array, two libraries, or a dtype that makes no sense.
    ValueError
        A shape that does not fit, an option out of its range, a bad label.

    Examples
    --------
    >>> import numpy as np, xentropy
    >>> logits, labels = np.asarray([40.0, 0.0, -np.inf]), np.asarray([1, 1, 0])
    >>> xentropy.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    array([4.24835426e-18, 6.93147181e-01, 0.00000000e+00])
    """
    return _run(
        BinaryCrossEntropy(), "logits", logits, labels, where, sample_weight, reduction, normalizer, check_labels,
        ("pos_weight", pos_weight, 1.0, -INF, INF), ("label_smoothing", label_smoothing, 0.0, 0.0, 1.0),
    )  # fmt: skip


def binary_cross_entropy(
    probs: Any,
    labels: Any,
    /,
    *,
    where: Any = None,
    sample_weight: Any = None,
    label_smoothing: Any = 0.0,
    reduction: str = "mean",
    normalizer: Any = None,
    check_labels: str = "auto",
) -> Any:
    r"""Binary cross-entropy of probabilities, in nats, with 0 log 0 = 0 and no epsilon.

    .. math:: l = -y \log p - (1 - y) \log(1 - p)

    Parameters
    ----------
    probs : floating array of any shape
        In [0, 1]; anything else is treated like a bad label. Where there are logits, use
        `binary_cross_entropy_with_logits`: a probability near 1 has lost its digits before it comes here.

    All other parameters, the result and the errors are those of `binary_cross_entropy_with_logits`. p = y in {0, 1}
    is 0, the opposite +inf; nothing is clipped.

    Examples
    --------
    >>> import numpy as np, xentropy
    >>> xentropy.binary_cross_entropy(np.asarray([1.0, 0.5, 0.0]), np.asarray([1, 1, 1]), reduction="none")
    array([0.        , 0.69314718,        inf])
    """
    return _run(
        BinaryCrossEntropy(from_probs=True), "probs", probs, labels, where, sample_weight, reduction, normalizer,
        check_labels, ("pos_weight", None, 1.0, 0.0, INF), ("label_smoothing", label_smoothing, 0.0, 0.0, 1.0),
    )  # fmt: skip


def sigmoid_focal_loss(
    logits: Any,
    labels: Any,
    /,
    *,
    where: Any = None,
    sample_weight: Any = None,
    alpha: Any = None,
    gamma: Any = 2.0,
    reduction: str = "mean",
    normalizer: Any = None,
    check_labels: str = "auto",
) -> Any:
    r"""Sigmoid focal loss, in nats: binary cross-entropy with less weight on what is right already.

    .. math:: l = \alpha_t (1 - p_t)^\gamma\, \mathrm{BCE}(x, y), \qquad
        1 - p_t = (1 - y)\, \sigma(x) + y\, \sigma(-x), \quad \alpha_t = \alpha y + (1 - \alpha)(1 - y)

    Parameters
    ----------
    alpha : number or 0-d array in [0, 1], or None for no balancing
        It does not enter the denominator of the mean.
    gamma : number or 0-d array, >= 0
        0 is plain binary cross-entropy.

    All other parameters, the result and the errors are those of `binary_cross_entropy_with_logits`.

    References
    ----------
    Lin et al., "Focal loss for dense object detection", arXiv:1708.02002.

    Examples
    --------
    >>> import numpy as np, xentropy
    >>> xentropy.sigmoid_focal_loss(np.asarray([0.0, 9.0]), np.asarray([1, 1]), reduction="none")
    array([1.73286795e-01, 1.87910276e-12])
    """
    return _run(
        SigmoidFocal(), "logits", logits, labels, where, sample_weight, reduction, normalizer, check_labels,
        ("alpha", alpha, None, 0.0, 1.0), ("gamma", gamma, None, 0.0, INF),
    )  # fmt: skip


def _run(
    rule: ElementLoss, name: str, x: Any, labels: Any, where: Any, sample_weight: Any, reduction: str,
    normalizer: Any, check_labels: str, *options: tuple[str, Any, float | None, float, float],
) -> Any:  # fmt: skip
    """`options` are the parameters of the rule: name, value, the value that is none, and the range."""
    named = {option: value for option, value, *_ in options}
    v = check.enter(
        **{name: x}, labels=labels, where=where, sample_weight=sample_weight, normalizer=normalizer, **named
    )
    check.floating(name, x)
    shape = tuple(x.shape)
    if kind(labels.dtype) == "other":
        raise TypeError(f"{check.about('labels', labels)}: expected real numbers or booleans")
    if tuple(labels.shape) != shape:
        raise ValueError(f"{check.about('labels', labels)} and {check.about(name, x)}: expected one shape")
    check.mask("where", where, shape, f"the shape of {name}")
    check.row_weights(sample_weight, shape, f"{name} has")
    check.reduced(reduction, normalizer)
    sample_weight = check.weights(v, "sample_weight", sample_weight, x)
    parameters = []
    for option, value, neutral, low, high in options:
        if option == "pos_weight":
            check.broadcasts(option, value, shape, f"the shape of {name}")
            value = check.weights(v, option, value, x)
        elif value is not None:
            check.zero_d(option, value)
        parameters.append(check.number(v, option, value, neutral, low, high, closed=True))
    policy = resolve(v, check_labels, x, labels, sample_weight, where)
    policy = look(
        v,
        policy,
        losses.bad_elements,
        x,
        labels,
        as_mask(v, where, x.ndim),
        leading(v, v.peek(sample_weight), x.ndim),
        rule,
    )
    arrays = (x, labels, where, sample_weight, normalizer, *parameters)
    settings = dict(rule=rule, policy=policy, reduction=reduction)
    return v.run(losses.elements, arrays, settings)[0]
