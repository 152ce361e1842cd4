"""Arrays whose type says on which devices their parts are, as those of `jax.make_mesh` do: by rows and by classes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import xentropy

pytestmark = [pytest.mark.backends("jax"), pytest.mark.compiler]

CALLS = {
    "indices": lambda x, y: xentropy.cross_entropy(x, y, ignore_index=-100),
    "each row": lambda x, y: xentropy.cross_entropy(x, y, reduction="none", check_labels="trust"),
    "smoothed": lambda x, y: xentropy.cross_entropy(x, y, label_smoothing=0.1),
    "log-softmax": lambda x, y: xentropy.log_softmax(x),
    "binary": lambda x, y: xentropy.binary_cross_entropy_with_logits(x, 0.0 * x),
}


def arrays(classes: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(classes)
    return rng.normal(size=(64, classes)).astype("float32"), rng.integers(0, classes, 64).astype("int32")


def differentiated() -> dict[str, list[float]]:
    """The sums of the gradients on two devices."""
    import jax
    from jax.sharding import NamedSharding, PartitionSpec

    mesh, out = jax.make_mesh((2,), ("parts",)), {}
    for classes in (10, 200):
        for rows, columns in (("parts", None), (None, "parts")):
            x, y = arrays(classes)
            x = jax.device_put(x, NamedSharding(mesh, PartitionSpec(rows, columns)))
            y = jax.device_put(y, NamedSharding(mesh, PartitionSpec(rows)))
            for name, f in CALLS.items():
                value, gradient = jax.jit(jax.value_and_grad(lambda x, y, f=f: (f(x, y) ** 2).sum()))(x, y)
                assert gradient.sharding == x.sharding
                out[f"{name}, {classes} classes, {rows}"] = [float(value), float(abs(gradient).sum())]
    return out


def test_explicit_sharding(backend):
    import jax

    environment = dict(os.environ, XLA_FLAGS="--xla_force_host_platform_device_count=2")
    code = "import json, test_explicit_jax; print(json.dumps(test_explicit_jax.differentiated()))"
    here = os.path.dirname(__file__)
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=here, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    for case, got in json.loads(done.stdout.splitlines()[-1]).items():
        name, classes, _ = case.split(", ")
        x, y = map(jax.numpy.asarray, arrays(int(classes.split()[0])))
        value, gradient = jax.value_and_grad(lambda x, y, f=CALLS[name]: (f(x, y) ** 2).sum())(x, y)
        np.testing.assert_allclose(got, [float(value), float(abs(gradient).sum())], rtol=2e-6, err_msg=case)
