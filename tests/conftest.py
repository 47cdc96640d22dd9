"""What every test may ask for: real data by name, and how many random examples a property gets."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# Derandomized: the same commit gives the same verdict everywhere. `make test-long` looks further.
settings.register_profile("default", max_examples=40, derandomize=True, deadline=None)
settings.register_profile("long", max_examples=400, derandomize=True, deadline=None)
settings.load_profile("default")


def find_real_data(name: str) -> Path:
    """Return the path of a real data set under YIKE_DATA; skip without it, fail when it is required.

    Args:
        name: path below YIKE_DATA, such as `las-palmas` or `porto-alegre/streets.osm.pbf`.
    """
    root = os.environ.get("YIKE_DATA")
    path = Path(root) / name if root else None
    if path is not None and path.exists():
        return path
    reason = f"{path} is not there" if path else f"YIKE_DATA is not set, so there is no {name}"
    if os.environ.get("YIKE_REQUIRE_DATA") == "1":
        pytest.fail(f"real data required: {reason}", pytrace=False)
    pytest.skip(f"real data: {reason}")


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """Give the finder of real data sets: `real_data("las-palmas")`."""
    return find_real_data
