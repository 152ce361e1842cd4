#!/usr/bin/env -S python3
# /// script
# dependencies = ["nox>=2025.10"]
# ///
"""Every check of the project: `python -m nox`, or `python -m nox -s "tests(torch)"` for one of them.

Each library has an environment of its own, so that a test can rely on a library only where it is asked for.
The environments are made with pip, whose settings say where the CPU build of torch is found. What is tested
is the installed wheel, never the folder `xentropy/` beside this file.
"""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.10"
nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = True

ROOT = Path(__file__).parent
CONSTRAINTS = ROOT / "constraints.txt"
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
SUITE = ROOT / "conformance"
CHROMIUM = (
    "chromium",
    "chromium-browser",
    "chromium-headless-shell",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
)
SAFE_PATH = {"PYTHONSAFEPATH": "1"}  # keeps the current folder out of sys.path, in subprocesses too
# Most of the time of a small program of JAX is XLA's optimizer's; where that is not what is tested it does little.
QUICK_XLA = {
    "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true "
    "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
}


def install(session: nox.Session, *groups: str, wheel: bool = True) -> None:
    """Install dependency groups and the wheel of this project, at the pinned versions."""
    requirements = nox.project.dependency_groups(PROJECT, *groups) if groups else ()
    if not wheel:
        session.install("-c", str(CONSTRAINTS), *requirements)
        return
    [path] = wheel_folder(session).glob("*.whl")
    session.install("-c", str(CONSTRAINTS), str(path), *requirements)
    # In an environment that is used again pip keeps an old wheel of the same version.
    session.install("--no-deps", "--force-reinstall", str(path))


def wheel_folder(session: nox.Session) -> Path:
    return Path(session.cache_dir) / "wheel"


@nox.session(default=True)
def build(session: nox.Session) -> None:
    """Build the wheel that all other sessions install, and look at what is in it."""
    folder = wheel_folder(session)
    shutil.rmtree(folder, ignore_errors=True)
    pip_wheel = ["python", "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    session.run(*pip_wheel, env={"PIP_CONSTRAINT": str(CONSTRAINTS)})

    [path] = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
    tops = {name.split("/")[0] for name in names}
    strangers = sorted(top for top in tops if top != "xentropy" and not top.endswith(".dist-info"))
    missing = sorted({"xentropy/__init__.py", "xentropy/_vectors.json", "xentropy/py.typed"} - names)
    if strangers or missing:
        session.error(f"{path.name}: does not belong there: {strangers}; missing: {missing}")
    session.log(f"{path.name}: {len(names)} files, {path.stat().st_size / 1024:.0f} KiB")


@nox.session(default=True)
def lint(session: nox.Session) -> None:
    """Style, format and types."""
    runtime = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["table"]]
    session.install("-c", str(CONSTRAINTS), *runtime, *nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")


@nox.session(default=True, requires=["build"])
@nox.parametrize("backend", ["numpy", "torch", "jax", "strict"], ids=["numpy", "torch", "jax", "strict"])
def tests(session: nox.Session, backend: str) -> None:
    """The tests, on one library. What needs none runs with NumPy's."""
    install(session, "test", *({backend} & {"torch", "jax", "strict"}))
    pytest = ["python", "-m", "pytest", "--require-installed", f"--backend={backend}"]
    if session.posargs:
        session.run(*pytest, *session.posargs, env=SAFE_PATH)
        return
    pytest += ["-n", "auto"]
    if backend == "numpy":
        session.run(*pytest, env=SAFE_PATH)
    elif backend == "jax":
        session.run(*pytest, "-m", "not once and compiler", env=SAFE_PATH)
        session.run(*pytest, "-m", "not once and not compiler", env=SAFE_PATH | QUICK_XLA)
    else:
        session.run(*pytest, "-m", "not once", env=SAFE_PATH)


@nox.session(default=True, requires=["build"])
def examples(session: nox.Session) -> None:
    """Both examples, on all libraries in one environment."""
    install(session, "examples", "torch", "jax")
    output = Path(session.create_tmp()) / "digits.png"
    session.run("python", str(ROOT / "examples" / "digits.py"), f"--output={output}", env=SAFE_PATH)
    session.run("python", str(ROOT / "examples" / "masked_actions.py"), env=SAFE_PATH)


@nox.session(default=True, requires=["build"])
def main(session: nox.Session) -> None:
    """`python -m xentropy` with nothing installed but the wheel and what it asks for."""
    install(session)
    session.run("python", "-m", "xentropy", env=SAFE_PATH)


@nox.session(default=False, requires=["build"])
def docs(session: nox.Session) -> None:
    """Build the pages; a warning is an error, and so is a reference to nothing. The log says where they are."""
    install(session, "docs")
    pages = Path(session.create_tmp()) / "html"
    session.run("python", "-m", "sphinx", "-q", "-E", "-n", "-W", "--keep-going", ROOT / "docs", pages, env=SAFE_PATH)
    session.log(f"{pages / 'index.html'}")


def install_suite(session: nox.Session, *groups: str) -> None:
    """Install the conformance suite as its users do, with dependency groups of its own."""
    requirements = nox.project.dependency_groups(nox.project.load_toml(SUITE / "pyproject.toml"), *groups)
    session.install("-c", str(CONSTRAINTS), str(SUITE), *requirements)
    session.install("--no-deps", "--force-reinstall", str(SUITE))


@nox.session(default=False, requires=["build"])
def suite(session: nox.Session) -> None:
    """The conformance suite's own tests: its cases, mutants, properties of xentropy, reports."""
    install_suite(session, "libraries", "test")
    install(session)
    tests = session.posargs or [SUITE / "tests"]
    session.run("python", "-m", "pytest", "-c", SUITE / "pyproject.toml", *tests, env=SAFE_PATH)


@nox.session(default=False, requires=["build"])
def conformance(session: nox.Session) -> None:
    """The conformance suite on xentropy: every library, in every mode and dtype."""
    install_suite(session, "libraries")
    install(session)
    report = Path(session.create_tmp()) / "xentropy"
    must = ("numpy*", "array_api_strict*", "dask*", "torch", "torch, *", "jax", "jax, *", "jax no x64*")
    session.run(
        "xentropy-conformance", "--target=xentropy", "--jobs=2", *(f"--must-run={glob}" for glob in must),
        f"--json={report}.json", f"--html={report}.html", *session.posargs, env=SAFE_PATH,
    )  # fmt: skip
    session.log(f"{report}.html")


@nox.session(default=False)
def peers(session: nox.Session) -> None:
    """Every peer against what is known of it; `-- --update-known` writes that down anew, and the scorecard."""
    install_suite(session, "peers")
    report = Path(session.create_tmp()) / "peers"
    targets = ("torch.nn.functional", "optax", "jax.nn", "keras", "tensorflow", "scipy.special", "sklearn")
    known = SUITE / "xentropy_conformance" / "known"
    scorecard = (f"--scorecard={SUITE / 'scorecard.json'}",) if "--update-known" in session.posargs else ()
    session.run(
        "xentropy-conformance", *(f"--target={name}" for name in targets), "--jobs=2", "--must-run=*",
        f"--known={known}", f"--json={report}.json", f"--html={report}.html", *scorecard, *session.posargs,
        env=SAFE_PATH,
    )  # fmt: skip
    session.log(f"{report}.html")


@nox.session(default=False, requires=["build"])
def bench(session: nox.Session) -> None:
    """Every benchmark: tables, JSON files and the plots of the pages. `-- --quick` only sees whether they run."""
    install(session, "bench", "torch", "jax")
    quick = "--quick" in session.posargs
    folder = ROOT / "benchmarks"
    for name, few in (("overhead", 7), ("safety", 7), ("startup", 7), ("compiled", 1)):
        output = folder / "results" / ("quick" if quick else "") / f"{name}.json"
        session.run("python", folder / f"{name}.py", f"--output={output}", *([f"--rounds={few}"] if quick else []))
    for name in ("throughput", "threads_gain", "memory", "scaling", "plots"):
        session.run("python", folder / f"{name}.py", *(["--quick"] if quick else []))


@nox.session(default=False)
def browser(session: nox.Session) -> None:
    """The page of the conformance suite in a Chromium that is there already; none is installed."""
    if not any(map(shutil.which, CHROMIUM)):
        session.skip(f"no browser: none of {', '.join(CHROMIUM)} is on the PATH, and none is installed here")
    install_suite(session, "test")
    tests = SUITE / "tests" / "test_browser.py"
    session.run("python", "-m", "pytest", "-c", SUITE / "pyproject.toml", tests, *session.posargs, env=SAFE_PATH)


@nox.session(default=False)
def changelog(session: nox.Session) -> None:
    """Show the next release notes; `-- build --yes` writes them."""
    session.install("-c", str(CONSTRAINTS), "towncrier")
    session.run("towncrier", *(session.posargs or ["build", "--draft"]))


@nox.session(default=False)
def sp_repo_review(session: nox.Session) -> None:
    """Compare the folder with the Scientific Python development guide."""
    session.install("-c", str(CONSTRAINTS), "sp-repo-review[cli]")
    session.run("sp-repo-review", *(session.posargs or ["."]))


if __name__ == "__main__":
    nox.main()
