"""The result folder of a diagnosis: tables, reports and evidence, and its summary in a few lines."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from yike.analysis.areas import WHOLE
from yike.analysis.diagnosis import DEFAULT_HORIZON_S, diagnose
from yike.analysis.gaps import AUTO
from yike.model.city import City
from yike.model.diagnosis import FAIL, Diagnosis
from yike.model.standard import load_standard
from yike.reports.evidence import evidence, load_inputs, write_evidence
from yike.reports.html import write_html
from yike.reports.tables import OutputFolder, read_tables, write_tables
from yike.texts import languages, text

REPORT_FILES = {"zh": "report.html", "en": "report.en.html"}
_WORST_SHOWN = 5

Progress = Callable[[str, float], None]


def diagnose_folder(
    folder: Path,
    standard: str,
    out: Path,
    *,
    zone: str = "",
    horizon_s: float = DEFAULT_HORIZON_S,
    explain: str = AUTO,
    min_quality: float | None = None,
    report_langs: Sequence[str] = ("zh",),
    on_progress: Progress | None = None,
) -> Diagnosis:
    """Diagnose a City folder; write tables, evidence and a report in each of ``report_langs`` to ``out``.

    Raises InputError for a bad city, standard or parameter; then nothing is written.
    """
    city = City.load(folder)
    chosen = load_standard(standard)
    with OutputFolder(out) as draft:
        diagnosis = diagnose(
            city, chosen, zone=zone, horizon_s=horizon_s, explain=explain, min_quality=min_quality, on_progress=on_progress
        )
        write_tables(diagnosis, draft, crs=city.crs)
        proof = evidence(diagnosis, city, city_folder=folder, standard_from=standard, out=out)
        write_evidence(proof, draft)
        for lang in report_langs:
            write_html(diagnosis, city, draft / REPORT_FILES[lang], lang=lang, evidence=proof)
    return diagnosis


def write_reports(out: Path) -> list[Path]:
    """Write the reports of a result folder in both languages from its tables, and return their paths."""
    out = Path(out)
    proof, city, standard = load_inputs(out)
    parameters = proof["parameters"]
    diagnosis = Diagnosis(
        city_title=city.title,
        city_hash=city.hash,
        standard=standard,
        engine_version=str(proof["engine_version"]),
        parameters=parameters if isinstance(parameters, dict) else {},
        **read_tables(out),
    )
    return [write_html(diagnosis, city, out / REPORT_FILES[lang], lang=lang, evidence=proof) for lang in languages()]


def gate(diagnosis: Diagnosis, percent: float) -> bool:
    """Tell whether the compliance rate of the whole city reaches so many per cent."""
    rate = _whole(diagnosis)["rate"]
    return bool(pd.notna(rate) and 100 * rate >= percent)


def summary(diagnosis: Diagnosis, out: Path, *, lang: str, report: bool = True) -> tuple[list[str], dict[str, object]]:
    """Say a diagnosis in a few lines, and as facts for machines."""
    whole = _whole(diagnosis)
    facts: dict[str, object] = {name: _plain(whole[name]) for name in whole.index if name not in ("area_kind", "area_id")}
    worst = worst_classes(diagnosis)
    path = Path(out) / REPORT_FILES[lang]
    facts |= {"city_hash": diagnosis.city_hash, "result_hash": diagnosis.hash(), "standard": diagnosis.standard.id}
    facts |= {"out": str(out), "report": str(path) if report else None, "worst_classes": worst}
    title = diagnosis.standard.title.say(lang)
    lines = [
        text("summary.title", lang, city=diagnosis.city_title, standard=title),
        text("summary.pairs", lang, **{name: int(whole[name]) for name in ("units", "passed", "failed", "not_determinable")}),
        text("summary.rate", lang, **{name: _percent(whole[name]) for name in ("rate", "rate_low", "rate_high")}),
        text("summary.covered", lang, share=_percent(whole["covered_share"]), residents=f"{int(whole['residents']):,}")
        if pd.notna(whole["covered_share"])
        else text("summary.unknown_population", lang),
        text("summary.complete", lang, complete=int(whole["units_complete"]), units=int(whole["units"])),
    ]
    names = {entry.id: entry.names.say(lang) for entry in diagnosis.standard.classes}
    if worst:
        listed = text("summary.comma", lang).join(f"{names[class_id]} {count}" for class_id, count in worst.items())
        lines.append(text("summary.worst", lang, classes=listed))
    outside = outside_units(diagnosis)
    if outside:
        facts |= outside
        mend = "summary.outside_grow" if outside["units_without_outline"] else "summary.outside_nowhere"
        counts = {name: f"{count:,}" for name, count in outside.items()}
        said = text(mend, lang, units=counts.pop("units_without_outline"))
        lines.append(text("summary.outside", lang, **counts, mend=said))
    lines.append(text("summary.tables", lang, out=out))
    if report:
        lines.append(text("summary.report", lang, path=path))
    return lines, facts


def outside_units(diagnosis: Diagnosis) -> dict[str, int]:
    """Return how many residents no neighbourhood counts, of how many, and how many units have no outline; empty where none."""
    names = ("residents_in_all", "residents_outside_units", "units_without_outline")
    figures = {name: value for name in names if isinstance(value := diagnosis.parameters.get(name), int)}
    return figures if figures.get("residents_outside_units") and len(figures) == len(names) else {}


def worst_classes(diagnosis: Diagnosis) -> dict[str, int]:
    """Return the classes that most neighbourhoods fail, with their number."""
    failed = diagnosis.verdicts[diagnosis.verdicts["verdict"] == FAIL]
    counts = failed.groupby("class_id").size().reset_index(name="count")
    counts = counts.sort_values(["count", "class_id"], ascending=[False, True]).head(_WORST_SHOWN)
    return dict(zip(counts["class_id"], counts["count"].astype(int), strict=True))


def _whole(diagnosis: Diagnosis) -> pd.Series:
    areas = diagnosis.areas
    return areas[areas["area_kind"] == WHOLE].iloc[0]


def _percent(value: object) -> str:
    return f"{100 * value:.1f} %" if isinstance(value, float) and not math.isnan(value) else "–"


def _plain(value: object) -> object:
    plain = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(plain, float) and math.isnan(plain) else plain
