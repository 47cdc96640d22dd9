"""Files that are broken in every way that was met or feared, each made by a few lines, with the error that it must give."""

from __future__ import annotations

import datetime
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet
import shapely

CRS = "EPSG:32651"
LON, LAT = 121.4737, 31.2304
HEAD = "编号,名称,类别,经度,纬度,建筑面积\n"
GOOD = f"f1,甲药店,药店,{LON},{LAT},120\n"


@dataclass(frozen=True)
class Damaged:
    """Hold one file: its name, how it is written, the part that it is imported as, options, and the codes of its error."""

    name: str
    write: Callable[[Path], object]
    codes: tuple[str, ...]
    part: str = "facilities"
    plan: dict[str, object] = field(default_factory=dict)


def text(content: str, encoding: str = "utf-8") -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content.encode(encoding))


def raw(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def rows(*lines: str) -> Callable[[Path], object]:
    return text(HEAD + "".join(f"{line}\n" for line in lines))


def book(*records: list[object], sheets: int = 1, **cells: object) -> Callable[[Path], object]:
    """Write a workbook; ``cells`` are set by their place afterwards."""

    def write(path: Path) -> None:
        workbook = openpyxl.Workbook()
        for number in range(sheets):
            sheet = workbook.active if number == 0 else workbook.create_sheet(f"表{number + 1}")
            for record in records:
                sheet.append(record)
            for place, value in cells.items():
                sheet[place] = value
        workbook.save(path)

    return write


def cut(write: Callable[[Path], object], share: float) -> Callable[[Path], object]:
    """Write a file and cut it."""

    def write_part(path: Path) -> None:
        write(path)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

    return write_part


def shapes(*places: object, crs: str | None = CRS, **columns: list[object]) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        frame = gpd.GeoDataFrame({"类别": ["药店"] * len(places), **columns}, geometry=gpd.GeoSeries(list(places), crs=crs))
        frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_file(path)

    return write


def bomb(path: Path) -> None:
    """Pack 200 MB of blanks into a workbook of some kilobytes."""
    book(["名称"], ["甲"])(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as package:
        package.writestr("xl/worksheets/sheet9.xml", b" " * 200_000_000)


def encrypted(path: Path) -> None:
    """Write what a workbook with a password begins with: a compound file with an encrypted package."""
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 4000)


def shapefile(*, without: str = "", cut_dbf: bool = False) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        shapes(shapely.Point(350_000, 3_456_000), 名称=["甲"])(path)
        if without:
            path.with_suffix(without).unlink()
        if cut_dbf:
            table = path.with_suffix(".dbf")
            table.write_bytes(table.read_bytes()[:-20])

    return write


def garbled(words: str, was: str, read_as: str) -> str:
    return words.encode(was).decode(read_as)


def twice(path: Path) -> None:
    table = pa.table([pa.array(["a"]), pa.array(["b"])], names=["名称", "名称"])
    pyarrow.parquet.write_table(table, path)


def two_layers(path: Path) -> None:
    frame = gpd.GeoDataFrame({"类别": ["药店"]}, geometry=[shapely.Point(350_000, 3_456_000)], crs=CRS)
    frame.to_file(path, layer="一")
    frame.to_file(path, layer="二")


def not_geojson(path: Path) -> None:
    path.write_text(json.dumps([{"名称": "甲"}]), "utf-8")


GB, U8 = "gb18030", "utf-8"
RECORD = ["f1", "甲", "药店", LON, LAT, 120]
NAMES = HEAD.strip().split(",")
PEOPLE = "编号,经度,纬度,常住人口,0-2岁,3-5岁\n"

GALLERY = (
    # no table at all
    Damaged("empty.csv", raw(b""), ("tables.empty_file",)),
    Damaged("folder.csv", lambda path: path.mkdir(), ("tables.folder",)),
    Damaged("kind.doc", raw(b"x"), ("file.unknown_kind",)),
    Damaged("missing.csv", lambda path: None, ("file.missing",)),
    Damaged("only_header.csv", text(HEAD), ("tables.no_rows",)),
    Damaged("no_header.csv", text("1,2,3\n4,5,6\n"), ("tables.no_header",)),
    Damaged("is_workbook.csv", book(NAMES, RECORD), ("tables.other_content",)),
    Damaged("is_text.xlsx", text(HEAD + GOOD), ("tables.other_content",)),
    Damaged("is_page.xls", text("<html><table><tr><td>名称</td></tr></table></html>"), ("tables.other_content",)),
    Damaged("is_pdf.csv", raw(b"%PDF-1.7 \n"), ("tables.other_content",)),
    Damaged("is_zip.gpkg", book(NAMES, RECORD), ("tables.other_content",)),
    # cut short
    Damaged("cut.xlsx", cut(book(NAMES, *[RECORD] * 50), 0.6), ("file.damaged",)),
    Damaged("cut.parquet", cut(shapes(*[shapely.Point(350_000 + i, 3_456_000) for i in range(99)]), 0.7), ("file.damaged",)),
    Damaged("cut.geojson", raw(b'{"type": "FeatureCollection", "features": ['), ("file.damaged",)),
    Damaged("cut.gpkg", cut(shapes(*[shapely.Point(350_000 + i, 3_456_000) for i in range(99)]), 0.5), ("file.damaged",)),
    Damaged("cut_table.shp", shapefile(cut_dbf=True), ("file.damaged",)),
    Damaged("lonely.shp", shapefile(without=".dbf"), ("tables.missing_part",)),
    Damaged("list.geojson", not_geojson, ("file.damaged",)),
    Damaged("noise.parquet", raw(np.random.default_rng(1).bytes(5000)), ("file.damaged",)),
    Damaged("noise.xls", raw(b"\xd0\xcf\x11\xe0" + np.random.default_rng(2).bytes(5000)), ("file.damaged",)),
    Damaged("protected.xlsx", encrypted, ("tables.password",)),
    # too much
    Damaged("bomb.xlsx", bomb, ("tables.unpacks_too_large",)),
    Damaged("wide.csv", raw(b"a" + b"," * 10_000_000 + b"\n1\n"), ("tables.too_many_columns",)),
    # encodings
    Damaged(
        "mixed.csv",
        raw((HEAD + GOOD + GOOD.replace("f1", "f2")).encode() + "f3,乙药店,药店,1,2,3\n".encode(GB)),
        ("tables.mixed_encodings",),
    ),
    Damaged("neither.csv", raw(HEAD.encode() + b"f1,\xff\xff,x,1,2,3\n"), ("tables.not_text",)),
    Damaged("nul.csv", raw((HEAD + GOOD).encode() + b"f2\0,,,,,\n"), ("tables.nul",)),
    Damaged("stated.csv", text(HEAD + GOOD), ("tables.encoding_differs",), plan={"encoding": "ascii"}),
    Damaged("encoding.csv", text(HEAD + GOOD), ("name.unknown",), plan={"encoding": "martian"}),
    Damaged("wreck.csv", rows(f"f1,锟斤拷锟斤拷,药店,{LON},{LAT},1"), ("tables.garbled",)),
    Damaged("latin.csv", rows(f"f1,{garbled('电影院', U8, 'latin-1')},药店,{LON},{LAT},1"), ("tables.garbled",)),
    Damaged("windows.csv", rows(f"f1,{garbled('电影', U8, 'cp1252')},药店,{LON},{LAT},1"), ("tables.garbled",)),
    Damaged("gbk.csv", rows(f"f1,{garbled('榆林', U8, 'gb18030')},药店,{LON},{LAT},1"), ("tables.garbled",)),
    Damaged("gbk_as_latin.csv", rows(f"f1,{garbled('中学', GB, 'latin-1')},药店,{LON},{LAT},1"), ("tables.garbled",)),
    Damaged("header.csv", text(f"{garbled('名称', U8, 'latin-1')},类别,经度,纬度\n甲,药店,{LON},{LAT}\n"), ("tables.garbled",)),
    # rows and cells
    Damaged("ragged.csv", rows("f1,甲,药店", GOOD.strip()), ("tables.ragged_row",)),
    Damaged("quotes.csv", text(HEAD + f'f1,"甲"乙"丙,药店,{LON},{LAT},1\n'), ("file.damaged",)),
    Damaged("open_quote.csv", text(HEAD + f'f1,"甲,药店,{LON},{LAT},1\n'), ("file.damaged",)),
    Damaged("unnamed.csv", text(f"编号,,类别,经度,纬度\nf1,甲,药店,{LON},{LAT}\n"), ("tables.unnamed_column",)),
    Damaged("named_twice.csv", text(f"编号,名称,名称,类别,经度,纬度\nf1,甲,乙,药店,{LON},{LAT}\n"), ("tables.repeated_column",)),
    Damaged("twice.parquet", twice, ("tables.repeated_name",)),
    Damaged("ids.csv", text(HEAD + GOOD + GOOD), ("table.duplicate_id",)),
    Damaged("nan.csv", rows("f1,甲,药店,NaN,31,1"), ("table.empty_cell",)),
    Damaged("infinity.csv", rows(f"f1,甲,药店,inf,{LAT},1", f"f2,乙,药店,{LON},{LAT},-inf"), ("table.not_a_number",) * 2),
    Damaged("sentinel.csv", rows("f1,甲,药店,-9999,-9999,1"), ("table.empty_cell", "table.empty_cell")),
    Damaged("negative.csv", rows(f"f1,甲,药店,{LON},{LAT},-120"), ("tables.negative",)),
    Damaged("about.csv", rows(f"f1,甲,药店,{LON},{LAT},约120"), ("table.not_a_number",)),
    Damaged("unknown_unit.csv", rows(f"f1,甲,药店,{LON},{LAT},12英尺"), ("table.not_a_number",)),
    Damaged("code.csv", rows(f"3.10115E+11,甲,药店,{LON},{LAT},1"), ("tables.code_rounded",)),
    Damaged("class.csv", rows(f"f1,甲,茶馆,{LON},{LAT},1", f"f2,甲,,{LON},{LAT},1"), ("tables.unknown_class", "tables.no_class")),
    Damaged("type.csv", rows(f"f1,甲,体育;未知;类型,{LON},{LAT},1"), ("tables.unknown_class",)),
    Damaged("state.csv", text(f"名称,类别,经度,纬度,状态\n甲,药店,{LON},{LAT},凑合\n"), ("tables.unknown_word",)),
    # places
    Damaged("zero.csv", rows("f1,甲,药店,0,0,1"), ("tables.zero_place",)),
    Damaged("swapped.csv", rows(f"f1,甲,药店,{LON},{LAT},1", f"f2,乙,药店,{LAT},{LON},1"), ("tables.swapped",)),
    Damaged("metres.csv", rows("f1,甲,药店,350000,3456000,1"), ("tables.not_degrees",)),
    Damaged("degrees.csv", rows(f"f1,甲,药店,{LON},{LAT},1"), ("tables.looks_like_degrees",), plan={"points_in": CRS}),
    Damaged("north_first.csv", rows("f1,甲,药店,3456500,354600,1"), ("tables.exchanged",), plan={"points_in": CRS}),
    Damaged("system.csv", text(HEAD + GOOD), ("coordinates.unknown",), plan={"points_in": "月球坐标"}),
    Damaged("elsewhere.csv", rows("f1,甲,药店,2.35,48.85,1"), ("tables.elsewhere",)),
    Damaged("no_place.csv", text("名称,类别,地址\n甲,药店,某路一号\n"), ("tables.missing_column", "tables.missing_column")),
    Damaged("no_system.parquet", shapes(shapely.Point(350_000, 3_456_000), crs=None), ("tables.no_crs",)),
    Damaged("lines.gpkg", shapes(shapely.LineString([(350_000, 3_456_000), (350_100, 3_456_000)])), ("tables.wrong_shape",)),
    Damaged("no_shape.parquet", shapes(None, shapely.Point(350_000, 3_456_000)), ("tables.no_shape",)),
    Damaged("infinite.parquet", shapes(shapely.Point(np.inf, 3_456_000)), ("tables.not_finite",)),
    Damaged("layers.gpkg", two_layers, ("tables.several_layers",)),
    Damaged("layer.gpkg", two_layers, ("tables.unknown_layer",), plan={"layer": "三"}),
    # workbooks
    Damaged("error.xlsx", book(NAMES, RECORD, F2="#REF!"), ("tables.formula_error",)),
    Damaged("formula.xlsx", book(NAMES, RECORD, F2="=1+1"), ("tables.formula_without_value",)),
    Damaged("date.xlsx", book(NAMES, [*RECORD[:5], datetime.date(2024, 3, 5)]), ("tables.date_for_number",)),
    Damaged("date_name.xlsx", book([*NAMES, datetime.datetime(2024, 3, 5)], [*RECORD, 1]), ("tables.date_as_name",)),
    Damaged("sheets.xlsx", book(NAMES, RECORD, sheets=2), ("tables.several_sheets",)),
    Damaged("sheet.xlsx", book(NAMES, RECORD), ("tables.unknown_sheet",), plan={"layer": "没有"}),
    Damaged("blank.xlsx", book(), ("tables.no_rows",)),
    Damaged("codes.xlsx", book(NAMES, [310115001001001001.0, *RECORD[1:]]), ("tables.code_rounded",)),
    # people
    Damaged("sum.csv", text(f"{PEOPLE}p1,{LON},{LAT},10,3,4\n"), ("tables.groups_differ",), "population"),
    Damaged("half.csv", text(f"{PEOPLE}p1,{LON},{LAT},1.5,1,0.5\n"), ("table.not_a_number",) * 2, "population"),
    Damaged("unknown.csv", text(f"{PEOPLE}p1,{LON},{LAT},不详,1,2\n"), ("tables.unknown_figure",), "population"),
    Damaged("households.csv", text(f"编号,经度,纬度,人口(户)\np1,{LON},{LAT},7\n"), ("tables.missing_column",), "population"),
    Damaged("kind.csv", text(f"编号,名称,类型,经度,纬度\nu1,甲,议会,{LON},{LAT}\n"), ("tables.unknown_word",), "units"),
    Damaged("path.csv", text(f"名称,经度,纬度,实施路径\n甲,{LON},{LAT},碰运气\n"), ("tables.unknown_word",), "candidates"),
)
