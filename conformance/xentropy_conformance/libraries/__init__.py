"""The array libraries by name."""

from __future__ import annotations

from . import jax, numpy, others, tensorflow, torch
from .base import Library

LIBRARIES: dict[str, Library] = {
    library.name: library
    for library in (
        numpy.LIBRARY, numpy.READ_ONLY, torch.LIBRARY, torch.CUDA, jax.LIBRARY, jax.NO_X64, jax.CUDA,
        tensorflow.LIBRARY, others.STRICT, others.STRICTEST, others.DEVICE, others.NO_X64, others.DASK, others.CUPY,
    )
}  # fmt: skip
