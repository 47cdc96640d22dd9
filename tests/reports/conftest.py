"""The town of `town.py`, diagnosed, with its reports in both languages."""

from __future__ import annotations

import pytest
from reports.page_tree import Element, read_page
from reports.town import CLASSES, town_city
from small_city import judged, standard

from yike.model.city import City
from yike.model.diagnosis import Diagnosis
from yike.reports.html import render_html


@pytest.fixture(scope="session")
def town() -> City:
    """Give the town."""
    return town_city()


@pytest.fixture(scope="session")
def diagnosis(town: City) -> Diagnosis:
    """Give the diagnosis of the town."""
    return judged(town, standard(CLASSES))


@pytest.fixture(scope="session")
def html(town: City, diagnosis: Diagnosis) -> str:
    """Give the English report as text."""
    return render_html(diagnosis, town, lang="en", evidence={"tables": {"verdicts": "feed"}})


@pytest.fixture(scope="session")
def page(html: str) -> Element:
    """Give the English report as a tree."""
    return read_page(html)


@pytest.fixture(scope="session")
def page_zh(town: City, diagnosis: Diagnosis) -> Element:
    """Give the Chinese report as a tree."""
    return read_page(render_html(diagnosis, town, lang="zh"))
