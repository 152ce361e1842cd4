"""What is known after a run: the outcomes of each target in each setting, and how they are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from .run import AGREES, DISAGREES, NOT_OFFERED, RAISES, Outcome

RULES = {  # the rules of section 3 of the design, in a few words each
    "1": "masked classes",
    "2": "0 log 0 = 0",
    "3": "target on a masked class",
    "4": "no class left",
    "5": "NaN and +inf logits",
    "6": "rows that do not count",
    "7": "reductions",
    "8": "label smoothing",
    "9": "bad labels",
    "10": "binary, at infinity",
    "11": "softcap, temperature",
    "12": "z-loss",
    "13": "gradients",
    "14": "invariance",
    "15": "empty arrays",
    "accuracy": "digits",
}


@dataclass
class Report:
    """One target in one setting."""

    target: str
    setting: str
    library: str
    mode: str
    device: str = "cpu"
    versions: dict[str, str] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    left_out: int = 0  # cases that were not run for the time they take
    unasked: int = 0  # cases that say nothing about this mode
    seconds: float = 0.0
    not_run: str = ""  # why, where nothing could be run at all

    @property
    def name(self) -> str:
        return f"{self.target}: {self.setting}"

    @property
    def offered(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.status != NOT_OFFERED]

    @property
    def failures(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.failed]

    @property
    def reasons(self) -> dict[str, int]:
        """Why cases are not offered, and how many for each reason."""
        return dict(Counter(o.text for o in self.outcomes if o.status == NOT_OFFERED).most_common())

    @property
    def excused(self) -> int:
        """Cases that agree because the target raises on a bad label, as it may."""
        return sum(outcome.status == AGREES and bool(outcome.text) for outcome in self.outcomes)

    def count(self, keep: Callable[[Outcome], bool] = lambda _: True) -> Score:
        return score(outcome for outcome in self.outcomes if keep(outcome))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> Report:
        return Report(**{**data, "outcomes": [Outcome.from_json(outcome) for outcome in data["outcomes"]]})


@dataclass(frozen=True)
class Score:
    """How many cases came to what, and the worst error of those that are judged."""

    agrees: int = 0
    disagrees: int = 0
    raises: int = 0
    not_offered: int = 0
    worst: float = 0.0  # in bars

    @property
    def offered(self) -> int:
        return self.agrees + self.disagrees + self.raises

    @property
    def share(self) -> float | None:
        """Of the offered cases those that agree; None where there are none."""
        return self.agrees / self.offered if self.offered else None


def score(outcomes: Iterable[Outcome]) -> Score:
    all_ = list(outcomes)
    counts = Counter(outcome.status for outcome in all_)
    worst = max((outcome.worst for outcome in all_), default=0.0)
    return Score(counts[AGREES], counts[DISAGREES], counts[RAISES], counts[NOT_OFFERED], worst)


def percent(share: float | None) -> str:
    """A share that is 100 only where nothing is missing, and 0 only where there is nothing."""
    if share is None:
        return "-"
    if share in (0.0, 1.0):
        return f"{share:.0%}"
    return f"{min(max(share, 0.01), 0.99):.0%}"


def bars(error: float) -> str:
    """An error in bars with two digits."""
    if error == float("inf"):
        return "inf"
    return (
        f"{error:.2f}"
        if error < 100
        else f"{error:.0f}"
        if error < 1e4
        else f"{error:.0e}".replace("e+0", "e").replace("e+", "e")
    )


def rule_order(rule: str) -> tuple[int, str]:
    return (int(rule), "") if rule.isdigit() else (10**6, rule)
