"""What every composition is tried on: a few calls of each public function, with what breaks others in them.

Every call of a loss holds, where the function has such a thing, a class removed by `where`, a logit of -inf, an
ignored row of NaN, a row of weight 0, a tail far below eps, and soft labels. The arrays are float64 and are
rounded to the dtype under test; `named` are options to differentiate with respect to.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

INF, NAN = float("inf"), float("nan")
rng = np.random.default_rng(7)


@dataclass(frozen=True)
class Case:
    name: str
    function: str
    args: tuple[np.ndarray, ...]
    named: dict[str, np.ndarray] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    tail: bool = False  # the gradient of every confident row keeps its digits in plain autodiff too

    def __str__(self) -> str:
        return self.name

    def places(self) -> tuple[int, ...]:
        """The positions of the floating arguments, which are differentiated with `named`."""
        return tuple(i for i, x in enumerate(self.args) if x.dtype.kind == "f")

    @property
    def dtype(self) -> str:
        return self.args[0].dtype.name

    def rounded(self, dtype: str) -> Case:
        """The same call with its floating arrays rounded to `dtype`."""

        def to(x: Any) -> Any:
            return x.astype(dtype) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x

        named = {n: to(x) for n, x in self.named.items()}
        options = {n: to(x) for n, x in self.options.items()}
        return replace(self, args=tuple(map(to, self.args)), named=named, options=options)


def scalar(x: float) -> np.ndarray:
    return np.asarray(x)


def distributions(x: np.ndarray) -> np.ndarray:
    """Soft labels with nothing on the classes that are -inf, or NaN."""
    t = rng.dirichlet(np.ones(x.shape[-1]), x.shape[:-1]) * np.isfinite(x)
    return t / np.maximum(t.sum(-1, keepdims=True), 1e-3)


# five rows of four classes: ordinary, confident, one class -inf, NaN (ignored), large (weight 0)
LOGITS = np.asarray(
    [
        [0.5, -1.25, 2.0, 0.25],
        [-3.0, 37.5, 1.0, -20.0],
        [1.5, -INF, 0.125, 3.0],
        [NAN, 1.0, -2.0, 0.5],
        [3e3, 2.9e3, -1e4, 3e3],
    ]
)
INDICES = np.asarray([0, 1, 3, -100, 2])
WHERE = np.asarray([[1, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 1]], dtype=bool)
NO_NAN = np.where(np.isnan(LOGITS), -0.5, LOGITS)
SOFT = distributions(NO_NAN)
SPARSE, SHARES = np.asarray([[0, 2], [1, 1], [3, 0], [2, -100], [0, 3]]), rng.random((5, 2)) + 0.1
ROWS, CLASSES = np.asarray([1.0, 0.5, 2.0, 1.5, 0.0]), np.asarray([0.75, 1.5, 1.0, 0.5])
HEAT = np.asarray([1.0, 0.75, 2.0, 0.5, 1.25])
WEIGHTS = {"class_weight": CLASSES, "sample_weight": ROWS}
LEARNED = {"temperature": HEAT, "label_smoothing": scalar(0.125), "z_loss": scalar(0.0625)}
with np.errstate(divide="ignore"):
    LOG_PROBS = (
        NO_NAN
        - np.log(np.exp(NO_NAN - NO_NAN.max(-1, keepdims=True)).sum(-1, keepdims=True))
        - NO_NAN.max(-1, keepdims=True)
    )
    LOG_OTHERS = np.log(distributions(NO_NAN))
ELEMENTS = np.asarray([[0.5, -35.0, 40.0], [NAN, 1.0, -INF], [-2.0, 0.25, 20.0]])
TARGETS = np.asarray([[0.25, 0.0, 1.0], [0.5, 0.75, 0.0], [1.0, 0.5, 0.125]])
PROBS = np.asarray([[0.5, 1e-9, 1.0], [NAN, 0.25, 0.0], [0.125, 0.75, 1.0 - 2.0**-20]])
COUNTED = ~np.isnan(ELEMENTS)
IGNORE = {"ignore_index": -100}
NO_NAN_ROW = {"sample_weight": np.asarray([1.0, 0.5, 2.0, 0.0, 1.5])}

_CASES = [
    # the first two go a way of their own through the formulas: class indices without any option
    Case("bare", "cross_entropy", (LOGITS, INDICES), {}, IGNORE, tail=True),
    Case("bare rows", "cross_entropy", (NO_NAN, np.maximum(INDICES, 0)), {}, {"reduction": "none"}, tail=True),
    Case("indices", "cross_entropy", (LOGITS, INDICES), WEIGHTS, IGNORE, tail=True),
    Case("masked", "cross_entropy", (LOGITS, INDICES), {}, IGNORE | {"where": WHERE, "reduction": "none"}, tail=True),
    Case("learned", "cross_entropy", (LOGITS, INDICES), LEARNED | {"softcap": scalar(30.0)}, IGNORE),
    Case("soft", "cross_entropy", (LOGITS, SOFT), NO_NAN_ROW | LEARNED | {"class_weight": CLASSES}),
    Case("sparse", "cross_entropy", (NO_NAN, SPARSE), {"label_probs": SHARES, **WEIGHTS}, IGNORE),
    Case("nll", "nll_loss", (LOG_PROBS, INDICES), WEIGHTS, IGNORE),
    Case("nll soft", "nll_loss", (LOG_PROBS, SOFT * WHERE), {"label_smoothing": scalar(0.125)}, {"where": WHERE}),
    Case("focal", "focal_loss", (LOGITS, INDICES), {"gamma": scalar(1.5), **WEIGHTS}, IGNORE),
    Case("focal soft", "focal_loss", (NO_NAN, SOFT), {"gamma": scalar(2.0)}, {"reduction": "sum"}),
    Case("entropy", "entropy", (LOGITS,), {"temperature": HEAT, **NO_NAN_ROW}),
    Case(
        "kl", "kl_divergence", (LOG_PROBS, SOFT + 0.0625), {"sample_weight": ROWS}, {"where": np.isfinite(LOG_PROBS)}
    ),
    Case("kl of logs", "kl_divergence", (LOG_PROBS, LOG_OTHERS), {}, {"log_target": True}),
    Case("js", "js_divergence", (LOG_PROBS, LOG_OTHERS), {"sample_weight": ROWS}),
    Case(
        "binary",
        "binary_cross_entropy_with_logits",
        (ELEMENTS, TARGETS),
        {"pos_weight": CLASSES[:3], "sample_weight": COUNTED * 1.5},
        {"where": COUNTED},
        tail=True,
    ),
    Case(
        "binary smooth",
        "binary_cross_entropy_with_logits",
        (NO_NAN[:2], SOFT[:2]),
        {"label_smoothing": scalar(0.125)},
    ),
    Case("probs", "binary_cross_entropy", (PROBS, TARGETS), {}, {"where": COUNTED, "reduction": "sum"}),
    Case(
        "sigmoid focal",
        "sigmoid_focal_loss",
        (ELEMENTS, TARGETS),
        {"alpha": scalar(0.25), "gamma": scalar(2.0)},
        {"where": COUNTED},
    ),
    Case("logsumexp", "logsumexp", (NO_NAN,), {}, {"where": WHERE}, tail=True),
    Case("signed", "logsumexp", (NO_NAN[:3],), {"b": CLASSES}),
    Case("softmax", "softmax", (NO_NAN,), {"temperature": HEAT}, {"where": WHERE}),
    Case("log_softmax", "log_softmax", (NO_NAN[:3],), {"temperature": HEAT[:3]}),
    Case("sigmoid", "sigmoid", (np.asarray([0.5, -40.0, 20.0, 0.0]),)),
    Case("log_sigmoid", "log_sigmoid", (np.asarray([0.5, -40.0, 20.0, 0.0]),)),
    Case("softplus", "softplus", (np.asarray([0.5, -40.0, 20.0, 0.0]),)),
    Case("xlogy", "xlogy", (np.asarray([0.5, 0.0, 2.0]), np.asarray([0.25, 3.0, 1e-9]))),
]

FUNCTIONS = tuple(dict.fromkeys(case.function for case in _CASES))


def cases(function: str, dtype: str) -> list[Case]:
    """The calls of one function, rounded."""
    return [case.rounded(dtype) for case in _CASES if case.function == function]
