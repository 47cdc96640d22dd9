"""Evidence: what a diagnosis was made from and what it gave, so that anybody can repeat it.

The evidence file carries the hashes of city, standard and profiles, the parameters, the engine version and the hash of every
canonical result table. `replay` runs the same again and compares.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

from yike import __version__
from yike.analysis.diagnosis import diagnose
from yike.errors import EvidenceMismatch, Fault, InputError
from yike.model.city import City
from yike.model.diagnosis import Diagnosis
from yike.model.standard import Standard, load_standard
from yike.reports.tables import EVIDENCE_FILE
from yike.texts import text

FORMAT = 1
KIND = "yike diagnosis evidence"
_LIBRARIES = ("numpy", "scipy", "numba", "pandas", "pyarrow", "shapely", "pyproj", "geopandas", "contourpy")
_KEYS = ("kind", "format", "engine_version", "city", "standard", "parameters", "tables", "result_hash")


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
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n", "utf-8")
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
    except ValueError as error:
        raise InputError([Fault("file.damaged", str(path), values={"reason": error})]) from error
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise InputError([Fault("evidence.other_kind", str(path), field="kind")])
    missing = [Fault("evidence.missing_key", str(path), field=name) for name in _KEYS if name not in content]
    if missing:
        raise InputError(missing)
    return content


def load_inputs(path: Path, *, city: Path | None = None) -> tuple[dict[str, object], City, Standard]:
    """Load the city and standard that an evidence file names; ``city`` replaces the folder it states."""
    content = read_evidence(path)
    base = Path(path) if Path(path).is_dir() else Path(path).parent
    stated_city, stated_standard = content["city"], content["standard"]
    if not isinstance(stated_city, dict) or not isinstance(stated_standard, dict):
        raise InputError([Fault("evidence.missing_key", str(path), field="city, standard")])
    loaded = City.load(city or base / str(stated_city["folder"]))
    name = str(stated_standard["from"])
    standard = load_standard(base / name if (base / name).is_file() else name)
    return content, loaded, standard


def replay(path: Path, *, city: Path | None = None, on_progress: Callable[[str, float], None] | None = None) -> Diagnosis:
    """Repeat the diagnosis of an evidence file and compare every table.

    Raises EvidenceMismatch naming each input or table whose hash differs, InputError where something cannot be read.
    """
    content, loaded, standard = load_inputs(path, city=city)
    differences = _input_differences(content, loaded, standard)
    if differences:
        raise EvidenceMismatch(differences)
    parameters = content["parameters"]
    if not isinstance(parameters, dict):
        raise InputError([Fault("evidence.missing_key", str(path), field="parameters")])
    diagnosis = diagnose(
        loaded,
        standard,
        zone=str(parameters["zone"]),
        horizon_s=float(parameters["horizon_s"]),
        explain=str(parameters["explain"]),
        on_progress=on_progress,
    )
    stated, found = content["tables"], diagnosis.hashes()
    if not isinstance(stated, dict):
        raise InputError([Fault("evidence.missing_key", str(path), field="tables")])
    differences = [
        _difference(f"table {name}", stated.get(name), found[name]) for name in found if stated.get(name) != found[name]
    ]
    if diagnosis.parameters != parameters:
        differences.append(_difference("parameters", parameters, dict(diagnosis.parameters)))
    if differences:
        raise EvidenceMismatch(differences)
    return diagnosis


def _input_differences(content: Mapping[str, object], city: City, standard: Standard) -> list[str]:
    found = {"city": city.hash, "standard": standard.hash}
    stated = {name: entry["hash"] for name in found if isinstance(entry := content[name], dict)}
    differences = [_difference(name, stated.get(name), found[name]) for name in found if stated.get(name) != found[name]]
    if content["engine_version"] != __version__:
        differences.append(_difference("engine", content["engine_version"], __version__))
    return differences


def _difference(thing: str, stated: object, found: object) -> str:
    return text("error.evidence.difference", "en", thing=thing, stated=stated, found=found)
