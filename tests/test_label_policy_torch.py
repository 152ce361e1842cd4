"""Rule 9 where torch hides the values of labels (compilers, transforms, exported programs), and where it does not."""

from __future__ import annotations

import contextlib
import warnings

import numpy as np
import oracle
import pytest
import torch
from array_api_compat import torch as compat

import xentropy
from xentropy._backends.select import NAMESPACE

with warnings.catch_warnings():  # modules of torch that warn of their own use of torch.jit as they are imported
    warnings.simplefilter("ignore", DeprecationWarning)
    import torch._decomp.decompositions_for_jvp
    import torch.utils.mkldnn

C, IGNORED = 5, -100
DTYPES = ("int8", "int16", "int32", "int64", "uint8")
MODES = ("compile", "vmap", "func.grad", "vmap(grad)", "export", "compile(func.grad)")
EPS = float(np.finfo(np.float64).eps)
WEIGHTS = np.asarray([0.5, 1.0, 2.0, 0.25, 1.5])
# the short way and the long way through the formulas
LOSSES = {
    "bare": {},
    "ignoring": {"ignore_index": IGNORED, "label_smoothing": 0.25, "class_weight": WEIGHTS},
}


def bad_labels(dtype):
    """Those that the dtype holds, and that are no class."""
    limits = np.iinfo(dtype)
    return [
        int(b)
        for b in {-1: 0, C: 0, C + 1: 0, IGNORED: 0, limits.min: 0, limits.max: 0}
        if b in range(limits.min, limits.max + 1) and not 0 <= b < C
    ]


def data(dtype, bad):
    """Rows with every good label, and the bad ones between them."""
    labels = np.asarray(
        [0, *(y for pair in zip(bad, range(len(bad)), strict=True) for y in (pair[0], pair[1] % C)), 4]
    )
    logits = np.random.default_rng(4).normal(size=(len(labels), C)) * 3
    return logits, labels.astype(dtype)


def loss_of(backend, options, **more):
    options = {n: backend.asarray(x) if isinstance(x, np.ndarray) else x for n, x in options.items()}
    return lambda x, y: xentropy.cross_entropy(x, y, reduction="none", **options, **more)


class Module(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x, y):
        return self.function(x, y)


def compiled(f, backend="aot_eager", **options):
    torch._dynamo.reset()
    return torch.compile(f, fullgraph=True, backend=backend, **options)


def by_autograd(f):
    """(rows, their gradients), of a function that gives the rows."""

    def run(x, y):
        x = x.detach().clone().requires_grad_()
        rows = f(x, y)
        return rows.detach(), torch.autograd.grad(rows.sum(), x)[0]

    return run


def by_transform(f, wrap=lambda g: g):
    def total(x, y):
        rows = f(x, y)
        return rows.sum(), rows

    gradient = wrap(torch.func.grad(total, has_aux=True))
    return lambda x, y: gradient(x, y)[::-1]


def exported(f, x, y):
    return torch.export.export(Module(f), (x, y), strict=False).module()


def mode(name, f, x, y):
    """`f`, which gives one loss a row, run in one way: a function of x and y that gives rows and gradients."""
    return {
        "compile": lambda: by_autograd(compiled(f)),
        "vmap": lambda: by_autograd(torch.func.vmap(f)),
        "func.grad": lambda: by_transform(f),
        "vmap(grad)": lambda: by_transform(f, torch.func.vmap),
        "export": lambda: by_autograd(exported(f, x.detach().clone().requires_grad_(), y)),
        "compile(func.grad)": lambda: by_transform(f, compiled),
    }[name]()


def is_right(backend, found, options, logits, labels):
    """The reference, whose bad rows are NaN: in value and gradient, all of the row and no other."""
    rows, gradient = (backend.to_numpy(x) for x in found)
    options = options | {"reduction": "none"}
    bad = ((labels < 0) | (labels >= C)) & (labels.astype(object) != options.get("ignore_index"))
    assert np.isnan(rows).tolist() == bad.tolist()
    assert np.isnan(gradient).tolist() == np.repeat(bad[:, None], C, axis=1).tolist()
    true = oracle.gradient("cross_entropy", "logits", logits, labels, **options)["logits"]
    assert oracle.error(rows, oracle.cross_entropy(logits, labels, **options), EPS) <= 4
    size = float(np.nanmax(np.asarray(true.scale, dtype=float)))  # compilers drop the rule: not all have their digits
    np.testing.assert_allclose(gradient, true.value.astype(float), rtol=0, atol=16 * EPS * size)


# ---------------------------------------------------------------------------------------------
# NaN, which is the default there


@pytest.mark.backends("torch")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", MODES)
def test_bad_labels_spoil_their_rows(backend, name, dtype):
    logits, labels = data(dtype, bad_labels(dtype))
    x, y = backend.asarray(logits), backend.asarray(labels)
    for options in LOSSES.values() if dtype in ("int8", "int64", "uint8") else [{}]:
        found = mode(name, loss_of(backend, options), x, y)(x, y)
        is_right(backend, found, options, logits, labels)


@pytest.mark.backends("torch")
def test_bad_labels_in_generated_code(backend):
    """The default compiler, with two sizes of batches in one graph."""
    f = by_autograd(compiled(loss_of(backend, {}), "inductor", dynamic=True))
    for bad in (bad_labels("int64"), bad_labels("int64")[:2]):
        logits, labels = data("int64", bad)
        found = f(backend.asarray(logits), backend.asarray(labels))
        is_right(backend, found, {}, logits, labels)


OTHERS = {
    "nll_loss": (-np.abs(np.random.default_rng(5).normal(size=(3, C))), np.asarray([0, C, 4]), {}),
    "focal_loss": (np.random.default_rng(6).normal(size=(3, C)), np.asarray([0, -1, 4]), {}),
    "cross_entropy": (
        np.random.default_rng(7).normal(size=(3, C)),
        np.asarray([[0, 1], [2, C], [4, -1]]),  # -1 has probability 0
        {"label_probs": np.asarray([[0.5, 0.5], [0.5, 0.5], [1.0, 0.0]])},
    ),
    "kl_divergence": (np.full((3, 2), -0.5), np.asarray([[0.5, 0.5], [0.5, -0.5], [1.0, 0.0]]), {}),
    "binary_cross_entropy_with_logits": (np.asarray([0.5, 1.5, -2.0]), np.asarray([1.0, 1.5, 0.0]), {}),
    "binary_cross_entropy": (np.asarray([0.5, 1.5, 0.25]), np.asarray([1.0, 1.0, 0.0]), {}),
    "sigmoid_focal_loss": (np.asarray([0.5, 1.5, -2.0]), np.asarray([1, 2, 0]), {}),
}


@pytest.mark.backends("torch")
@pytest.mark.parametrize("name", OTHERS)
def test_every_loss(backend, name):
    """The middle row is bad: NaN by default, and an error on demand."""
    x, y, options = OTHERS[name]
    x, y = backend.asarray(x), backend.asarray(y)
    options = {n: backend.asarray(a) for n, a in options.items()}

    def f(x, y, **more):
        return getattr(xentropy, name)(x, y, reduction="none", **options, **more)

    for way in ("compile", "func.grad"):
        rows, gradient = (torch.isnan(found).reshape(3, -1) for found in mode(way, f, x, y)(x, y))
        assert rows.flatten().tolist() == gradient.any(dim=1).tolist() == [False, True, False]
        # the one label of log-probabilities is the one place that has a derivative
        assert name == "nll_loss" or gradient.all(dim=1).tolist() == [False, True, False]
        with pytest.raises(ValueError, match=r"(labels|p|probs)\[1(, 1)?\] is "):
            mode(way, lambda x, y: f(x, y, check_labels="raise"), x, y)(x, y)


# ---------------------------------------------------------------------------------------------
# "raise"


def says(place, label):
    return rf"labels\[{place}\] is {label}, outside \[0, {C}\)"


@pytest.mark.backends("torch")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", MODES)
def test_bad_labels_raise_when_the_code_runs(backend, name, dtype):
    """One compilation: it runs on good labels, and names each bad one, where it is and C."""
    logits, good = data(dtype, [0, 1, 2])
    x, y = backend.asarray(logits), backend.asarray(good)
    options = LOSSES["ignoring" if dtype == "int64" else "bare"]
    run = mode(name, loss_of(backend, options, check_labels="raise"), x, y)
    is_right(backend, run(x, y), options, logits, good)
    for bad in bad_labels(dtype):
        if bad == options.get("ignore_index"):
            continue
        labels = good.copy()
        labels[3] = bad
        with pytest.raises(ValueError, match=says(3, bad)):
            run(x, backend.asarray(labels))
    is_right(backend, run(x, y), options, logits, good)


@pytest.mark.backends("torch")
def test_a_check_is_compiled_once_for_all_sizes(backend):
    """C is that of the call, not that of the compilation."""
    run = compiled(lambda x, y: xentropy.cross_entropy(x, y, check_labels="raise"), dynamic=True)
    for classes in (4, 6):
        x = backend.asarray(np.zeros((classes + 1, classes)))
        with torch.compiler.set_stance("fail_on_recompile") if classes > 4 else contextlib.nullcontext():
            run(x, backend.asarray(np.zeros(classes + 1, dtype=int)))
            with pytest.raises(ValueError, match=rf"labels\[{classes}\] is {classes}, outside \[0, {classes}\)"):
                run(x, backend.asarray(np.arange(classes + 1)))


class Reached(Exception):
    """The formula was reached."""


@pytest.mark.backends("torch")
@pytest.mark.parametrize("options", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("differentiated", [False, True])
def test_eager_tensors_in_host_memory_raise_before_any_work(backend, monkeypatch, options, differentiated):
    def reached(*_, **__):
        raise Reached

    logits, labels = data("int64", [0])
    x, f = torch.from_numpy(logits).requires_grad_(differentiated), loss_of(torch_on_cpu(backend), options)
    for module in (NAMESPACE, torch, compat):
        for name in ("exp", "log1p"):
            monkeypatch.setattr(module, name, reached)
    with pytest.raises(Reached):
        f(x, torch.from_numpy(labels))
    labels[1] = C
    with pytest.raises(ValueError, match=says(1, C)):
        f(x, torch.from_numpy(labels))


def torch_on_cpu(backend):
    from dataclasses import replace

    return replace(backend, asarray=torch.from_numpy)


# ---------------------------------------------------------------------------------------------
# "trust"


FREE = {"detach", "alias", "_assert_tensor_metadata"}  # the same tensor, and what export says of a conversion


def operations(backend, policy, options, labels):
    """What an exported program does, and what it does with the labels until they have been looked up."""
    x, y = backend.asarray(np.zeros((3, C))), backend.asarray(labels)
    graph = torch.export.export(Module(loss_of(backend, options, check_labels=policy)), (x, y), strict=False).graph
    called = {n: str(n.target).split(".")[1] for n in graph.nodes if n.op == "call_function"}
    [*_, given] = [n for n in graph.nodes if n.op == "placeholder"]
    reached, front = set(), [given]
    while front:
        users = set(front.pop().users).intersection(called) - reached
        reached |= users
        front += [n for n in users if (z := n.meta["val"]) is not None and not z.is_floating_point()]
    return [sorted(called[n] for n in some if called[n] not in FREE) for some in (called, reached)]


@pytest.mark.backends("torch")
def test_trust_adds_no_operation(backend):
    """The labels are given the class axis, made as wide as an index, and looked up."""
    labels = np.asarray([0, 2, 4])
    moved = {"reshape", "view", "unsqueeze", "to", "_to_copy"}
    whole, of_wide = operations(backend, "trust", {}, labels)
    _, of_narrow = operations(backend, "trust", {}, labels.astype(np.int8))
    for with_labels in (of_wide, of_narrow):
        assert set(with_labels) - moved == {"gather"}
    checked, with_checked = operations(backend, "nan", {}, labels)
    assert {"clamp", "ne", "where"} <= set(with_checked)
    assert len(checked) >= len(whole) + 3
    _, with_options = operations(backend, "trust", {"class_weight": WEIGHTS, "label_smoothing": 0.25}, labels)
    assert not {"clamp", "ge", "lt", "eq", "ne", "where", "bitwise_not", "__and__"}.intersection(with_options)


@pytest.mark.backends("torch")
@pytest.mark.parametrize("name", ["eager", *MODES])
def test_trusted_good_labels(backend, name):
    logits, labels = data("int64", [0, 1])
    x, y = backend.asarray(logits), backend.asarray(labels)
    f = loss_of(backend, {}, check_labels="trust")
    run = by_autograd(f) if name == "eager" else mode(name, f, x, y)
    is_right(backend, run(x, y), {}, logits, labels)


@pytest.mark.backends("torch")
@pytest.mark.parametrize("name", ["value", "backward", "inductor", "compile", "vmap", "vmap(grad)", "export"])
def test_trusted_bad_labels_read_nothing_else(backend, name):
    """An error, or the loss of another class of the row, or of one whose logit is 0: nothing that lies around it in
    memory."""
    row = np.linspace(-1.0, 1.0, C)
    memory = backend.asarray(np.full((9, C), 1e6))
    memory[4] = backend.asarray(row)
    x = memory[4:5]
    f, good = loss_of(backend, {}, check_labels="trust"), backend.asarray(np.asarray([0]))
    ways = {
        "value": lambda: lambda x, y: (f(x, y), None),
        "backward": lambda: by_autograd(f),
        "inductor": lambda: by_autograd(compiled(f, "inductor")),
    }
    run = ways.get(name, lambda: mode(name, f, x, good))()
    possible = [*(np.log(np.exp(row).sum()) - row), np.log(np.exp(row).sum() + 1.0)]
    for label in (0, -1, C, C + 1, -C, 2 * C, 10**9, -(10**9)):
        with contextlib.nullcontext() if label == 0 else contextlib.suppress(IndexError, RuntimeError):
            found = backend.to_numpy(run(x, backend.asarray(np.asarray([label])))[0])
            assert np.isclose(found, possible, rtol=1e-12).any(), f"{label}: {found}"


# ---------------------------------------------------------------------------------------------
# where the default comes from


@pytest.mark.backends("torch")
@pytest.mark.parametrize("name", MODES)
def test_the_default_is_that_of_the_block_or_the_environment(backend, monkeypatch, name):
    logits, labels = data("int64", [C])
    x, y = backend.asarray(logits), backend.asarray(labels)
    f = loss_of(backend, {})
    with xentropy.label_policy("raise"):
        with pytest.raises(ValueError, match=says(1, C)):
            mode(name, f, x, y)(x, y)
        with xentropy.label_policy("nan"):
            is_right(backend, mode(name, f, x, y)(x, y), {}, logits, labels)
    monkeypatch.setattr("xentropy._policy.ENVIRONMENT", "raise")
    with pytest.raises(ValueError, match=says(1, C)):
        mode(name, f, x, y)(x, y)
    is_right(backend, mode(name, loss_of(backend, {}, check_labels="nan"), x, y)(x, y), {}, logits, labels)


@pytest.mark.backends("torch")
def test_what_is_compiled_keeps_its_policy(backend):
    logits, labels = data("int64", [C])
    x, y = backend.asarray(logits), backend.asarray(labels)
    run = by_autograd(compiled(loss_of(backend, {})))
    run(x, y)
    with xentropy.label_policy("raise"):
        is_right(backend, run(x, y), {}, logits, labels)
