"""How NumPy walks over the rows of a large array: tiles that stay in the cache, shared among threads.

Every row is computed by itself and in one way, so that no result depends on the tiles or on the threads. With
few classes a tile is turned so that its rows lie side by side: sums over a short last axis are slow.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from .threads import share, thread_count

TILE = 1 << 16  # numbers: a few temporaries of this size fit the second level of the cache
FEW = 32  # classes


def walk(v: Any, rows: Callable[..., Any], steep: bool, x: Any, *others: Any) -> Any:
    """`rows(v, steep, axis, x, *others)` over all rows of x, classes last. The others are arrays of one number a
    row, or the same for all rows."""
    classes, count = x.shape[-1], prod(x.shape[:-1])
    flat = x.reshape(count, classes)
    columns = [y.reshape(-1, 1) if isinstance(y, np.ndarray) and y.ndim else y for y in others]
    dtype = np.float32 if x.itemsize == 2 else x.dtype
    loss, slope = np.empty((count, 1), dtype), np.empty(flat.shape, x.dtype) if steep else None
    axis = 0 if classes <= FEW else -1

    def tile(part: slice) -> None:
        mine = [y[part] if isinstance(y, np.ndarray) and y.ndim else y for y in columns]
        piece = flat[part]
        if axis == 0:
            piece, mine = np.ascontiguousarray(piece.T), [y.T if isinstance(y, np.ndarray) else y for y in mine]
        with np.errstate(all="ignore"):
            out, by_x = rows(v, steep, axis, piece, *mine)
        loss[part] = out.T if axis == 0 else out
        if slope is not None:
            slope[part] = by_x.T if axis == 0 else by_x

    pieces = -(-count // max(1, TILE // classes))  # of nearly equal height: a tile of one row would sum otherwise
    parts = (slice(i * count // pieces, (i + 1) * count // pieces) for i in range(pieces))
    share(tile, parts, min(thread_count(), pieces) - 1)
    return loss.reshape(*x.shape[:-1], 1), None if slope is None else slope.reshape(x.shape)
