"""The worked example of CONTRIBUTING.md: one formula file and one function are all that a new loss needs."""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backends import Backend

import xentropy

GUIDE = Path(__file__).parent.parent / "CONTRIBUTING.md"
FORMULA = "xentropy._core.brier"


@pytest.fixture
def brier_score(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The function of the guide, its first block standing in for the file that it describes."""
    formula, public = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
    module = types.ModuleType(FORMULA)
    monkeypatch.setitem(sys.modules, FORMULA, module)
    exec(compile(formula, "brier.py", "exec"), module.__dict__)
    names: dict[str, Any] = {}
    exec(compile(public, "binary.py", "exec"), names)
    return names["brier_score"]


def test_value_and_gradients(backend: Backend, brier_score: Callable[..., Any]) -> None:
    x, y = np.asarray([-30.0, 0.5, 40.0, np.nan]), np.asarray([0.0, 0.25, 1.0, 0.0])
    kept = np.isfinite(x)
    p = 1 / (1 + np.exp(-x[kept]))
    q = 1 / (1 + np.exp(x[kept]))
    miss = (1 - y[kept]) * p - y[kept] * q

    value, (by_x, by_y) = xentropy.value_and_grad(brier_score, (0, 1))(
        backend.asarray(x), backend.asarray(y), where=backend.asarray(kept), reduction="sum"
    )
    np.testing.assert_allclose(backend.to_numpy(value), np.sum(miss**2), rtol=1e-14)
    np.testing.assert_allclose(backend.to_numpy(by_x), [*(2 * miss * p * q), 0.0], rtol=1e-14)
    np.testing.assert_allclose(backend.to_numpy(by_y), [*(-2 * miss), 0.0], rtol=1e-14)


def test_bad_labels_raise(backend: Backend, brier_score: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match=r"labels\[1\] is 2"):
        brier_score(backend.asarray(np.zeros(2)), backend.asarray(np.asarray([0, 2])))


@pytest.mark.backends("torch")
def test_second_order(backend: Backend, brier_score: Callable[..., Any]) -> None:
    from torch.autograd import gradgradcheck

    x, y = (backend.asarray(a).requires_grad_() for a in (np.asarray([-1.0, 0.5]), np.asarray([0.25, 0.75])))
    assert gradgradcheck(brier_score, (x, y))
