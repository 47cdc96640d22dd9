"""How a file is to be read: what the user stated, what was decided last time, saved as YAML beside the city's tables.

A plan names the sheet, encoding, header rows and coordinate system, the field of each column with its unit, and classes of words.
It is written after each import and used for the next file of the same name but for its digits: 学校2024.xlsx, 学校2025.xlsx.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from yike.errors import Fault, InputError
from yike.model.coordinates import CoordinateSystem
from yike.model.yaml_checked import read_text
from yike.sources.column_words import FoundColumn, Vocabulary, extended_words, mapping, own_words, plain, units_of
from yike.sources.coordinates import parse_system

FORMAT = 1
FOLDER = "plans"
PARTS = ("facilities", "population", "units", "candidates")
NO_CLASS = "none"
_GROUP = "residents_"
_KEYS = (
    "format", "part", "files", "layer", "encoding", "header_rows", "points_in", "class", "count_column", "rounding", "columns",
    "classes", "words",
)  # fmt: skip
_TEXTS = ("layer", "encoding", "points_in", "class", "count_column", "rounding", "files")


@dataclass(frozen=True)
class ReadingPlan:
    """Say how a file is read; what is None or empty is found out from the file.

    part          facilities, population, units or candidates
    files         pattern of the file names that it is for
    layer         layer, or sheet (``*``: all)
    header_rows   row numbers (from 1) of the header
    points_in     coordinate system of points, as `yike.sources.coordinates.parse_system` understands it
    columns       column to field (empty: not read) and unit; None: by the mapping
    classes       class word to class id, or to ``none``
    words         what the user adds to `mappings/columns.yaml`
    source        the file that holds the plan
    fresh         whether saved plans are left aside
    """

    part: str = ""
    files: str = ""
    layer: str | None = None
    encoding: str | None = None
    header_rows: tuple[int, ...] | None = None
    points_in: str | None = None
    class_id: str | None = None
    count_column: str | None = None
    rounding: str | None = None
    columns: Mapping[str, tuple[str, str]] | None = None
    classes: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    fresh: bool = False

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Return the words in force."""
        return extended_words(self.words, file=self.source or "mapping") if self.words else own_words()

    @cached_property
    def system(self) -> CoordinateSystem | None:
        """Return the coordinate system of points, None where the plan states none."""
        return None if self.points_in is None else parse_system(self.points_in, file=self.source or "--crs-of-points")

    def over(self, older: ReadingPlan) -> ReadingPlan:
        """Return this plan with what it leaves open filled in from an older one."""
        blank = ReadingPlan()
        chosen = {
            each.name: getattr(self, each.name)
            if getattr(self, each.name) != getattr(blank, each.name)
            else getattr(older, each.name)
            for each in fields(ReadingPlan)
        }
        return ReadingPlan(**chosen)

    def columns_in(self, present: Sequence[str], *, file: str) -> dict[str, FoundColumn] | None:
        """Return the column of each planned field of a table, None where the plan leaves the columns open.

        Raises:
            InputError: the table lacks a column that the plan reads.
        """
        if self.columns is None:
            return None
        by_spelling = {plain(column): column for column in present}
        faults, found = [], {}
        for column, (name, unit) in self.columns.items():
            if not name:
                continue
            if plain(column) not in by_spelling:
                values = {"plan": self.source or FOLDER, "present": ", ".join(present)}
                faults.append(Fault("plan.column_gone", file, row=1, field=column, values=values))
                continue
            size = units_of(name, self.vocabulary).get(plain(unit), 1.0) if unit else 1.0
            found[name] = FoundColumn(by_spelling[plain(column)], unit, size)
        if faults:
            raise InputError(faults)
        return found

    def new_columns(self, present: Sequence[str]) -> tuple[str, ...]:
        """Return the columns of a table that the plan does not name."""
        named = {plain(column) for column in self.columns or ()}
        return tuple(column for column in present if plain(column) not in named) if self.columns is not None else ()


def name_pattern(name: str) -> str:
    """Return the pattern of file names that differ from ``name`` in digits only."""
    return re.sub(r"\d+", "*", re.sub(r"([\[?*])", r"[\1]", name))


def plan_path(city: Path, plan: ReadingPlan, file: Path) -> Path:
    """Return where the plan of a file is kept in a city's folder."""
    of_column = f".{plan.count_column}" if plan.count_column else ""
    return Path(city) / FOLDER / f"{file.name}.{plan.part}{of_column}.yaml"


def find_plan(city: Path, part: str, name: str, *, count_column: str | None = None) -> ReadingPlan | None:
    """Return the saved plan for a part and file name; of several, that of the most similar name.

    Raises:
        InputError: the plan was edited and is no longer valid.
    """
    folder = Path(city) / FOLDER
    fitting = []
    for path in sorted(folder.glob("*.yaml")) if folder.is_dir() else []:
        plan = load_plan(path)
        if plan.part == part and plan.count_column == count_column and fnmatch.fnmatchcase(name, plan.files):
            fitting.append((not path.name.startswith(f"{name}."), path.name, plan))
    return min(fitting, key=lambda each: each[:2])[2] if fitting else None


def load_plan(path: Path) -> ReadingPlan:
    """Read a plan.

    Raises:
        InputError: the file is no plan, or an entry is unknown or of another form; all are named.
    """
    file = str(path)
    try:
        content = yaml.safe_load(read_text(path))
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError([Fault("file.damaged", file, values={"reason": " ".join(str(error).split()).rstrip(".")})]) from error
    if not isinstance(content, dict):
        raise InputError([Fault("plan.not_a_mapping", file)])
    faults = [
        Fault("plan.unknown_key", file, field=str(key), values={"known": ", ".join(_KEYS)}) for key in content if key not in _KEYS
    ]
    faults += _value_faults(content, file)
    if faults:
        raise InputError(faults)
    columns = content.get("columns")
    plan = ReadingPlan(
        part=content["part"],
        files=content["files"],
        header_rows=tuple(content["header_rows"]) if content.get("header_rows") else None,
        class_id=content.get("class"),
        columns=None if columns is None else {str(name): _column(entry) for name, entry in columns.items()},
        classes={str(word): str(name) for word, name in (content.get("classes") or {}).items()},
        words=content.get("words") or {},
        source=file,
        layer=content.get("layer"),
        encoding=content.get("encoding"),
        points_in=content.get("points_in"),
        count_column=content.get("count_column"),
        rounding=content.get("rounding"),
    )
    _refuse_bad_columns(plan, file)
    return plan


def _column(entry: object) -> tuple[str, str]:
    if isinstance(entry, dict):
        return str(entry.get("field") or ""), str(entry.get("unit") or "")
    return str(entry or ""), ""


def _value_faults(content: Mapping[str, Any], file: str) -> list[Fault]:
    faults = []
    if content.get("format") != FORMAT:
        faults.append(Fault("plan.not_words", file, field="format"))
    if content.get("part") not in PARTS:
        values = {"thing": "part", "name": content.get("part"), "known": ", ".join(PARTS)}
        faults.append(Fault("name.unknown", file, field="part", values=values))
    if not isinstance(content.get("files"), str):
        faults.append(Fault("plan.not_words", file, field="files"))
    faults += [
        Fault("plan.not_words", file, field=key)
        for key in _TEXTS
        if content.get(key) is not None and not isinstance(content[key], str)
    ]
    rows = content.get("header_rows")
    if rows is not None and not (isinstance(rows, list) and rows and all(isinstance(row, int) and 0 < row < 100 for row in rows)):
        faults.append(Fault("plan.not_words", file, field="header_rows"))
    faults += [
        Fault("plan.not_words", file, field=key)
        for key in ("columns", "classes", "words")
        if content.get(key) is not None and not isinstance(content[key], dict)
    ]
    return faults


def _refuse_bad_columns(plan: ReadingPlan, file: str) -> None:
    """Refuse fields that the part has not, fields named twice and units that do not measure the field."""
    known = [*mapping("columns")[plan.part], *mapping("columns")["place"]]
    faults: list[Fault] = []
    seen: dict[str, str] = {}
    for column, (name, unit) in (plan.columns or {}).items():
        where = f"columns.{column}"
        if name and name not in known and not (plan.part == "population" and name.startswith(_GROUP)):
            faults.append(Fault("plan.unknown_key", file, field=where, values={"known": ", ".join(known)}))
        if name and name in seen:
            faults.append(Fault("plan.field_twice", file, field=where, values={"name": name, "first": seen[name]}))
        units = units_of(name, plan.vocabulary)
        if unit and plain(unit) not in units:
            faults.append(Fault("plan.unknown_key", file, field=f"{where}.unit", values={"known": ", ".join(units) or "–"}))
        seen.setdefault(name, column)
    if faults:
        raise InputError(faults)


def written(plan: ReadingPlan) -> str:
    """Return a plan as the YAML that `load_plan` reads."""
    content: dict[str, object] = {
        "format": FORMAT,
        "part": plan.part,
        "files": plan.files,
        "layer": plan.layer,
        "encoding": plan.encoding,
        "header_rows": list(plan.header_rows) if plan.header_rows else None,
        "points_in": plan.points_in,
        "class": plan.class_id,
        "count_column": plan.count_column,
        "rounding": plan.rounding,
        "columns": None
        if plan.columns is None
        else {column: {"field": name, **({"unit": unit} if unit else {})} for column, (name, unit) in plan.columns.items()},
        "classes": dict(plan.classes) or None,
        "words": dict(plan.words) or None,
    }
    return yaml.safe_dump(
        {key: value for key, value in content.items() if value is not None}, allow_unicode=True, sort_keys=False
    )


def save_plan(plan: ReadingPlan, path: Path) -> Path:
    """Write a plan, whole or not at all; a file with the same content stays as it is."""
    text = written(plan)
    if path.is_file() and path.read_text("utf-8") == text:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text, "utf-8")
    draft.replace(path)
    return path


def with_columns(plan: ReadingPlan, present: Sequence[str], columns: Mapping[str, FoundColumn]) -> ReadingPlan:
    """Return the plan with each column's field and unit as they were found; columns that no field reads are named too."""
    field_of = {found.column: (name, found.unit) for name, found in columns.items()}
    return replace(plan, columns={column: field_of.get(column, ("", "")) for column in present})
