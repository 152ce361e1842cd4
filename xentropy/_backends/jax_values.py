"""The verbs of losses without their slopes, of many logits, for XLA on CPUs: relative to the label, not the maximum.

Few classes are summed one by one, for all rows at once. Only a loss that comes out large, or not as a number, is
taken relative to the maximum after all, which a program that has none skips.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from .._core import ways
from .jax_rows import FEW, in_parts

SMALL = 1 << 11  # logits above which that pays of few classes
LARGE = 1 << 18  # and of many, where a pass over them takes longer than a test of the losses


def walker(usual: Any) -> Callable[..., Any]:
    """`walk` of such losses, next to the usual verbs of rows."""
    kind: Any = type(usual)

    class ByLabel(ways.ByLabel, kind):
        """Losses relative to the label, on JAX."""

    class Columns(ByLabel):
        def total_but(self, terms: Callable[..., Any], x: Any, base: Any, index: Any, axis: int) -> Any:
            def total(x: Any, base: Any, index: Any) -> Any:
                columns = [terms(self, x[:, k : k + 1], base)[:, 0] for k in range(x.shape[1])]
                return ways.sum_but(self, columns, index)

            return in_parts(total, x, base, index)

    by_label, columns = ByLabel("jax", jnp), Columns("jax", jnp)

    def walk(rows: Callable[..., Any], x: Any, index: Any, live: Any, *others: Any) -> Any:
        few = x.shape[-1] <= FEW
        large = isinstance(x.size, int) and x.size > (SMALL if few else LARGE)  # jax.export may know no size
        if not large:
            return rows(usual, False, -1, x, index, live, *others)
        loss, near = ways.by_label(columns if few else by_label, rows, x, index, live)

        def mended() -> Any:
            return ways.mended(usual, loss, rows(usual, False, -1, x, index, None, None, None)[0])

        return jax.lax.cond(near, lambda: loss, mended), None

    return walk
