"""How NumPy walks over the rows of a large array: tiles that stay in the cache, shared among threads.

Every row is computed by itself and in one way, so that no result depends on the tiles or on the threads. With
few classes a tile is turned so that its rows lie side by side: sums over a short last axis are slow. A tile is as
large as the cache allows, and larger than a core's own: threads of Python meet between any two operations, and the
one that waits sleeps for longer than its numbers take from the next cache.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from .threads import share, thread_count

TILE = 2 << 20  # bytes
SMALL = 1 << 14  # numbers, which are computed at once
FEW = 32  # classes
WIDE = 1 << 18  # classes, above which a row is summed piece by piece
RUN = 1 << 12  # numbers that are summed before the sums are
SPARE = 8  # pieces of memory that are kept

# The C library of Linux gives what is freed back to the system, and the next temporary is a page fault every 4 KiB
# again, until a program has freed some 30 MiB at once. So that is done here, with memory that nobody writes to: most
# losses of 1e5 numbers take a third of the time after it.
np.empty(31 << 20, np.uint8)


def walk(v: Any, rows: Callable[..., Any], steep: bool, x: Any, *others: Any) -> Any:
    """`rows(v, steep, axis, x, *others)` over all rows of x, classes last. The others are arrays of one number a
    row, or the same for all rows."""
    classes, count = x.shape[-1], prod(x.shape[:-1])
    flat = x.reshape(count, classes)
    columns = [y.reshape(-1, 1) if isinstance(y, np.ndarray) and y.ndim else y for y in others]
    dtype = np.dtype(np.float32) if x.itemsize == 2 else x.dtype
    loss, slope = np.empty((count, 1), dtype), np.empty(flat.shape, x.dtype) if steep else None
    axis = 0 if classes <= FEW else -1

    def tile(part: slice) -> None:
        mine = [y[part] if isinstance(y, np.ndarray) and y.ndim else y for y in columns]
        piece, target = flat[part], None if slope is None else slope[part]
        fits, room = target is not None and x.dtype == dtype, piece.size * dtype.itemsize
        block = borrow(2 * room if axis == 0 else 0 if fits or (target is None and classes > WIDE) else room)
        if axis == 0:
            rooms: list[Any] = [np.ndarray(piece.T.shape, dtype, block, i * room) for i in (0, 1)]
            np.copyto(rooms[0], piece.T)
            piece, mine = rooms[0], [y.T if isinstance(y, np.ndarray) else y for y in mine]
        elif fits:
            rooms = [target]
        else:
            rooms = [np.ndarray(piece.shape, dtype, block)] if block.size >= room else []
        with np.errstate(all="ignore"):
            out, by_x = rows(v.within(rooms), steep, axis, piece, *mine)
        loss[part] = out.T if axis == 0 else out
        if target is not None and by_x is not target:
            target[...] = by_x.T if axis == 0 else by_x
        give_back(block)

    share_rows(tile, count, pieces(count, classes * dtype.itemsize, TILE))
    return loss.reshape(*x.shape[:-1], 1), None if slope is None else slope.reshape(x.shape)


def pieces(count: int, width: int, size: int) -> int:
    """How many parts of at most `size` bytes rows of this width are cut into: for two threads an even number of them.
    It does not depend on the threads: a part of one row may sum otherwise."""
    least = -(-count // max(1, size // width))
    return least + (least % 2 if 1 < least < count // 2 else 0)


def share_rows(work: Callable[[slice], None], count: int, pieces: int) -> None:
    """`work` on all rows, in so many parts of nearly equal height."""
    if pieces == 1:
        return work(slice(None))
    parts = (slice(i * count // pieces, (i + 1) * count // pieces) for i in range(pieces))
    return share(work, parts, min(thread_count(), pieces) - 1)


def run_sums(x: Any) -> Any:
    """The sums of runs of numbers: the first level of the tree that every sum of a whole array goes up."""
    whole = x.size - x.size % RUN
    sums = np.add.reduce(x[:whole].reshape(-1, RUN), axis=1)
    return sums if whole == x.size else np.append(sums, np.add.reduce(x[whole:]))


_spare: list[Any] = []


def borrow(size: int) -> Any:
    """Memory, whatever is in it. Tiles leave theirs to the next ones: new memory is a page fault every 4 KiB, which
    takes longer than to compute the numbers."""
    try:
        block = _spare.pop()
    except IndexError:
        block = np.empty(2 * TILE, np.uint8)
    return block if size <= block.size else np.empty(size, np.uint8)


def give_back(block: Any) -> None:
    if block.size <= 2 * TILE and len(_spare) < SPARE:
        _spare.append(block)
