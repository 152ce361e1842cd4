"""The verbs of losses without their slopes, of many logits, for XLA on CPUs: relative to the label, not the maximum.

The label's logit is there without a pass over all of them. Only a loss that comes out large, or not as a number, is
taken relative to the maximum after all, which a program that has none skips.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from .jax_rows import FEW, in_parts, sum_but

SMALL, LARGE = 1 << 11, 1 << 18  # logits above which that pays, and above which a pass over them costs more than a test
FAR = 64.0  # nats: e^64 is within float32


def verbs(rows: Any) -> Callable[[Any], Any]:
    """Those of rows like `rows`, as a function of the logits."""

    class ByLabel(type(rows)):
        def based(self, relative: Callable[..., Any], x: Any, label: Any, live: Any, axis: int) -> tuple[Any, ...]:
            loss, *others = relative(label)
            far = ~(loss < FAR) if live is None else ~(loss < FAR) & live

            def from_top() -> Any:
                return jnp.where(far, relative(self.top(x, axis))[0], loss)

            return jax.lax.cond(jnp.any(far), from_top, lambda: loss), *others

    class Columns(ByLabel):
        def total_but(self, terms: Callable[..., Any], x: Any, base: Any, index: Any, axis: int) -> Any:
            def total(x: Any, base: Any, index: Any) -> Any:
                columns = [terms(self, x[:, k : k + 1], base)[:, 0] for k in range(x.shape[1])]
                # index is never negative: but for a selection XLA makes a loop of each column
                return jnp.where(index >= 0, sum_but(columns, index), 0.0)

            return in_parts(total, x, base, index)

    by_label, columns = ByLabel("jax", jnp), Columns("jax", jnp)

    def choose(x: Any) -> Any:
        if x.shape[-1] <= FEW:
            return columns if x.size > SMALL else rows
        return by_label if x.size > LARGE else rows

    return choose
