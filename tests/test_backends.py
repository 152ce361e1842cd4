"""The table of backends itself: what goes in comes out, on the right device, in the right layout."""

from __future__ import annotations

import numpy as np
import pytest
from array_api_compat import device
from backends import ALL, BACKENDS, Backend, numpy_dtype, own_copy


@pytest.mark.parametrize("dtype", ALL)
def test_round_trip(backend: Backend, dtype: str) -> None:
    if dtype not in backend.dtypes:
        pytest.skip(f"{backend} has no {dtype}")
    a = np.asarray([[0, 1, 2], [3, 1, 0]]).astype(numpy_dtype(dtype))
    x = backend.asarray(a)
    assert x.dtype == backend.dtype(dtype)
    back = backend.to_numpy(x)
    assert back.dtype == a.dtype
    np.testing.assert_array_equal(back, a, strict=True)


def test_memory_is_not_shared(backend: Backend) -> None:
    a = np.ones(3)
    x = backend.asarray(a)
    a[:] = 2
    assert backend.to_numpy(x).tolist() == [1, 1, 1]


@pytest.mark.backends("array_api_strict:device1")
def test_the_other_device_is_used(backend: Backend) -> None:
    assert str(device(backend.asarray(np.ones(2)))) != str(device(backend.xp.ones(2)))


@pytest.mark.backends("array_api_strict:strictest")
def test_flags_are_on(backend: Backend) -> None:
    x = backend.asarray(np.ones(2))
    with pytest.raises(RuntimeError, match="boolean_indexing"):
        x[x > 0]


@pytest.mark.backends("numpy:readonly")
def test_readonly_input_cannot_be_changed(backend: Backend) -> None:
    x = backend.asarray(np.ones(2))
    with pytest.raises(ValueError, match="read-only"):
        x[0] = 2


@pytest.mark.backends("jax")
def test_jax_is_strict_and_wide(backend: Backend) -> None:
    assert backend.asarray(np.ones(2)).dtype == np.float64
    with pytest.raises(Exception, match="promotion"):
        backend.asarray(np.ones(2)) + backend.asarray(np.ones(2, np.float32))


@pytest.mark.backends("torch")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_torch_keeps_strides(backend: Backend, dtype: str) -> None:
    a = np.arange(24).reshape(4, 6).astype(numpy_dtype(dtype)).T[::2]
    x = backend.asarray(a)
    assert x.stride() == (2, 6)
    np.testing.assert_array_equal(backend.to_numpy(x), a)


@pytest.mark.backends(autodiff=True)
def test_a_marker_chooses_backends(backend: Backend) -> None:
    assert backend.option in {"torch", "jax"}


@pytest.mark.once
@pytest.mark.parametrize(
    "view",
    [
        lambda a: a,
        lambda a: a.T,
        lambda a: a[::2, 1:],
        lambda a: a[::-1, ::-2],
        lambda a: a[:0],
        lambda a: np.broadcast_to(a[:1], (3, 6)),
        lambda a: a[1, 2],
    ],
    ids=["whole", "transposed", "strided", "reversed", "empty", "broadcast", "scalar"],
)
def test_own_copy_keeps_strides_and_values(view) -> None:
    a = view(np.arange(24.0).reshape(4, 6))
    b = own_copy(a)
    assert b.strides == np.asarray(a).strides or b.size == 0
    assert not np.shares_memory(a, b)
    np.testing.assert_array_equal(a, b)


@pytest.mark.once
def test_names_are_unique() -> None:
    assert len({b.name for b in BACKENDS}) == len(BACKENDS)
