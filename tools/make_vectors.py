"""Write xentropy/_vectors.json: small reference cases, each with the rule of the semantics it checks.

    python tools/make_vectors.py

The numbers come from tests/oracle.py, the textbook formulas at 60 digits, never from the library.
The file holds one case a line:

    function, rule, dtype   what is called, which rule it shows, and the dtype of its floats
    args, options           arrays as {"dtype", "shape", "values"}; other options as they are
    sign                    the second output of logsumexp with return_sign
    expected, gradient      {"shape", "hi", "lo", "scale"}: the value, and the derivative of its sum
                            with respect to the first argument

Floats in `values`, `hi` and `lo` are hexadecimal strings, "nan", "inf" or "-inf". The truth is
hi + lo; `lo` (the first bits of what is missing) is written for float64 alone. The bar is
|error| <= 4 eps scale; a scale of 0 asks for the exact number, one of "inf" for nothing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from mpmath import mp, mpf

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import oracle  # noqa: E402
from oracle_numbers import sixty_digits  # noqa: E402

VERSION = 1
SEMANTICS = "1"
inf, nan = float("inf"), float("nan")

FLOAT_OPTIONS = ("class_weight", "sample_weight", "label_probs", "pos_weight", "b", "temperature")

# ---------------------------------------------------------------------------------------------
# writing numbers


def short_hex(number):
    """float.hex without its trailing zeros; float.fromhex reads it."""
    number = float(number)
    if not np.isfinite(number):
        return "nan" if np.isnan(number) else ("inf" if number > 0 else "-inf")
    text, exponent = number.hex().split("p")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0x0p+0" if number == 0 else f"{text}p{exponent}"


def nearest(number):
    """mpf to the nearest float64, subnormal numbers included."""
    if mp.isnan(number) or mp.isinf(number):
        return float(number)
    # To integers of the smallest subnormal number first: mpmath rounds to 53 bits whatever the exponent.
    if 0 < abs(number) < mpf(2) ** -1022:
        return float(mp.nint(mp.ldexp(number, 1074))) * 2.0**-1074
    return float(number)


def high_and_low(number):
    high = nearest(number)
    low = float(np.float32(nearest((number - mpf(high)) * mpf(2) ** 60))) * 2.0**-60 if np.isfinite(high) else 0.0
    return high, low


def round_up(scale):
    """Three digits of a bar, never less than it."""
    if mp.isinf(scale) or mp.isnan(scale):
        return "inf"
    number = max(nearest(scale), 5e-324 if scale > 0 else 0.0)
    return float(f"{number * 1.005:.2e}") if number > 1e-300 else number


def write_array(array):
    array = np.asarray(array)
    is_float = array.dtype.kind == "f"
    values = [short_hex(v) if is_float else int(v) for v in array.flat]
    return {"dtype": str(array.dtype), "shape": list(array.shape), "values": values}


def write_reference(reference, dtype):
    pairs = [high_and_low(number) for number in reference.value.flat]
    out = {
        "shape": list(reference.value.shape),
        "hi": [short_hex(high) for high, _ in pairs],
        "scale": [round_up(scale) for scale in reference.scale.flat],
    }
    if dtype == "float64":
        out["lo"] = [short_hex(low) for _, low in pairs]
    return out


# ---------------------------------------------------------------------------------------------
# the cases


def typed(argument, dtype):
    """Numbers as an array: floats in the case's dtype, integers as int64, bool as bool."""
    array = np.asarray(argument)
    if array.dtype.kind == "f":
        return array.astype(dtype)
    return array.astype(np.int64) if array.dtype.kind in "iu" else array


class Cases:
    def __init__(self):
        self.rows = []

    def add(self, rule, function, *args, dtype="float32", **options):
        """One case, in one dtype or in several."""
        for one in dtype.split():
            typed_args = [typed(argument, one) for argument in args]
            typed_options = {
                key: typed(value, one) if key == "where" or (key in FLOAT_OPTIONS and np.ndim(value)) else value
                for key, value in options.items()
            }
            self.rows.append(self.row(str(rule), function, typed_args, one, typed_options))

    def row(self, rule, function, args, dtype, options):
        compute, names = oracle.FUNCTIONS[function]
        known = {key: value for key, value in options.items() if key != "check_labels"}  # NaN anyway
        value = compute(*args, **known)
        slope = oracle.gradient(function, names[0], *args, **known)[names[0]]
        row = {
            "function": function,
            "rule": rule,
            "dtype": dtype,
            "args": [write_array(argument) for argument in args],
            "expected": write_reference(value[0] if isinstance(value, tuple) else value, dtype),
            "gradient": write_reference(slope, dtype),
        }
        if isinstance(value, tuple):
            row["sign"] = write_reference(value[1], dtype)
        if options:
            row["options"] = {k: write_array(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
        return row


BOTH = "float32 float64"
LOGITS = [[1.5, -0.75, 0.25], [-2.0, 3.5, 3.25]]
LABELS = [0, 2]
SOFT = [[0.5, 0.25, 0.25], [0.0, 0.125, 0.875]]
MASKED = [[1.5, -inf, 0.25], [-inf, 3.5, 3.25]]
WHERE = [[True, False, True], [False, True, True]]
VOID = [[False, False, False], [True, True, True]]
REDUCTIONS = ("none", "sum", "mean")


def normalizer_cases(add):
    for name in ("logsumexp", "softmax", "log_softmax"):
        rows = "float32" if name == "softmax" else BOTH
        add(13, name, LOGITS, dtype=rows)
        add(1, name, MASKED)
        add(1, name, [[1.5, nan, 0.25], [inf, 3.5, 3.25]], where=WHERE)
        add(4, name, [[-inf, -inf], [0.0, 1.0]])
        add(4, name, LOGITS, where=VOID)
        add(5, name, [[nan, 0.0], [inf, 0.0], [0.0, 1.0]])
        add(14, name, [[10000.0, 9999.5, 10001.0]], dtype=BOTH)
        add(15, name, np.zeros((0, 3)))
    add(15, "logsumexp", np.zeros((2, 0)))
    add(13, "logsumexp", [[0.0, -40.0, -80.0]], dtype=BOTH)
    add(13, "logsumexp", [[1.0, 1.0, 1.0]])
    add(2, "logsumexp", [[1.0, inf, 2.0]], b=[[0.5, 0.0, 2.0]])
    add(2, "logsumexp", [[1.0, 3.0]], b=[[0.5, -1.0]], return_sign=True)
    add(11, "softmax", LOGITS, temperature=0.5)
    add(11, "log_softmax", LOGITS, temperature=2.0, axis=0, dtype="float64")
    add(13, "log_softmax", [[80.0, 0.0, 40.0]], dtype=BOTH)


def elementwise_cases(add):
    points = [-inf, -80.0, -1.5, 0.0, 0.5, 40.0, inf, nan]
    for name in ("sigmoid", "log_sigmoid", "softplus"):
        add(10, name, points, dtype=BOTH)
    add(2, "xlogy", [0.0, 0.0, 1.5, 2.0], [0.0, 3.0, 0.0, 0.75], dtype=BOTH)


def cross_entropy_cases(add, name="cross_entropy"):
    def ce(rule, *args, **options):
        add(rule, name, *args, **options)

    # 1 to 5: masks
    ce(1, MASKED, LABELS, reduction="none", dtype=BOTH)
    ce(1, [[1.5, nan, 0.25], [inf, 3.5, 3.25]], LABELS, where=WHERE)
    ce(2, MASKED, [[0.5, 0.0, 0.5], [0.0, 0.0, 1.0]], reduction="sum")
    ce(3, MASKED, [1, 2], reduction="none")
    ce(3, LOGITS, [[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]], where=WHERE, reduction="none")
    ce(4, [[-inf, -inf, -inf], [0.0, 1.0, 2.0]], LABELS, reduction="none")
    ce(4, LOGITS, LABELS, where=VOID, reduction="none")
    ce(4, LOGITS, [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]], where=VOID)
    ce(5, [[nan, 0.0, 1.0], [0.0, 1.0, 2.0]], LABELS, reduction="none")
    ce(5, [[inf, 0.0, 1.0], [0.0, 1.0, 2.0]], LABELS, reduction="sum")
    # 6, 7: rows that do not count, and the reductions
    ce(6, [[nan, nan, nan], [-2.0, 3.5, 3.25]], [-100, 2], ignore_index=-100)
    ce(6, [[nan, 0.0, inf], [-2.0, 3.5, 3.25]], [-1, 2], sample_weight=[0.0, 0.5])
    for reduction in REDUCTIONS:
        weights = {"class_weight": [0.5, 2.0, 0.25], "sample_weight": [1.5, 0.5]}
        ce(7, LOGITS, LABELS, reduction=reduction, dtype=BOTH, **weights)
    ce(7, LOGITS, SOFT, class_weight=[0.5, 2.0, 0.25])
    ce(7, LOGITS, LABELS, normalizer=8.0)
    ce(7, LOGITS, [-1, -1], ignore_index=-1)
    ce(15, np.zeros((0, 3)), np.zeros(0, int))
    ce(15, np.zeros((0, 3)), np.zeros(0, int), reduction="none")
    # 13: targets of every kind
    ce(13, LOGITS, SOFT, dtype=BOTH)
    ce(13, LOGITS, [[0, 2], [1, 1]], label_probs=[[0.75, 0.25], [0.5, 0.25]])
    ce(13, [[1.5, -2.0], [-0.75, 3.5], [0.25, 3.25]], LABELS, axis=0)
    # 8, 11, 12
    ce(8, MASKED, LABELS, label_smoothing=0.125, dtype=BOTH)
    ce(11, LOGITS, LABELS, temperature=0.5)
    ce(11, LOGITS, LABELS, temperature=[0.5, 2.0], softcap=4.0, dtype=BOTH)
    ce(12, LOGITS, LABELS, z_loss=0.125, reduction="none")
    # 13: tails
    ce(13, [[40.0, 0.0, -1.0]], [0], dtype=BOTH)
    ce(13, [[80.0, 0.0, -1.0]], [0], dtype=BOTH)


def more_cross_entropy_cases(add):
    def ce(rule, *args, **options):
        add(rule, "cross_entropy", *args, **options)

    ce(3, [[0.0, -inf, -inf]], [[0.5, 1.0, -1.0]])
    ce(3, MASKED, [[-1.0, -1.0, 2.0], [0.0, 1.0, 0.0]], reduction="none")
    ce(3, MASKED, [1, 2], class_weight=[1.0, 0.0, 0.5], reduction="sum")
    ce(6, LOGITS, [-100, -100], ignore_index=-100, reduction="none")
    ce(6, LOGITS, [[-1, 2], [-1, -1]], label_probs=[[0.5, 0.25], [nan, 1.0]], ignore_index=-1)
    ce(7, LOGITS, LABELS, sample_weight=[0.0, 0.0])
    ce(7, LOGITS, [[0, 9], [1, 2]], label_probs=[[1.0, 0.0], [0.5, 0.5]], class_weight=[0.5, 2.0, 0.25])
    ce(7, LOGITS, LABELS, normalizer=0.0)
    ce(8, LOGITS, SOFT, label_smoothing=1.0)
    ce(8, LOGITS, LABELS, label_smoothing=0.25, where=WHERE, class_weight=[0.5, 2.0, 0.25], dtype=BOTH)
    ce(8, LOGITS, [[0, 2], [1, 1]], label_probs=[[0.75, 0.25], [0.5, 0.5]], label_smoothing=0.125)
    for labels in ([-1, 2], [3, 2], [[nan, 0.0, 1.0], [0.0, 0.0, 1.0]], [[inf, 0.0, 1.0], [0.0, 0.0, 1.0]]):
        ce(9, LOGITS, labels, reduction="none", check_labels="nan")
    ce(9, LOGITS, [-1, 2], where=WHERE, check_labels="nan")
    ce(11, [[40.0, 1.0, -inf]], [1], softcap=4.0, dtype=BOTH)
    ce(11, [[10000.0, 9999.0, 9998.5]], [2], temperature=0.75, dtype=BOTH)
    ce(12, LOGITS, LABELS, z_loss=0.5, sample_weight=[0.5, 1.5], class_weight=[0.5, 2.0, 0.25])
    ce(12, LOGITS, LABELS, z_loss=0.5, where=VOID, reduction="none")
    ce(13, [[0.0, 0.0, 0.0]], [1], dtype=BOTH)
    ce(13, [[2.0, 2.0, -30.0]], [1], dtype=BOTH)
    ce(13, [[80.0, 0.0, -1.0]], [[1.0, 0.0, 0.0]], dtype=BOTH)
    ce(13, [[80.0, 0.0, -1.0]], [[0]], label_probs=[[1.0]])
    ce(13, [[0.0, 80.0, 40.0]], [0], dtype=BOTH)
    ce(13, [[300.0, 0.0], [600.0, 0.0]], [0, 0], dtype="float64", reduction="none")
    ce(14, [[10000.0, 10000.5, 9990.0]], [1], dtype=BOTH)
    ce(14, [[-10000.0, -10000.5, -10040.0]], [0], dtype=BOTH)


def other_categorical_cases(add):
    for gamma in (0.0, 1.0, 2.0):
        add(13, "focal_loss", LOGITS, LABELS, gamma=gamma, reduction="none")
        add(13, "focal_loss", [[40.0, 0.0, -1.0], [0.0, 0.0, -inf]], [0, 1], gamma=gamma, dtype="float64")
    add(1, "focal_loss", MASKED, LABELS)
    add(1, "focal_loss", [[1.0, -inf, -inf]], [0], gamma=1.0)
    add(3, "focal_loss", MASKED, [1, 2], reduction="none")
    add(7, "focal_loss", LOGITS, SOFT, class_weight=[0.5, 2.0, 0.25], sample_weight=[1.5, 0.5])
    log_probs = [[-0.5, -2.0, -1.25], [-0.125, -inf, -2.5]]
    add(2, "nll_loss", log_probs, [[0.5, 0.5, 0.0], [0.25, 0.0, 0.75]], reduction="none", dtype=BOTH)
    add(3, "nll_loss", log_probs, [0, 1], reduction="none")
    add(6, "nll_loss", log_probs, [0, -100], ignore_index=-100)
    add(7, "nll_loss", log_probs, [0, 2], class_weight=[0.5, 2.0, 0.25], sample_weight=[1.5, 0.5])
    add(8, "nll_loss", log_probs, [0, 2], label_smoothing=0.25)
    add(1, "entropy", MASKED, dtype=BOTH, reduction="none")
    add(4, "entropy", LOGITS, where=VOID)
    add(4, "entropy", [[-inf, -inf]])
    add(11, "entropy", LOGITS, temperature=0.5, softcap=4.0, sample_weight=[0.5, 1.5])
    add(13, "entropy", [[40.0, 0.0], [0.0, 0.0]], reduction="none", dtype=BOTH)
    log_q = [[-1.5, -0.5, -2.0], [-0.25, -inf, -1.75]]
    p = [[0.5, 0.5, 0.0], [0.75, 0.0, 0.25]]
    for reduction in REDUCTIONS:
        add(2, "kl_divergence", log_q, p, reduction=reduction)
    add(3, "kl_divergence", log_q, [[0.5, 0.5, 0.0], [0.75, 0.25, 0.0]], reduction="none")
    add(1, "kl_divergence", log_q, p, where=WHERE, sample_weight=[0.5, 1.5], dtype="float64")
    add(13, "kl_divergence", log_q, [[-0.5, -1.25, -inf], [-0.75, -inf, -1.0]], log_target=True, dtype=BOTH)
    log_p = [[-0.5, -1.25, -inf], [-0.75, -inf, -1.0]]
    add(2, "js_divergence", log_p, log_q, reduction="none", dtype=BOTH)
    add(2, "js_divergence", [[0.0, -inf]], [[-inf, 0.0]])
    add(6, "js_divergence", [[nan, 0.0], [-0.5, -1.0]], [[0.0, 0.0], [-1.0, -0.5]], sample_weight=[0.0, 1.0])


def binary_cases(add):
    name = "binary_cross_entropy_with_logits"
    add(10, name, [80.0, -80.0, 80.0, -80.0, 0.0], [1, 0, 0, 1, 1], reduction="none", dtype=BOTH)
    add(10, name, [inf, -inf, inf, -inf, nan], [1, 0, 0, 1, 1], reduction="none")
    add(7, name, [[1.5, -0.5], [3.0, -2.0]], [[0.25, 1.0], [0.0, 0.5]], pos_weight=[0.5, 2.0], dtype=BOTH)
    add(6, name, [1.5, nan, -2.0], [1, 0, 7], sample_weight=[0.5, 0.0, 0.0])
    add(6, name, [1.5, nan, -2.0], [1.0, nan, 0.0], where=[True, False, True], reduction="sum")
    add(8, name, [1.5, -0.5], [1, 0], label_smoothing=0.25)
    add(7, name, [1.5, -0.5], [1, 0], normalizer=4.0)
    add(15, name, np.zeros(0), np.zeros(0))
    name = "binary_cross_entropy"
    add(10, name, [0.0, 1.0, 0.0, 1.0, 0.5], [0, 1, 1, 0, 1], reduction="none", dtype=BOTH)
    add(9, name, [0.5, 0.25, 0.75], [2.0, -0.5, 1.0], reduction="none", check_labels="nan")
    add(9, name, [-0.5, 1.5, nan], [0, 1, 1], reduction="none", check_labels="nan")
    add(7, name, [0.25, 0.75, 0.125], [0.5, 1.0, 0.0], sample_weight=[0.5, 2.0, 1.0], dtype=BOTH)
    name = "sigmoid_focal_loss"
    for gamma in (0.0, 1.0, 2.0):
        add(10, name, [inf, -inf, 40.0, 1.5], [1, 0, 1, 0], gamma=gamma, reduction="none")
    add(13, name, [40.0, -1.5, 0.5], [1.0, 0.0, 0.25], alpha=0.25, dtype=BOTH)


def every_case():
    cases = Cases()
    normalizer_cases(cases.add)
    elementwise_cases(cases.add)
    cross_entropy_cases(cases.add)
    more_cross_entropy_cases(cases.add)
    other_categorical_cases(cases.add)
    binary_cases(cases.add)
    return cases.rows


@sixty_digits
def main():
    rows = every_case()
    keys = [json.dumps(row, sort_keys=True, separators=(",", ":"), allow_nan=False) for row in rows]
    keys.sort(key=lambda line: (json.loads(line)["function"], int(json.loads(line)["rule"]), line))
    if len(set(keys)) != len(keys):
        raise ValueError("two cases are the same")
    head = f'{{"version":{VERSION},"semantics":"{SEMANTICS}","cases":[\n'
    text = head + ",\n".join(keys) + "\n]}\n"
    path = ROOT / "xentropy" / "_vectors.json"
    path.write_text(text, encoding="utf-8")
    print(f"{path.relative_to(ROOT)}: {len(rows)} cases, {len(text) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
