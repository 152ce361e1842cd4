"""The check on JAX, whose 64-bit mode is a setting of the user."""

from __future__ import annotations

import pytest
from backends import Backend
from test_main import chosen, main_with


@pytest.mark.backends("jax")
@pytest.mark.parametrize("x64", [False, True])
def test_the_setting_is_kept(backend: Backend, monkeypatch: pytest.MonkeyPatch, x64: bool) -> None:
    import jax

    cases = [chosen("softplus", dtype=dtype) for dtype in ("float32", "float64")]
    with jax.enable_x64(x64):
        assert main_with(monkeypatch, cases, library="jax") == 0
        assert jax.config.jax_enable_x64 == x64
