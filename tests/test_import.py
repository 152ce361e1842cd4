"""What `import xentropy` and the first call bring along. How long they take is for benchmarks/startup.py to say."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import xentropy

FRAMEWORKS = {"array_api_strict", "cupy", "dask", "jax", "jaxlib", "mlx", "tensorflow", "torch"}
HERE = str(Path(xentropy.__file__).parent.parent)
CHEAP = {"threading"}  # all that may come along, besides NumPy and array-api-compat


def run(code: str, first: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `code` in a new interpreter that finds the xentropy under test, and `first` before all else."""
    path = f"import sys; sys.path.append({HERE!r})\n"
    if first is not None:
        path += f"sys.path.insert(0, {str(first)!r})\n"
    command = [sys.executable, "-P", "-c", path + code]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=env)


def imported(code: str, first: Path | None = None) -> set[str]:
    """The modules that are there once `code` has run."""
    return set(run(code + "\nprint(*sys.modules)", first=first).stdout.splitlines()[-1].split())


def frameworks_after(code: str, first: Path | None = None) -> set[str]:
    return FRAMEWORKS & imported(code, first)


def test_no_framework_is_imported() -> None:
    assert frameworks_after("import xentropy") == set()


def test_a_call_on_numpy_imports_no_framework() -> None:
    code = "import numpy, xentropy\nxentropy.cross_entropy(numpy.zeros((4, 3)), numpy.zeros(4, int))"
    assert frameworks_after(code) == set()


@pytest.mark.once
def test_import_and_first_call_bring_nothing_else() -> None:
    before = imported("import numpy, array_api_compat")
    call = "import numpy, xentropy\nxentropy.cross_entropy(numpy.zeros((4, 3)), numpy.zeros(4, int))"
    others = {name for name in imported(call) - before if name.split(".")[0] != "xentropy"}
    assert others <= CHEAP


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_an_imported_framework_is_seen(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    (tmp_path / "careless.py").write_text(f"def f():\n    import {name}\nf()\n")
    assert frameworks_after("import careless", first=tmp_path) == {name}


def test_version() -> None:
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8"))["project"]
    assert xentropy.__version__ == project["version"]


@pytest.mark.once
def test_the_label_policy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import numpy, xentropy\nprint(xentropy.cross_entropy(numpy.zeros((1, 3)), numpy.asarray([7])))"
    monkeypatch.setenv("XENTROPY_CHECK_LABELS", "nan")
    assert run(code).stdout == "nan\n"
    monkeypatch.setenv("XENTROPY_CHECK_LABELS", "perhaps")
    with pytest.raises(subprocess.CalledProcessError) as failed:
        run(code)
    assert "check_labels is 'perhaps'" in failed.value.stderr
