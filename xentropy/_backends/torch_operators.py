"""Operators for torch, under names that hold these very sources.

Torch keeps code on disk that it has compiled, by the names of operators: those of another formula need others.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from os import urandom
from pathlib import Path
from typing import Any

import array_api_compat
import torch


def _edition() -> str:
    """The sources in short; a number that never comes again where there are none to read, as in an archive."""
    files = sorted(Path(__file__).parents[1].rglob("*.py"))
    sources = b"".join(file.read_bytes() for file in files) or urandom(32)
    return sha256(sources + array_api_compat.__version__.encode()).hexdigest()[:16]


EDITION = _edition()
_library = torch.library.Library("xentropy", "FRAGMENT")


def operator(name: str, schema: str, kernels: dict[str, Callable[..., Any]]) -> Any:
    """One with a kernel for each dispatch key."""
    name = f"{name}_{EDITION}"
    if not hasattr(torch.ops.xentropy, name):  # another copy of the sources may have made it
        _library.define(name + schema)
        for key, kernel in kernels.items():
            _library.impl(name, kernel, key)
    return getattr(torch.ops.xentropy, name)
