"""The logistic function, its logarithms, and x log y: element by element."""

from __future__ import annotations

from typing import Any

from . import _checks as check
from ._core import transforms

__all__ = ["log_sigmoid", "sigmoid", "softplus", "xlogy"]


def sigmoid(x: Any, /) -> Any:
    r"""The logistic function :math:`1 / (1 + e^{-x})`.

    Parameters
    ----------
    x : floating array of any shape
        16-bit floats are computed in float32.

    Returns
    -------
    array
        Of the shape and dtype of `x`. 0 at -inf, 1 at +inf, NaN at NaN. The derivative is
        sigmoid(x) sigmoid(-x), and keeps its digits on both sides.

    Raises
    ------
    TypeError
        `x` is no array, or not of a floating dtype.

    Examples
    --------
    >>> import numpy as np, xentropy
    >>> xentropy.sigmoid(np.asarray([-np.inf, -40.0, 0.0, 40.0]))
    array([0.00000000e+00, 4.24835426e-18, 5.00000000e-01, 1.00000000e+00])
    """
    return _apply("sigmoid", x)


def log_sigmoid(x: Any, /) -> Any:
    r"""The logarithm of the logistic function, :math:`-\log(1 + e^{-x})`, in nats.

    Parameters, result and errors as for `sigmoid`. -inf at -inf, -0 at +inf, NaN at NaN.

    Examples
    --------
    >>> import numpy as np, xentropy
    >>> xentropy.log_sigmoid(np.asarray([-1000.0, 0.0, 40.0]))
    array([-1.00000000e+03, -6.93147181e-01, -4.24835426e-18])
    """
    return _apply("log_sigmoid", x)


def softplus(x: Any, /) -> Any:
    r""":math:`\log(1 + e^x)`, in nats: minus the `log_sigmoid` of -x.

    Parameters, result and errors as for `sigmoid`. 0 at -inf, +inf at +inf, NaN at NaN. The derivative is
    sigmoid(x), 1/2 at 0 in every library.

    Examples
    --------
    >>> import numpy as np, xentropy
    >>> xentropy.softplus(np.asarray([-40.0, 0.0, 1000.0]))
    array([4.24835426e-18, 6.93147181e-01, 1.00000000e+03])
    """
    return _apply("softplus", x)


def xlogy(x: Any, y: Any, /) -> Any:
    r""":math:`x \log y`, and 0 where x = 0, whatever y is but NaN.

    Parameters
    ----------
    x, y : floating arrays that broadcast against each other

    Returns
    -------
    array
        Of the dtype of `x`. The derivatives are log y (0 at x = y = 0) and x / y (0 where x = 0).

    Raises
    ------
    TypeError, ValueError
        No arrays, not floating, two libraries, or shapes that do not fit.

    Examples
    --------
    >>> import numpy as np, xentropy
    >>> xentropy.xlogy(np.asarray([0.0, 0.0, 2.0]), np.asarray([0.0, -1.0, 1.0]))
    array([0., 0., 0.])
    """
    v = check.enter(x=x, y=y)
    check.floating("x", x)
    check.floating("y", y)
    check.broadcast_together("x", x, "y", y)
    return v.run(transforms.xlogy, (x, y), {})[0]


def _apply(name: str, x: Any) -> Any:
    v = check.enter(x=x)
    check.floating("x", x)
    return v.run(transforms.elementwise, (x,), dict(name=name))[0]
