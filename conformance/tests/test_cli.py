"""The command: what it runs, what it says, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from xentropy_conformance.cli import main
from xentropy_conformance.vectors import load

CASES = [case for case in load().cases if case.function == "softplus" and case.dtype in ("float32", "float64")]


def run(tmp_path: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit status and the JSON report, for softplus in two dtypes."""
    file = tmp_path / "report.json"
    chosen = ("--function=softplus", "--dtype=float32", "--dtype=float64")
    status = main([*chosen, "--quiet", f"--json={file}", *arguments])
    return status, json.loads(file.read_text("utf-8"))


def outcomes(data: dict[str, Any]) -> dict[str, str]:
    return {outcome["id"]: outcome["status"] for outcome in data["reports"][0]["outcomes"]}


def test_a_right_function_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, data = run(tmp_path, "--target=own:softplus")
    assert status == 0
    assert outcomes(data) == {case.id: "agrees" for case in CASES}
    assert "100%" in capsys.readouterr().out


def test_a_wrong_function_fails_and_the_script_repeats_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, data = run(tmp_path, "--target=own:Naive", "--show=1", "--case=softplus/float64/5000")
    assert status == 1
    assert "disagrees" in outcomes(data).values()
    assert set(data["cases"]) == {case for case, status in outcomes(data).items() if status == "disagrees"}
    printed = capsys.readouterr().out
    script = printed[printed.index("# softplus/float64/5000: rule 10") :]
    path = f"import sys; sys.path[:0] = {sys.path!r}\n"
    out = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", path + script], capture_output=True, text=True, check=True
    )
    shown = script[script.index("# value, number 3") :]
    assert "6.82560314e-08" in out.stdout
    assert "expected 6.8256031433905736e-08, given 6.825603138452186e-08" in shown


def test_gradients_of_its_own_are_judged(tmp_path: Path) -> None:
    assert run(tmp_path, "--target=own:WithSlopes")[0] == 0
    status, data = run(tmp_path, "--target=own:WrongSlopes")
    assert status == 1
    wrong = {
        part["name"] for o in data["reports"][0]["outcomes"] for part in o["parts"] if part["worst"] not in (0.0,)
    }
    assert "gradient of x" in wrong


def test_what_is_not_offered_is_no_failure_and_no_pass(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    status = main(["--target=own:softplus", "--function=sigmoid", "--quiet", f"--json={file}"])
    report = json.loads(file.read_text("utf-8"))["reports"][0]
    assert status == 0
    assert report["score"]["agrees"] == report["score"]["disagrees"] == report["score"]["raises"] == 0
    assert report["score"]["not_offered"] == sum(case.function == "sigmoid" for case in load().cases)


def test_not_implemented_is_not_offered(tmp_path: Path) -> None:
    status, data = run(tmp_path, "--target=own:Polite")
    found = outcomes(data)
    assert status == 0
    assert all(found[case.id] == ("not offered" if case.dtype == "float32" else "agrees") for case in CASES)


def test_an_input_that_is_changed(tmp_path: Path) -> None:
    status, data = run(tmp_path, "--target=own:Writes")
    complaints = {part["complaint"] for o in data["reports"][0]["outcomes"] for part in o["parts"]}
    assert status == 1
    assert "changed its input x" in complaints


def test_a_process_that_dies_is_blamed_on_its_case(tmp_path: Path) -> None:
    status, data = run(tmp_path, "--target=own:Dies")
    found = outcomes(data)
    nan = {case.id for case in CASES if "nan" in case.raw["inputs"]["x"]["data"]}
    assert status == 1
    assert nan
    assert {case for case, how in found.items() if how == "raises"} == nan
    assert set(found) == {case.id for case in CASES}


def test_options_that_a_signature_does_not_take(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    main(["--target=own:cross_entropy", "--rule=8", "--quiet", f"--json={file}"])
    report = json.loads(file.read_text("utf-8"))["reports"][0]
    reasons = {o["text"] for o in report["outcomes"] if o["status"] == "not offered"}
    assert "label_smoothing" in reasons


def test_a_target_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from xentropy_conformance import worker
    from xentropy_conformance.targets import TARGETS

    target = replace(TARGETS["sklearn"], modules=("no_such_module",))
    assert worker.reason_not_to_run(target, target.settings[0]) == "not installed: no_such_module"


@pytest.mark.parametrize("arguments", [["--target=nobody"], ["--target=own:nothing"], ["--case=nothing"]])
def test_what_makes_no_sense_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_what_must_run_and_cannot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """CuPy, or a torch with CUDA, is not on every machine."""
    status, data = run(tmp_path, "--target=xentropy", "--setting=numpy", "--setting=cupy", "--must-run=numpy")
    [cupy] = [report for report in data["reports"] if report["library"] == "cupy"]
    if not cupy["not_run"]:
        pytest.skip("CuPy is here, and runs")
    status, _ = run(tmp_path, "--target=xentropy", "--setting=numpy", "--setting=cupy", "--must-run=cupy")
    assert status == 1
    assert "xentropy: cupy, eager must run" in capsys.readouterr().err


def test_a_written_report_is_shown_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path, "--target=own:Naive")
    before = capsys.readouterr().out
    status = main([f"--from={tmp_path / 'report.json'}", "--target=own:Naive"])
    assert status == 1
    assert capsys.readouterr().out == before


def test_the_list_names_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list", "--target=xentropy", "--setting=second order"]) == 0
    libraries = ("torch", "jax", "torch cuda", "jax cuda")
    assert capsys.readouterr().out.splitlines() == [f"xentropy: {library}, second order" for library in libraries]
