"""Read a YAML file that a planner wrote: gather every fault with its line instead of stopping at the first.

The text is composed to nodes, which know their lines, and a `Sheet` takes values out of the nodes. A reader that meets a
fault notes it and answers with an empty value, so that the rest of the file is read too; `Sheet.refuse_faults` raises
them together. YAML 1.1's surprises are closed: numbers are plain decimals (not 1:30 or 0x10), words are never booleans.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from yike.errors import Fault, InputError

TEXT_BYTES_MOST = 2_000_000
CHOICES_SHOWN = 16
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_NUMBER_TAGS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_NULL_TAG = "tag:yaml.org,2002:null"
_ID = re.compile(r"[a-z0-9][a-z0-9_.-]*")

Node = yaml.Node


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word most like a misspelt one, or a dash where none is like it."""
    import difflib

    return next(iter(difflib.get_close_matches(word.casefold(), list(known), n=1, cutoff=0.6)), "–")


def some_of(known: Iterable[str], word: str = "") -> str:
    """List known words for a message: all where they are few, else those most like the word and how many there are."""
    import difflib

    every = list(known)
    if len(every) <= CHOICES_SHOWN:
        return ", ".join(every)
    like = difflib.get_close_matches(word.casefold(), every, n=CHOICES_SHOWN // 2, cutoff=0.3) or every[: CHOICES_SHOWN // 2]
    return f"{', '.join(like)}, … ({len(every)})"


def read_text(path: Path) -> str:
    """Read a UTF-8 text file of believable size.

    Raises:
        InputError: the file is missing, a folder, unreadable, too large or not UTF-8.
    """
    if not path.is_file():
        raise InputError([Fault("yaml.no_file", str(path))])
    try:
        content = path.read_bytes()
    except OSError as refused:
        raise InputError([Fault("yaml.unreadable", str(path), values={"problem": refused.strerror})]) from refused
    if len(content) > TEXT_BYTES_MOST:
        raise InputError([Fault("yaml.too_large", str(path), values={"most": TEXT_BYTES_MOST})])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        row = content[: wrong.start].count(b"\n") + 1
        raise InputError([Fault("yaml.not_utf8", str(path), row=row)]) from wrong


def compose(text: str, *, file: str, trusted: bool = False) -> Node:
    """Parse a text to YAML nodes; ``trusted`` text (ours) goes through the fast parser, which deep nesting could crash.

    Raises:
        InputError: the text is empty or not YAML; the line of the first problem is named.
    """
    fast = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        node = yaml.compose(text, Loader=fast if trusted else yaml.SafeLoader)
    except yaml.MarkedYAMLError as wrong:
        raise InputError([_syntax_fault(wrong, text, file)]) from wrong
    except yaml.reader.ReaderError as wrong:
        row = text[: max(wrong.position, 0)].count("\n") + 1
        raise InputError([Fault("yaml.not_text", file, row=row)]) from wrong
    except RecursionError as wrong:
        raise InputError([Fault("yaml.too_deep", file)]) from wrong
    if node is None or node.tag == _NULL_TAG:
        raise InputError([Fault("yaml.empty", file)])
    return node


def _syntax_fault(wrong: yaml.MarkedYAMLError, text: str, file: str) -> Fault:
    mark = wrong.problem_mark or wrong.context_mark
    row = None if mark is None else mark.line + 1
    lines = text.splitlines()
    line = lines[row - 1] if row is not None and row <= len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip()) + 1]:
        return Fault("yaml.tab", file, row=row)
    return Fault("yaml.not_yaml", file, row=row, values={"problem": wrong.problem or wrong.context or ""})


@dataclass
class Sheet:
    """Take values out of YAML nodes and gather the faults met on the way."""

    file: str
    faults: list[Fault] = field(default_factory=list)

    def fault(self, code: str, node: Node | None, path: str, **values: object) -> None:
        """Note one fault at the node's line."""
        row = None if node is None or node.start_mark is None else node.start_mark.line + 1
        self.faults.append(Fault(code, self.file, row=row, field=path or None, values=values))

    def refuse_faults(self) -> None:
        """Raise every fault noted so far, in the order of lines; do nothing where there is none.

        Raises:
            InputError: at least one fault was noted.
        """
        if self.faults:
            raise InputError(sorted(self.faults, key=lambda fault: fault.row or 0))

    def entries(self, node: Node, path: str, *, known: Sequence[str] | None, required: Sequence[str] = ()) -> dict[str, Node]:
        """Return a mapping's entries; note unknown, repeated and missing keys. ``known`` None allows every key."""
        if not isinstance(node, yaml.MappingNode):
            self.fault("yaml.not_mapping", node, path)
            return {}
        found: dict[str, Node] = {}
        for key_node, value in node.value:
            key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
            where = join(path, key)
            if known is not None and key not in known:
                choices = some_of(known, key)
                self.fault("yaml.unknown_key", key_node, where, entry=key, nearest=nearest(key, known), known=choices)
            elif key in found:
                self.fault("yaml.repeated_key", key_node, where, entry=key)
            else:
                found[key] = value
        for key in required:
            if key not in found:
                self.fault("yaml.missing_key", node, path, entry=key)
        return found

    def items(self, node: Node, path: str) -> list[Node]:
        """Return the entries of a list."""
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        self.fault("yaml.not_list", node, path)
        return []

    def is_null(self, node: Node | None) -> bool:
        """Tell whether a value is absent or null."""
        return node is None or (isinstance(node, yaml.ScalarNode) and node.tag == _NULL_TAG)

    def words(self, node: Node, path: str) -> str:
        """Return a text that is not empty, as it is written."""
        if isinstance(node, yaml.ScalarNode) and node.tag != _NULL_TAG and node.value.strip():
            return str(node.value).strip()
        self.fault("yaml.not_words", node, path)
        return ""

    def optional_words(self, entries: Mapping[str, Node], key: str, path: str) -> str | None:
        """Return a text or, where the key is absent or null, None."""
        node = entries.get(key)
        if node is None or self.is_null(node):
            return None
        return self.words(node, join(path, key))

    def word_list(self, node: Node | None, path: str) -> tuple[str, ...]:
        """Return a list of texts; absent or null is an empty list."""
        if node is None or self.is_null(node):
            return ()
        found = (self.words(item, f"{path}[{i}]") for i, item in enumerate(self.items(node, path), start=1))
        return tuple(word for word in found if word)

    def id_word(self, node: Node, path: str) -> str:
        """Return an id: lower-case letters, figures, underscore, hyphen and dot."""
        word = self.words(node, path)
        if word and not _ID.fullmatch(word):
            self.fault("yaml.not_id", node, path, value=word)
        return word

    def number(self, node: Node, path: str) -> float | None:
        """Return a plain decimal number, or None where it is null."""
        if isinstance(node, yaml.ScalarNode):
            if node.tag == _NULL_TAG:
                return None
            if node.tag in _NUMBER_TAGS and _NUMBER.fullmatch(node.value):
                return float(node.value)
            self.fault("yaml.not_number", node, path, value=node.value)
            return None
        self.fault("yaml.not_number", node, path, value="…")
        return None

    def choice(self, node: Node, path: str, *, among: Sequence[str]) -> str | None:
        """Return one of the words that are allowed here; null is None."""
        if self.is_null(node):
            return None
        word = self.words(node, path)
        if word in among:
            return word
        if word:
            self.fault("yaml.unknown_choice", node, path, value=word, nearest=nearest(word, among), known=some_of(among, word))
        return None

    def date(self, node: Node | None, path: str) -> str | None:
        """Return an ISO day, or None where it is absent or null."""
        if node is None or self.is_null(node):
            return None
        word = self.words(node, path)
        try:
            return datetime.date.fromisoformat(word).isoformat()
        except ValueError:
            self.fault("yaml.not_date", node, path, value=word)
            return None


def keys_of(node: Node) -> tuple[str, ...]:
    """List the keys of a mapping as they stand; anything else has none."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return tuple(str(key.value) for key, _ in pairs)


def label(node: Node, path: str, key: str) -> str:
    """Return the field path of a list's entry: the path and, where it has one, the word under ``key``."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    named = (value.value for name, value in pairs if name.value == key and isinstance(value, yaml.ScalarNode))
    return join(path, next(named, ""))


def join(path: str, key: str) -> str:
    """Join a field path and a key with a dot."""
    return ".".join(part for part in (path, key) if part)
