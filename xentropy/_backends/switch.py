"""Whether rules are registered with the libraries, or their plain automatic differentiation is used.

The two agree; that is what the switch is there to show. A function that torch has compiled keeps what it was traced
with.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_enabled = ContextVar("xentropy_rules", default=True)


def rules_enabled() -> bool:
    return _enabled.get()


# torch.compile calls it while it traces
rules_enabled._dynamo_marked_constant = True  # type: ignore[attr-defined]


@contextmanager
def without_rules() -> Iterator[None]:
    token = _enabled.set(False)
    try:
        yield
    finally:
        _enabled.reset(token)
