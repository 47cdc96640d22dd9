"""Result tables as files: Parquet for machines, CSV for people."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import geopandas as gpd
import pandas as pd

from yike.errors import Fault, InputError
from yike.model.diagnosis import RESULT_TABLES, Diagnosis

EVIDENCE_FILE = "evidence.json"
_BYTE_ORDER_MARK = "utf-8-sig"  # spreadsheet programs read Chinese CSV rightly only with it


def write_tables(diagnosis: Diagnosis, folder: Path, *, crs: str) -> list[Path]:
    """Write every result table as GeoParquet or Parquet and as CSV (without shapes), and return the paths."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, schema in RESULT_TABLES.items():
        table = diagnosis.table(name)
        parquet, csv = folder / f"{name}.parquet", folder / f"{name}.csv"
        if schema.geometry is None:
            table.to_parquet(parquet, index=False)
            plain = table
        else:
            gpd.GeoDataFrame(table.copy(), geometry=schema.geometry, crs=crs).to_parquet(parquet, index=False)
            plain = table.drop(columns=schema.geometry)
        plain.to_csv(csv, index=False, encoding=_BYTE_ORDER_MARK, lineterminator="\n", float_format="%.10g")
        paths += [parquet, csv]
    return paths


def read_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Read the result tables of a folder that `write_tables` wrote; raises InputError for each missing file."""
    folder = Path(folder)
    missing = [name for name in RESULT_TABLES if not (folder / f"{name}.parquet").is_file()]
    if missing:
        raise InputError([Fault("file.missing", str(folder / f"{name}.parquet")) for name in missing])
    tables = {}
    for name, schema in RESULT_TABLES.items():
        path = folder / f"{name}.parquet"
        table = pd.read_parquet(path) if schema.geometry is None else pd.DataFrame(gpd.read_parquet(path))
        tables[name] = schema.conform(table, file=str(path))
    return tables


class OutputFolder:
    """Fill a result folder whole or not at all: files go to a draft beside it that takes its place at the end.

    Refuses to replace a folder that holds anything but an earlier result (one with an evidence file).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.draft = self.folder

    def __enter__(self) -> Path:
        if self.folder.exists() and any(self.folder.iterdir()) and not (self.folder / EVIDENCE_FILE).is_file():
            raise InputError([Fault("output.folder_in_use", str(self.folder))])
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.draft = Path(tempfile.mkdtemp(prefix=f".{self.folder.name}-", dir=self.folder.parent))
        return self.draft

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                if self.folder.exists():
                    shutil.rmtree(self.folder)
                self.draft.rename(self.folder)
                self.folder.chmod(0o755)
        finally:
            shutil.rmtree(self.draft, ignore_errors=True)
