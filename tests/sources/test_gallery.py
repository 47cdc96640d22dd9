"""Each damaged file gives its one clear error and leaves the city untouched; no bytes at all bring anything but a clear error."""

import functools
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sources.gallery import CRS, GALLERY, HEAD, LAT, LON, Damaged

from yike.errors import InputError
from yike.model.city import City
from yike.model.standard import load_standard
from yike.sources.city_parts import (
    ImportSummary,
    import_candidates,
    import_facilities,
    import_population,
    import_streets,
    import_units,
)
from yike.sources.encodings import garbled
from yike.sources.reading_plan import ReadingPlan, load_plan
from yike.sources.tables import TABLE_ENDINGS, open_table
from yike.texts import languages

IMPORTS: dict[str, Callable[..., ImportSummary]] = {
    "facilities": functools.partial(import_facilities, standard=load_standard("pudong-2021")),
    "population": import_population,
    "units": import_units,
    "candidates": import_candidates,
}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a City of one street through the place that the gallery's files speak of."""
    folder = tmp_path_factory.mktemp("gallery")
    street = shapely.LineString([(LON - 0.01, LAT), (LON + 0.01, LAT)])
    gpd.GeoDataFrame(geometry=gpd.GeoSeries([street], crs="EPSG:4326")).to_parquet(folder / "streets.parquet")
    import_streets(folder / "streets.parquet", city=folder / "city", crs=CRS)
    return folder / "city"


def content_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_gallery_is_large_and_has_no_name_twice() -> None:
    assert len(GALLERY) >= 40
    assert len({each.name for each in GALLERY}) == len(GALLERY)


@pytest.mark.parametrize("damaged", GALLERY, ids=lambda each: each.name)
def test_a_damaged_file_gives_its_error_and_leaves_the_city_untouched(city: Path, tmp_path: Path, damaged: Damaged) -> None:
    path = tmp_path / damaged.name
    damaged.write(path)
    before, beside = content_of(city), sorted(city.parent.iterdir())
    with pytest.raises(InputError) as caught:
        IMPORTS[damaged.part](path, city=city, plan=ReadingPlan(**damaged.plan))
    assert tuple(fault.code for fault in caught.value.faults) == damaged.codes
    assert all(path.stem in fault.file or fault.code == "coordinates.unknown" for fault in caught.value.faults)
    for lang in languages():
        said = caught.value.words(lang)
        assert len(said.splitlines()) == len(damaged.codes)
        assert "{" not in said.replace(damaged.name, "")
    assert content_of(city) == before
    assert sorted(city.parent.iterdir()) == beside


# --- whatever comes ---


def refuses_or_reads(path: Path) -> bool:
    """Tell whether a file gives rows or a refusal that can be said; anything else is raised."""
    try:
        return len(open_table(path).frame) > 0
    except InputError as error:
        return len(error.faults) > 0 and all(error.words(lang) for lang in languages())


@pytest.mark.parametrize("ending", TABLE_ENDINGS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(content=st.binary(max_size=400))
def test_random_bytes_are_read_or_refused_by_every_reader(tmp_path: Path, ending: str, content: bytes) -> None:
    path = tmp_path / f"noise{ending}"
    path.write_bytes(content)
    assert refuses_or_reads(path)


@pytest.fixture(scope="module")
def good_files(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, bytes]]:
    """Write one good file of each kind and return their names and contents."""
    folder = tmp_path_factory.mktemp("good")
    places = gpd.points_from_xy(range(350_000, 350_020), [3_456_000] * 20)
    points = gpd.GeoDataFrame({"类别": ["药店"] * 20}, geometry=places, crs=CRS)
    for ending in (".gpkg", ".geojson", ".parquet"):
        path = folder / f"good{ending}"
        points.to_parquet(path) if ending == ".parquet" else points.to_file(path)
    for each in GALLERY:
        if each.name in ("sheet.xlsx", "ids.csv"):
            each.write(folder / each.name)
    return [(path.name, path.read_bytes()) for path in sorted(folder.iterdir())]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(which=st.integers(0, 4), at=st.floats(0, 0.999), flipped=st.binary(min_size=1, max_size=12), cut=st.booleans())
def test_a_good_file_with_some_bytes_changed_is_read_or_refused(
    tmp_path: Path, good_files: list[tuple[str, bytes]], which: int, at: float, flipped: bytes, cut: bool
) -> None:
    name, content = good_files[which]
    place = int(at * len(content))
    path = tmp_path / name
    path.write_bytes(content[:place] if cut else content[:place] + flipped + content[place + len(flipped) :])
    assert refuses_or_reads(path)


cells = st.one_of(
    st.sampled_from(
        [
            "",
            "药店",
            "不详",
            "-9999",
            "一百二十",
            "1,200",
            "3亩",
            "12万元",
            "NaN",
            "inf",
            "合计",
            "1e999",
            str(LON),
            str(LAT),
            "0",
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters='"\r\n\0'), max_size=12),
    st.floats().map(str),
)


@pytest.mark.parametrize("part", sorted(IMPORTS))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=6)
@given(table=st.lists(st.lists(cells, min_size=6, max_size=6), min_size=1, max_size=6))
def test_random_tables_are_imported_or_refused_whole(city: Path, tmp_path: Path, part: str, table: list[list[str]]) -> None:
    path = tmp_path / f"random-{part}.csv"
    head = HEAD if part != "population" else "编号,unit_id,常住人口,经度,纬度,备注\n"
    path.write_text(head + "".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in table), "utf-8")
    before = City.load(city).hash
    try:
        done = IMPORTS[part](path, city=city, plan=ReadingPlan(fresh=True))
    except InputError:
        assert City.load(city, check=True).hash == before
        return
    assert done.rows_read == done.rows_kept + done.rows_left_out <= len(table)
    assert City.load(city, check=True).hash == done.city_hash


@given(st.text())
def test_a_plan_of_any_text_is_refused_with_a_clear_error(tmp_path_factory: pytest.TempPathFactory, content: str) -> None:
    path = tmp_path_factory.mktemp("plan") / "plan.yaml"
    path.write_bytes(content.encode("utf-8", "replace"))
    with pytest.raises(InputError) as caught:
        load_plan(path)
    assert all(caught.value.words(lang) for lang in languages())


@given(
    st.text(
        st.sampled_from(
            "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经"
        ),
        min_size=1,
        max_size=8,
    )
)
def test_common_words_are_no_wrecks_and_their_wrecks_are_found(word: str) -> None:
    assert garbled([word]) == {}
    wreck = word.encode("utf-8").decode("latin-1")
    assert garbled([wreck]) == {wreck: word}
