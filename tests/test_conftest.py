"""Real data may be missing on a desk and never in CI."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings


def test_real_data_is_found_below_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, real_data: Callable[[str], Path]
) -> None:
    (tmp_path / "town").mkdir()
    monkeypatch.setenv("YIKE_DATA", str(tmp_path))
    assert real_data("town") == tmp_path / "town"


@pytest.mark.parametrize("root", [None, "empty"])
def test_missing_data_skips_on_a_desk_and_fails_where_it_is_required(
    root: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, real_data: Callable[[str], Path]
) -> None:
    monkeypatch.delenv("YIKE_REQUIRE_DATA", raising=False)
    if root is None:
        monkeypatch.delenv("YIKE_DATA", raising=False)
    else:
        monkeypatch.setenv("YIKE_DATA", str(tmp_path / root))
    with pytest.raises(pytest.skip.Exception, match="town"):
        real_data("town")
    monkeypatch.setenv("YIKE_REQUIRE_DATA", "1")
    with pytest.raises(pytest.fail.Exception, match="real data required"):
        real_data("town")


def test_property_tests_are_bounded_and_repeatable() -> None:
    assert settings.get_profile("default").max_examples == 40
    assert settings.get_profile("long").max_examples == 400
    assert settings().derandomize is True
