"""The cases as tests: pytest --conformance-target=package.module:function

One test for each function, rule and dtype; it fails with the first wrong case in full, as a script that repeats it.
`--conformance-library` says whose arrays the function takes, `--conformance-setting` chooses settings of a target
that has several. What the target does not offer is skipped, with the reason. The option `-k` chooses tests.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .run import Outcome
    from .targets.base import Setting, Target
    from .vectors import Case

SHOWN = 1  # failures of a test in full


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance", "conformance of cross-entropy functions")
    add = group.addoption
    add(
        "--conformance-target",
        action="append",
        default=[],
        metavar="NAME",
        help="package.module:name, or a known target",
    )
    add("--conformance-library", default=None, metavar="NAME", help="whose arrays package.module:name takes (numpy)")
    add("--conformance-setting", action="append", default=[], metavar="GLOB", help='such as "torch*"')


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests for the targets of the command line, after those that were collected."""
    for name in config.getoption("--conformance-target"):
        items.extend(tests(session, config, name))


def tests(session: pytest.Session, config: pytest.Config, name: str) -> Iterator[pytest.Item]:
    from .targets import find
    from .vectors import load
    from .worker import reason_not_to_run

    try:
        target = find(name, config.getoption("--conformance-library"))
    except (ValueError, ImportError, AttributeError) as error:
        raise pytest.UsageError(f"--conformance-target={name}: {error}") from error
    globs = config.getoption("--conformance-setting")
    groups: dict[str, list[Case]] = {}
    for case in load().cases:
        groups.setdefault(f"{case.function}-rule {case.rule}-{case.dtype}", []).append(case)
    for setting in target.settings:
        if globs and not setting.fits(globs):
            continue
        reason = other_process(setting) or reason_not_to_run(target, setting)
        for group, cases in groups.items():
            title = f"{name}[{setting.name}-{group}]"
            yield CaseGroup.from_parent(
                session, name=title, target=target, setting=setting, cases=cases, reason=reason
            )


def other_process(setting: Setting) -> str:
    """Why a setting cannot be run in this process: what it needs in the environment before anything is imported."""
    lacking = [f"{name}={x}" for name, x in setting.environment.items() if os.environ.get(name) != x]
    return f"needs {' '.join(lacking)} in the environment" if lacking else ""


class WrongCaseError(Exception):
    """Cases of a group that disagree; the text is all there is to say."""


class CaseGroup(pytest.Item):
    """The cases of one function, rule and dtype, in one setting."""

    def __init__(self, *, target: Target, setting: Setting, cases: list[Case], reason: str, **more: Any) -> None:
        super().__init__(**more)
        self.target, self.setting, self.cases, self.reason = target, setting, cases, reason

    def runtest(self) -> None:
        from .plan import plan
        from .run import NOT_OFFERED, run

        if self.reason:
            pytest.skip(self.reason)
        outcomes = list(run(self.target, plan(self.target, self.setting, self.cases)))
        if wrong := [outcome for outcome in outcomes if outcome.failed]:
            raise WrongCaseError(self.text(wrong, len(outcomes)))
        if all(outcome.status == NOT_OFFERED for outcome in outcomes):
            reasons = dict.fromkeys(outcome.text for outcome in outcomes)
            pytest.skip(f"not offered: {', '.join(reasons)}" if reasons else "nothing to ask in this mode")

    def text(self, wrong: list[Outcome], count: int) -> str:
        from .reproduce import reproduce

        by_id = {case.id: case for case in self.cases}
        lines = [f"{len(wrong)} of {count} cases disagree: {', '.join(outcome.id for outcome in wrong[:8])}"]
        for outcome in wrong[:SHOWN]:
            lines += ["", reproduce(self.target, self.setting, by_id[outcome.id], outcome)]
        return "\n".join(lines)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, WrongCaseError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        return self.path, None, self.name
