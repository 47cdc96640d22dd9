"""The documents: every command line parses, every link resolves, every requirement has a row, every named test exists."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import typer

import yike
from yike.cli import build_app
from yike.cli_speech import Speech
from yike.model.standard import load_standard

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def read(path: Path) -> str:
    return path.read_text("utf-8")


def command_lines(text: str) -> list[str]:
    """Return the lines of shell blocks that call yike, without comments."""
    blocks = [body for lang, body in FENCE.findall(text) if lang in ("", "sh")]
    lines = [line.strip() for body in blocks for line in body.splitlines()]
    return [line for line in lines if re.match(r"(\.venv/bin/)?yike ", line)]


@cache
def command_tree() -> object:
    return typer.main.get_command(build_app(Speech("en", as_json=False)))


def parsed(words: list[str]) -> str:
    """Parse a command line as the program does, without running it; return the command's name."""
    command, name = command_tree(), []
    while hasattr(command, "commands"):
        assert words[0] in command.commands, f"no command {' '.join([*name, words[0]])}"
        command, name = command.commands[words[0]], [*name, words[0]]
        words = words[1:]
    command.make_context(" ".join(name), list(words))
    return " ".join(name)


def all_command_lines() -> list[tuple[str, str]]:
    return [(path.name, line) for path in DOCUMENTS for line in command_lines(read(path))]


@pytest.mark.parametrize(("document", "line"), all_command_lines())
def test_every_command_line_of_the_documents_parses(document: str, line: str) -> None:
    words = [word for word in shlex.split(line, comments=True)[1:] if word != "--json"]
    assert parsed(words)


def test_the_quickstart_shows_the_whole_path() -> None:
    lines = command_lines(read(ROOT / "docs" / "quickstart.md"))
    names = {parsed(shlex.split(line, comments=True)[1:]) for line in lines}
    assert {"demo", "diagnose", "replay", "check", "units", "circles"} <= names
    assert {"import streets", "import facilities", "import population", "import units"} <= names


@pytest.mark.parametrize(
    "line", ["yike diagnose city --nosuch", "yike nosuch", "yike import streets", "yike diagnose a b c -o d"]
)
def test_a_wrong_command_line_would_be_noticed(line: str) -> None:
    with pytest.raises((AssertionError, typer.BadParameter.__mro__[1])):
        parsed(shlex.split(line)[1:])


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_inside_the_repository_resolves(path: Path) -> None:
    targets = [link for link in LINK.findall(read(path)) if not re.match(r"https?://|#|mailto:", link)]
    missing = [link for link in targets if not (path.parent / link.split("#")[0]).exists()]
    assert missing == []


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", read(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_to_a_heading_has_one(path: Path) -> None:
    for link in LINK.findall(read(path)):
        if "#" in link and not link.startswith("http"):
            file, _, anchor = link.partition("#")
            target = path if not file else path.parent / file
            assert anchor in anchors(target), link


def test_every_requirement_of_standards_and_diagnosis_has_one_row_with_a_state() -> None:
    rows = re.findall(r"^\| (F\d\d) \| (.+?) \| (.+?) \| (.+?) \|$", read(ROOT / "docs" / "requirements.md"), re.MULTILINE)
    assert [row[0] for row in rows] == [f"F{number:02d}" for number in range(1, 42)]
    assert {row[2] for row in rows} == {"shown", "in part", "later"}
    proven = [row for row in rows if row[2] == "shown"]
    assert all("test_" in row[3] for row in proven)
    assert len(proven) >= 7


@cache
def names_of_tests() -> set[str]:
    trees = [ast.parse(read(path)) for path in (ROOT / "tests").rglob("test_*.py")]
    return {node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_test_that_a_document_names_exists(path: Path) -> None:
    named = set(re.findall(r"`(test_\w+)`", read(path)))
    assert named - names_of_tests() == set()
    files = set(re.findall(r"`(tests/[\w/]+\.py)`", read(path)))
    assert [file for file in sorted(files) if not (ROOT / file).is_file()] == []


def test_the_engine_document_names_a_test_for_each_rule() -> None:
    rows = re.findall(r"^\| (\d+)\. .+ \| (.+) \|$", read(ROOT / "docs" / "engine.md"), re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 11))
    assert all("`test_" in proofs for _, proofs in rows)


def test_the_glossary_lists_every_class_by_its_own_names() -> None:
    rows = re.findall(r"^\| (\S.*?) \| (.+?) \| `(\w+)` \|$", read(ROOT / "docs" / "concepts.md"), re.MULTILINE)
    listed = {class_id: (zh, en) for zh, en, class_id in rows}
    classes = load_standard("pudong-2021").classes
    assert {entry.id: (entry.names.zh, entry.names.en) for entry in classes} == listed
    assert len(listed) == 37


def test_the_glossary_names_each_chinese_term_once() -> None:
    terms = re.findall(r"^\| ([\u4e00-\u9fff][^|]*?) \|", read(ROOT / "docs" / "concepts.md"), re.MULTILINE)
    terms = [term for term in terms if term != "中文"]
    assert len(terms) == len(set(terms))
    assert len(terms) > 90


def test_every_module_that_the_architecture_draws_exists() -> None:
    drawn = re.findall(r"\b(\w+\.py)\b", read(ROOT / "docs" / "architecture.md"))
    there = {path.name for path in (ROOT / "src").rglob("*.py")} | {path.name for path in (ROOT / "tests").rglob("*.py")}
    assert set(drawn) - there == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_python_examples_use_names_that_exist(path: Path) -> None:
    for lang, body in FENCE.findall(read(path)):
        if lang == "python":
            for node in ast.walk(ast.parse(body)):
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "yike":
                    assert hasattr(yike, node.attr)
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
                    owner = node.value
                    if isinstance(owner.value, ast.Name) and owner.value.id == "yike":
                        assert hasattr(getattr(yike, owner.attr), node.attr)


@pytest.mark.long
def test_the_quickstart_runs_as_it_stands_and_prints_what_it_shows(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    data = real_data("las-palmas").parent
    text = read(ROOT / "docs" / "quickstart.md")
    environment = {**os.environ, "YIKE_DATA": str(data), "YIKE_LANG": "en"}
    printed = []
    for line in command_lines(text):
        words = [word.replace("$YIKE_DATA", str(data)) for word in shlex.split(line, comments=True)[1:]]
        program = [sys.executable, "-c", "from yike.cli import main; main()", *words]
        done = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), line
        printed.append(done.stdout)
    shown = [line for lang, body in FENCE.findall(text) if lang == "" for line in body.splitlines()]
    assert len(shown) >= 15
    assert [line for line in shown if not any(line in output for output in printed)] == []
