"""Every text exists in every language with the same placeholders; the reader refuses what is not text."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from string import Formatter

import pytest
import yaml

from yike import texts
from yike.texts import languages, text, words


def placeholders(template: str) -> set[str]:
    """Name the values that a template needs."""
    names = (name for _, name, _, _ in Formatter().parse(template) if name is not None)
    return {name.split(".")[0].split("[")[0] for name in names}


def test_chinese_and_english_are_there() -> None:
    assert languages() == ("en", "zh")


def test_both_languages_have_the_same_keys() -> None:
    zh, en = words("zh"), words("en")
    assert sorted(set(zh) ^ set(en)) == []
    assert len(zh) >= 4


def test_both_languages_need_the_same_named_values() -> None:
    zh, en = words("zh"), words("en")
    different = {key for key in zh.keys() & en.keys() if placeholders(zh[key]) != placeholders(en[key])}
    assert different == set()
    names = set().union(*(placeholders(template) for template in [*zh.values(), *en.values()]))
    assert {name for name in names if not name.isidentifier()} == set()


def test_no_text_is_empty_and_every_key_has_its_subject() -> None:
    for lang in languages():
        for key, template in words(lang).items():
            assert template.strip(), (lang, key)
            assert "." in key, (lang, key)


def test_no_file_gives_a_key_twice() -> None:
    for lang in languages():
        for path in sorted(Path(str(files("yike.texts") / lang)).glob("*.yaml")):
            node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
            assert isinstance(node, yaml.MappingNode)
            keys = [key.value for key, _ in node.value]
            assert len(keys) == len(set(keys)), (path.name, sorted({k for k in keys if keys.count(k) > 1}))


def test_a_text_is_said_in_each_language() -> None:
    assert text("verdict.pass", "zh") == "达标"
    assert text("verdict.not_determinable", "en") == "not determinable"


def test_an_unknown_key_or_language_is_named() -> None:
    with pytest.raises(KeyError, match=r"no text 'verdict\.perhaps' in language 'zh'"):
        text("verdict.perhaps", "zh")
    with pytest.raises(KeyError, match="no words in language 'fr'; there are: en, zh"):
        text("verdict.pass", "fr")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let the reader read words from a folder of the test's own."""
    (tmp_path / "en").mkdir()
    monkeypatch.setattr(texts, "files", lambda _: tmp_path)
    texts.languages.cache_clear()
    texts.words.cache_clear()
    yield tmp_path
    texts.languages.cache_clear()
    texts.words.cache_clear()


def test_files_of_a_language_are_merged_and_values_filled_in(folder: Path) -> None:
    (folder / "en" / "a.yaml").write_text("walk.far: '{minutes} min too far'\n", encoding="utf-8")
    (folder / "en" / "b.yaml").write_text("walk.near: near\n", encoding="utf-8")
    assert words("en") == {"walk.far": "{minutes} min too far", "walk.near": "near"}
    assert text("walk.far", "en", minutes=3) == "3 min too far"
    with pytest.raises(KeyError, match=r"text 'walk\.far' \(en\) needs the value 'minutes'"):
        text("walk.far", "en")


def test_a_key_in_two_files_is_refused(folder: Path) -> None:
    (folder / "en" / "a.yaml").write_text("walk.far: far\n", encoding="utf-8")
    (folder / "en" / "b.yaml").write_text("walk.far: farther\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"texts/en/b\.yaml: key 'walk\.far' is already in another file"):
        words("en")


@pytest.mark.parametrize(
    ("content", "complaint"), [("- far\n", "flat mapping"), ("walk.yes: yes\n", "not text: 'walk.yes'")]
)
def test_what_is_not_text_is_refused(folder: Path, content: str, complaint: str) -> None:
    (folder / "en" / "a.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=complaint):
        words("en")
