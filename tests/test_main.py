"""`python -m xentropy`: what it prints, how it ends, and that it sees what is wrong."""

from __future__ import annotations

import copy
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import xentropy
from xentropy import __main__ as command, _selfcheck

pytestmark = pytest.mark.once

HERE = str(Path(xentropy.__file__).parent.parent)
CASES = _selfcheck.load()
CPU_SECONDS = 2.0


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": HERE}
    line = [sys.executable, "-m", "xentropy", *arguments]
    return subprocess.run(line, capture_output=True, text=True, check=False, env=env)


def chosen(function: str, **fields: Any) -> dict[str, Any]:
    """A copy of the first case of a function with these fields."""
    for case in CASES:
        if case["function"] == function and all(case[key] == value for key, value in fields.items()):
            return copy.deepcopy(case)
    raise LookupError(function)


def main_with(
    monkeypatch: pytest.MonkeyPatch, cases: list[dict[str, Any]], *arguments: str, library: str = "numpy"
) -> int:
    monkeypatch.setattr(_selfcheck, "load", lambda: cases)
    return command.main(["--library", library, *arguments])


def test_table() -> None:
    done = run("--library", "numpy")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("library"))
    for name in ("version", "device", "cases", "not offered", "value", "gradient", "result"):
        assert f"  {name}" in lines[head]
    name, version, device, cases, skipped, value, gradient, result = lines[head + 2].split()
    assert (name, version, device, result) == ("numpy", np.__version__, "cpu", "agrees")
    assert (int(cases), int(skipped)) == (len(CASES), 0)
    assert 0 < float(value) <= 4
    assert 0 < float(gradient) <= 4
    assert "eps * scale" in done.stdout
    assert max(map(len, lines)) <= 100


@pytest.mark.skipif(sys.platform == "win32", reason="no times of child processes")
def test_time_on_numpy() -> None:
    times = []
    for _ in range(3):
        before = os.times()
        run("--library", "numpy")
        after = os.times()
        spent = after.children_user - before.children_user + after.children_system - before.children_system
        times.append(spent)
    assert min(times) < CPU_SECONDS


def test_json() -> None:
    done = run("--library", "numpy", "--json")
    assert done.returncode == 0
    data = json.loads(done.stdout)
    assert (data["agrees"], data["cases"], data["limit"]) == (True, len(CASES), 4)
    (report,) = data["reports"]
    assert (report["library"], report["result"], report["disagreements"]) == ("numpy", "agrees", [])


def test_verbose_has_a_row_for_each_function() -> None:
    done = run("--library", "numpy", "--verbose")
    firsts = {line.split()[0] for line in done.stdout.splitlines() if line}
    assert {case["function"] for case in CASES} <= firsts


@pytest.mark.parametrize("name", ["numpi", "jaxlib"])
def test_unknown_library(name: str) -> None:
    done = run("--library", name)
    assert done.returncode == 2
    assert name in done.stderr
    assert "numpy" in done.stderr
    assert "Traceback" not in done.stderr


def test_library_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(command, "installed", lambda name: name != "cupy")
    with pytest.raises(SystemExit) as ended:
        command.main(["--library", "cupy"])
    assert ended.value.code == 2
    assert "not installed: cupy" in capsys.readouterr().err


def test_library_that_does_not_start(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> list[_selfcheck.Device]:
        raise ImportError("no libcuda")

    monkeypatch.setitem(command.LIBRARIES, "numpy", broken)
    assert main_with(monkeypatch, CASES) == 2
    out = capsys.readouterr().out
    assert "Not checked: numpy: ImportError: no libcuda." in out
    assert "agrees" not in out


@pytest.mark.parametrize("output", ["expected", "gradient"])
def test_a_wrong_number_is_seen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], output: str
) -> None:
    case = chosen("cross_entropy", rule="11", dtype="float64")
    right = case[output]["hi"][0]
    # 8 ulp off, twice the bar
    high = float.fromhex(right) + 8 * case[output]["scale"][0] * 2.0**-52
    case[output]["hi"][0] = high.hex()
    assert main_with(monkeypatch, [chosen("softmax"), case]) == 1
    out = capsys.readouterr().out
    assert "1 disagree" in out
    assert "cross_entropy, float64, rule 11" in out
    for text in (*case["args"][0]["values"], *map(float.fromhex, case["args"][0]["values"])):
        assert str(text) in out
    assert all(name in out for name in case["options"])
    assert f"expected  {high!r}" in out
    given = [line.split() for line in out.splitlines() if line.strip().startswith("given")]
    assert [float(x[1]) for x in given] == [float.fromhex(x[2]) for x in given] == [pytest.approx(high)]
    assert max(map(len, out.splitlines())) <= 100


def test_a_wrong_number_in_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    case = chosen("softplus", dtype="float32")
    case["gradient"]["hi"][0] = "nan"
    assert main_with(monkeypatch, [case], "--json") == 1
    (report,) = json.loads(capsys.readouterr().out)["reports"]
    assert (report["gradient"], report["disagreements"][0]["case"]) == ("inf", case)


def test_what_raises_disagrees(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    case = chosen("softmax")
    case["options"] = {"axis": 7}
    assert main_with(monkeypatch, [case]) == 1
    assert "raised  ValueError: axis = 7" in capsys.readouterr().out


def test_a_wrong_shape_disagrees(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    case = chosen("logsumexp", rule="14")
    case["expected"]["shape"] = [1, 1]
    assert main_with(monkeypatch, [case]) == 1
    assert "value: shape (1,), expected (1, 1)" in capsys.readouterr().out


def test_a_missing_dtype_is_counted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Single:
        float32, int64, bool = np.float32, np.int64, np.bool
        asarray, reshape = staticmethod(np.asarray), staticmethod(np.reshape)

    monkeypatch.setitem(command.LIBRARIES, "numpy", lambda: [_selfcheck.Device("numpy", "1", "cpu", Single)])
    assert main_with(monkeypatch, CASES) == 0
    doubles = sum(case["dtype"] == "float64" for case in CASES)
    out = capsys.readouterr().out
    assert f"Not offered: numpy cpu: no float64 ({doubles} cases)." in out
    assert str(len(CASES) - doubles) in out


def test_vectors_of_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xentropy, "SEMANTICS", "0")
    with pytest.raises(ValueError, match="semantics"):
        _selfcheck.load()


@pytest.mark.parametrize(
    ("given", "high", "scale", "ulp"),
    [
        (1.0, 1.0, 0.0, 0.0),
        (1.0, 2.0, 0.0, math.inf),
        (1.0 + 3 * 2.0**-52, 1.0, 1.0, 3.0),
        (1.0 + 3 * 2.0**-52, 1.0, 6.0, 0.5),
        (0.0, 1e-310, 1e-310, 0.0),
        (0.0, 1e-300, 1e-300, 2.0**52),
        (1.0, math.nan, math.inf, 0.0),
        (math.nan, math.nan, 0.0, 0.0),
        (math.nan, 1.0, 1.0, math.inf),
        (1.0, math.nan, 0.0, math.inf),
        (math.inf, math.inf, 0.0, 0.0),
        (-math.inf, math.inf, 0.0, math.inf),
        (math.inf, 1e300, 1e300, math.inf),
        (5.0, math.inf, 1.0, math.inf),
    ],
)
def test_error_of_one_number(given: float, high: float, scale: float, ulp: float) -> None:
    assert _selfcheck.error(given, high, 0.0, scale, *_selfcheck.FORMATS["float64"]) == pytest.approx(ulp)
