"""The verbs of losses without their slopes, of many logits, for XLA on CPUs: relative to the label, not the maximum.

The label's logit is there without a pass over all of them. Only a loss that comes out large, or not as a number, is
taken relative to the maximum after all, which a program that has none skips.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from .._core import ways
from .jax_rows import FEW, in_parts, sum_but

SMALL = 1 << 11  # logits above which that pays of few classes
LARGE = 1 << 18  # and of many, where a pass over them takes longer than a test of the losses


def verbs(rows: Any) -> Callable[[Any], Any]:
    """Those of rows like `rows`, as a function of the logits."""
    kind: Any = type(rows)

    class ByLabel(kind):
        based = ways.based_by_label

        def unless(self, fine: Any, x: Any, mended: Callable[[], Any]) -> Any:
            return jax.lax.cond(jnp.all(fine), lambda: x, mended)

    class Columns(ByLabel):
        def total_but(self, terms: Callable[..., Any], x: Any, base: Any, index: Any, axis: int) -> Any:
            def total(x: Any, base: Any, index: Any) -> Any:
                return sum_but([terms(self, x[:, k : k + 1], base)[:, 0] for k in range(x.shape[1])], index)

            return in_parts(total, x, base, index)

        def total_but_one(self, *arguments: Any) -> Any:
            return rows.total_but_one(*arguments)  # for what hardly ever runs, in as little code as may be

    by_label, columns = ByLabel("jax", jnp), Columns("jax", jnp)

    def choose(x: Any) -> Any:
        few = x.shape[-1] <= FEW
        large = isinstance(x.size, int) and x.size > (SMALL if few else LARGE)  # jax.export may know no size
        return rows if not large else columns if few else by_label

    return choose
