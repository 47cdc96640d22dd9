"""Nothing heavy is loaded before it is needed."""

import json
import subprocess
import sys

import pytest

HEAVY = {
    "numpy", "pandas", "numba", "scipy", "shapely", "geopandas", "pyarrow", "pyogrio", "pyproj", "osmium",
    "contourpy", "jinja2",
}  # fmt: skip

IMPORT_ONLY = "import yike"
HELP = """
sys.argv = ["yike", "--help"]
from yike.cli import main
try:
    status = main()
except SystemExit as stop:
    status = stop.code
assert not status, status
"""
STANDARD_ERROR = "from yike import YikeError; assert issubclass(YikeError, Exception)"


def loaded_modules(code: str) -> set[str]:
    """Run code in a fresh interpreter and return the top-level modules that it loaded."""
    script = f"import json, sys\n{code}\nprint()\nprint(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return {name.split(".")[0] for name in json.loads(run.stdout.splitlines()[-1])}


@pytest.mark.parametrize("code", [IMPORT_ONLY, HELP, STANDARD_ERROR], ids=["import", "help", "error"])
def test_starting_loads_nothing_heavy(code: str) -> None:
    loaded = loaded_modules(code)
    assert "yike" in loaded
    assert sorted(loaded & HEAVY) == []


def test_the_probe_sees_a_heavy_module() -> None:
    assert "numpy" in loaded_modules("import yike, numpy")
