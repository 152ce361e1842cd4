"""A few threads that share the tiles of one call. None is started before a call is large.

The caller works too, so a call never waits for a free thread: a pool that is busy, or one call inside another,
costs speed and nothing else.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_count: ContextVar[int | None] = ContextVar("xentropy_threads", default=None)
_pool: list[Any] = []
_lock = threading.Lock()


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Set how many threads a large call on NumPy arrays or CPU tensors may use, the calling one among them.

    Outside of any block it is the environment variable ``XENTROPY_THREADS``, or else the number of cores that
    the process may use. Results do not depend on it, not in one bit.

    Parameters
    ----------
    count : int
        At least 1, which starts no thread.

    Raises
    ------
    ValueError
        For a count below 1, or one that is no integer.

    Examples
    --------
    >>> import numpy as np, xentropy
    >>> with xentropy.threads(1):
    ...     print(xentropy.cross_entropy(np.zeros((2, 4)), np.asarray([0, 3])))
    1.3862943611198906
    """
    token = _count.set(_checked("threads", count))
    try:
        yield
    finally:
        _count.reset(token)


def thread_count() -> int:
    """How many may work on a call, made here and now."""
    given = _count.get()
    if given is not None:
        return given
    named = os.environ.get("XENTROPY_THREADS")
    return _checked("XENTROPY_THREADS", int(named) if named and named.isdigit() else named) if named else _cores()


def _checked(name: str, count: Any) -> int:
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError(f"{name} is {count!r}; expected an integer from 1")
    return count


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share(work: Callable[[Any], None], parts: Iterable[Any], helpers: int) -> None:
    """Do `work` on each of the parts, with up to `helpers` other threads."""
    queue, lock = iter(parts), threading.Lock()

    def drain() -> None:
        while True:
            with lock:
                part = next(queue, None)
            if part is None:
                return
            work(part)

    futures = [_executor().submit(drain) for _ in range(helpers)]
    try:
        drain()
    finally:  # what has not begun by now has nothing left to do
        for future in futures:
            if not future.cancel():
                future.result()


def _executor() -> Any:
    with _lock:
        if not _pool:
            from concurrent.futures import ThreadPoolExecutor

            _pool.append(ThreadPoolExecutor(_cores(), thread_name_prefix="xentropy"))
        return _pool[0]


def _forget() -> None:
    """In a forked child the threads of the parent do not exist."""
    global _lock
    _pool.clear()
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
