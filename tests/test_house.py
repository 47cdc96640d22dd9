"""The house: what may lie here, what the locks hold, what the package carries, how long things get."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from functools import cache
from pathlib import Path

import pytest

import yike

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-bench.lock")
LARGEST_FILE_BYTES = 400_000
LONGEST_FUNCTION_LINES = 50
LONGEST_MODULE_LINES = 550

# Written in pieces, so that this file does not contain what it looks for.
REGISTRY_HOSTS = [
    "py" + "pi.org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "npm" + "mirror.com",
    "yarn" + "pkg.com",
    "ana" + "conda.org",
    "crates" + ".io",
    "proxy.go" + "lang.org",
]
WORKPLACE = re.compile(
    r"(?<![\w.~$)}])/(?:" + "|".join(["wo" + "rk", "ro" + "ot", r"ho" + r"me/\w+", "Us" + r"ers/\w+"]) + r")/"
)
REAL_DATA_FOLDER = "../sha" + "red"
MAY_NAME_REAL_DATA = ".ci/run"
LEFT_FOR_LATER = re.compile(
    "|".join(["TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error", r"\bx" + r"fail\b"])
)


@cache
def tracked() -> tuple[Path, ...]:
    """List the files that git keeps, or that a commit of the whole tree would add."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    paths = (ROOT / name for name in run.stdout.split("\0") if name)
    return tuple(path for path in paths if path.is_file())


@cache
def texts_of_tree() -> dict[str, str]:
    """Read every tracked text file, its path from the root to its content."""
    found = {}
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content[:8000]:
            found[path.relative_to(ROOT).as_posix()] = content.decode("utf-8")
    return found


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    """Find the lines of the tree that match, as `path:line`."""
    return [
        f"{name}:{number}"
        for name, content in texts_of_tree().items()
        for number, line in enumerate(content.splitlines(), start=1)
        if pattern.search(line)
    ]


def test_the_tree_is_read() -> None:
    assert {"Makefile", "pyproject.toml", "src/yike/__init__.py", "tests/test_house.py"} <= set(
        texts_of_tree()
    )


def test_no_file_names_a_registry_host() -> None:
    assert lines_with(re.compile("|".join(map(re.escape, REGISTRY_HOSTS)))) == []


def test_no_file_names_a_path_of_someones_machine() -> None:
    assert lines_with(WORKPLACE) == []
    assert [
        hit for hit in lines_with(re.compile(re.escape(REAL_DATA_FOLDER))) if MAY_NAME_REAL_DATA not in hit
    ] == []


@pytest.mark.parametrize(
    "line", ["/wo" + "rk/main/src", "open('/ho" + "me/ann/x')", "file:///ro" + "ot/.cache/x"]
)
def test_a_path_of_a_machine_would_be_seen(line: str) -> None:
    assert WORKPLACE.search(line)


def test_nothing_is_left_for_later() -> None:
    assert lines_with(LEFT_FOR_LATER) == []


def test_no_tracked_file_is_large() -> None:
    large = {str(path.relative_to(ROOT)): path.stat().st_size for path in tracked()}
    assert {name: size for name, size in large.items() if size > LARGEST_FILE_BYTES} == {}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_every_package_by_hash_and_names_no_address(name: str) -> None:
    content = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in content
    assert "--index" not in content
    entries = re.split(r"\n(?=\S)", content.strip())
    assert len(entries) >= 30
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry or "==" not in entry] == []


def locked_names(name: str) -> set[str]:
    """List the packages of a lock."""
    content = (ROOT / name).read_text(encoding="utf-8")
    return {
        match.lower().replace("_", "-")
        for match in re.findall(r"^([A-Za-z0-9_.-]+)==", content, re.MULTILINE)
    }


def required_names(requirements: list[str]) -> set[str]:
    """List the packages of a requirement list of pyproject.toml."""
    return {re.split(r"[<>=!\[; ]", requirement)[0].lower().replace("_", "-") for requirement in requirements}


def test_each_lock_holds_what_the_package_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    runtime, extras = required_names(project["dependencies"]), project["optional-dependencies"]
    assert runtime - locked_names("requirements.lock") == set()
    assert runtime | required_names(extras["dev"]) <= locked_names("requirements-dev.lock")
    assert runtime | required_names(extras["bench"]) <= locked_names("requirements-bench.lock")
    peers = required_names(extras["bench"]) - required_names(extras["dev"])
    assert peers >= {"pandana", "cityseer"}
    assert peers & locked_names("requirements-dev.lock") == set()


def test_the_wheel_carries_every_file_of_the_package(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    (wheel,) = tmp_path.glob(f"yike-{yike.__version__}-*.whl")
    carried = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("yike/")}
    source = {
        path.relative_to(ROOT / "src").as_posix() for path in tracked() if (ROOT / "src") in path.parents
    }
    assert source - carried == set()
    assert any(name.endswith(".yaml") for name in carried)


def test_the_changelog_tells_each_change_under_its_heading() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    releases = [line.removeprefix("## ").split(" ")[0] for line in lines if line.startswith("## ")]
    assert yike.__version__ in releases
    headings = [line.removeprefix("### ") for line in lines if line.startswith("### ")]
    assert set(headings) <= {"Added", "Changed", "Fixed", "Removed"}
    assert "Added" in headings
    told = [line for line in lines if line.startswith("- ")]
    assert len(told) >= 5
    assert [line for line in told if not line.endswith(".")] == []


def test_every_requirement_of_this_module_is_answered_in_the_docs() -> None:
    content = (ROOT / "docs" / "requirements.md").read_text(encoding="utf-8")
    answered = set(re.findall(r"\bF\d\d\b", content))
    assert {f"F{number:02d}" for number in range(1, 42)} - answered == set()


def function_lengths(source: str) -> dict[str, int]:
    """Count the lines of each function's body, its docstring left out."""
    lengths = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
            last = node.end_lineno or node.lineno
            lengths[node.name] = last - body[0].lineno + 1 if body else 0
    return lengths


def test_function_lengths_are_counted_without_docstrings() -> None:
    source = 'def f():\n    """Do\n\n    much."""\n    a = 1\n    return a\n\ndef g():\n    return 2\n'
    assert function_lengths(source) == {"f": 2, "g": 1}


def test_functions_and_modules_stay_readable() -> None:
    modules = {
        name: text
        for name, text in texts_of_tree().items()
        if name.startswith("src/") and name.endswith(".py")
    }
    assert len(modules) >= 5
    long_modules = {name: len(text.splitlines()) for name, text in modules.items()}
    assert {name: n for name, n in long_modules.items() if n > LONGEST_MODULE_LINES} == {}
    too_long = {
        f"{name}:{function}": length
        for name, text in modules.items()
        for function, length in function_lengths(text).items()
        if length > LONGEST_FUNCTION_LINES
    }
    assert too_long == {}


def test_no_room_goes_through_the_front_door() -> None:
    """A name taken from `yike` itself would hide an upward import from the layer contract."""
    public = set(yike.__all__) - {"__version__"}
    found = [
        f"{name}:{node.lineno}"
        for name, text in texts_of_tree().items()
        if name.startswith("src/yike/") and name.endswith(".py")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom)
        and node.module == "yike"
        and public & {a.name for a in node.names}
    ]
    assert found == []
