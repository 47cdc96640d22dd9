"""What a standard asks for: figures with their source, and the closed family of requirement terms.

A term's class says which numbers it holds and within which limits each may lie (`bounds`), and whether this
release evaluates it (`evaluated`). A `Figure` whose value is None is honest: the source gives no number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import ClassVar, Literal

Status = Literal["official", "secondary", "unverified"]
STATUSES: tuple[Status, ...] = ("official", "secondary", "unverified")
QUANTITIES = ("floor_area_m2", "site_area_m2", "beds", "seats", "places")
METRES_MOST = 50_000.0


@dataclass(frozen=True)
class Names:
    """Hold one wording in Chinese and English."""

    zh: str
    en: str

    def say(self, lang: str) -> str:
        """Return the wording in the language; anything but ``zh`` is answered in English."""
        return self.zh if lang == "zh" else self.en


@dataclass(frozen=True)
class Source:
    """Name a document so that a reader can find it.

    ``number`` is its official number, ``date`` its day or year (ISO), ``address`` where it can be read.
    """

    key: str
    title: Names
    publisher: Names | None = None
    number: str | None = None
    date: str | None = None
    address: str | None = None
    note: Names | None = None


@dataclass(frozen=True)
class Provenance:
    """Say where a statement stands and how far it was checked.

    ``source`` is a key of the standard's sources and ``clause`` the place in it; ``seen_in`` is the source in which the
    words were read when that was not the document itself.
    """

    source: str
    clause: str
    status: Status
    seen_in: str | None = None
    note: Names | None = None


@dataclass(frozen=True)
class Figure:
    """Hold one number of a standard: its value [``unit``] (None: the source gives none) and where it comes from."""

    value: float | None
    unit: str
    provenance: Provenance

    @property
    def source(self) -> str:
        """Return the key of the document that the number stands in."""
        return self.provenance.source

    @property
    def clause(self) -> str:
        """Return the place in the document."""
        return self.provenance.clause

    @property
    def status(self) -> Status:
        """Return how far the number was checked."""
        return self.provenance.status

    @property
    def note(self) -> Names | None:
        """Return the remark that belongs to the number."""
        return self.provenance.note


@dataclass(frozen=True)
class Bound:
    """Give the unit of a number and the closed range in which it is believable."""

    unit: str
    least: float
    most: float


@dataclass(frozen=True)
class ReachTime:
    """Require the facility within ``minutes``, by ``profile`` or, where None, by the profile of the zone's mode."""

    kind: ClassVar[str] = "reach_time"
    evaluated: ClassVar[bool] = True
    bounds: ClassVar[Mapping[str, Bound]] = {"minutes": Bound("min", 1, 60)}

    minutes: Figure
    profile: str | None = None


@dataclass(frozen=True)
class ReachDistance:
    """Require the facility within ``metres`` along the streets of the zone's mode."""

    kind: ClassVar[str] = "reach_distance"
    evaluated: ClassVar[bool] = True
    bounds: ClassVar[Mapping[str, Bound]] = {"metres": Bound("m", 1, METRES_MOST)}

    metres: Figure


@dataclass(frozen=True)
class MinimumSize:
    """Require a facility of at least this floor area, this site area, or both."""

    kind: ClassVar[str] = "minimum_size"
    evaluated: ClassVar[bool] = False
    bounds: ClassVar[Mapping[str, Bound]] = {
        "floor_area_m2": Bound("m2", 1, 1e7),
        "site_area_m2": Bound("m2", 1, 1e8),
    }

    floor_area_m2: Figure | None = None
    site_area_m2: Figure | None = None


@dataclass(frozen=True)
class PerThousand:
    """Require at least ``minimum`` of a quantity for every 1,000 people of a population group (``all``: residents)."""

    kind: ClassVar[str] = "per_thousand"
    evaluated: ClassVar[bool] = False
    bounds: ClassVar[Mapping[str, Bound]] = {"minimum": Bound("per 1000", 0.001, 1e6)}

    minimum: Figure
    quantity: str
    group: str = "all"


@dataclass(frozen=True)
class OnePerSubdistrict:
    """Require at least ``count`` facilities in every subdistrict or town."""

    kind: ClassVar[str] = "one_per_subdistrict"
    evaluated: ClassVar[bool] = False
    bounds: ClassVar[Mapping[str, Bound]] = {"count": Bound("1", 1, 1000)}

    count: Figure


@dataclass(frozen=True)
class Share:
    """Require ``percent`` of what ``of`` names; ``within_m`` where the share is counted within a distance."""

    kind: ClassVar[str] = "share"
    evaluated: ClassVar[bool] = False
    bounds: ClassVar[Mapping[str, Bound]] = {
        "percent": Bound("%", 0, 100),
        "within_m": Bound("m", 1, METRES_MOST),
    }

    percent: Figure
    of: Names
    within_m: Figure | None = None


@dataclass(frozen=True)
class OpeningHours:
    """Require the facility open at least so many hours a week."""

    kind: ClassVar[str] = "opening_hours"
    evaluated: ClassVar[bool] = False
    bounds: ClassVar[Mapping[str, Bound]] = {"hours_per_week": Bound("h", 1, 168)}

    hours_per_week: Figure


ReachTerm = ReachTime | ReachDistance
Term = ReachTime | ReachDistance | MinimumSize | PerThousand | OnePerSubdistrict | Share | OpeningHours
TERM_TYPES: Mapping[str, type[Term]] = {
    term.kind: term for term in (ReachTime, ReachDistance, MinimumSize, PerThousand, OnePerSubdistrict, Share, OpeningHours)
}


def figures_of(term: Term) -> dict[str, Figure]:
    """List the numbers that a term holds, by their names in the standard's file."""
    held = {name: getattr(term, name) for name in term.bounds}
    return {name: figure for name, figure in held.items() if isinstance(figure, Figure)}


def noun_hash(noun: object) -> str:
    """Return the SHA-256 of a frozen dataclass by its content: the order of keys and 15 against 15.0 make no difference."""
    content = json.dumps(_plain(noun), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        held = {entry.name: _plain(getattr(value, entry.name)) for entry in fields(value)}
        return {"noun": type(value).__name__, **held}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value
