"""The deviations that are written down, and how news of them is found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from xentropy_conformance import known
from xentropy_conformance.report import Report
from xentropy_conformance.run import AGREES, DISAGREES, NOT_OFFERED, Outcome, Part
from xentropy_conformance.targets import PEERS, TARGETS
from xentropy_conformance.vectors import load

CASES = {case.id: case for case in load().cases}
ISSUE = re.compile(r"[\w.-]+/[\w.-]+#\d+")
FIRST, SECOND, THIRD = [case.id for case in load().cases if case.function == "softplus"][:3]


def report(**statuses: str) -> Report:
    ids = {"first": FIRST, "second": SECOND, "third": THIRD}
    parts = {DISAGREES: [Part("value", 9.0, ["1.0"], [9.0])]}
    outcomes = [Outcome(ids[name], status, parts=parts.get(status, [])) for name, status in statuses.items()]
    return Report("optax", "jax, eager", "jax", "eager", outcomes=outcomes)


def test_ids_are_packed_and_unpacked() -> None:
    ids = ["softmax/float32/0003", "softmax/float32/0004", "softmax/float32/0006", "xlogy/float64/9000"]
    packed = {"softmax/float32": "3-4 6", "xlogy/float64": "9000"}
    assert known.pack(ids) == packed
    assert known.unpack(packed) == ids


def test_news_is_what_is_new_and_what_is_fixed(tmp_path: Path) -> None:
    known.update([report(first=DISAGREES, second=DISAGREES, third=AGREES)], CASES, tmp_path)
    assert not known.compare(report(first=DISAGREES, second=DISAGREES, third=AGREES), tmp_path)
    news = known.compare(report(first=AGREES, second=DISAGREES, third=DISAGREES), tmp_path)
    assert news is not None
    assert (news.new, news.fixed) == ([THIRD], [FIRST])


def test_what_is_no_longer_offered_is_not_fixed(tmp_path: Path) -> None:
    known.update([report(first=DISAGREES)], CASES, tmp_path)
    news = known.compare(report(first=NOT_OFFERED), tmp_path)
    assert news is not None
    assert not news.fixed


def test_what_was_not_run_stays_known(tmp_path: Path) -> None:
    known.update([report(first=DISAGREES, second=DISAGREES)], CASES, tmp_path)
    known.update([report(second=AGREES)], CASES, tmp_path)
    data = known.read("optax", tmp_path)
    assert data is not None
    assert set(known.expand(data, "jax, eager")) == {FIRST}


def test_a_reason_for_a_skip_that_nobody_wrote_down_is_news(tmp_path: Path) -> None:
    (tmp_path / "optax.json").write_text('{"not_offered": ["no \\\\w+"], "deviations": {}}', "utf-8")
    skipped = Report("optax", "jax, eager", "jax", "eager", outcomes=[Outcome(FIRST, NOT_OFFERED, "no softplus")])
    assert not known.compare(skipped, tmp_path)
    skipped.outcomes.append(Outcome(SECOND, NOT_OFFERED, "tired"))
    news = known.compare(skipped, tmp_path)
    assert news is not None
    assert news.unexplained == ["tired"]


def test_nothing_is_known_of_your_own() -> None:
    assert known.read("own:softplus") is None


@pytest.mark.parametrize("name", [target.name for target in PEERS])
def test_every_deviation_of_a_peer_has_a_case_and_a_reason(name: str) -> None:
    data = known.read(name)
    assert data is not None
    assert data["versions"]
    assert set(data["deviations"]) <= {setting.name for setting in TARGETS[name].settings}
    used = {reason for reasons in data["deviations"].values() for reason in reasons}
    assert used == set(data["reasons"])
    assert known.UNEXPLAINED not in used
    for setting in data["deviations"]:
        assert set(known.expand(data, setting)) <= CASES.keys()
    for reason in data["reasons"].values():
        assert reason["about"]
        assert all(ISSUE.fullmatch(issue) for issue in reason["issues"])


def test_xentropy_has_no_known_deviation() -> None:
    data = known.read("xentropy")
    assert data is not None
    assert data["deviations"] == {}
    assert data["not_offered"]
