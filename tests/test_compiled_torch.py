"""Rules under torch.compile: where their derivatives are used, and that they can be differentiated again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import xentropy
from xentropy._backends.switch import without_rules

pytestmark = pytest.mark.backends("torch")

CALLS = {
    "indices": lambda x: xentropy.cross_entropy(x, labels(), ignore_index=-100),
    "of each row": lambda x: xentropy.cross_entropy(x, labels(), ignore_index=-100, reduction="none").square().sum(),
    "binary": lambda x: xentropy.binary_cross_entropy_with_logits(
        x, x.detach().nan_to_num().sigmoid(), reduction="sum"
    ),
}


def labels():
    import torch

    return torch.asarray([0, 1, -100, 3, 6])


def leaf():
    import torch

    x = torch.randn(5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x[2, 3] = float("nan")  # of an ignored row
    return x.requires_grad_()


def operators(f, *arguments) -> set[str]:
    """Those of xentropy in the graph that torch.compile traces first."""
    import torch

    seen: set[str] = set()

    def look(graph, _):
        seen.update(str(node.target).partition("_")[0] for node in graph.graph.nodes)
        return graph

    torch._dynamo.reset()
    torch.compile(f, backend=look, fullgraph=True)(*arguments)
    return {name for name in seen if name.startswith("xentropy")}


@pytest.mark.parametrize("name", CALLS)
def test_where_they_are(backend, name):
    import torch

    f, x = CALLS[name], leaf()
    assert operators(f, x) == operators(f, x.detach()) == {"xentropy.formula"}
    assert not operators(torch.func.grad(f), x.detach())
    with without_rules():
        assert not operators(f, x)


@pytest.mark.parametrize("name", CALLS)
def test_both_passes_are_compiled(backend, name):
    """Nothing that is called there is ours: a compiler sees operations alone."""
    import torch
    from functorch.compile import make_boxed_func
    from torch._dynamo.backends.common import aot_autograd

    graphs = []

    def look(graph, _):
        graphs.append([str(node.target) for node in graph.graph.nodes])
        return make_boxed_func(graph)

    torch._dynamo.reset()
    torch.compile(CALLS[name], backend=aot_autograd(fw_compiler=look), fullgraph=True)(leaf()).backward()
    forward, backward = graphs
    assert "aten.exp.default" in forward
    assert not any("xentropy" in operator for operator in forward + backward)


@pytest.mark.parametrize("name", CALLS)
def test_a_second_derivative(backend, name):
    """Of what is traced and run as it is; of what is compiled torch gives none."""
    import torch

    def product(f):
        x = leaf()
        weights = torch.arange(35.0, dtype=torch.float64).reshape(5, 7)
        [slope] = torch.autograd.grad(f(x), x, create_graph=True)
        return torch.autograd.grad((slope * weights).sum(), x)[0].numpy()

    torch._dynamo.reset()
    found = product(torch.compile(CALLS[name], backend="eager", fullgraph=True))
    np.testing.assert_allclose(found, product(CALLS[name]), rtol=1e-13, atol=1e-14)


FRACTIONS = (0.125, 0.25, 0.75, 1)
NUMBERS = {
    "label_smoothing": (xentropy.binary_cross_entropy_with_logits, [1.0, 1.0, 1.0], FRACTIONS),
    "pos_weight": (xentropy.binary_cross_entropy_with_logits, [1.0, 1.0, 1.0], FRACTIONS),
    "alpha": (xentropy.sigmoid_focal_loss, [1.0, 1.0, 1.0], FRACTIONS),
    "gamma": (xentropy.sigmoid_focal_loss, [1.0, 1.0, 1.0], FRACTIONS),
    "temperature": (xentropy.cross_entropy, 1, FRACTIONS),
    "ignore_index": (xentropy.cross_entropy, 1, (-100, 1, 2, 3)),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_that_change(backend, name):
    """The compiler makes symbols of them at the second call."""
    import torch

    function, labels, numbers = NUMBERS[name]

    def call(x, number):
        return function(x, torch.tensor(labels), **{name: number})

    torch._dynamo.reset()
    compiled = torch.compile(call, backend="aot_eager", fullgraph=True)
    for number in numbers:
        x = torch.tensor([-2.0, 0.5, 30.0], requires_grad=True)
        [found], [true] = (torch.autograd.grad(f(x, number), x) for f in (compiled, call))
        np.testing.assert_allclose(found.numpy(), true.numpy(), rtol=1e-6)


@pytest.mark.parametrize("transform", [False, True])
def test_rows_that_are_nan(backend, transform):
    """Bad labels and infinities, far from what stands for the label."""
    import torch

    x, y = torch.tensor([[0.0, 30.0, 5.0], [0.0, np.inf, 1.0], [0.0, 1.0, 2.0]]), torch.tensor([7, 0, 2])

    def call(x):
        return xentropy.cross_entropy(x, y, reduction="none", check_labels="nan").sum()

    torch._dynamo.reset()
    if transform:
        found = torch.compile(torch.func.grad(call), backend="aot_eager", fullgraph=True)(x)
    else:
        compiled = torch.compile(call, backend="aot_eager", fullgraph=True)
        [found] = torch.autograd.grad(compiled(x.requires_grad_()), x)
    assert found[:2].isnan().all()
    assert found[2].isfinite().all()


@pytest.mark.parametrize("alpha", [0.9999, 1.0 - 1e-9])
def test_numbers_keep_their_digits(backend, alpha):
    import torch

    def call(x):
        return xentropy.sigmoid_focal_loss(x, torch.zeros(4), alpha=alpha, reduction="none").sum()

    torch._dynamo.reset()
    x = torch.arange(4.0, requires_grad=True)
    found = torch.compile(call, backend="aot_eager", fullgraph=True)(x)
    [slope] = torch.autograd.grad(found, x)
    z = np.arange(4.0)
    p, softplus = 1 / (1 + np.exp(-z)), np.log1p(np.exp(z))
    np.testing.assert_allclose(found.item(), ((1 - alpha) * p**2 * softplus).sum(), rtol=1e-6)
    np.testing.assert_allclose(slope, (1 - alpha) * p**2 * (2 * (1 - p) * softplus + p), rtol=1e-6)


@pytest.mark.parametrize("compiler", ["eager", "aot_eager"])
def test_losses_can_be_changed_in_place(backend, compiler):
    import torch

    def call(x):
        each = xentropy.cross_entropy(x, labels(), ignore_index=-100, reduction="none")
        return each.mul_(2.0).sum()

    torch._dynamo.reset()
    x = leaf()
    found = torch.compile(call, backend=compiler, fullgraph=True)(x)
    [slope] = torch.autograd.grad(found, x)
    p = x.detach().softmax(-1)
    hot = torch.nn.functional.one_hot(labels().clamp(0), 7)
    live = (labels() != -100)[:, None]
    expected = -2.0 * torch.where(live, hot * p.log(), 0.0).sum()
    torch.testing.assert_close(found, expected, rtol=1e-13, atol=0)
    torch.testing.assert_close(slope, torch.where(live, 2.0 * (p - hot), 0.0), rtol=1e-13, atol=1e-15)


def test_a_second_derivative_inside(backend):
    """Where the compiler traces the backward pass too, and differentiates it."""
    import torch

    def curvature(x):
        [slope] = torch.autograd.grad(xentropy.softplus(x * 1.0).sum(), x, create_graph=True)
        return slope.sum()

    torch._dynamo.reset()
    x = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    with torch._dynamo.config.patch(trace_autograd_ops=True):
        [found] = torch.autograd.grad(torch.compile(curvature, backend="aot_eager", fullgraph=True)(x), x)
    assert (found == 0.25).all()


STEEPER = """
import torch, xentropy
from torch._dynamo.utils import counters
x = torch.zeros(2, 4, requires_grad=True)
torch.compile(xentropy.cross_entropy)(x, torch.zeros(2, dtype=torch.int64)).backward()
with torch.no_grad():
    torch.compile(xentropy.cross_entropy)(torch.zeros(1 << 15, 16), torch.zeros(1 << 15, dtype=torch.int64))
print(float(x.grad[0, 1]), counters["aot_autograd"]["autograd_cache_hit"])
"""


def test_what_is_kept_on_disk(backend, tmp_path):
    """Code for the next process, of both passes and of many logits; but not that of another formula."""
    there = os.environ | {"PYTHONPATH": str(tmp_path), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "kept")}
    shutil.copytree(Path(xentropy.__file__).parent, tmp_path / "xentropy")
    formula = tmp_path / "xentropy" / "_core" / "indexed.py"

    def run() -> list[float]:
        command = [sys.executable, "-P", "-c", STEEPER]
        found = subprocess.run(command, env=there, capture_output=True, text=True, check=True).stdout
        return [float(word) for word in found.split()]

    assert [run(), run()] == [[0.125, 0], [0.125, 2]]
    old, new = "    whole = rest + e_y\n", "    whole = (rest + e_y) / 2.0\n"
    text = formula.read_text("utf-8")
    assert text.count(old) == 1
    formula.write_text(text.replace(old, new), "utf-8")
    assert run() == [0.25, 0]
