"""Figures and names as the report says them in one language."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from yike.texts import text, words

SECONDS_PER_MINUTE = 60.0
_NO_FIGURE = "–"


@dataclass(frozen=True)
class Wording:
    """Say texts, figures and names in one language."""

    lang: str

    def say(self, key: str, **values: object) -> str:
        """Say the text ``report.<key>``."""
        return text(f"report.{key}", self.lang, **values)

    def say_or(self, key: str, otherwise: str) -> str:
        """Say the text ``report.<key>`` where there is one; a name from a file stands for itself."""
        return words(self.lang).get(f"report.{key}", otherwise)

    def reason(self, code: str) -> str:
        """Say why a pair is not determinable."""
        return words(self.lang).get(f"verdict.reason.{code}", self.say_or(f"reason.{code}", code))

    def joined(self, items: Iterable[str]) -> str:
        """List items in one phrase."""
        return self.say("list.comma").join(items)

    def count(self, figure: float) -> str:
        """Say a whole number with its thousands apart."""
        return _NO_FIGURE if _unknown(figure) else f"{round(figure):,}"

    def percent(self, share: float | None) -> str:
        """Say a share [0..1] as per cent; only the whole is said to be 100 and only nothing to be 0."""
        if share is None or _unknown(share):
            return _NO_FIGURE
        tenths = round(share * 1000)
        if tenths == 1000 and share < 1:
            tenths = 999
        if tenths == 0 and share > 0:
            tenths = 1
        return f"{tenths / 10:.1f}%"

    def minutes(self, seconds: float) -> str:
        """Say a time [s] as minutes with one decimal, without the unit."""
        return f"{_tenths(seconds) / 10:.1f}"

    def span(self, seconds: float) -> str:
        """Say a time [s] with its unit: whole seconds below one minute, else minutes."""
        whole = math.ceil(seconds)
        if whole < SECONDS_PER_MINUTE:
            return self.say("unit.seconds", figure=f"{whole}")
        return self.say("unit.minutes", figure=self.minutes(seconds))

    def metres(self, metres: float) -> str:
        """Say a length [m] with its unit."""
        return self.say("unit.metres", figure=f"{max(1, round(metres)):,}")

    def number(self, figure: float) -> str:
        """Say a number of a standard as short as it can be written."""
        return f"{figure:,.0f}" if float(figure).is_integer() else f"{figure:,g}"


def reconciled_tenths(total_s: float, parts_s: tuple[float, ...]) -> tuple[str, ...]:
    """Return the parts [s] in tenths of a minute so that they sum to the rounded total: the first takes the difference."""
    rest = [_tenths(part) for part in parts_s[1:]]
    first = _tenths(total_s) - sum(rest)
    return tuple(f"{part / 10:.1f}" for part in (first, *rest))


def _tenths(seconds: float) -> int:
    return round(seconds * 10 / SECONDS_PER_MINUTE)


def _unknown(figure: float) -> bool:
    return not math.isfinite(figure)
