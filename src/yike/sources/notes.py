"""Notes on what was done to a source on its way into a City: kept language-free in the provenance, said in either language.

A note is ``code?key=value&key=value``; its words are the text ``note.<code>``. Notes of one origin are joined by blanks.
Anything else in a provenance note is a sentence of its own and is said as it is.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from yike.texts import text, words


def note(code: str, **values: object) -> str:
    """Write one note."""
    return f"{code}?{urlencode({key: str(value) for key, value in values.items()})}" if values else code


def say_notes(notes: str, lang: str) -> str:
    """Say the notes of an origin in a language."""
    said = []
    for token in notes.split():
        code, _, query = token.partition("?")
        if f"note.{code}" not in words(lang):
            return notes
        values = dict(parse_qsl(query, keep_blank_values=True))
        if "reason" in values:
            values["reason"] = text(f"class_reason.{values['reason']}", lang)
        if "mode" in values:
            values["mode"] = text(f"check.mode.{values['mode']}", lang)
        said.append(text(f"note.{code}", lang, **values))
    return " ".join(said)
