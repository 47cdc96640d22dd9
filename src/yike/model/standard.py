"""Standard: what every neighbourhood must have within reach, as data with sources.

The files `standards/*.yaml` and a planner's own file have the same form; `load_standard` reads either, or an overlay
that changes single numbers of another standard. Reading and checking lie in `standard_yaml` and `standard_overlay`,
which are imported only when a standard is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from yike.errors import Fault, UnknownName
from yike.model.requirement import (
    Figure,
    Names,
    Provenance,
    ReachDistance,
    ReachTerm,
    ReachTime,
    Source,
    Term,
    figures_of,
    noun_hash,
)

MEASURED_AT = ("committee_centre", "residents")
UNIT_KINDS = ("residents_committee", "village_committee")
MODES = ("walk", "cycle")
KINDS = ("basic_guarantee", "quality_improvement", "feature_guidance")
OBLIGATIONS = ("required", "recommended")
TIERS = (5, 10, 15)
TAGS = ("work", "live", "visit", "elder_care", "learn")
PERCENT = 100.0
_Noun = TypeVar("_Noun")


@dataclass(frozen=True)
class Origin:
    """Say from where reach is measured, and what share of residents must reach where residents decide."""

    measured_at: str
    minimum_share_percent: Figure | None
    provenance: Provenance

    @property
    def minimum_share(self) -> float | None:
        """Return the share of residents that must reach, 0 to 1; None where the committee centre decides."""
        if self.minimum_share_percent is None or self.minimum_share_percent.value is None:
            return None
        return self.minimum_share_percent.value / PERCENT


@dataclass(frozen=True)
class Zone:
    """Hold one planning zone: the mode for each kind of unit, and terms that replace a class's own there."""

    id: str
    names: Names
    modes: Mapping[str, str]
    provenance: Provenance
    terms_by_class: Mapping[str, tuple[Term, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Field:
    """Hold one field of services (领域) with its slogan and the terms that concern the field as a whole."""

    id: str
    names: Names
    slogan: Names | None = None
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True)
class FacilityClass:
    """Hold one class of facilities and what is asked of it.

    ``also_met_by`` lists classes of the city's data whose facilities count for this class too: a nine-year school is a
    primary school as well. ``obligation`` tells 应配 from 宜配; None where the standard makes no difference.
    """

    id: str
    field: str
    names: Names
    synonyms: Mapping[str, tuple[str, ...]]
    provenance: Provenance
    kind: str | None = None
    obligation: str | None = None
    tier: int | None = None
    tags: tuple[str, ...] = ()
    terms: tuple[Term, ...] = ()
    also_met_by: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """Return how far it was checked that the standard names this class."""
        return self.provenance.status

    @property
    def note(self) -> Names | None:
        """Return the remark on the class."""
        return self.provenance.note

    @property
    def words(self) -> tuple[str, ...]:
        """List every word that means this class: id, names and synonyms."""
        synonyms = (word for lang in ("zh", "en") for word in self.synonyms.get(lang, ()))
        return (self.id, self.names.zh, self.names.en, *synonyms)


@dataclass(frozen=True)
class Standard:
    """Hold a whole standard; ``profiles`` names the travel profile of each mode."""

    id: str
    title: Names
    version: str
    issued: str | None
    origin: Origin
    profiles: Mapping[str, str]
    zones: tuple[Zone, ...]
    fields: tuple[Field, ...]
    classes: tuple[FacilityClass, ...]
    sources: tuple[Source, ...]
    note: Names | None = None
    extends: str | None = None

    @classmethod
    def load(cls, id_or_path: str | Path) -> Standard:
        """Load a standard as `load_standard` does."""
        return load_standard(id_or_path)

    @cached_property
    def hash(self) -> str:
        """Return the SHA-256 of the content, whatever the comments and the order of keys in the file."""
        return noun_hash(self)

    def class_(self, class_id: str) -> FacilityClass:
        """Return a class by id.

        Raises:
            UnknownName: the standard has no such class.
        """
        return self._find("class", class_id, {entry.id: entry for entry in self.classes})

    def field_(self, field_id: str) -> Field:
        """Return a field by id.

        Raises:
            UnknownName: the standard has no such field.
        """
        return self._find("field", field_id, {entry.id: entry for entry in self.fields})

    def source(self, key: str) -> Source:
        """Return a source by key.

        Raises:
            UnknownName: the standard lists no such source.
        """
        return self._find("source", key, {entry.key: entry for entry in self.sources})

    def zone(self, zone_id: str | None) -> Zone | None:
        """Return a zone by id. A standard with one zone means it for every place; else an unknown zone is None."""
        if len(self.zones) == 1:
            return self.zones[0]
        return next((zone for zone in self.zones if zone.id == zone_id), None)

    def mode_for(self, zone_id: str | None, unit_kind: str) -> str | None:
        """Return the mode that the zone gives to a kind of unit; None where the standard names none."""
        zone = self.zone(zone_id)
        return None if zone is None else zone.modes.get(unit_kind)

    def profile_for(self, term: ReachTerm, mode: str) -> str:
        """Return the travel profile id that a reach term is measured by in a mode."""
        own = term.profile if isinstance(term, ReachTime) else None
        return own or self.profiles[mode]

    def terms(self, class_id: str, zone_id: str | None = None) -> tuple[Term, ...]:
        """List the terms of a class; a zone's own terms for the class replace them there."""
        zone = self.zone(zone_id)
        own = None if zone is None else zone.terms_by_class.get(class_id)
        return self.class_(class_id).terms if own is None else own

    def reach_terms(self, class_id: str, zone_id: str | None = None) -> tuple[ReachTerm, ...]:
        """List the terms of reach that give a number; a term whose number is null asks for nothing measurable."""
        reach = (term for term in self.terms(class_id, zone_id) if isinstance(term, ReachTime | ReachDistance))
        return tuple(term for term in reach if all(f.value is not None for f in figures_of(term).values()))

    def class_named(self, word: str) -> FacilityClass | None:
        """Return the class that a word means by id, name or synonym, whatever its width, case and blanks."""
        return self._by_word.get(word_key(word))

    @cached_property
    def _by_word(self) -> dict[str, FacilityClass]:
        return {word_key(word): entry for entry in self.classes for word in entry.words}

    def _find(self, kind: str, name: str, known: Mapping[str, _Noun]) -> _Noun:
        if name not in known:
            raise unknown_name(kind, name, known, where=self.id)
        return known[name]


@dataclass(frozen=True)
class StandardSummary:
    """Hold what a list of standards shows."""

    id: str
    title: Names
    version: str
    issued: str | None
    field_count: int
    class_count: int
    measured_at: str
    hash: str


def load_standard(id_or_path: str | Path) -> Standard:
    """Load a standard by its id (``pudong-2021``) or from a YAML file, checked whole.

    Raises:
        UnknownName: neither a standard of this package nor an existing file.
        InputError: the file has faults; every one is named with its line.
    """
    from yike.model.standard_overlay import read_standard

    return read_standard(id_or_path)


def list_standards() -> tuple[StandardSummary, ...]:
    """List the standards that come with the package, by id."""
    from yike.model.standard_overlay import packaged_ids

    return tuple(_summary(load_standard(standard_id)) for standard_id in packaged_ids())


def _summary(standard: Standard) -> StandardSummary:
    return StandardSummary(
        id=standard.id,
        title=standard.title,
        version=standard.version,
        issued=standard.issued,
        field_count=len(standard.fields),
        class_count=len(standard.classes),
        measured_at=standard.origin.measured_at,
        hash=standard.hash,
    )


def word_key(word: str) -> str:
    """Return what two spellings of one word share: half width, lower case, no blanks, underscores or hyphens."""
    import unicodedata

    folded = unicodedata.normalize("NFKC", word).casefold()
    return "".join(letter for letter in folded if not letter.isspace() and letter not in "_-")


def unknown_name(kind: str, name: str, known: Mapping[str, object], *, where: str) -> UnknownName:
    """Make the error for an id that nothing has, with the nearest that exists."""
    from yike.model.yaml_checked import nearest, some_of

    values = {"kind": kind, "name": name, "nearest": nearest(name, known), "known": some_of(known, name)}
    return UnknownName([Fault("standard.unknown_name", where, values=values)])
