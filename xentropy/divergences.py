"""Entropy of logits, and divergences between distributions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import _checks as check
from ._backends.generic import Backend
from ._core import losses
from ._core.divergence import JSDivergence, KLDivergence, RowLoss
from ._core.views import as_mask, as_rows, without
from ._policy import look, resolve

__all__ = ["entropy", "js_divergence", "kl_divergence"]

INF = float("inf")


def entropy(
    logits: Any,
    /,
    *,
    axis: int = -1,
    where: Any = None,
    sample_weight: Any = None,
    temperature: Any = 1.0,
    softcap: Any = None,
    reduction: str = "mean",
    normalizer: Any = None,
) -> Any:
    r"""Entropy of the softmax of logits, in nats.

    .. math:: H_i = -\sum_j p_{ij} \log p_{ij} \ge 0

    Parameters
    ----------
    logits : floating array
        Disallowed classes (`where=False`, or a logit of -inf) add 0.
    axis, where, sample_weight, temperature, softcap, reduction, normalizer
        As in `cross_entropy`.

    Returns
    -------
    array
        0-d, or of the rows' shape for "none"; of the dtype of `logits`, float32 for 16-bit logits. NaN for a row
        with a NaN or +inf logit or with -inf logits only, 0 for one in which `where` allows nothing.

    Raises
    ------
    TypeError, ValueError
        As `cross_entropy`.

    Examples
    --------
    >>> import numpy as np, xentropy
    >>> xentropy.entropy(np.asarray([[0.0, 0.0, -np.inf], [0.0, -40.0, -np.inf]]), reduction="none")
    array([6.93147181e-01, 1.74185080e-16])
    """
    arrays = dict(logits=logits)
    v, axis, sample_weight = _checked(
        arrays, axis, where, sample_weight, reduction, normalizer, temperature=temperature, softcap=softcap
    )
    check.broadcasts("temperature", temperature, without(tuple(logits.shape), axis), "the rows of logits")
    if softcap is not None:
        check.zero_d("softcap", softcap)
    temperature = check.number(v, "temperature", temperature, 1.0, 0.0, INF, closed=False)
    softcap = check.number(v, "softcap", softcap, None, 0.0, INF, closed=False)
    operands = (logits, where, sample_weight, temperature, softcap, normalizer)
    return v.run(losses.entropy, operands, dict(axis=axis, reduction=reduction))[0]


def kl_divergence(
    log_q: Any,
    p: Any,
    /,
    *,
    axis: int = -1,
    where: Any = None,
    sample_weight: Any = None,
    log_target: bool = False,
    reduction: str = "mean",
    normalizer: Any = None,
    check_labels: str = "auto",
) -> Any:
    r"""Kullback-Leibler divergence of q from p, in nats, summed over classes.

    .. math:: l_i = \sum_j p_{ij} (\log p_{ij} - \log q_{ij})

    Parameters
    ----------
    log_q : floating array
        Log-probabilities of the model, as given.
    p : floating array of the same shape
        Probabilities, or with `log_target` their logarithms. p = 0 adds 0, whatever log_q is; p > 0 against
        log_q = -inf is +inf.
    axis, where, sample_weight, normalizer
        As in `cross_entropy`.
    reduction : {"mean", "sum", "none"}
        The mean is over rows, which torch calls "batchmean".
    check_labels : {"auto", "raise", "nan", "trust", "checkify"}
        What a negative, infinite or NaN p does: see `cross_entropy`.

    Returns
    -------
    array
        0-d, or of the rows' shape for "none".

    Raises
    ------
    TypeError, ValueError
        As `cross_entropy`.

    Examples
    --------
    >>> import numpy as np, xentropy
    >>> xentropy.kl_divergence(np.log([[0.5, 0.25, 0.25]]), np.asarray([[0.5, 0.5, 0.0]]), reduction="none")
    array([0.34657359])
    """
    arrays = dict(log_q=log_q, p=p)
    return _run(
        KLDivergence, arrays, axis, where, sample_weight, reduction, normalizer, check_labels, bool(log_target)
    )


def js_divergence(
    log_p: Any,
    log_q: Any,
    /,
    *,
    axis: int = -1,
    where: Any = None,
    sample_weight: Any = None,
    reduction: str = "mean",
    normalizer: Any = None,
) -> Any:
    r"""Jensen-Shannon divergence of two distributions given by log-probabilities, in nats (at most log 2).

    .. math:: l_i = \tfrac12 \mathrm{KL}(p_i, m_i) + \tfrac12 \mathrm{KL}(q_i, m_i), \qquad m = (p + q) / 2

    Parameters
    ----------
    log_p, log_q : floating arrays of one shape
        -inf is an impossible class, and adds what the other distribution has there times log(2) / 2.
    axis, where, sample_weight, reduction, normalizer
        As in `kl_divergence`.

    Returns
    -------
    array
        0-d, or of the rows' shape for "none".

    Raises
    ------
    TypeError, ValueError
        As `cross_entropy`.

    References
    ----------
    Lin, "Divergence measures based on the Shannon entropy" (1991).

    Examples
    --------
    >>> import numpy as np, xentropy
    >>> one, other = np.asarray([[0.0, -np.inf]]), np.asarray([[-np.inf, 0.0]])
    >>> round(float(xentropy.js_divergence(one, other)), 6)
    0.693147
    """
    arrays = dict(log_p=log_p, log_q=log_q)
    return _run(JSDivergence, arrays, axis, where, sample_weight, reduction, normalizer)


def _run(
    kind: Callable[..., RowLoss], arrays: dict[str, Any], axis: int, where: Any, sample_weight: Any, reduction: str,
    normalizer: Any, check_labels: str = "trust", *options: Any,
) -> Any:  # fmt: skip
    v, axis, sample_weight = _checked(arrays, axis, where, sample_weight, reduction, normalizer)
    first, second = arrays.values()
    policy = resolve(v, check_labels, second, sample_weight, where)
    rule = kind(axis, *options)
    weight = as_rows(v, v.peek(sample_weight), first.ndim, axis)
    policy = look(v, policy, losses.bad_rows, second, as_mask(v, where, first.ndim), weight, rule, axis)
    settings = dict(rule=rule, axis=axis, policy=policy, reduction=reduction)
    return v.run(losses.rows, (first, second, where, sample_weight, normalizer), settings)[0]


def _checked(
    arrays: dict[str, Any], axis: int, where: Any, sample_weight: Any, reduction: str, normalizer: Any, **others: Any
) -> tuple[Backend, int, Any]:
    """The backend, the axis from the front, and the weights; `others` are to be of the same library."""
    v = check.enter(**arrays, where=where, sample_weight=sample_weight, normalizer=normalizer, **others)
    name, first = next(iter(arrays.items()))
    for each, x in arrays.items():
        check.floating(each, x)
        if tuple(x.shape) != tuple(first.shape):
            raise ValueError(f"{check.about(name, first)} and {check.about(each, x)}: expected one shape")
    axis = check.class_axis(name, first, axis)
    check.mask("where", where, tuple(first.shape), f"the shape of {name}")
    check.row_weights(sample_weight, without(tuple(first.shape), axis), f"the rows of {name} have")
    check.reduced(reduction, normalizer)
    return v, axis, check.weights(v, "sample_weight", sample_weight, first)
