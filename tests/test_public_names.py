"""The stable surface: what `import yike` promises is there, and nothing else is."""

from importlib import import_module
from importlib.metadata import version

import pytest

import yike

PROMISED = {
    "City", "Standard", "StreetNetwork", "YikeError", "__version__", "circles", "diagnose", "nearest_times",
    "read_osm", "travel_times",
}  # fmt: skip


def test_the_surface_is_what_is_promised() -> None:
    assert set(yike.__all__) == PROMISED
    assert set(dir(yike)) >= PROMISED


@pytest.mark.parametrize("name", sorted(PROMISED - {"__version__"}))
def test_each_name_loads_from_its_home(name: str) -> None:
    value = getattr(yike, name)
    assert value is getattr(import_module(value.__module__), name)
    assert value.__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'propose_everything'"):
        _ = yike.propose_everything


def test_the_version_is_the_installed_one() -> None:
    assert version("yike") == yike.__version__
