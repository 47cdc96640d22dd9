"""Figures as people write them: full-width digits, separators, units, Chinese numerals, and marks for "nobody knows"."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yike.sources.column_words import Vocabulary, plain

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
SEPARATED, CHINESE = "separated", "chinese"
_SEPARATORS = re.compile(r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$")
_NUMBER_AND_REST = re.compile(r"^([+-]?[\d.,]+(?:e[+-]?\d+)?)_*([^\d].*)$")
_PLAIN_NUMBER = re.compile(r"^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$")
_MANGLED_CODE = re.compile(r"^\d(\.\d+)?e\+?\d+$", re.IGNORECASE)
_WHOLE_FLOAT = re.compile(r"^\d+\.0+$")
_DIGITS = {
    c: n
    for n, chars in enumerate(("零〇", "一壹", "二贰两", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖"))
    for c in chars
}
_TENS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_MYRIADS = {"万": 10_000, "亿": 100_000_000}
LARGEST_EXACT = 2**53


@dataclass
class Figures:
    """Hold a column's figures: ``values`` (n,), NaN where none; which cells are empty, stand for unknown, or are no figure.

    ``conversions`` counts the cells read in another way than as plain digits, by unit or by SEPARATED or CHINESE.
    """

    values: FloatArray
    empty: BoolArray
    unknown: BoolArray
    wrong: BoolArray
    dates: BoolArray
    conversions: Counter[str] = field(default_factory=Counter)


def read_figures(cells: pd.Series, *, words: Vocabulary, units: Mapping[str, float], factor: float = 1.0) -> Figures:
    """Read a column's cells as figures in our unit: figure × size of the cell's own unit, else × ``factor`` (the header's)."""
    raw = cells.to_numpy(object)
    empty = np.asarray(pd.isna(cells), bool)
    values = np.asarray(pd.to_numeric(cells, errors="coerce").to_numpy(np.float64, na_value=np.nan)).copy()
    booleans = np.array([isinstance(cell, bool) for cell in raw], bool) if cells.dtype == object else np.zeros(len(raw), bool)
    values[booleans] = np.nan
    odd = ~np.isfinite(values) & ~empty
    values[odd] = np.nan
    dates = np.zeros(len(raw), bool)
    figures = Figures(values * factor, empty, np.isin(values, words["missing"]["numbers"]), odd, dates)
    figures.values[figures.unknown] = np.nan
    missing = {plain(word) for word in words["missing"]["words"]}
    known: dict[object, tuple[float, str]] = {}
    for position in np.flatnonzero(odd).tolist():
        cell = raw[position]
        if isinstance(cell, datetime.date | datetime.time | datetime.timedelta):
            dates[position] = True
            continue
        word = plain(cell)
        if word in missing:
            figures.unknown[position], figures.wrong[position] = True, False
            continue
        if word not in known:
            known[word] = figure_of(word, units=units, factor=factor)
        value, way = known[word]
        if way:
            figures.values[position], figures.wrong[position] = value, False
            figures.conversions[way] += 1
    return figures


def figure_of(word: str, *, units: Mapping[str, float], factor: float = 1.0) -> tuple[float, str]:
    """Return the figure that a plain word states and how it was read; the way is empty where it states none."""
    number = _number(word)
    if number is not None:
        return number * factor, SEPARATED
    parts = _NUMBER_AND_REST.match(word)
    if parts:
        number, unit = _number(parts[1]), parts[2].strip("_")
        if number is not None and unit in units:
            return number * units[unit], unit
        if number is not None and unit[:1] in _MYRIADS and unit[1:] in ("", *units) and units.get(unit[1:], 1.0) == 1.0:
            return number * _MYRIADS[unit[0]] * (1.0 if unit[1:] else factor), unit[0]
        return np.nan, ""
    for unit in sorted(units, key=len, reverse=True):
        if word.endswith(unit) and chinese_number(word.removesuffix(unit)) is not None:
            return float(chinese_number(word.removesuffix(unit)) or 0) * units[unit], unit
    chinese = chinese_number(word)
    return (np.nan, "") if chinese is None else (chinese * factor, CHINESE)


def _number(word: str) -> float | None:
    if _SEPARATORS.match(word):
        word = word.replace(",", "")
    return float(word) if _PLAIN_NUMBER.match(word) and np.isfinite(float(word)) else None


def chinese_number(word: str) -> int | None:
    """Return the whole number that Chinese numerals state (一百二十, 三万五千, 二〇二四), None where they state none.

    Places count down: 亿 and 万 multiply what stands before them, 千, 百 and 十 the digit before; a digit after
    a bare unit such as 一百二 is left unread, because it may mean 120 or 102.
    """
    if not word or any(c not in _DIGITS and c not in _TENS and c not in _MYRIADS for c in word):
        return None
    if all(c in _DIGITS for c in word):
        return int("".join(str(_DIGITS[c]) for c in word)) if len(word) > 1 or word not in "零〇" else 0
    total, section, digit, smallest = 0, 0, None, 10**12
    for c in word:
        if c in _DIGITS:
            if digit not in (None, 0):
                return None
            digit = _DIGITS[c]
        elif c in _TENS:
            if _TENS[c] >= smallest:
                return None
            section += (1 if digit is None else digit) * _TENS[c]
            digit, smallest = None, _TENS[c]
        else:
            section = (section + (digit or 0)) * _MYRIADS[c] + (total * _MYRIADS[c] if _MYRIADS[c] == 10**8 else 0)
            total = section if _MYRIADS[c] == 10**8 else total + section
            section, digit, smallest = 0, None, 10**12
    if digit and len(word) > 1 and word[-2] not in "零〇" and smallest != 10:
        return None
    return total + section + (digit or 0)


def word_of(cell: object) -> str:
    """Return a cell as text: whole floats without a point, dates as ISO 8601, nothing as an empty text."""
    if cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, float) and np.isnan(cell)):
        return ""
    if isinstance(cell, float | np.floating) and float(cell).is_integer():
        return str(int(cell))
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time():
        return cell.date().isoformat()
    if isinstance(cell, datetime.date):
        return cell.isoformat()
    return str(cell).strip()


def words_of(cells: pd.Series, *, missing: Collection[str]) -> NDArray[np.object_]:
    """Return a column's cells as texts, empty where the cell is or holds a mark for "nobody knows"."""
    raw = np.array([word_of(cell) for cell in cells], object)
    marks = {plain(word) for word in missing}
    known = {word: "" if plain(word) in marks else word for word in set(raw.tolist())}
    return np.array([known[word] for word in raw], object)


def mended_codes(words: NDArray[np.object_]) -> tuple[NDArray[np.object_], BoolArray]:
    """Return codes without the ``.0`` and full width that programs add, and which a spreadsheet has rounded (3.10115E+11)."""
    mended = np.array([_code(word) for word in words], object)
    mangled = np.array([bool(_MANGLED_CODE.match(word)) for word in mended], bool)
    return mended, mangled


def _code(word: str) -> str:
    if not word.isascii():
        word = unicodedata.normalize("NFKC", word)
    return word.partition(".")[0] if _WHOLE_FLOAT.match(word) else word


def rounded_numbers(cells: pd.Series) -> BoolArray:
    """Tell which cells are numbers too large to be exact (more than 15 digits), so that their last digits are lost."""
    return np.array([isinstance(cell, float) and abs(cell) > LARGEST_EXACT for cell in cells], bool)
