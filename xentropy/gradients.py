"""Derivatives with one call on every library, with or without automatic differentiation of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from . import _checks as check

__all__ = ["value_and_grad"]


def value_and_grad(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] | None = None,
    argnames: str | tuple[str, ...] | None = None,
) -> Callable[..., Any]:
    """A function that returns the value of `f` and the gradient of the value's sum.

    Parameters
    ----------
    f : callable
        A function of this package, or any composition of them. Where the library differentiates by itself
        (PyTorch, JAX) anything that it can differentiate may stand in between; where it does not (NumPy,
        CuPy, array-api-strict), only functions of this package may, and other arithmetic on an argument or
        a result raises. If `f` returns a tuple, its first part is the value, and the rest is carried along.
    argnums : int or tuple of int
        Positional arguments to differentiate with respect to; 0 if `argnames` is not given either.
    argnames : str or tuple of str
        Keyword arguments to differentiate with respect to.

    Returns
    -------
    callable
        Called like `f`. It returns (value, gradient), where the gradient is an array for an int, a tuple for a
        tuple, a dict for `argnames` alone, and (that of argnums, dict) for both; each array has the shape
        and dtype of its argument.

    Raises
    ------
    TypeError
        A chosen argument is no floating array, or arithmetic that cannot be followed.
    ValueError
        An argument that the call does not have.

    Examples
    --------
    >>> import numpy as np, xentropy
    >>> loss, gradient = xentropy.value_and_grad(xentropy.cross_entropy)(np.zeros((1, 4)), np.asarray([2]))
    >>> gradient
    array([[ 0.25,  0.25, -0.75,  0.25]])
    """
    if argnums is None and argnames is None:
        argnums = 0
    places = () if argnums is None else (argnums,) if isinstance(argnums, int) else tuple(argnums)
    names = () if argnames is None else (argnames,) if isinstance(argnames, str) else tuple(argnames)

    @wraps(f)
    def with_gradient(*args: Any, **options: Any) -> tuple[Any, Any]:
        chosen = {_position(n, args): None for n in places}
        arguments = [args[n] for n in chosen] + [_named(name, options) for name in names]
        labels = [f"argument {n}" for n in chosen] + list(names)
        v = check.enter(**dict(zip(labels, arguments, strict=True)))
        for label, x in zip(labels, arguments, strict=True):
            if not hasattr(x, "dtype"):
                raise TypeError(f"{check.about(label, x)}: expected an array to differentiate with respect to")
            check.floating(label, x)

        def call(*xs: Any) -> Any:
            placed = dict(zip(chosen, xs, strict=False))
            positional = [placed.get(i, a) for i, a in enumerate(args)]
            return f(*positional, **{**options, **dict(zip(names, xs[len(placed) :], strict=True))})

        value, found = v.value_and_grad(call, arguments)
        first = dict(zip(chosen, found, strict=False))
        by_place: Any = tuple(first[_position(n, args)] for n in places)
        by_place = by_place[0] if isinstance(argnums, int) else by_place
        if argnames is None:
            return value, by_place
        by_name = dict(zip(names, found[len(first) :], strict=True))
        return value, by_name if argnums is None else (by_place, by_name)

    return with_gradient


def _position(n: int, args: tuple[Any, ...]) -> int:
    if not -len(args) <= n < len(args):
        raise ValueError(f"argnums names argument {n}; the call has {len(args)} positional arguments")
    return n % len(args)


def _named(name: str, options: dict[str, Any]) -> Any:
    if name not in options:
        raise ValueError(f"argnames names {name!r}; the call has the keywords {sorted(options)}")
    return options[name]
