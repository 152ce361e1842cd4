"""The pytest plugin: one's own loss among one's own tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
HERE = Path(__file__).parent


def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> pytest.RunResult:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), str(HERE.parent)]))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return pytester.runpytest_subprocess("-p", "xentropy_conformance.plugin", "-rs", *arguments)


def test_a_right_function(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile("def test_mine(): assert True")
    result = run(pytester, monkeypatch, "--conformance-target=own:softplus", "-k", "mine or softplus-")
    outcomes = result.parseoutcomes()
    assert result.ret == 0
    assert outcomes["passed"] == 9
    assert "failed" not in outcomes


def test_a_wrong_function_shows_a_script(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(pytester, monkeypatch, "--conformance-target=own:Naive", "-k", "softplus- and float64")
    assert result.ret == 1
    assert result.parseoutcomes()["failed"] >= 1
    result.stdout.fnmatch_lines(
        ["* cases disagree: softplus/float64/*", "from own import Naive", "# value, number * (flat): expected *"]
    )


def test_what_is_not_offered_is_skipped_with_its_reason(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(pytester, monkeypatch, "--conformance-target=own:softplus", "-k", "sigmoid-rule and float64")
    assert set(result.parseoutcomes()) == {"skipped", "deselected"}
    result.stdout.fnmatch_lines(["SKIPPED *not offered: no sigmoid"])


def test_a_setting_for_another_process_is_skipped_with_its_reason(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    arguments = ("--conformance-target=keras", "--conformance-setting=numpy", "-k", "softplus-rule and float64")
    result = run(pytester, monkeypatch, *arguments)
    result.stdout.fnmatch_lines(["SKIPPED *needs KERAS_BACKEND=numpy in the environment"])


def test_without_the_option_nothing_is_added(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile("def test_mine(): pass")
    assert run(pytester, monkeypatch).parseoutcomes() == {"passed": 1}


def test_nobodys_name_is_a_usage_error(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(pytester, monkeypatch, "--conformance-target=nobody")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no target 'nobody'*"])
