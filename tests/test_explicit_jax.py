"""Arrays whose type says on which devices their parts are, as those of `jax.make_mesh` do: by rows and by classes."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import xentropy

pytestmark = [pytest.mark.backends("jax"), pytest.mark.compiler]

ROWS, FIRST = 64, "parts"


def arrays(classes: int) -> tuple[Any, ...]:
    """Logits, labels, pairs of labels, and a mask that leaves the labels."""
    rng = np.random.default_rng(classes)
    x, y = rng.normal(size=(ROWS, classes)).astype("float32"), rng.integers(0, classes, ROWS).astype("int32")
    where = rng.random((ROWS, classes)) < 0.7
    where[np.arange(ROWS), y] = True
    return x, y, np.stack([y, (y + 1) % classes], axis=-1), where


def textbook(x: Any, target: Any, where: Any = True) -> Any:
    import jax.numpy as jnp

    lse = jnp.log(jnp.sum(jnp.where(where, jnp.exp(x), 0.0), axis=-1, keepdims=True))
    return -jnp.sum(jnp.where(where, target * (x - lse), 0.0), axis=-1)


def one_hot(x: Any, y: Any) -> Any:
    import jax

    return jax.nn.one_hot(y, x.shape[1], dtype=x.dtype)


def smooth(x: Any, y: Any, where: Any) -> Any:
    allowed = where.astype(x.dtype)
    return 0.9 * one_hot(x, y) + 0.1 * allowed / allowed.sum(axis=-1, keepdims=True)


CALLS = {
    "mean": (lambda x, y, *_: xentropy.cross_entropy(x, y), lambda x, y, *_: textbook(x, one_hot(x, y)).mean()),
    "each": (
        lambda x, y, *_: xentropy.cross_entropy(x, y, reduction="none", check_labels="trust"),
        lambda x, y, *_: textbook(x, one_hot(x, y)),
    ),
    "masked": (
        lambda x, y, _, where: xentropy.cross_entropy(x, y, where=where, label_smoothing=0.1),
        lambda x, y, _, where: textbook(x, smooth(x, y, where), where).mean(),
    ),
    "sparse": (
        lambda x, _, pairs, __: xentropy.cross_entropy(x, pairs, label_probs=0.5 + 0.0 * pairs.astype(x.dtype)),
        lambda x, _, pairs, __: textbook(x, (one_hot(x, pairs[:, 0]) + one_hot(x, pairs[:, 1])) / 2).mean(),
    ),
    "softmax": (
        lambda x, *_: xentropy.log_softmax(x),
        lambda x, *_: -textbook(x[:, None], np.eye(x.shape[1], dtype=x.dtype)),
    ),
    "binary": (
        lambda x, *_: xentropy.binary_cross_entropy_with_logits(x, 0.0 * x),
        lambda x, *_: softplus(x).mean(),
    ),
}


CASES = [("each", 10), *((name, 200) for name in CALLS)]


def softplus(x: Any) -> Any:
    import jax.numpy as jnp

    return jnp.log(1.0 + jnp.exp(x))


def found(f: Any, x: Any, *others: Any) -> tuple[Any, ...]:
    """Value, gradient and a derivative along the logits, of a number that every output has a part in."""
    import jax

    def number(x: Any) -> Any:
        return (f(x, *others) ** 2).sum()

    value, gradient = jax.jit(jax.value_and_grad(number))(x)
    return value, gradient, jax.jit(lambda x: jax.jvp(number, (x,), (x,))[1])(x), jax.jit(f)(x, *others)


def save(path: str) -> None:
    """What comes out on two devices."""
    import jax
    from jax.sharding import NamedSharding, PartitionSpec

    mesh, out = jax.make_mesh((2,), (FIRST,)), {}
    for name, classes in CASES:
        for spec in ((FIRST, None), (None, FIRST)):
            first, wide = PartitionSpec(spec[0]), PartitionSpec(*spec)
            specs = (wide, first, PartitionSpec(spec[0], None), wide)
            placed = [jax.device_put(a, NamedSharding(mesh, s)) for a, s in zip(arrays(classes), specs, strict=True)]
            results = found(CALLS[name][0], *placed)
            assert results[1].sharding == placed[0].sharding
            for k, result in enumerate(results):
                out[f"{name} {classes} {spec.index(FIRST)} {k}"] = np.asarray(result)
    np.savez(path, **out)


def test_explicit_sharding(backend, tmp_path):
    import jax.numpy as jnp

    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2"
    environment = dict(os.environ, XLA_FLAGS=flags, JAX_PLATFORMS="cpu")
    command = [sys.executable, __file__, str(tmp_path / "found.npz")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    got = np.load(tmp_path / "found.npz")
    for name, classes in CASES:
        inputs = [jnp.asarray(a.astype(float) if a.dtype == "float32" else a) for a in arrays(classes)]
        for k, want in enumerate(found(CALLS[name][1], *inputs)):
            for axis in (0, 1):
                case = f"{name} {classes} {axis} {k}"
                bar = 1e-6 * float(abs(want).max())  # gradients cross 0
                np.testing.assert_allclose(got[case], np.asarray(want), rtol=1e-4, atol=bar, err_msg=case)


if __name__ == "__main__":
    save(sys.argv[1])
