"""How the libraries without automatic differentiation are run: `value_and_grad` is all there is."""

from __future__ import annotations

from typing import Any

import matrix_check as check
import numpy as np
from backends import Backend
from matrix_cases import Case

import xentropy


def on(backend: Backend, case: Case) -> tuple[list[Any], dict[str, Any], dict[str, Any]]:
    """The arguments, what is differentiated by name, and the other options, as arrays of the library."""

    def put(x: Any) -> Any:
        return backend.asarray(x) if isinstance(x, np.ndarray) else x

    named, options = ({n: put(x) for n, x in group.items()} for group in (case.named, case.options))
    return [put(a) for a in case.args], named, options


def hold(backend: Backend, case: Case, value: Any, gradients: Any, *, plain: bool = False) -> None:
    """Value and gradients, in the order of `check.wrt`, against the truth."""
    check.check_value(case, backend.to_numpy(value))
    by_name = dict(zip(check.wrt(case), map(backend.to_numpy, gradients), strict=True))
    check.check_gradients(case, by_name, plain=plain)


def value_and_grad(backend: Backend, case: Case) -> None:
    args, named, options = on(backend, case)
    f = xentropy.value_and_grad(getattr(xentropy, case.function), case.places(), tuple(named))
    value, (by_place, by_name) = f(*args, **named, **options)
    hold(backend, case, value, [*by_place, *by_name.values()])


def of_a_lambda(backend: Backend, case: Case) -> None:
    """All of them as positional arguments of a function around ours."""
    args, named, options = on(backend, case)
    places, names = case.places(), list(named)

    def f(*xs: Any) -> Any:
        whole = [xs[places.index(i)] if i in places else a for i, a in enumerate(args)]
        return getattr(xentropy, case.function)(*whole, **dict(zip(names, xs[len(places) :], strict=True)), **options)

    leaves = [*(args[i] for i in places), *named.values()]
    value, gradients = xentropy.value_and_grad(f, tuple(range(len(leaves))))(*leaves)
    hold(backend, case, value, gradients)


COMPOSITIONS = {"value_and_grad": value_and_grad, "value_and_grad of a lambda": of_a_lambda}
