"""Evidence: what a diagnosis was made from and what it gave, so that anybody can repeat it.

The evidence file carries the hashes of city, standard and profiles, the parameters, the engine version and the hash of every
canonical result table. `replay` runs the same again and compares.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

from yike import __version__
from yike.analysis.diagnosis import diagnose
from yike.errors import Difference, EvidenceMismatch, Fault, InputError
from yike.model.city import City
from yike.model.diagnosis import RESULT_TABLES, Diagnosis, table_hashes
from yike.model.standard import Standard, load_standard
from yike.reports.tables import EVIDENCE_FILE, read_tables

FORMAT = 1
KIND = "yike diagnosis evidence"
_LIBRARIES = ("numpy", "scipy", "numba", "pandas", "pyarrow", "shapely", "pyproj", "geopandas", "contourpy")
_KEYS = ("kind", "format", "engine_version", "city", "standard", "parameters", "tables", "result_hash")
_LATER_PARAMETERS = ("explained", "residents_in_all", "residents_outside_units", "units_without_outline")  # not in older evidence
_SECTIONS = {
    "city": ("folder", "hash", "hashes"),
    "standard": ("id", "from", "hash"),
    "parameters": ("zone", "horizon_s", "explain"),
    "tables": tuple(RESULT_TABLES),
}


def evidence(diagnosis: Diagnosis, city: City, *, city_folder: Path, standard_from: str, out: Path) -> dict[str, object]:
    """Collect the evidence of a diagnosis; paths are written relative to the result folder ``out``."""
    return {
        "kind": KIND,
        "format": FORMAT,
        "engine_version": diagnosis.engine_version,
        "city": {
            "title": city.title,
            "hash": diagnosis.city_hash,
            "folder": os.path.relpath(city_folder, out),
            "data_date": city.data_date,
            "provenance": [vars(origin) for origin in city.provenance],
            "hashes": dict(sorted(city.hashes.items())),
        },
        "standard": {
            "id": diagnosis.standard.id,
            "version": diagnosis.standard.version,
            "hash": diagnosis.standard.hash,
            "from": _standard_from(standard_from, out),
        },
        "parameters": dict(diagnosis.parameters),
        "tables": dict(sorted(diagnosis.hashes().items())),
        "result_hash": diagnosis.hash(),
        "platform": {"python": platform.python_version(), "machine": platform.machine()}
        | {name: version(name) for name in _LIBRARIES},
    }


def _standard_from(name: str, out: Path) -> str:
    return os.path.relpath(name, out) if Path(name).is_file() else name


def write_evidence(content: Mapping[str, object], folder: Path) -> Path:
    """Write the evidence file into a result folder and return its path."""
    path = Path(folder) / EVIDENCE_FILE
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", "utf-8")
    return path


def read_evidence(path: Path) -> dict[str, object]:
    """Read an evidence file, or the one in a result folder; raises InputError where it is missing or damaged."""
    path = Path(path)
    if path.is_dir():
        path = path / EVIDENCE_FILE
    if not path.is_file():
        raise InputError([Fault("file.missing", str(path))])
    try:
        content = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError([Fault("file.damaged", str(path), values={"reason": error})]) from error
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise InputError([Fault("evidence.other_kind", str(path), field="kind")])
    missing = [Fault("evidence.missing_key", str(path), field=name) for name in _KEYS if name not in content]
    for section, names in _SECTIONS.items():
        inside = content.get(section)
        if section in content:
            held = inside if isinstance(inside, dict) else {}
            missing += [Fault("evidence.missing_key", str(path), field=f"{section}.{name}") for name in names if name not in held]
    if missing:
        raise InputError(missing)
    return content


def load_inputs(path: Path, *, city: Path | None = None) -> tuple[dict[str, object], City, Standard]:
    """Load the city and standard that an evidence file names; ``city`` replaces the folder it states.

    Raises EvidenceMismatch naming each part of the city, the standard, the engine and each table file beside the evidence that is
    not as the evidence states it, InputError where something cannot be read.
    """
    content = read_evidence(path)
    base = Path(path) if Path(path).is_dir() else Path(path).parent
    loaded = City.load(city or base / str(_section(content, "city")["folder"]))
    name = str(_section(content, "standard")["from"])
    standard = load_standard(base / name if (base / name).is_file() else name)
    differences = [*_input_differences(content, loaded, standard), *_file_differences(content, base)]
    if differences:
        raise EvidenceMismatch(differences)
    return content, loaded, standard


def _section(content: Mapping[str, object], name: str) -> dict[str, object]:
    section = content[name]
    return section if isinstance(section, dict) else {}


def replay(path: Path, *, city: Path | None = None, on_progress: Callable[[str, float], None] | None = None) -> Diagnosis:
    """Repeat the diagnosis of an evidence file; compare the inputs, the tables lying beside it and every repeated table.

    Raises EvidenceMismatch naming each part of the city, parameter, file or table that differs, InputError where something cannot
    be read.
    """
    content, loaded, standard = load_inputs(path, city=city)
    parameters = _section(content, "parameters")
    horizon_s = parameters["horizon_s"]
    diagnosis = diagnose(
        loaded,
        standard,
        zone=str(parameters["zone"]),
        horizon_s=horizon_s if isinstance(horizon_s, int | float) else 0.0,
        explain=str(parameters["explain"]),
        min_quality=_quality_of(parameters)[0],
        quality_day=_quality_of(parameters)[1],
        on_progress=on_progress,
    )
    repeated = {k: v for k, v in diagnosis.parameters.items() if k in parameters or k not in _LATER_PARAMETERS}
    differences = _differences("parameter", parameters, repeated)
    differences += _differences("result", _section(content, "tables"), diagnosis.hashes())
    differences += _differences("result", {"all": content["result_hash"]}, {"all": diagnosis.hash()})
    if differences:
        raise EvidenceMismatch(differences)
    return diagnosis


def _quality_of(parameters: Mapping[str, object]) -> tuple[float | None, datetime.date | None]:
    """Return the threshold and the day that evidence states for the quality of data; None where none was asked for."""
    least, day = parameters.get("min_quality"), parameters.get("quality_day")
    try:
        return (float(least) if isinstance(least, int | float) else None), datetime.date.fromisoformat(str(day)) if day else None
    except ValueError:
        return None, None


def _input_differences(content: Mapping[str, object], city: City, standard: Standard) -> list[Difference]:
    stated_city = _section(content, "city")
    parts = stated_city["hashes"] if isinstance(stated_city["hashes"], dict) else {}
    found = _differences("city", parts, city.hashes)
    if not found:
        found = _differences("city", {"hash": stated_city["hash"]}, {"hash": city.hash})
    found += _differences("standard", {standard.id: _section(content, "standard")["hash"]}, {standard.id: standard.hash})
    return found + _differences("engine", {"yike": content["engine_version"]}, {"yike": __version__})


def _file_differences(content: Mapping[str, object], folder: Path) -> list[Difference]:
    """Compare the table files beside the evidence with it; evidence that was sent without tables has none to compare."""
    if not any((folder / f"{name}.parquet").is_file() for name in RESULT_TABLES):
        return []
    return _differences("file", _section(content, "tables"), table_hashes(read_tables(folder)))


def _differences(kind: str, stated: Mapping[str, object], found: Mapping[str, object]) -> list[Difference]:
    names = sorted({*stated, *found})
    return [Difference(kind, name, stated.get(name), found.get(name)) for name in names if stated.get(name) != found.get(name)]
