"""Losses over classes: cross-entropy, its relatives, and divergences of distributions."""

from __future__ import annotations

from typing import Any

from . import _checks as check
from ._categorical_checks import common
from ._core import losses
from ._core.views import without
from ._quick import quick

__all__ = ["cross_entropy", "focal_loss", "nll_loss"]

INF = float("inf")


def cross_entropy(
    logits: Any,
    labels: Any,
    /,
    *,
    axis: int = -1,
    where: Any = None,
    label_probs: Any = None,
    class_weight: Any = None,
    sample_weight: Any = None,
    ignore_index: int | None = None,
    label_smoothing: Any = 0.0,
    temperature: Any = 1.0,
    softcap: Any = None,
    z_loss: Any = 0.0,
    reduction: str = "mean",
    normalizer: Any = None,
    return_lse: bool = False,
    check_labels: str = "auto",
) -> Any:
    r"""Cross-entropy of logits with class indices, distributions, or sparse distributions, in nats.

    .. math:: l_i = \sum_j w_j t_{ij} (-\log p_{ij}), \qquad p_{ij} = \exp(x_{ij} / T) / \sum_k \exp(x_{ik} / T)

    Parameters
    ----------
    logits : floating array
        Any number of leading and trailing dimensions; the *rows* are all of them but `axis`.
    labels : array
        Integers: class indices with the shape of the rows. Floating: distributions with the shape of
        `logits`. Integers with `label_probs`: the rows' shape and a last axis of k entries a row.
    axis : int
        The class axis, of size C.
    where : bool array, broadcasting to `logits`
        False removes a class from its row. A logit of -inf does the same.
    label_probs : floating array with the shape of `labels`
        The probabilities of sparse labels. Equal indices add up.
    class_weight : (C,) array
        :math:`w_j`.
    sample_weight : array with the rows' number of dimensions, broadcasting to them, or 0-d
        Multiplies each row's loss. A row of weight 0 adds 0, whatever it holds.
    ignore_index : int
        Rows (or sparse entries) with this label are removed.
    label_smoothing : number or 0-d array in [0, 1]
        :math:`t = (1 - \epsilon) t^0 + \epsilon \sum t^0 / K` on the K classes that are allowed.
    temperature : number, or array broadcasting to the rows
        T > 0.
    softcap : number or 0-d array
        c > 0 replaces each finite logit by c tanh(x / c), before temperature and mask.
    z_loss : number or 0-d array
        Adds z lse² to each row.
    reduction : {"mean", "sum", "none"}
        The mean divides by the rows' summed `sample_weight`, times their :math:`\sum_j w_j t^0_{ij}` if there
        are class weights. A mean over nothing is 0.
    normalizer : number or 0-d array
        Replaces the denominator of the mean (gradient accumulation, ranks).
    return_lse : bool
        Return (loss, lse) with the log-sum-exp of every row's final logits, differentiable.
    check_labels : {"auto", "raise", "nan", "trust", "checkify"}
        What an index outside [0, C), or a NaN or infinite distribution, does: raise where its value can be
        seen without waiting and make its row NaN elsewhere; raise always, at run time under a compiler; make
        its row NaN; nothing is checked; raise through JAX's checkify.

    Returns
    -------
    array, or (array, array)
        0-d, or of the rows' shape for "none" and lse. Of the dtype of `logits`, float32 for 16-bit logits, which
        are computed in float32.

    Raises
    ------
    TypeError
        No array, two libraries, or a dtype that makes no sense.
    ValueError
        A shape that does not fit, an option out of its range, a bad label.

    Notes
    -----
    A label of 0 at a class that is disallowed adds 0 to the value and to every derivative; a positive one
    makes the loss +inf, with a finite gradient. A row with a NaN or +inf logit is NaN, and only that row.
    A row in which `where` allows nothing is 0; one whose logits are all -inf is NaN. Integer labels, the one-hot
    rows of them and sparse labels agree under every option. Computed relative to the row's maximum a, with
    :math:`d_j = (x_j - x_a) / T` and :math:`r = \sum_{j \ne a} e^{d_j}`, as
    :math:`\sum_j w_j t_j (\log(1 + r) - d_j)`, whose tail never rounds to 0.

    References
    ----------
    Bridle, "Probabilistic interpretation of feedforward classification network outputs" (1990). Smoothing:
    Szegedy et al., arXiv:1512.00567. z-loss: Chowdhery et al., arXiv:2204.02311, section 5.

    Examples
    --------
    >>> import numpy as np, xentropy
    >>> logits = np.asarray([[2.0, 1.0, -np.inf], [0.0, 40.0, 0.0]])
    >>> xentropy.cross_entropy(logits, np.asarray([0, 1]), reduction="none")
    array([3.13261688e-01, 8.49670851e-18])
    """
    if (
        where is label_probs is class_weight is sample_weight is ignore_index is softcap is normalizer is None
        and type(label_smoothing) is type(temperature) is type(z_loss) is float
        and label_smoothing == z_loss == 0.0 and temperature == 1.0 and not return_lse
    ):  # fmt: skip
        loss = quick(logits, labels, axis, reduction, check_labels)
        if loss is not None:
            return loss
    return _from_logits(
        logits, labels, axis, where, label_probs, class_weight, sample_weight, ignore_index, label_smoothing,
        temperature, softcap, z_loss, None, reduction, normalizer, return_lse, check_labels,
    )  # fmt: skip


def focal_loss(
    logits: Any,
    labels: Any,
    /,
    *,
    axis: int = -1,
    where: Any = None,
    label_probs: Any = None,
    class_weight: Any = None,
    sample_weight: Any = None,
    ignore_index: int | None = None,
    label_smoothing: Any = 0.0,
    temperature: Any = 1.0,
    softcap: Any = None,
    z_loss: Any = 0.0,
    gamma: Any = 2.0,
    reduction: str = "mean",
    normalizer: Any = None,
    return_lse: bool = False,
    check_labels: str = "auto",
) -> Any:
    r"""Softmax focal loss, in nats: cross-entropy with less weight on what is right already.

    .. math:: l_i = \sum_j w_j t_{ij} (1 - p_{ij})^\gamma (-\log p_{ij})

    Parameters
    ----------
    gamma : number or 0-d array, >= 0
        0 is cross-entropy. Its derivative is right at p = 1, and it may be learned.

    All other parameters, the result, the errors and the special values are those of `cross_entropy`; with soft
    labels the sum runs over the classes.

    References
    ----------
    Lin et al., "Focal loss for dense object detection", arXiv:1708.02002.

    Examples
    --------
    >>> import numpy as np, xentropy
    >>> round(float(xentropy.focal_loss(np.zeros((1, 2)), np.asarray([0]))), 6)  # log(2) / 4
    0.173287
    """
    return _from_logits(
        logits, labels, axis, where, label_probs, class_weight, sample_weight, ignore_index, label_smoothing,
        temperature, softcap, z_loss, gamma, reduction, normalizer, return_lse, check_labels,
    )  # fmt: skip


def _from_logits(
    logits: Any, labels: Any, axis: int, where: Any, label_probs: Any, class_weight: Any, sample_weight: Any,
    ignore_index: int | None, label_smoothing: Any, temperature: Any, softcap: Any, z_loss: Any, gamma: Any,
    reduction: str, normalizer: Any, return_lse: bool, check_labels: str,
) -> Any:  # fmt: skip
    c = common(
        "logits", logits, labels, axis=axis, where=where, label_probs=label_probs, class_weight=class_weight,
        sample_weight=sample_weight, ignore_index=ignore_index, label_smoothing=label_smoothing, reduction=reduction,
        normalizer=normalizer, check_labels=check_labels, temperature=temperature, softcap=softcap, z_loss=z_loss,
        gamma=gamma,
    )  # fmt: skip
    v, axis = c.v, c.axis
    check.broadcasts("temperature", temperature, without(tuple(logits.shape), axis), "the rows of logits")
    for name, x in dict(softcap=softcap, z_loss=z_loss, gamma=gamma).items():
        if x is not None:
            check.zero_d(name, x)
    temperature = check.number(v, "temperature", temperature, 1.0, 0.0, INF, closed=False)
    softcap = check.number(v, "softcap", softcap, None, 0.0, INF, closed=False)
    z_loss = check.number(v, "z_loss", z_loss, 0.0, -INF, INF, closed=True)
    gamma = check.number(v, "gamma", gamma, 0.0, 0.0, INF, closed=True)
    arrays = (
        *(logits, labels, label_probs, where, c.class_weight, c.sample_weight, c.label_smoothing, temperature),
        *(softcap, z_loss, gamma, normalizer),
    )
    options = dict(axis=axis, ignore_index=ignore_index, policy=c.policy, reduction=reduction, return_lse=return_lse)
    out = v.run(losses.cross_entropy, arrays, options)
    return tuple(out) if return_lse else out[0]


def nll_loss(
    log_probs: Any,
    labels: Any,
    /,
    *,
    axis: int = -1,
    where: Any = None,
    label_probs: Any = None,
    class_weight: Any = None,
    sample_weight: Any = None,
    ignore_index: int | None = None,
    label_smoothing: Any = 0.0,
    reduction: str = "mean",
    normalizer: Any = None,
    check_labels: str = "auto",
) -> Any:
    r"""Negative log-likelihood, in nats: cross-entropy of what are log-probabilities already.

    .. math:: l_i = -\sum_j w_j t_{ij} \log p_{ij}

    Parameters
    ----------
    log_probs : floating array
        Taken as given: nothing is normalized. A class of weight 0 is never read, whatever is there.

    All other parameters, the result, the errors and the special values are those of `cross_entropy`.

    Examples
    --------
    >>> import numpy as np, xentropy
    >>> xentropy.nll_loss(np.log([[0.5, 0.5], [0.25, 0.75]]), np.asarray([0, 0]), reduction="none")
    array([0.69314718, 1.38629436])
    """
    c = common(
        "log_probs", log_probs, labels, axis=axis, where=where, label_probs=label_probs, class_weight=class_weight,
        sample_weight=sample_weight, ignore_index=ignore_index, label_smoothing=label_smoothing, reduction=reduction,
        normalizer=normalizer, check_labels=check_labels,
    )  # fmt: skip
    arrays = (
        *(log_probs, labels, label_probs, where, c.class_weight, c.sample_weight, c.label_smoothing),
        normalizer,
    )
    options = dict(axis=c.axis, ignore_index=ignore_index, policy=c.policy, reduction=reduction)
    return c.v.run(losses.nll_loss, arrays, options)[0]
