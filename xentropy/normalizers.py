"""Log-sum-exp, softmax and log-softmax along an axis."""

from __future__ import annotations

from typing import Any

from . import _checks as check
from ._core import transforms
from ._core.views import without

__all__ = ["log_softmax", "logsumexp", "softmax"]


def logsumexp(
    x: Any,
    /,
    *,
    axis: int = -1,
    keepdims: bool = False,
    where: Any = None,
    b: Any = None,
    return_sign: bool = False,
) -> Any:
    r"""The logarithm of a (weighted) sum of exponentials, in nats.

    .. math:: \log \sum_j b_j e^{x_j} = x_a + \log(1 + r), \qquad r = \sum_{j \ne a} e^{x_j - x_a}

    with the maximum :math:`x_a` left out of the sum, which keeps what is small next to 1.

    Parameters
    ----------
    x : floating array
        16-bit floats are computed in float32.
    axis : int
    keepdims : bool
        Keep the axis, with size 1.
    where : bool array, broadcasting to `x`
        False removes a term, whatever it holds.
    b : array, broadcasting to `x`
        Weights of either sign. 0 removes a term, whatever `x` holds there.
    return_sign : bool
        Return (log of the absolute value, sign). Without it the logarithm of a negative sum is NaN.

    Returns
    -------
    array, or (array, array)
        Of the dtype of `x`. -inf, with gradient 0, where nothing is summed (a mask, -inf only, no classes at all);
        +inf where a term is; NaN where a term is NaN.

    Raises
    ------
    TypeError
        No array, two libraries, or a dtype that makes no sense.
    ValueError
        An axis out of range, or shapes that do not fit.

    References
    ----------
    Blanchard, Higham and Higham, "Accurately computing the log-sum-exp and softmax functions" (2021).

    Examples
    --------
    >>> import numpy as np, xentropy
    >>> xentropy.logsumexp(np.asarray([[0.0, -40.0], [1e4, 1e4]]))
    array([4.24835426e-18, 1.00006931e+04])
    """
    v = check.enter(x=x, where=where, b=b)
    check.floating("x", x)
    axis = check.class_axis("x", x, axis)
    check.mask("where", where, tuple(x.shape), "the shape of x")
    check.broadcasts("b", b, tuple(x.shape), "the shape of x")
    b = check.weights(v, "b", b, x)
    if isinstance(b, float):
        raise TypeError(f"b = {b}: expected an array")
    options = dict(axis=axis, keepdims=keepdims, signed=return_sign)
    log, sign = v.run(transforms.logsumexp, (x, where, b), options)
    return (log, sign) if return_sign else log


def softmax(x: Any, /, *, axis: int = -1, where: Any = None, temperature: Any = 1.0) -> Any:
    r"""Probabilities proportional to the exponentials along an axis.

    .. math:: p_j = e^{x_j / T} \Big/ \sum_k e^{x_k / T}

    Parameters
    ----------
    x : floating array
        16-bit floats are computed in float32.
    axis : int
    where : bool array, broadcasting to `x`
        False removes a class, whatever it holds: probability 0. So does -inf.
    temperature : number, or array broadcasting to the rows (the shape of `x` without `axis`)
        T > 0.

    Returns
    -------
    array
        Of the shape and dtype of `x`. A row with a NaN or +inf, or with -inf only, is NaN; one whose every class
        `where` removes is 0.

    Raises
    ------
    TypeError, ValueError
        As `logsumexp`; and for T <= 0 where it can be seen (NaN where it cannot).

    References
    ----------
    Bridle, "Probabilistic interpretation of feedforward classification network outputs" (1990).

    Examples
    --------
    >>> import numpy as np, xentropy
    >>> xentropy.softmax(np.asarray([0.0, 0.0, -np.inf]))
    array([0.5, 0.5, 0. ])
    """
    return _softmax(x, axis, where, temperature, log=False)


def log_softmax(x: Any, /, *, axis: int = -1, where: Any = None, temperature: Any = 1.0) -> Any:
    r"""The logarithm of `softmax`, in nats, right to the last digits where a probability is near 1.

    .. math:: \log p_j = (x_j - x_a) / T - \log(1 + r)

    Parameters, errors and special values are those of `softmax`; a removed class is -inf.

    Examples
    --------
    >>> import numpy as np, xentropy
    >>> xentropy.log_softmax(np.asarray([0.0, -40.0, -np.inf]))
    array([-4.24835426e-18, -4.00000000e+01,            -inf])
    """
    return _softmax(x, axis, where, temperature, log=True)


def _softmax(x: Any, axis: int, where: Any, temperature: Any, *, log: bool) -> Any:
    v = check.enter(x=x, where=where, temperature=temperature)
    check.floating("x", x)
    axis = check.class_axis("x", x, axis)
    check.mask("where", where, tuple(x.shape), "the shape of x")
    check.broadcasts("temperature", temperature, without(tuple(x.shape), axis), "the rows of x")
    temperature = check.number(v, "temperature", temperature, 1.0, 0.0, float("inf"), closed=False)
    return v.run(transforms.softmax, (x, temperature, where), dict(axis=axis, log=log))[0]
