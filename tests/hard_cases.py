"""The hard cases: inputs on which a cross-entropy loses digits.

A case is a call of one function: arrays in double precision, which are rounded to the dtype under test
before both the library and the reference see them. Class axes are last here; `axes` says along which axes
the case is tested. Numbers among the options are exact in every dtype (powers of two, mostly).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from backends import numpy_dtype

Options = dict[str, Any]
INF = float("inf")
MANY = 131072
MARGINS = (1.0, 2.0, 5.0, 10.0, 16.5, 20.0, 30.0, 37.0, 50.0, 70.0, 80.0)


@dataclass(frozen=True)
class Case:
    """`wrt` names the arguments whose gradients are tested; `digits` those that keep 5 or 13 digits.

    The value keeps its digits too if `digits` names anything.
    """

    name: str
    function: str
    args: tuple[np.ndarray, ...]
    options: Options = field(default_factory=dict)
    wrt: tuple[str, ...] = ("logits",)
    digits: tuple[str, ...] = ()
    axes: tuple[int, ...] = (-1,)

    def rounded(self, dtype: str) -> tuple[list[Any], Options]:
        """The arguments and options with every floating array in `dtype`."""
        options = {name: round_to(value, dtype) for name, value in self.options.items()}
        return [round_to(array, dtype) for array in self.args], options

    def __str__(self) -> str:
        return self.name


def round_to(value: Any, dtype: str) -> Any:
    floating = isinstance(value, np.ndarray) and value.dtype.kind == "f"
    return value.astype(numpy_dtype(dtype)) if floating else value


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def margin_rows(classes: int = 6, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Rows whose maximum leads by 1 to 80, labelled at it, beside it, and at the far end of the tail."""
    rng = np.random.default_rng(seed)
    rows, labels = [], []
    for i, margin in enumerate(MARGINS):
        row = rng.normal(0, 3) - margin - np.sort(rng.uniform(0, 3, classes))
        row = np.roll(row, i)
        top = i % classes
        row[top] += margin
        rows += [row] * 3
        labels += [top, (i + 1) % classes, (i - 1) % classes]
    return np.asarray(rows), np.asarray(labels)


def rest_rows() -> tuple[np.ndarray, np.ndarray]:
    """257 classes, r = 0.5 to 256: one class leads, the others share r; labels on both sides."""
    rests = np.asarray([0.5, 0.999, 1.0, 1.001, 2.0, 16.0, 255.0, 256.0])
    x = np.repeat(np.log(rests / 256)[:, None], 257, axis=1)
    x[:, 5] = 0.0
    pair = np.full((3, 257), -INF)  # r = 0.5, 1 and 2 with two and three classes
    pair[:, 5] = 0.0
    pair[0, 7], pair[1, 7], pair[2, 7:9] = np.log(0.5), 0.0, 0.0
    x = np.concatenate([x, pair])
    return np.concatenate([x, x]), np.repeat([5, 7], len(x))


def many_classes() -> tuple[np.ndarray, np.ndarray]:
    """A random row and a confident one; both are exact in every dtype, 16-bit ones included."""
    rng = np.random.default_rng(2)
    x = np.stack([rng.integers(-64, 64, MANY) / 16, rng.integers(-32, 32, MANY) / 8 - 20])
    x[1, 77_777] = 20.0
    return x, np.asarray([MANY - 1, 77_777])


def near(seed: int, size: float) -> tuple[np.ndarray, np.ndarray]:
    """Two distributions whose logits differ by about `size`, as log-probabilities."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 2, (5, 7))
    return np.log(softmax(x)), np.log(softmax(x + size * rng.normal(0, 1, x.shape)))


def categorical() -> list[Case]:
    rng = np.random.default_rng(3)
    x, labels = margin_rows()
    eye = np.eye(6)
    none = {"reduction": "none"}
    both = {"axes": (-1, 0)}
    logits = {"digits": ("logits",)}
    ce = "cross_entropy"

    def integer(name: str, x: Any, labels: Any, wrt: Any = ("logits",), more: Any = both, **options: Any) -> Case:
        labels = np.asarray(labels)
        return Case(name, ce, (np.asarray(x, float), labels), none | options, wrt, **logits, **more)

    ties = [[3.0] * 4, [3.0, 3.0, -5.0, 3.0], [1e4, 1e4, 0.0, 1e4], [0.0, -1.0, -40.0, 0.0], [0.0] * 4]
    scales = 10.0 ** np.asarray([-30, -20, -8, -4, -1, 1, 4, 8, 20, 30])
    large = 1e4 + np.where(np.arange(len(x))[:, None] % 2 == 0, x, -2 * x)
    masked = np.where(rng.random(x.shape) < 0.3, -INF, x)
    keep = rng.random(x.shape) < 0.7
    rows = np.arange(len(x))
    masked[rows, labels], keep[rows, labels] = x[rows, labels], True
    temperature = np.tile([2.0**-7, 1e-3, 0.07, 0.5, 1.0, 3.0, 100.0, 1e3, 1e6, 1.5, 0.25], 3)
    soft = rng.dirichlet(np.full(6, 0.3), len(x))
    weights = {"class_weight": rng.uniform(0.1, 3, 6)}
    mean = weights | {"sample_weight": rng.uniform(0.1, 3, len(x)), "ignore_index": 2}
    pairs, shares = np.stack([labels, (labels + 2) % 6], -1), rng.uniform(0.1, 0.9, (len(x), 2))
    cap = rng.normal(0, 1, x.shape) * np.linspace(1, 160, len(x))[:, None]
    smooth = {"label_smoothing": np.asarray(2.0**-4)}
    flat = rng.normal(0, 2, (len(x), 6))
    wrt_labels = ("logits", "labels")
    cases = [
        integer("margins", x, labels),
        Case("one-hot", ce, (x, eye[labels]), none, wrt_labels, digits=wrt_labels, **both),
        Case("sparse", ce, (x, pairs), none | {"label_probs": shares}, ("logits", "label_probs")),
        integer("large", large, labels),
        integer("ties", ties * 2, [0, 1, 3, 0, 2, 3, 2, 2, 1, 0]),
        integer("scales", scales[:, None] * rng.normal(0, 1, (10, 5)), np.arange(10) % 5),
        integer("rest", *rest_rows()),
        integer("masked", masked, labels, where=keep),
        integer("one class left", masked, labels, where=np.arange(6) == labels[:, None]),
        integer("temperature", x / 8, labels, ("logits", "temperature"), more={}, temperature=temperature),
        integer("softcap", cap, labels, ("logits", "softcap"), more={}, softcap=np.asarray(4.0)),
        integer("softcap 30", 8 * x, labels, more={}, softcap=30.0, temperature=0.5),
        integer("class weights", x, labels, ("logits", "class_weight"), **weights),
        Case("weighted mean", ce, (x, labels), mean, ("logits", "class_weight", "sample_weight"), **logits),
        Case("soft", ce, (x, soft), none | weights, ("logits", "labels", "class_weight"), **both),
        Case("optimum", ce, (flat, softmax(flat)), none, wrt_labels),
        Case("confident optimum", ce, (x, softmax(x)), none, wrt_labels),
        Case("smoothing", ce, (x, labels), none | smooth, ("logits", "label_smoothing"), **both),
        Case("masked smoothing", ce, (masked, labels), none | smooth | weights | {"where": keep}),
        Case("z-loss", ce, (x, labels), none | {"z_loss": np.asarray(2.0**-10)}, ("logits", "z_loss"), **both),
        Case("mean z-loss", ce, (x / 16, labels), {"z_loss": 2.0**-3, "temperature": 0.5}),
        integer("C=131072", *many_classes()),
        Case("nll", "nll_loss", (np.log(softmax(x)), labels), none, ("log_probs",)),
    ]
    for n in (2, 3, 10, 128, 1000):
        cases.append(integer(f"C={n}", rng.normal(0, 3, (4, n)), rng.integers(0, n, 4)))
    for gamma in (0.0, 0.5, 2.0, 5.0):
        wrt = ("logits", "gamma")
        options = none | {"gamma": np.asarray(gamma)}
        cases.append(Case(f"focal {gamma:g}", "focal_loss", (x, labels), options, wrt))
    cases.append(Case("soft focal", "focal_loss", (x, soft), none | {"gamma": 2.0}, wrt_labels))
    warm = none | {"temperature": np.tile([0.5, 1.0, 4.0], 11)}
    cases += [
        Case("entropy", "entropy", (x,), warm, ("logits", "temperature"), **both),
        Case("masked entropy", "entropy", (masked,), none | {"where": keep}),
        Case("entropy C=1000", "entropy", (rng.normal(0, 3, (3, 1000)),), none, **both),
    ]
    return cases


def divergences() -> list[Case]:
    none = {"reduction": "none"}
    p = np.asarray([[0.5, 0.5, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [1e-30, 1.0, 1e-7, 0.0]])
    q = np.asarray([[0.0, 0.0, 0.25, 0.75], [0.0, 1e-30, 1.0, 0.0], [0.0, 1e-20, 1.0, 0.0]])
    with np.errstate(divide="ignore"):
        log_p, log_q = np.log(p), np.log(q)
    log_q_finite = np.log(np.maximum(q, 1e-30))
    cases = [
        Case("kl disjoint", "kl_divergence", (log_q, p), none, ("log_q", "p")),
        Case("kl nearly disjoint", "kl_divergence", (log_q_finite, p), none, ("log_q", "p")),
        Case("js disjoint", "js_divergence", (log_p, log_q), none, ("log_p", "log_q")),
    ]
    for size in (1.0, 1e-2, 1e-5):
        log_p, log_q = near(4, size)
        logs = none | {"log_target": True}
        cases += [
            Case(f"kl {size:g}", "kl_divergence", (log_q, np.exp(log_p)), none, ("log_q", "p")),
            Case(f"kl of logs {size:g}", "kl_divergence", (log_q, log_p), logs, ("log_q", "p"), axes=(-1, 0)),
            Case(f"js {size:g}", "js_divergence", (log_p, log_q), none, ("log_p", "log_q")),
        ]
    return cases


def binary() -> list[Case]:
    none = {"reduction": "none"}
    x = np.asarray([-80, -37, -20, -10, -5, -1, -0.5, -1e-8, 0, 1e-8, 0.5, 1, 5, 10, 20, 37, 80])
    y = np.asarray([0.0, 1.0, 0.5, 0.125, 0.999])[:, None]
    x, y = (a.copy() for a in np.broadcast_arrays(x, y))
    near_y = 1 / (1 + np.exp(-x))  # labels at the optimum
    weighted = none | {"pos_weight": np.linspace(0.1, 9, 17), "label_smoothing": 0.125}
    bce = "binary_cross_entropy_with_logits"
    wrt, by_p = ("logits", "labels"), ("probs", "labels")
    edge = np.asarray([1e-30, 1e-10, 1e-4, 0.25, 0.4142, 0.5, 0.75, 0.999, 1 - 2.0**-20, 1 - 2.0**-24])
    p, t = (a.copy() for a in np.broadcast_arrays(edge, np.asarray([0.0, 1.0, 0.5, 0.999])[:, None]))
    ends = np.asarray([[0.0, 1.0], [1.0, 0.0]])
    cases = [
        Case("bce hard", bce, (x[:2], y[:2]), none, wrt, digits=("logits",)),
        Case("bce integer", bce, (x[:2], y[:2].astype(np.int8)), none, digits=("logits",)),
        Case("bce soft", bce, (x, y), none, wrt),
        Case("bce optimum", bce, (x, near_y), none, wrt),
        Case("bce options", bce, (x, y), weighted, ("logits", "labels", "pos_weight")),
        Case("bce of probs", "binary_cross_entropy", (p, t), none, by_p),
        Case("bce of exact probs", "binary_cross_entropy", (ends, ends[[0, 0]]), none, by_p),
    ]
    for gamma in (0.0, 0.5, 2.0, 5.0):
        options = none | {"gamma": np.asarray(gamma), "alpha": np.asarray(0.25)}
        args = (x[:3], y[:3]) if gamma in (0, 2) else (x[:2], y[:2])
        cases.append(Case(f"sigmoid focal {gamma:g}", "sigmoid_focal_loss", args, options, (*wrt, "alpha", "gamma")))
    return cases


CASES = {case.name: case for case in (*categorical(), *divergences(), *binary())}


# Normalizers and elementwise functions

X, LABELS = margin_rows()
MASK = (np.random.default_rng(9).random(X.shape) < 0.7) | (np.arange(6) == LABELS[:, None])
B = np.random.default_rng(10).uniform(0.5, 2, (33, 6)) * np.where(np.arange(6) < 4, 1, -1)
FLAT = np.random.default_rng(11).normal(0, 1, (33, 6))
LINE = np.concatenate([-np.geomspace(1e-30, 86, 40), [0.0], np.geomspace(1e-30, 80, 40)])[:, None]
T = np.tile([0.5, 1.0, 4.0], 11)
# function, x, options, what is differentiated
NORMALIZERS: dict[str, tuple[str, np.ndarray, dict[str, Any], tuple[str, ...]]] = {
    "softmax": ("softmax", X, {"temperature": T}, ("x", "temperature")),
    "softmax, masked": ("softmax", X, {"where": MASK}, ("x",)),
    "softmax, 1e4": ("softmax", 1e4 + X, {}, ("x",)),
    "log_softmax": ("log_softmax", X, {"temperature": T}, ("x", "temperature")),
    "log_softmax, 1e4": ("log_softmax", 1e4 + X, {}, ("x",)),
    "log_softmax, r": ("log_softmax", rest_rows()[0][:8], {}, ("x",)),
    "logsumexp": ("logsumexp", X, {"keepdims": True}, ("x",)),
    "logsumexp, tails": ("logsumexp", X - X.max(axis=-1, keepdims=True), {"keepdims": True}, ("x",)),
    "logsumexp, signed": ("logsumexp", FLAT, {"b": B, "keepdims": True, "return_sign": True}, ("x", "b")),
    "sigmoid": ("sigmoid", LINE, {}, ("x",)),
    "log_sigmoid": ("log_sigmoid", LINE, {}, ("x",)),
    "softplus": ("softplus", LINE, {}, ("x",)),
}
