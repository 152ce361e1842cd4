"""Entropy of logits, and divergences between distributions."""

from __future__ import annotations

from typing import Any

from . import _checks as check
from ._core import losses
from ._core.views import without
from ._policy import resolve

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
    return _run(
        "entropy", dict(logits=logits), axis, where, sample_weight, reduction, normalizer, temperature, softcap
    )


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
    kind = "kl_log" if log_target else "kl"
    arrays = dict(log_q=log_q, p=p)
    return _run(kind, arrays, axis, where, sample_weight, reduction, normalizer, check_labels=check_labels)


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
    return _run("js", arrays, axis, where, sample_weight, reduction, normalizer)


def _run(
    kind: str, arrays: dict[str, Any], axis: int, where: Any, sample_weight: Any, reduction: str, normalizer: Any,
    temperature: Any = None, softcap: Any = None, check_labels: str = "trust",
) -> Any:  # fmt: skip
    v = check.enter(
        **arrays, where=where, sample_weight=sample_weight, temperature=temperature, softcap=softcap,
        normalizer=normalizer,
    )  # fmt: skip
    (name, first), *others = arrays.items()
    for each, x in arrays.items():
        check.floating(each, x)
        if tuple(x.shape) != tuple(first.shape):
            raise ValueError(f"{check.about(name, first)} and {check.about(each, x)}: expected one shape")
    axis = check.class_axis(name, first, axis)
    rows = without(tuple(first.shape), axis)
    check.mask("where", where, tuple(first.shape), f"the shape of {name}")
    check.row_weights(sample_weight, rows, f"the rows of {name} have")
    check.broadcasts("temperature", temperature, rows, f"the rows of {name}")
    if softcap is not None:
        check.zero_d("softcap", softcap)
    temperature = check.number(v, "temperature", temperature, 1.0, 0.0, INF, closed=False)
    softcap = check.number(v, "softcap", softcap, None, 0.0, INF, closed=False)
    check.reduced(reduction, normalizer)
    sample_weight = check.weights(v, "sample_weight", sample_weight, first)
    second = others[0][1] if others else None
    policy = resolve(v, check_labels, second, sample_weight, where)
    options = dict(kind=kind, axis=axis, policy="raise" if policy == "look" else policy, reduction=reduction)
    operands = (first, second, where, sample_weight, temperature, softcap, normalizer)
    return v.run(losses.divergence, operands, options)[0]
