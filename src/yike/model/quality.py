"""Quality of a neighbourhood's data: the rules that make a score of figures, and the table of scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from yike.errors import Fault, InputError
from yike.model.tables import Column, TableSchema

PARTS = ("streets", "residents", "datum", "inventories", "density", "duplicates", "age", "edge")
BEST_SCORE = 100.0
_PART_KEYS = {"id", "weight", "figure", "zero_at", "full_at", "cap"}
_HEAD_KEYS = {"id", "version", "status", "parts", "duplicate_m", "name_likeness", "never_duplicates"}
_PACKAGED = "quality.yaml"

FloatArray = NDArray[np.float64]

QUALITY_TABLE = TableSchema(
    "quality",
    (
        Column("unit_id", "str"),
        Column("score", "f8", "0 to 100: weighted mean of the known parts, capped where a part forbids a verdict"),
        Column("known_percent", "f8", "% of the weights whose part is known"),
        Column("mend_first", "str", "parts that cost most, comma separated, worst first", nullable=True),
        *(Column(f"{part}_part", "f8", "0 to 1; empty where unknown", nullable=True) for part in PARTS),
        Column("pieces", "i8", "pieces of the network in the area that do not hang together"),
        Column("centre_connected", "bool"),
        Column("piece_share", "f8", "share of street length in the centre's piece; 1 in the largest"),
        Column("residents", "i8", "people"),
        Column("unconnected_residents", "i8", "people without a connection to the largest piece"),
        Column("datum", "str", "systems that its facilities' sources fit, comma separated; empty: cannot tell", nullable=True),
        Column("facilities", "i8", "facilities in the area"),
        Column("duplicates", "i8", "facilities in the area that stand there a second time"),
        Column("facilities_per_10k", "f8", "facilities per 10,000 residents", nullable=True),
        Column("inventories_percent", "f8", "% of the expected classes that have an inventory", nullable=True),
        Column("age_years", "f8", "age of the oldest part", nullable=True),
        Column("edge_m", "f8", "m from the centre to the edge of known data", nullable=True),
    ),
    key=("unit_id",),
)


@dataclass(frozen=True)
class QualityPart:
    """Hold how one figure becomes a part: 0 at ``zero_at``, 1 at ``full_at``, its weight, and the score's cap where it is 0."""

    id: str
    weight: float
    zero_at: float
    full_at: float
    cap: float | None = None

    def value(self, figure: FloatArray) -> FloatArray:
        """Return the part of each figure, 0 to 1; NaN stays NaN."""
        return np.asarray(np.clip((figure - self.zero_at) / (self.full_at - self.zero_at), 0.0, 1.0), np.float64)


@dataclass(frozen=True)
class QualityRules:
    """Hold the parts in their order and what counts as a double."""

    version: str
    status: str
    parts: tuple[QualityPart, ...]
    duplicate_m: float
    name_likeness: float
    never_duplicates: tuple[str, ...]

    def part(self, name: str) -> QualityPart:
        """Return a part by its name."""
        return next(part for part in self.parts if part.id == name)

    def score(self, values: Mapping[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
        """Return (n,) scores of 0 to 100 and the per cent of the weights that is known, from (n,) parts by name.

        score = 100 · Σ w·p / Σ w over the known parts, at most the cap of each part that is 0; nothing known scores 0.
        """
        matrix = np.column_stack([values[part.id] for part in self.parts])
        weights = np.array([part.weight for part in self.parts])
        known = ~np.isnan(matrix)
        held = known @ weights
        sums = np.where(known, matrix, 0.0) @ weights
        score = BEST_SCORE * sums / np.where(held > 0, held, 1.0)
        for column, part in enumerate(self.parts):
            if part.cap is not None:
                score = np.where(matrix[:, column] == 0, np.minimum(score, part.cap), score)
        return score, 100.0 * held / weights.sum()


@cache
def quality_rules() -> QualityRules:
    """Return the rules that come with the package."""
    content = (files("yike") / "standards" / _PACKAGED).read_text(encoding="utf-8")
    return _read_rules(yaml.safe_load(content), _PACKAGED)


def load_quality_rules(path: Path) -> QualityRules:
    """Read rules from a file of the same form as the packaged one.

    Raises:
        InputError: the file is missing or damaged; every unknown key, missing part and figure out of range is named.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError([Fault("file.missing", str(path))])
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError([Fault("file.damaged", str(path), values={"reason": error})]) from error
    return _read_rules(content, str(path))


def _read_rules(content: object, file: str) -> QualityRules:
    head = content if isinstance(content, dict) else {}
    entries = [entry for entry in head.get("parts") or () if isinstance(entry, dict)]
    faults = [Fault("quality.unknown_key", file, field=str(key)) for key in head if key not in _HEAD_KEYS]
    found = [str(entry.get("id")) for entry in entries]
    faults += [Fault("quality.missing_part", file, field=name) for name in PARTS if found.count(name) != 1]
    for entry in entries:
        faults += _part_faults(entry, file)
    for key in ("duplicate_m", "name_likeness"):
        if not _is_number(head.get(key)):
            faults.append(Fault("quality.bad_figure", file, field=key, values={"value": head.get(key)}))
    if faults:
        raise InputError(faults)
    by_id = {str(entry["id"]): entry for entry in entries}
    parts = tuple(_part(by_id[name]) for name in PARTS)
    never = tuple(map(str, head.get("never_duplicates") or ()))
    figures = float(head["duplicate_m"]), float(head["name_likeness"])
    return QualityRules(str(head.get("version", "")), str(head.get("status", "unverified")), parts, *figures, never)


def _part(entry: Mapping[str, Any]) -> QualityPart:
    cap = entry.get("cap")
    figures = {key: float(entry[key]) for key in ("weight", "zero_at", "full_at")}
    return QualityPart(str(entry["id"]), **figures, cap=None if cap is None else float(cap))


def _part_faults(entry: Mapping[str, object], file: str) -> list[Fault]:
    name = str(entry.get("id"))
    faults = [Fault("quality.unknown_key", file, field=f"{name}.{key}") for key in entry if key not in _PART_KEYS]
    if name not in PARTS:
        values = {"thing": "part", "name": name, "known": ", ".join(PARTS)}
        faults.append(Fault("name.unknown", file, field="parts", values=values))
    for key in ("weight", "zero_at", "full_at"):
        if not _is_number(entry.get(key)):
            faults.append(Fault("quality.bad_figure", file, field=f"{name}.{key}", values={"value": entry.get(key)}))
    weight = entry.get("weight")
    if isinstance(weight, int | float) and weight <= 0:
        faults.append(Fault("quality.bad_figure", file, field=f"{name}.weight", values={"value": weight}))
    if _is_number(entry.get("zero_at")) and entry.get("zero_at") == entry.get("full_at"):
        faults.append(Fault("quality.no_slope", file, field=f"{name}.full_at"))
    cap = entry.get("cap")
    if cap is not None and not (_is_number(cap) and isinstance(cap, int | float) and 0 <= cap <= BEST_SCORE):
        faults.append(Fault("quality.bad_figure", file, field=f"{name}.cap", values={"value": cap}))
    return faults


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value)) and value >= 0
