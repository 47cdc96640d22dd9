"""OSM files that are whole, packed, out of order, cut short or something else."""

import bz2
import gzip
from pathlib import Path

import osmium
import pytest

from yike.errors import InputError
from yike.sources.osm import read_osm, read_osm_city
from yike.sources.osm.reading import read_objects

FIXTURES = Path(__file__).parent.parent / "fixtures"
WAITS = FIXTURES / "osm_waits.osm"


def codes(path: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        read_osm(path)
    assert path.name in str(caught.value)
    assert caught.value.exit_code == 2
    return [fault.code for fault in caught.value.faults]


def as_pbf(folder: Path, source: Path = WAITS) -> Path:
    target = folder / "city.osm.pbf"
    with osmium.SimpleWriter(str(target)) as writer:
        for item in osmium.FileProcessor(str(source)):
            writer.add(item)
    return target


def test_pbf_and_packed_files_give_the_same_streets(tmp_path: Path) -> None:
    expected = read_osm(WAITS).hash()
    packed = tmp_path / "waits.osm.gz"
    packed.write_bytes(gzip.compress(WAITS.read_bytes()))
    squeezed = tmp_path / "waits.osm.bz2"
    squeezed.write_bytes(bz2.compress(WAITS.read_bytes()))
    assert [read_osm(path).hash() for path in (as_pbf(tmp_path), packed, squeezed)] == [expected] * 3


def test_files_out_of_order_are_put_in_order(tmp_path: Path) -> None:
    source = FIXTURES / "osm_places.osm"
    lines = source.read_text("utf-8").splitlines()
    first_way = next(row for row, line in enumerate(lines) if "<way" in line)
    first_relation = next(row for row, line in enumerate(lines) if "<relation" in line)
    head = next(row for row, line in enumerate(lines) if "<node" in line)
    turned = lines[:head] + lines[first_relation:-1] + lines[first_way:first_relation] + lines[head:first_way] + lines[-1:]
    target = tmp_path / "osm_places.osm"
    target.write_text("\n".join(turned), "utf-8")
    assert target.read_text("utf-8") != source.read_text("utf-8")
    assert read_osm_city(target).hashes == read_osm_city(source).hashes


def test_the_date_is_that_of_the_newest_object() -> None:
    data = read_objects(WAITS)
    assert (data.date, data.box, data.broken_ways) == ("2024-05-06T07:08:09Z", None, 0)


def test_ways_with_missing_nodes_are_counted() -> None:
    assert read_objects(FIXTURES / "osm_cut_ways.osm").broken_ways == 1


def test_missing_files_are_named(tmp_path: Path) -> None:
    assert codes(tmp_path / "nowhere.osm.pbf") == ["file.missing"]


def test_other_endings_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "streets.shp"
    path.write_bytes(b"")
    assert codes(path) == ["file.unknown_kind"]


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.99])
def test_pbf_cut_short_is_found(tmp_path: Path, share: float) -> None:
    whole = as_pbf(tmp_path).read_bytes()
    path = tmp_path / "cut.osm.pbf"
    path.write_bytes(whole[: int(len(whole) * share)])
    assert codes(path) == ["file.damaged"]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.99])
def test_xml_cut_short_is_found(tmp_path: Path, share: float) -> None:
    whole = WAITS.read_bytes()
    path = tmp_path / "cut.osm"
    path.write_bytes(whole[: int(len(whole) * share)])
    assert codes(path) == ["file.damaged"]


def test_garbage_is_found(tmp_path: Path) -> None:
    path = tmp_path / "city.osm.pbf"
    path.write_bytes(b"PK\x03\x04 this is a zip file" * 50)
    assert codes(path) == ["file.damaged"]


def test_a_flipped_byte_in_packed_data_is_found(tmp_path: Path) -> None:
    whole = bytearray(as_pbf(tmp_path).read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    path = tmp_path / "bent.osm.pbf"
    path.write_bytes(whole)
    assert codes(path) == ["file.damaged"]


def test_objects_that_were_never_uploaded_are_refused(tmp_path: Path) -> None:
    text = (FIXTURES / "osm_layers.osm").read_text("utf-8")
    path = tmp_path / "edits.osm"
    path.write_text(text.replace('way id="40"', 'way id="-40"'), "utf-8")
    assert codes(path) == ["osm.unsaved_ids"]
