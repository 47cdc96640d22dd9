"""The quality of a city's data by neighbourhood: as a table file, and in a few lines."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import pandas as pd

from yike.analysis.neighbourhood_quality import mend_words, neighbourhood_quality, parsed_date, worst_first
from yike.errors import Fault, InputError
from yike.model.city import City
from yike.model.quality import BEST_SCORE, load_quality_rules
from yike.model.standard import load_standard
from yike.texts import text

TABLE_ENDINGS = (".csv", ".parquet")
DEFAULT_THRESHOLD = 60.0
_WORST_SHOWN = 5


@dataclass(frozen=True, eq=False)
class QualityReport:
    """Hold the scores of a city's neighbourhoods and the threshold that they are held against."""

    table: pd.DataFrame
    names: pd.Series
    threshold: float

    @property
    def below(self) -> int:
        """Count the neighbourhoods below the threshold."""
        return int((self.table["score"] < self.threshold).sum())

    def words(self, lang: str) -> list[str]:
        """Say the scores in a few lines: how many, the worst and what to mend first there."""
        scores = self.table["score"]
        figures = {"median": f"{scores.median():.0f}", "lowest": f"{scores.min():.0f}", "threshold": f"{self.threshold:g}"}
        lines = [text("quality.head", lang, units=len(scores), below=self.below, **figures)]
        for _, row in worst_first(self.table).head(_WORST_SHOWN).iterrows():
            said = mend_words(row, lang) or [text("quality.nothing_to_mend", lang)]
            mend = reduce(lambda one, other: text("quality.two", lang, one=one, other=other), said)
            name = self.names.loc[row["unit_id"]]
            lines.append(text("quality.line", lang, score=f"{row['score']:.0f}", name=name, unit_id=row["unit_id"], mend=mend))
        return lines

    def facts(self) -> dict[str, object]:
        """Return the same for machines."""
        worst = worst_first(self.table).head(_WORST_SHOWN)
        scores = {str(row["unit_id"]): round(float(row["score"]), 1) for _, row in worst.iterrows()}
        median = round(float(self.table["score"].median()), 1)
        return {"threshold": self.threshold, "below": self.below, "median_score": median, "worst": scores}


def quality_report(
    city: City, *, standard: str, threshold: float = DEFAULT_THRESHOLD, day: str = "", rules: Path | None = None
) -> QualityReport:
    """Score every neighbourhood of a city.

    ``standard`` is an id or a file, ``day`` (2026-05-01; default: today) the day to which ages count, ``rules`` a file that
    replaces the packaged rules.

    Raises:
        InputError: the city has no neighbourhoods or streets, or the standard, the threshold, the day or the rules are bad.
    """
    today = parsed_date(day) if day else datetime.date.today()
    faults = []
    if not 0 <= threshold <= BEST_SCORE:
        faults.append(Fault("quality.threshold", "check", field="--fail-under", values={"value": threshold}))
    if today is None:
        faults.append(Fault("quality.day", "check", field="--day", values={"value": day}))
    if faults:
        raise InputError(faults)
    own = None if rules is None else load_quality_rules(rules)
    table = neighbourhood_quality(city, standard=load_standard(standard), today=today, rules=own)
    return QualityReport(table, city.units.set_index("unit_id")["name"], threshold)


def write_quality(table: pd.DataFrame, path: Path, *, endings: Sequence[str] = TABLE_ENDINGS) -> Path:
    """Write a table of scores as CSV or Parquet, whole or not at all, and return its path; other endings raise InputError."""
    path = Path(path)
    if path.suffix.lower() not in endings:
        values = {"ending": path.suffix or path.name, "known": ", ".join(endings)}
        raise InputError([Fault("file.unknown_kind", str(path), values=values)])
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    try:
        if path.suffix.lower() == ".csv":
            table.to_csv(draft, index=False, encoding="utf-8-sig", lineterminator="\n")
        else:
            table.to_parquet(draft, index=False)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def checked_quality(
    city: City, *, standard: str, fail_under: float | None, out: Path | None, day: str, rules: Path | None, lang: str
) -> tuple[list[str], dict[str, object], bool]:
    """Score a city for `yike check`: the words, the same for machines, and whether every neighbourhood reaches ``fail_under``.

    A city without neighbourhoods or streets has no scores: no words and sound, unless a threshold or a file was asked for.

    Raises:
        InputError: as `quality_report` and `write_quality`.
    """
    if fail_under is None and out is None and not (len(city.units) and city.networks):
        return [], {}, True
    report = quality_report(
        city, standard=standard, threshold=DEFAULT_THRESHOLD if fail_under is None else fail_under, day=day, rules=rules
    )
    words = report.words(lang)
    if out is not None:
        words.append(text("quality.written", lang, path=write_quality(report.table, out)))
    return words, {"quality": report.facts()}, fail_under is None or not report.below
