"""Result tables as files: Parquet for machines, CSV for people."""

from __future__ import annotations

import codecs
import shutil
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow
import pyarrow.csv

from yike.errors import Fault, InputError
from yike.model.diagnosis import RESULT_TABLES, Diagnosis

EVIDENCE_FILE = "evidence.json"
_REPORT_PREFIX = "report"
_DECIMALS = 10


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
        _write_csv(plain, csv)
        paths += [parquet, csv]
    return paths


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV with figures of ten decimals at most; True and False as words that spreadsheets know."""
    figures = {name: table[name].round(_DECIMALS) for name in table.select_dtypes("float").columns}
    words = {name: np.where(table[name], "TRUE", "FALSE") for name in table.select_dtypes("bool").columns}
    rows = pyarrow.Table.from_pandas(table.assign(**figures, **words), preserve_index=False)
    with path.open("wb") as file:
        file.write(codecs.BOM_UTF8)  # spreadsheet programs read Chinese CSV rightly only with it
        pyarrow.csv.write_csv(rows, file, pyarrow.csv.WriteOptions(quoting_style="needed"))


def read_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Read the result tables of a folder that `write_tables` wrote; raises InputError for each missing file."""
    folder = Path(folder)
    missing = [name for name in RESULT_TABLES if not (folder / f"{name}.parquet").is_file()]
    if missing:
        raise InputError([Fault("file.missing", str(folder / f"{name}.parquet")) for name in missing])
    tables = {}
    for name, schema in RESULT_TABLES.items():
        path = folder / f"{name}.parquet"
        try:
            table = pd.read_parquet(path) if schema.geometry is None else pd.DataFrame(gpd.read_parquet(path))
        except (pyarrow.ArrowInvalid, OSError, ValueError) as error:
            raise InputError([Fault("file.damaged", str(path), values={"reason": error})]) from error
        tables[name] = schema.conform(table, file=str(path))
    return tables


class OutputFolder:
    """Fill a result folder whole or not at all: files go to a draft beside it that takes its place at the end.

    Refuses to replace a folder that holds anything but an earlier result: its evidence, its tables and its reports.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.draft = self.folder

    def __enter__(self) -> Path:
        if self.folder.exists() and not self._replaceable():
            raise InputError([Fault("output.folder_in_use", str(self.folder))])
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.draft = Path(tempfile.mkdtemp(prefix=f".{self.folder.name}-", dir=self.folder.parent))
        return self.draft

    def _replaceable(self) -> bool:
        if not self.folder.is_dir():
            return False
        names = [path.name for path in self.folder.iterdir()]
        ours = [name == EVIDENCE_FILE or name.startswith(_REPORT_PREFIX) or name.split(".")[0] in RESULT_TABLES for name in names]
        return not names or (EVIDENCE_FILE in names and all(ours))

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        aside = self.draft.with_name(f"{self.draft.name}-old")
        try:
            if kind is None:
                self.draft.chmod(0o755)
                if self.folder.exists():
                    self.folder.rename(aside)  # so that one of the two is always whole
                self.draft.rename(self.folder)
        except OSError:
            if aside.exists():
                aside.rename(self.folder)
            raise
        finally:
            for leftover in (self.draft, aside):
                shutil.rmtree(leftover, ignore_errors=True)
