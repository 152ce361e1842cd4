"""The reference: every public function from its textbook formula, at 60 digits or more.

Functions carry the names and options of the library; axis arguments, weights, masks and reductions
mean what the rules of the design say. Inputs are NumPy arrays of numbers that are already rounded
(any float or integer dtype, bfloat16 of ml_dtypes, or object arrays of mpf); they are taken as exact.

    loss = cross_entropy(logits, labels, label_smoothing=0.1)          # Reference(value, scale)
    grad = gradient("cross_entropy", "logits", logits, labels, label_smoothing=0.1)["logits"]
    assert error(computed, loss, eps=np.finfo(np.float32).eps) <= 4
    assert digits(computed, loss) >= 5

`value` is an object array of mpf, `scale` the right-hand side of the accuracy bar without 4 eps. A
scale of 0 asks for the exact number; an infinite scale marks what the rules leave open, and `error`
and `digits` skip it.

`gradient(name, wrt, *args, cotangent=None, **options)` is the derivative of (cotangent * value).sum()
with respect to each named argument: `wrt` is one name or several. Positional arguments carry these
names: x (y, b), logits or log_probs or probs, labels, log_q and p, log_p and log_q. Bad labels are
always NaN here, as with check_labels="nan".

    oracle_numbers      values with bars, exact inputs, `error` and `digits`
    oracle_rows         one row: softmax, costs, and derivatives
    oracle_target       labels of every kind as masses per class
    oracle_reduce       weights, reductions, denominators
    oracle_categorical  cross entropy, nll, focal
    oracle_divergences  entropy, KL, JS
    oracle_binary       the binary losses
    oracle_normalizers  logsumexp, softmax, log_softmax, elementwise functions
"""

from __future__ import annotations

import oracle_divergences
import oracle_normalizers
from oracle_binary import binary
from oracle_categorical import categorical
from oracle_normalizers import elementwise, softmax_gradient, softmax_values
from oracle_numbers import Reference, digits, error, sixty_digits

__all__ = [
    "FUNCTIONS",
    "Reference",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "digits",
    "entropy",
    "error",
    "focal_loss",
    "gradient",
    "js_divergence",
    "kl_divergence",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "nll_loss",
    "sigmoid",
    "sigmoid_focal_loss",
    "softmax",
    "softplus",
    "xlogy",
]


@sixty_digits
def logsumexp(x, /, *, axis=-1, keepdims=False, where=None, b=None, return_sign=False):
    """log |sum_j b_j exp(x_j)|; with return_sign the pair (value, sign)."""
    options = {"axis": axis, "keepdims": keepdims, "where": where, "b": b}
    problem, signs = oracle_normalizers.logsumexp(x, signed=return_sign, **options)
    return (problem.value(), signs) if return_sign else problem.value()


@sixty_digits
def softmax(x, /, *, axis=-1, where=None, temperature=1.0):
    """exp(x_j / T) / sum_k exp(x_k / T)."""
    return softmax_values(x, False, axis=axis, where=where, temperature=temperature)


@sixty_digits
def log_softmax(x, /, *, axis=-1, where=None, temperature=1.0):
    """log of softmax."""
    return softmax_values(x, True, axis=axis, where=where, temperature=temperature)


@sixty_digits
def sigmoid(x, /):
    """1 / (1 + exp(-x))."""
    return elementwise("sigmoid", x).value()


@sixty_digits
def log_sigmoid(x, /):
    """-log(1 + exp(-x))."""
    return elementwise("log_sigmoid", x).value()


@sixty_digits
def softplus(x, /):
    """log(1 + exp(x))."""
    return elementwise("softplus", x).value()


@sixty_digits
def xlogy(x, y, /):
    """x log y, and 0 at x = 0."""
    return elementwise("xlogy", x, y).value()


@sixty_digits
def cross_entropy(logits, labels, /, **options):
    """-sum_j cw_j t_j log p_j for each row, then reduced. Options as in the library."""
    return PROBLEMS["cross_entropy"](logits, labels, **options).value()


@sixty_digits
def nll_loss(log_probs, labels, /, **options):
    """-sum_j cw_j t_j log_probs_j for each row, then reduced."""
    return PROBLEMS["nll_loss"](log_probs, labels, **options).value()


@sixty_digits
def focal_loss(logits, labels, /, **options):
    """-sum_j cw_j t_j (1 - p_j)^gamma log p_j for each row, gamma=2.0 by default, then reduced."""
    return PROBLEMS["focal_loss"](logits, labels, **options).value()


@sixty_digits
def entropy(logits, /, **options):
    """-sum_j p_j log p_j for each row, then reduced."""
    return PROBLEMS["entropy"](logits, **options).value()


@sixty_digits
def kl_divergence(log_q, p, /, **options):
    """sum_j p_j (log p_j - log q_j) for each row, then reduced; with log_target p holds log p."""
    return PROBLEMS["kl_divergence"](log_q, p, **options).value()


@sixty_digits
def js_divergence(log_p, log_q, /, **options):
    """(KL(p || m) + KL(q || m)) / 2 with m = (p + q) / 2 for each row, then reduced."""
    return PROBLEMS["js_divergence"](log_p, log_q, **options).value()


@sixty_digits
def binary_cross_entropy_with_logits(logits, labels, /, **options):
    """pos_weight y softplus(-x) + (1 - y) softplus(x) for each element, then reduced."""
    return PROBLEMS["binary_cross_entropy_with_logits"](logits, labels, **options).value()


@sixty_digits
def binary_cross_entropy(probs, labels, /, **options):
    """-y log p - (1 - y) log(1 - p) for each element, then reduced."""
    return PROBLEMS["binary_cross_entropy"](probs, labels, **options).value()


@sixty_digits
def sigmoid_focal_loss(logits, labels, /, **options):
    """alpha_t (1 - p_t)^gamma times the binary cross entropy for each element, then reduced."""
    return PROBLEMS["sigmoid_focal_loss"](logits, labels, **options).value()


def _cross_entropy(logits, labels, **options):
    return categorical("cross_entropy", logits, labels, **options)


def _focal_loss(logits, labels, *, gamma=2.0, **options):
    return categorical("focal_loss", logits, labels, gamma=gamma, **options)


NLL_OPTIONS = {
    "axis",
    "where",
    "label_probs",
    "class_weight",
    "sample_weight",
    "ignore_index",
    "label_smoothing",
    "reduction",
    "normalizer",
}


def _nll_loss(log_probs, labels, **options):
    if not options.keys() <= NLL_OPTIONS:
        raise TypeError(f"nll_loss has no option {sorted(options.keys() - NLL_OPTIONS)}")
    return categorical("nll_loss", log_probs, labels, **options)


def _sigmoid_focal_loss(
    logits,
    labels,
    *,
    alpha=None,
    gamma=2.0,
    where=None,
    sample_weight=None,
    reduction="mean",
    normalizer=None,
):
    options = {
        "where": where,
        "sample_weight": sample_weight,
        "reduction": reduction,
        "normalizer": normalizer,
    }
    return binary("sigmoid_focal_loss", logits, labels, alpha=alpha, gamma=gamma, **options)


def _bce_with_logits(logits, labels, *, pos_weight=None, **options):
    return binary("binary_cross_entropy_with_logits", logits, labels, pos_weight=pos_weight, **options)


def _bce(probs, labels, *, where=None, sample_weight=None, label_smoothing=0.0, reduction="mean", normalizer=None):
    options = {
        "where": where,
        "sample_weight": sample_weight,
        "reduction": reduction,
        "normalizer": normalizer,
    }
    return binary("binary_cross_entropy", probs, labels, label_smoothing=label_smoothing, **options)


def _logsumexp(x, *, return_sign=False, **options):
    return oracle_normalizers.logsumexp(x, signed=return_sign, **options)[0]


PROBLEMS = {
    "logsumexp": _logsumexp,
    "sigmoid": lambda x: elementwise("sigmoid", x),
    "log_sigmoid": lambda x: elementwise("log_sigmoid", x),
    "softplus": lambda x: elementwise("softplus", x),
    "xlogy": lambda x, y: elementwise("xlogy", x, y),
    "cross_entropy": _cross_entropy,
    "nll_loss": _nll_loss,
    "focal_loss": _focal_loss,
    "entropy": oracle_divergences.entropy,
    "kl_divergence": oracle_divergences.kl_divergence,
    "js_divergence": oracle_divergences.js_divergence,
    "binary_cross_entropy_with_logits": _bce_with_logits,
    "binary_cross_entropy": _bce,
    "sigmoid_focal_loss": _sigmoid_focal_loss,
}

# Every function by its name, and the names of its positional arguments.
FUNCTIONS = {
    "logsumexp": (logsumexp, ("x",)),
    "softmax": (softmax, ("x",)),
    "log_softmax": (log_softmax, ("x",)),
    "sigmoid": (sigmoid, ("x",)),
    "log_sigmoid": (log_sigmoid, ("x",)),
    "softplus": (softplus, ("x",)),
    "xlogy": (xlogy, ("x", "y")),
    "cross_entropy": (cross_entropy, ("logits", "labels")),
    "nll_loss": (nll_loss, ("log_probs", "labels")),
    "focal_loss": (focal_loss, ("logits", "labels")),
    "entropy": (entropy, ("logits",)),
    "kl_divergence": (kl_divergence, ("log_q", "p")),
    "js_divergence": (js_divergence, ("log_p", "log_q")),
    "binary_cross_entropy_with_logits": (binary_cross_entropy_with_logits, ("logits", "labels")),
    "binary_cross_entropy": (binary_cross_entropy, ("probs", "labels")),
    "sigmoid_focal_loss": (sigmoid_focal_loss, ("logits", "labels")),
}


@sixty_digits
def gradient(name, wrt, /, *args, cotangent=None, **options):
    """Derivative of (cotangent * value).sum() with respect to each argument named in `wrt`."""
    names = (wrt,) if isinstance(wrt, str) else tuple(wrt)
    if name in ("softmax", "log_softmax"):
        log = name == "log_softmax"
        return {n: softmax_gradient(*args, log, n, cotangent, **options) for n in names}
    problem = PROBLEMS[name](*args, **options)
    return {n: problem.gradient(n, cotangent) for n in names}
