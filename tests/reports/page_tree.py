"""A report read back as a tree of elements, with nothing but the standard library."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br", "input", "link", "img", "hr", "path", "rect", "circle", "use"}


@dataclass
class Element:
    """Hold one element: tag, attributes, children and text in order."""

    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Return all text inside, blanks made single."""
        return " ".join("".join(self._pieces()).split())

    def _pieces(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                yield from child._pieces()

    @property
    def classes(self) -> list[str]:
        """List the style classes."""
        return self.attributes.get("class", "").split()

    def all(self, tag: str | None = None, *, style: str | None = None) -> list[Element]:
        """List the elements inside, in order, by tag and style class."""
        found: list[Element] = []
        for child in self.children:
            if isinstance(child, Element):
                if (tag is None or child.tag == tag) and (style is None or style in child.classes):
                    found.append(child)
                found += child.all(tag, style=style)
        return found

    def one(self, tag: str | None = None, *, style: str | None = None) -> Element:
        """Return the only such element."""
        found = self.all(tag, style=style)
        assert len(found) == 1, (tag, style, len(found))
        return found[0]

    def by_id(self, name: str) -> Element:
        """Return the element with an id."""
        found = [element for element in self.all() if element.attributes.get("id") == name]
        assert len(found) == 1, (name, len(found))
        return found[0]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("document", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def read_page(html: str) -> Element:
    """Read a page; every element must be closed where it was opened."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == [reader.root]
    return reader.root
