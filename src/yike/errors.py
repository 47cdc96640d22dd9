"""Every error that Yike raises on purpose.

    YikeError                     anything we refuse or could not do
    ├── InputError                a file, table or argument is wrong: carries every fault found (exit code 2)
    ├── UnknownName               an id that no standard, class, profile, unit or network has (exit code 2)
    ├── EvidenceMismatch          a replay gave other numbers than the evidence says (exit code 1)
    └── CityChanged               a City folder no longer matches its own hash (exit code 1)

A :class:`Fault` says where something is wrong, what, and how to mend it, in both languages.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from yike.texts import text

_SHOWN_FAULTS = 50


@dataclass(frozen=True)
class Fault:
    """Name one fault of an input: the file, the row and field in it, what is wrong and how to mend it.

    ``code`` picks the two sentences ``error.<code>.what`` and ``error.<code>.mend``; ``values`` fill their placeholders.
    ``row`` is the line or row as a person counts it (the header of a table is row 1); ``count`` how many rows share the fault.
    """

    code: str
    file: str
    row: int | None = None
    field: str | None = None
    values: Mapping[str, object] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    count: int = 1

    def words(self, lang: str) -> str:
        """Say the fault in one line of the language."""
        place = [self.file]
        if self.row is not None:
            place.append(text("error.place.row", lang, row=self.row))
        if self.field is not None:
            place.append(text("error.place.field", lang, field=self.field))
        if self.count > 1:
            place.append(text("error.place.count", lang, count=self.count))
        what = text(f"error.{self.code}.what", lang, **self.values)
        mend = text(f"error.{self.code}.mend", lang, **self.values)
        return text("error.line", lang, place=", ".join(place), what=what, mend=mend)


class YikeError(Exception):
    """Refuse or fail with one clear message."""

    exit_code = 1

    def words(self, lang: str) -> str:
        """Say the error in the language."""
        return str(self)


class InputError(YikeError):
    """Report every fault of an input at once."""

    exit_code = 2

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: Sequence[Fault] = tuple(faults)
        super().__init__(self.words("en"))

    def words(self, lang: str) -> str:
        lines = [fault.words(lang) for fault in self.faults[:_SHOWN_FAULTS]]
        hidden = len(self.faults) - len(lines)
        if hidden:
            lines.append(text("error.more", lang, count=hidden))
        return "\n".join(lines)


class UnknownName(InputError):
    """Refuse an id that nothing has, and name the nearest that exist."""


@dataclass(frozen=True)
class Difference:
    """Name one thing that is not as the evidence states it: kind (text ``error.evidence.thing.<kind>``), name, both values."""

    kind: str
    name: str
    stated: object
    found: object


class EvidenceMismatch(YikeError):
    """Report that a replay does not give what the evidence says."""

    def __init__(self, differences: Iterable[Difference]) -> None:
        self.differences: Sequence[Difference] = tuple(differences)
        super().__init__(self.words("en"))

    def words(self, lang: str) -> str:
        lines = []
        for each in self.differences:
            thing = text(f"error.evidence.thing.{each.kind}", lang, name=each.name)
            lines.append(text("error.evidence.difference", lang, thing=thing, stated=each.stated, found=each.found))
        return "\n".join(lines)


class CityChanged(YikeError):
    """Report that a City folder was edited after it was written."""

    def __init__(self, folder: object, *, expected: object, found: object) -> None:
        self.values: Mapping[str, object] = {"folder": folder, "expected": expected, "found": found}
        super().__init__(self.words("en"))

    def words(self, lang: str) -> str:
        return text("error.city.changed", lang, **self.values)
