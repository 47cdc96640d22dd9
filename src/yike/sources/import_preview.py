"""How a file would be read, before anything is: sheet, encoding, columns with samples, classes, bad rows, coordinate system."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyproj

from yike.analysis.datum import DatumVerdict, datum_test
from yike.errors import Fault
from yike.model.city import City
from yike.model.coordinates import WGS84
from yike.model.standard import Standard
from yike.sources.bad_rows import source_name
from yike.sources.cell_values import word_of
from yike.sources.city_merge import walked_network
from yike.sources.city_parts import existing_city, plan_for, read_part, resolved
from yike.sources.notes import say_notes
from yike.sources.reading_plan import ReadingPlan, plan_path, save_plan
from yike.sources.row_checks import REPORT, PartRows, RowChecks
from yike.sources.tables import has_shapes
from yike.texts import text

SAMPLES = 3
FAULTS_SHOWN = 20
_LONGEST_SAMPLE = 24


@dataclass(frozen=True)
class ColumnPreview:
    """Say how one column would be read: its field (empty: not at all), the unit of its header, and some of its cells."""

    column: str
    field: str
    unit: str
    samples: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class ImportPreview:
    """Hold what an import would do: the plan with what was found out, columns, rows by class, faults, and the datum test.

    ``saved`` is where the plan was written, None where it was not asked for.
    """

    plan: ReadingPlan
    encoding: str
    separator: str
    sheets: tuple[str, ...]
    columns: tuple[ColumnPreview, ...]
    classes: Mapping[str, int]
    rows_read: int
    rows_good: int
    rows_aside: int
    rows_bad: int
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]
    datum: DatumVerdict | None
    saved: Path | None = None

    def words(self, lang: str) -> list[str]:
        """Say the preview line by line."""
        plan = self.plan
        lines = [
            text("preview.file", lang, part=text(f"preview.part.{plan.part}", lang), encoding=self.encoding, files=plan.files),
        ]
        if self.sheets:
            lines.append(text("preview.sheets", lang, sheets=", ".join(self.sheets)))
        if plan.header_rows:
            lines.append(text("preview.header", lang, rows=", ".join(map(str, plan.header_rows))))
        if plan.source:
            lines.append(text("preview.plan_used", lang, file=plan.source))
        for each in self.columns:
            key = "preview.column" if each.field else "preview.column_unread"
            unit = text("preview.unit", lang, unit=each.unit) if each.unit else ""
            samples = text("preview.list_separator", lang).join(each.samples) or "–"
            lines.append(text(key, lang, column=each.column, field=each.field, unit=unit, samples=samples))
        lines += [text("preview.class", lang, class_id=name, count=count) for name, count in self.classes.items()]
        lines.append("" if plan.system is None else text("preview.points_in", lang, system=plan.system.words(lang)))
        lines.append("" if self.datum is None else self.datum.words(lang))
        lines += [say_notes(each, lang) for each in self.notes]
        values = {"read": self.rows_read, "good": self.rows_good, "aside": self.rows_aside, "bad": self.rows_bad}
        lines.append(text("preview.rows", lang, **values))
        lines += [fault.words(lang) for fault in self.faults[:FAULTS_SHOWN]]
        if len(self.faults) > FAULTS_SHOWN:
            lines.append(text("error.more", lang, count=len(self.faults) - FAULTS_SHOWN))
        if self.saved is not None:
            lines.append(text("preview.saved", lang, file=self.saved))
        return [line for line in lines if line]

    def facts(self, lang: str) -> dict[str, object]:
        """Return the preview for machines."""
        return {
            "part": self.plan.part,
            "encoding": self.encoding,
            "separator": self.separator,
            "sheets": list(self.sheets),
            "header_rows": list(self.plan.header_rows or ()),
            "points_in": (WGS84 if self.plan.system is None else self.plan.system).id,
            "columns": [vars(each) for each in self.columns],
            "classes": dict(self.classes),
            "rows": {"read": self.rows_read, "good": self.rows_good, "aside": self.rows_aside, "bad": self.rows_bad},
            "datum": None if self.datum is None else self.datum.words(lang),
            "faults": [fault.words(lang) for fault in self.faults],
            "notes": list(self.notes),
            "plan": self.saved,
        }


def preview_import(
    part: str,
    path: Path,
    *,
    city: Path,
    plan: ReadingPlan = ReadingPlan(),
    standard: Standard | None = None,
    centres: Path | None = None,
    save: bool = False,
) -> ImportPreview:
    """Read a file as an import would and say how, changing nothing; ``save`` keeps the plan for the import to follow.

    Raises:
        InputError: the folder has no streets, or the file is so bad that no table comes out of it.
    """
    path = Path(path)
    base = existing_city(city)
    plan = plan_for(city, part, path, plan)
    read = read_part(part, path, city=base, plan=plan, standard=standard, centres=centres, on_bad_rows=REPORT)
    found = resolved(plan, read)
    saved = save_plan(found, plan_path(city, found, path)) if save and source_name(path) == path.name else None
    checks = read.checks
    opened = None if checks is None else checks.opened
    bad = len(read.left_out)
    return ImportPreview(
        plan=found,
        encoding="" if opened is None else opened.encoding,
        separator="" if opened is None else opened.separator,
        sheets=() if opened is None else opened.sheets,
        columns=() if checks is None else _columns(checks, found),
        classes=_classes(read),
        rows_read=read.rows_read,
        rows_good=read.rows_read - bad - len(read.set_aside),
        rows_aside=len(read.set_aside),
        rows_bad=bad,
        faults=read.faults,
        notes=read.notes,
        datum=None if checks is None else _datum(checks, found, base, read),
        saved=saved,
    )


def _columns(checks: RowChecks, plan: ReadingPlan) -> tuple[ColumnPreview, ...]:
    shown = []
    for column, (name, unit) in (plan.columns or {}).items():
        cells = (word_of(cell) for cell in checks.table[column])
        samples: list[str] = []
        for word in cells:
            if word and word not in samples:
                samples.append(word)
            if len(samples) == SAMPLES:
                break
        cut = tuple(word if len(word) <= _LONGEST_SAMPLE else word[:_LONGEST_SAMPLE] + "…" for word in samples)
        shown.append(ColumnPreview(column, name, unit, cut))
    return tuple(shown)


def _classes(read: PartRows) -> dict[str, int]:
    if "class_id" not in read.table:
        return {}
    return dict(sorted(Counter(read.table["class_id"]).items(), key=lambda each: (-each[1], each[0])))


def _datum(checks: RowChecks, plan: ReadingPlan, city: City, read: PartRows) -> DatumVerdict | None:
    """Test in which system the good rows' figures lie on the streets, where the file gives columns of degrees."""
    if has_shapes(checks.table) or not (checks.has("lon") and checks.has("lat")) or not len(read.table):
        return None
    if plan.system is not None and plan.system.unit != "degree":
        return None
    x, y = ("centre_x", "centre_y") if "centre_x" in read.table else ("x", "y")
    if plan.system is not None and plan.system.shift:
        return None
    back = pyproj.Transformer.from_crs(city.crs, WGS84.crs, always_xy=True)
    lonlat = np.column_stack(back.transform(read.table[x].to_numpy(np.float64), read.table[y].to_numpy(np.float64)))
    kinds: Sequence[object] | None = read.table["class_id"].tolist() if "class_id" in read.table else None
    return datum_test(lonlat, walked_network(city), extent=city.extent, kinds=None if kinds is None else np.array(kinds, object))
