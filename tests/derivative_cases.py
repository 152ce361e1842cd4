"""One call of every differentiable function, with all its floating arguments as arrays.

Inputs are float64 and away from the kinks of the special values, so that finite differences can follow.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

rng = np.random.default_rng(20)
ROWS, CLASSES = 4, 5


@dataclass(frozen=True)
class Case:
    name: str  # of the test
    function: str  # of the public interface
    args: tuple[Any, ...]
    named: dict[str, Any] = field(default_factory=dict)  # arrays to differentiate with respect to
    options: dict[str, Any] = field(default_factory=dict)  # the rest

    def __str__(self) -> str:
        return self.name

    def wrt(self) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """Positions and names of the floating arguments."""
        places = tuple(i for i, x in enumerate(self.args) if x.dtype.kind == "f")
        return places, tuple(self.named)


def simplex() -> np.ndarray:
    return rng.dirichlet(np.ones(CLASSES), ROWS)


x = rng.normal(size=(ROWS, CLASSES)) * 2
confident = x + 9 * np.eye(ROWS, CLASSES)
labels = np.asarray([0, 2, -100, 4])
where = rng.random((ROWS, CLASSES)) > 0.3
where[np.arange(ROWS), np.maximum(labels, 0)] = True
masked = np.where(where, x, -np.inf)
log_probs = x - np.log(np.exp(x).sum(-1, keepdims=True))
per_class, per_row = rng.random(CLASSES) + 0.5, rng.random(ROWS) + 0.5
indices, index_probs = np.asarray([[0, 1], [2, 2], [3, 0], [4, 1]]), rng.random((ROWS, 2))
zero_d = {n: np.asarray(v) for n, v in dict(eps=0.125, z=0.0625, cap=3.0, gamma=1.5, alpha=0.25, size=3.0).items()}
padded = per_row * np.asarray([1.0, 0.0, 1.0, 1.0])
soft_weights = dict(class_weight=per_class, sample_weight=per_row, temperature=per_row[::-1] * 1.0)
extra = dict(label_smoothing=zero_d["eps"], z_loss=zero_d["z"])

CASES = [
    Case(
        "indices",
        "cross_entropy",
        (x, labels),
        {**soft_weights, **extra, "softcap": zero_d["cap"]},
        {"ignore_index": -100},
    ),
    Case("confident", "cross_entropy", (confident, labels), dict(sample_weight=per_row), {"ignore_index": -100}),
    Case(
        "where",
        "cross_entropy",
        (x, labels),
        dict(class_weight=per_class),
        dict(ignore_index=-100, where=where, reduction="none"),
    ),
    Case("distributions", "cross_entropy", (x, simplex()), {**soft_weights, **extra}),
    Case("weight 0", "cross_entropy", (x, simplex()), dict(sample_weight=padded), dict(reduction="sum")),
    Case("normalizer", "cross_entropy", (x, simplex()), dict(normalizer=zero_d["size"], temperature=zero_d["cap"])),
    Case(
        "sparse",
        "cross_entropy",
        (x, indices),
        dict(label_probs=index_probs, class_weight=per_class, label_smoothing=zero_d["eps"]),
        dict(reduction="sum"),
    ),
    Case(
        "first axis", "cross_entropy", (x, np.asarray([0, 3, 1, 1, 2])), dict(temperature=zero_d["cap"]), dict(axis=0)
    ),
    Case("focal", "focal_loss", (confident, simplex()), dict(gamma=zero_d["gamma"], label_smoothing=zero_d["eps"])),
    Case("nll", "nll_loss", (log_probs, simplex()), dict(class_weight=per_class, label_smoothing=zero_d["eps"])),
    Case("entropy", "entropy", (x,), dict(temperature=per_row, softcap=zero_d["cap"])),
    Case("kl", "kl_divergence", (log_probs, simplex()), dict(sample_weight=per_row)),
    Case("kl of logarithms", "kl_divergence", (log_probs, np.log(simplex())), {}, dict(log_target=True)),
    Case("js", "js_divergence", (log_probs, np.log(simplex()))),
    Case(
        "binary",
        "binary_cross_entropy_with_logits",
        (x, simplex()),
        dict(pos_weight=per_class, label_smoothing=zero_d["eps"]),
    ),
    Case("binary probs", "binary_cross_entropy", (simplex() * 0.8 + 0.1, simplex())),
    Case("sigmoid focal", "sigmoid_focal_loss", (x, simplex()), dict(alpha=zero_d["alpha"], gamma=zero_d["gamma"])),
    Case("logsumexp", "logsumexp", (x,), {}, dict(where=where)),
    Case("signed logsumexp", "logsumexp", (x,), dict(b=per_class)),
    Case("softmax", "softmax", (x,), dict(temperature=per_row)),
    Case("log_softmax", "log_softmax", (x,), dict(temperature=per_row)),
    Case("sigmoid", "sigmoid", (x,)),
    Case("log_sigmoid", "log_sigmoid", (x,)),
    Case("softplus", "softplus", (x,)),
    Case("xlogy", "xlogy", (x, simplex() + 0.5)),
]

# -inf logits: the reference knows them, finite differences do not
MASKED = [
    Case("masked indices", "cross_entropy", (masked, labels), soft_weights, {"ignore_index": -100}),
    Case("masked distributions", "cross_entropy", (masked, simplex() * where), {**soft_weights, **extra}),
    Case("masked focal", "focal_loss", (masked, simplex() * where), dict(gamma=zero_d["gamma"])),
    Case("masked entropy", "entropy", (masked,), dict(temperature=per_row)),
]
