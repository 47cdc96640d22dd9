"""Words of reports, errors and the command line: one folder a language, flat dotted keys, `str.format`.

Every file `texts/<lang>/*.yaml` of a language is merged, so that each subject keeps a file of its own
(`report.yaml`, `errors.yaml`, `cli.yaml`, `verdict.yaml`). A key starts with its subject: `verdict.pass`.
"""

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable


@cache
def languages() -> tuple[str, ...]:
    """List the language codes that have a folder of words, sorted."""
    folders = (entry for entry in files(__name__).iterdir() if entry.is_dir())
    return tuple(sorted(folder.name for folder in folders if _word_files(folder)))


@cache
def words(lang: str) -> dict[str, str]:
    """Read all words of one language, key to template.

    Raises:
        KeyError: the language has no folder; the message names those that have.
        ValueError: a file is not a flat mapping of dotted keys to text, or two files give the same key.
    """
    if lang not in languages():
        raise KeyError(f"no words in language {lang!r}; there are: {', '.join(languages())}")
    merged: dict[str, str] = {}
    for path in _word_files(files(__name__) / lang):
        for key, template in _read(path).items():
            if key in merged:
                raise ValueError(f"texts/{lang}/{path.name}: key {key!r} is already in another file")
            merged[key] = template
    return merged


def text(key: str, lang: str, **values: object) -> str:
    """Say one text in one language, its values filled in.

    Args:
        key: dotted key, such as `verdict.pass`.
        lang: language code, one of `languages()`.
        values: what the template's placeholders stand for.

    Raises:
        KeyError: the key or the language is unknown, or the template needs a value that was not given.
    """
    templates = words(lang)
    if key not in templates:
        raise KeyError(f"no text {key!r} in language {lang!r}")
    try:
        return templates[key].format(**values)
    except KeyError as missing:
        raise KeyError(f"text {key!r} ({lang}) needs the value {missing.args[0]!r}") from None


def _word_files(folder: Traversable) -> list[Traversable]:
    """List the YAML files of a language folder in name order."""
    return sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)


def _read(path: Traversable) -> dict[str, str]:
    """Read one file of words and refuse anything but a flat mapping of text."""
    import yaml  # late: `import yike` must stay light

    loaded = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    if not isinstance(loaded, dict):
        raise ValueError(f"{path.name}: a flat mapping of dotted keys to text is expected")
    wrong = [repr(k) for k, v in loaded.items() if not (isinstance(k, str) and isinstance(v, str))]
    if wrong:
        raise ValueError(f"{path.name}: not text: {', '.join(wrong)} (quote yes, no, on, off and numbers)")
    return loaded
