"""City: everything the engine sees of a place, as one value.

A City is written as a folder: ``city.yaml`` (title, coordinate system, where each part came from, the hash) beside GeoParquet
tables. The hash is taken over the canonical tables, so the same city has the same name wherever it was made.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow
import shapely
import yaml

from yike.errors import CityChanged, Fault, InputError
from yike.model.canonical import combined_hash, table_hash
from yike.model.network import StreetNetwork, check_metric_crs
from yike.model.tables import OPTIONAL_TABLES, TABLES

FORMAT = 1
CITY_FILE = "city.yaml"
# Folders that a City's folder keeps when its tables are written anew; no part of its value or hash.
BESIDE = ("plans",)
_POINT_TABLES = {"facilities", "entrances", "demand", "candidates"}


@dataclass(frozen=True)
class Origin:
    """Say where a part of a city came from: which part, file, its SHA-256, date, licence and what was done on the way."""

    part: str
    source: str
    sha256: str = ""
    date: str = ""
    licence: str = ""
    note: str = ""


@dataclass(frozen=True, eq=False)
class City:
    """Hold a place: streets by mode, facilities and their entrances, residents, units, candidate sites, barriers.

    Tables follow `yike.model.tables`; coordinates are metres in ``crs``. ``groups`` names the population groups: each has a
    column ``residents_<group>`` in ``demand`` and they sum to ``residents``; ``forecasts`` hold the same of later years, point by
    point. ``inventories`` says, class by class, which source
    lists its facilities; a class without an inventory is not determinable, because missing records are not missing places.
    ``extent`` bounds the known data (None: unknown).
    """

    title: str
    crs: str
    networks: Mapping[str, StreetNetwork]
    facilities: pd.DataFrame = field(default_factory=lambda: TABLES["facilities"].empty())
    entrances: pd.DataFrame = field(default_factory=lambda: TABLES["entrances"].empty())
    demand: pd.DataFrame = field(default_factory=lambda: TABLES["demand"].empty())
    units: pd.DataFrame = field(default_factory=lambda: TABLES["units"].empty())
    candidates: pd.DataFrame = field(default_factory=lambda: TABLES["candidates"].empty())
    barriers: pd.DataFrame = field(default_factory=lambda: TABLES["barriers"].empty())
    context: pd.DataFrame = field(default_factory=lambda: TABLES["context"].empty())
    forecasts: pd.DataFrame = field(default_factory=lambda: TABLES["forecasts"].empty())
    groups: tuple[str, ...] = ()
    inventories: Mapping[str, str] = field(default_factory=dict)
    extent: shapely.Polygon | shapely.MultiPolygon | None = None
    provenance: tuple[Origin, ...] = ()
    data_date: str = ""

    def table(self, name: str) -> pd.DataFrame:
        """Return one of the tables by its name."""
        table: pd.DataFrame = getattr(self, name)
        return table

    def replace(self, **parts: object) -> City:
        """Return a City with the named parts replaced and their tables brought into canonical form."""
        conformed = {
            name: TABLES[name].conform(part, file=name) if isinstance(part, pd.DataFrame) else part
            for name, part in parts.items()
        }
        return replace(self, **conformed)  # type: ignore[arg-type]

    @property
    def filled_tables(self) -> tuple[str, ...]:
        """Name the tables that make up this City: all but optional ones without rows."""
        return tuple(name for name in TABLES if name not in OPTIONAL_TABLES or len(self.table(name)))

    @cached_property
    def hashes(self) -> dict[str, str]:
        """Return the SHA-256 of each part in canonical form."""
        schemas = [TABLES[name] for name in self.filled_tables]
        parts = {each.name: table_hash(self.table(each.name), key=each.key, geometry=each.geometry) for each in schemas}
        parts |= {f"streets_{mode}": network.hash() for mode, network in self.networks.items()}
        parts["declared"] = self._declared_hash()
        return parts

    def _declared_hash(self) -> str:
        return combined_hash(
            {"crs": self.crs, "groups": ",".join(self.groups)}
            | {f"inventory.{name}": source for name, source in self.inventories.items()}
            | {"extent": "" if self.extent is None else shapely.to_wkt(self.extent, rounding_precision=3)}
        )

    @cached_property
    def hash(self) -> str:
        """Return the SHA-256 that names this City."""
        return combined_hash(self.hashes)

    def save(self, folder: Path) -> Path:
        """Write the City folder, whole or not at all, and return its path; what stands in ``BESIDE`` is kept."""
        folder = Path(folder)
        other = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
        if other and not (folder / CITY_FILE).exists():
            raise InputError([Fault("city.folder_in_use", str(folder))])
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            for name in self.filled_tables:
                table = self.table(name) if name in OPTIONAL_TABLES else self._geo_table(name)
                table.to_parquet(draft / f"{name}.parquet", index=False)
            for mode, network in self.networks.items():
                network.node_table().to_parquet(draft / f"streets_{mode}_nodes.parquet", index=False)
                segments = gpd.GeoDataFrame(network.segment_table(), geometry="geometry", crs=self.crs)
                segments.to_parquet(draft / f"streets_{mode}_segments.parquet", index=False)
            head = self._head() | {"files": {path.name: _file_hash(path) for path in sorted(draft.glob("*.parquet"))}}
            (draft / CITY_FILE).write_text(yaml.safe_dump(head, allow_unicode=True, sort_keys=False), "utf-8")
            for name in BESIDE:
                if (folder / name).is_dir():
                    shutil.copytree(folder / name, draft / name)
            draft.chmod(0o755)
            _put_in_place(draft, folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return folder

    def _head(self) -> dict[str, object]:
        return {
            "format": FORMAT,
            "title": self.title,
            "hash": self.hash,
            "crs": self.crs,
            "data_date": self.data_date,
            "modes": sorted(self.networks),
            "groups": list(self.groups),
            "inventories": dict(sorted(self.inventories.items())),
            "extent": None if self.extent is None else shapely.to_wkt(self.extent, rounding_precision=3),
            "provenance": [vars(origin) for origin in self.provenance],
            "hashes": dict(sorted(self.hashes.items())),
        }

    def _geo_table(self, name: str) -> gpd.GeoDataFrame:
        table, schema = self.table(name), TABLES[name]
        if name in _POINT_TABLES:
            points = shapely.points(table["x"].to_numpy(np.float64), table["y"].to_numpy(np.float64))
            frame = gpd.GeoDataFrame(table.copy(), geometry=np.asarray(points, object), crs=self.crs)
            if schema.geometry is not None:
                frame[schema.geometry] = gpd.GeoSeries(table[schema.geometry].to_numpy(), crs=self.crs)
            return frame
        return gpd.GeoDataFrame(table.copy(), geometry=schema.geometry, crs=self.crs)

    @classmethod
    def load(cls, folder: Path, *, check: bool = False) -> City:
        """Read a City folder; with ``check`` also compare it with its own hash.

        Files that are, byte for byte, as they were saved keep the hash that the folder states; otherwise it is taken anew.

        Raises InputError where the folder or a table is missing or damaged, CityChanged where the hash does not fit.
        """
        folder = Path(folder)
        head = _read_head(folder)
        untouched = _untouched(folder, head)
        modes, crs = _strings(head["modes"]), str(head["crs"])
        networks = {mode: _load_network(folder, mode, crs, in_order=untouched) for mode in modes}
        tables = {name: _load_table(folder, name) for name in TABLES}
        extent = None if head["extent"] is None else shapely.from_wkt(str(head["extent"]))
        origins = head["provenance"]
        city = cls(
            title=str(head["title"]),
            crs=str(head["crs"]),
            networks=networks,
            groups=tuple(_strings(head["groups"])),
            inventories=head["inventories"],  # type: ignore[arg-type]
            extent=extent,
            provenance=tuple(Origin(**origin) for origin in origins),  # type: ignore[attr-defined]
            data_date=str(head["data_date"]),
            **tables,
        )
        stated = head.get("hashes")
        if untouched and isinstance(stated, dict):
            vars(city)["hashes"] = {**stated, "declared": city._declared_hash()}  # fills the cached property
        if check and city.hash != head["hash"]:
            raise CityChanged(folder, expected=head["hash"], found=city.hash)
        return city


def _put_in_place(draft: Path, folder: Path) -> None:
    """Rename a finished draft to its folder; an older folder is moved aside first, so that one of the two is always whole."""
    aside = draft.with_name(f"{draft.name}-old")
    if folder.exists():
        folder.rename(aside)
    try:
        draft.rename(folder)
    except OSError:
        if aside.exists():
            aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _untouched(folder: Path, head: Mapping[str, object]) -> bool:
    """Tell whether the tables are the very files that were saved together with the head's declared parts."""
    stated = head.get("files")
    found = {path.name for path in folder.glob("*.parquet")}
    if not isinstance(stated, dict) or set(stated) != found:
        return False
    return all(_file_hash(folder / name) == digest for name, digest in stated.items())


def stored_hash(folder: Path) -> str:
    """Return the hash that a City folder states, without reading its tables."""
    return str(_read_head(Path(folder))["hash"])


def _strings(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _read_head(folder: Path) -> dict[str, object]:
    path = folder / CITY_FILE
    if not path.is_file():
        raise InputError([Fault("city.not_a_city", str(folder))])
    try:
        head = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError([Fault("file.damaged", str(path), values={"reason": error})]) from error
    wanted = ("format", "title", "hash", "crs", "modes", "groups", "inventories", "extent", "provenance", "data_date")
    if not isinstance(head, dict):
        raise InputError([Fault("file.damaged", str(path), values={"reason": "no mapping"})])
    missing = [name for name in wanted if name not in head]
    if missing:
        raise InputError([Fault("city.missing_key", str(path), field=name) for name in missing])
    if head["format"] != FORMAT:
        raise InputError([Fault("city.other_format", str(path), field="format", values={"found": head["format"]})])
    check_metric_crs(str(head["crs"]), str(path))
    return head


def _load_table(folder: Path, name: str) -> pd.DataFrame:
    path = folder / f"{name}.parquet"
    if name in OPTIONAL_TABLES:
        return TABLES[name].conform(_read_parquet(path), file=str(path)) if path.exists() else TABLES[name].empty()
    frame = pd.DataFrame(_read_geoparquet(path))
    if name in _POINT_TABLES:
        frame = frame.drop(columns="geometry")
    return TABLES[name].conform(frame, file=str(path))


def _read_parquet(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise InputError([Fault("file.missing", str(path))])
    try:
        return pd.read_parquet(path)
    except (pyarrow.ArrowInvalid, OSError, ValueError) as error:
        raise InputError([Fault("file.damaged", str(path), values={"reason": error})]) from error


def _read_geoparquet(path: Path) -> gpd.GeoDataFrame:
    if not path.is_file():
        raise InputError([Fault("file.missing", str(path))])
    try:
        return gpd.read_parquet(path)
    except (pyarrow.ArrowInvalid, OSError, ValueError) as error:
        raise InputError([Fault("file.damaged", str(path), values={"reason": error})]) from error


def _load_network(folder: Path, mode: str, crs: str, *, in_order: bool) -> StreetNetwork:
    nodes = _read_parquet(folder / f"streets_{mode}_nodes.parquet")
    segments = _read_geoparquet(folder / f"streets_{mode}_segments.parquet")
    build = StreetNetwork.from_saved if in_order else StreetNetwork.from_tables
    return build(nodes, pd.DataFrame(segments), mode=mode, crs=crs)
