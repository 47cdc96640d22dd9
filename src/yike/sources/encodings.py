"""Which encoding a text is in, and texts that were once read in the wrong one."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from pathlib import Path

from yike.errors import Fault, InputError

UTF8, GB18030, UTF16 = "UTF-8", "GB18030", "UTF-16"
_LINES_NAMED = 10
# What remains of a text after a wrong conversion: the replacement character, and what others read in its place.
_WRECKS = re.compile("\ufffd|锟斤拷|烫烫烫|屯屯屯|葺葺葺")
_LATIN_PAIR = re.compile(
    "[\u00c2-\u00f4][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
)
_LATIN_RUN = re.compile("[\u00a1-\u00ff]{4,}")
_CJK = re.compile("[\u4e00-\u9fff]")
_CJK_ONLY = re.compile("[\u3400-\u9fff\ue000-\uf8ff\u20ac]")


def decoded(content: bytes, *, file: str, encoding: str | None = None) -> tuple[str, str]:
    """Return a file's text and the encoding that it is in: as given, by its mark, strict UTF-8, else GB18030.

    Raises:
        InputError: the encoding is unknown or does not fit (the first lines are named), lines are in two encodings (those of the
            rarer are named), or the content is no text.
    """
    if encoding is not None:
        return _as_stated(content, encoding, file), _known(encoding, file)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _as_stated(content, "utf-16", file), UTF16
    if b"\0" in content:
        row = content[: content.index(b"\0")].count(b"\n") + 1
        raise InputError([Fault("tables.nul", file, row=row)])
    try:
        return content.decode("utf-8-sig"), UTF8
    except UnicodeDecodeError:
        return _not_utf8(content, file), GB18030


def _known(encoding: str, file: str) -> str:
    try:
        name = codecs.lookup(encoding).name
    except LookupError as error:
        values = {"thing": "encoding", "name": encoding, "known": "UTF-8, GB18030, GBK, UTF-16"}
        raise InputError([Fault("name.unknown", file, field="encoding", values=values)]) from error
    return {"utf-8": UTF8, "utf-8-sig": UTF8, "gb18030": GB18030}.get(name, encoding)


def _as_stated(content: bytes, encoding: str, file: str) -> str:
    _known(encoding, file)
    try:
        return content.decode("utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        raise InputError([Fault("tables.encoding_differs", file, row=row, values={"encoding": encoding})]) from error
    except (UnicodeError, LookupError, ValueError) as error:
        raise InputError([Fault("tables.encoding_differs", file, values={"encoding": encoding})]) from error


def _not_utf8(content: bytes, file: str) -> str:
    """Decode a content that is not UTF-8 as GB18030, or say which lines are in neither or the rarer encoding."""
    in_utf8, in_gb, in_none = [], [], []
    for row, line in enumerate(content.split(b"\n"), 1):
        if line.isascii():
            continue
        if _decodes(line, "utf-8"):
            in_utf8.append(row)
        elif _decodes(line, "gb18030"):
            in_gb.append(row)
        else:
            in_none.append(row)
    if in_none:
        raise InputError(_line_faults("tables.not_text", file, in_none))
    if in_utf8:
        rarer, name, other = (in_gb, GB18030, UTF8) if len(in_gb) <= len(in_utf8) else (in_utf8, UTF8, GB18030)
        raise InputError(_line_faults("tables.mixed_encodings", file, rarer, encoding=name, other=other))
    try:
        return content.decode("gb18030")
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        raise InputError([Fault("tables.not_text", file, row=row)]) from error


def _decodes(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _line_faults(code: str, file: str, rows: list[int], **values: object) -> list[Fault]:
    rest = len(rows) - _LINES_NAMED
    faults = [Fault(code, file, row=row, values=values) for row in rows[:_LINES_NAMED]]
    return faults + ([Fault(code, file, row=rows[_LINES_NAMED], values=values, count=rest)] if rest > 0 else [])


def garbled(words: Iterable[str]) -> dict[str, str]:
    """Return those words that were once read in the wrong encoding, with what they may have been (``?`` where that is lost).

    Found are wrecks such as 锟斤拷, UTF-8 read as Latin (Ã©, ç”µ) or as GBK (鐢靛奖), and GBK read as Latin (ÖÐÑ§).
    """
    found = {}
    for word in words:
        if not word.isascii():
            origin = _origin(word)
            if origin:
                found[word] = origin
    return found


def _origin(word: str) -> str:
    if _WRECKS.search(word):
        return "?"
    if _LATIN_PAIR.search(word):
        for encoding in ("cp1252", "latin-1"):
            origin = _recoded(word, encoding, "utf-8")
            if origin and len(origin) < len(word):
                return origin
    if _LATIN_RUN.search(word):
        origin = _recoded(word, "latin-1", "gb18030")
        if origin and _CJK.search(origin):
            return origin
    if _CJK_ONLY.search(word):
        origin = _recoded(word, "gb18030", "utf-8")
        if origin and _CJK.search(origin):
            return origin
    return ""


def _recoded(word: str, was_read_as: str, is_in: str) -> str:
    try:
        return word.encode(was_read_as).decode(is_in)
    except UnicodeError:
        return ""


def file_bytes(path: Path) -> bytes:
    """Return a file's content.

    Raises:
        InputError: the system does not let it be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError([Fault("file.damaged", str(path), values={"reason": error.strerror or error})]) from error
