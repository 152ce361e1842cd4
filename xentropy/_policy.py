"""What is done about bad labels: the parameter, its default, and how it meets the values at hand."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ._backends.generic import Backend
from ._core.labels import POLICIES
from ._core.precision import is_array

__all__ = ["label_policy"]

# read once: to ask the environment takes longer than to compute the loss of a few rows
ENVIRONMENT = os.environ.get("XENTROPY_CHECK_LABELS") or "auto"

_default: ContextVar[str | None] = ContextVar("xentropy_check_labels", default=None)


@contextmanager
def label_policy(check_labels: str) -> Iterator[None]:
    """Set the default of `check_labels` for the calls inside a `with` block.

    Outside of any block the default is what the environment variable ``XENTROPY_CHECK_LABELS`` was when xentropy was
    imported, or else "auto".
    A function that JAX or torch has compiled already keeps the policy that it was traced with.

    Parameters
    ----------
    check_labels : {"auto", "raise", "nan", "trust", "checkify"}

    Raises
    ------
    ValueError
        For any other word.

    Examples
    --------
    >>> import numpy as np, xentropy
    >>> with xentropy.label_policy("nan"):
    ...     print(xentropy.cross_entropy(np.zeros((1, 3)), np.asarray([7]), reduction="none"))
    [nan]
    """
    token = _default.set(_known(check_labels))
    try:
        yield
    finally:
        _default.reset(token)


def _current() -> str:
    return _default.get() or ENVIRONMENT


# torch.compile calls it while it traces, and does not trace context variables
_current._dynamo_marked_constant = True  # type: ignore[attr-defined]


def _known(policy: str) -> str:
    if policy not in POLICIES:
        raise ValueError(f"check_labels is {policy!r}; expected one of {', '.join(map(repr, POLICIES))}")
    return policy


def current(check_labels: str) -> str:
    """The parameter, or the default for "auto"."""
    return _known(_current() if check_labels == "auto" else check_labels)


def resolve(v: Backend, check_labels: str, *arrays: Any) -> str:
    """The policy to act on: "look" where the values can be seen now and a bad one is to raise."""
    policy = current(check_labels)
    if policy not in ("auto", "raise"):
        return policy
    for x in arrays:
        if is_array(x) and not v.visible(v.peek(x)):
            return "nan" if policy == "auto" else "raise"
    return "look"


def look(v: Backend, policy: str, find: Callable[..., tuple[Any, Any]], *operands: Any) -> str:
    """Raise for a bad label that can be seen, before any work; the policy for the formulas otherwise. `find`
    gives the rows to spoil and those that would be but for a weight of 0, by a policy."""
    if policy != "look":
        return policy
    with v.quiet():
        _, wrong = find(v, *(v.peek(x) for x in operands), "raise")
    return "nan" if wrong is not None and bool(v.xp.any(wrong)) else "trust"
