"""Made-up names: neighbourhoods, villages and facilities of a district that does not exist."""

from __future__ import annotations

import numpy as np

# Each syllable with its reading, so that the English name follows from the Chinese one.
_FIRST = {
    "柳": "Liu", "荷": "He", "桂": "Gui", "枫": "Feng", "竹": "Zhu", "兰": "Lan",
    "梅": "Mei", "松": "Song", "云": "Yun", "月": "Yue", "晴": "Qing", "雨": "Yu",
    "锦": "Jin", "和": "He", "永": "Yong", "景": "Jing", "瑞": "Rui", "德": "De",
    "惠": "Hui", "颐": "Yi",
}  # fmt: skip
_SECOND = {
    "荫": "yin", "汀": "ting", "庭": "ting", "岸": "an", "溪": "xi", "澜": "lan",
    "泽": "ze", "安": "an", "康": "kang", "宁": "ning", "芳": "fang", "华": "hua",
    "秀": "xiu", "丰": "feng", "明": "ming", "清": "qing", "祥": "xiang", "源": "yuan",
    "林": "lin", "舟": "zhou",
}  # fmt: skip
_FORMS = {
    "lanes": (("里", " Li"), ("坊", " Fang"), ("弄", " Long")),
    "super": (("新村", " New Village"), ("苑", " Court"), ("花园", " Garden")),
    "grid": (("雅苑", " Court"), ("家园", " Homes"), ("名邸", " Residence")),
    "core": (("坊", " Fang"), ("苑", " Court")),
}
_CLANS = {
    "闻": "Wen", "乔": "Qiao", "纪": "Ji", "骆": "Luo", "谈": "Tan", "尹": "Yin",
    "康": "Kang", "邵": "Shao", "戚": "Qi", "倪": "Ni", "祝": "Zhu", "盛": "Sheng",
    "柏": "Bai", "庄": "Zhuang", "褚": "Chu", "车": "Che", "费": "Fei", "翁": "Weng",
}  # fmt: skip
_WATERS = {"浜": "bang", "泾": "jing", "湾": "wan", "塘": "tang", "墩": "dun", "桥": "qiao"}
_ORDINALS = (("第一", "First"), ("第二", "Second"), ("第三", "Third"))


class Namer:
    """Give names that were not given before."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._given: set[str] = set()

    def _pick(self, syllables: dict[str, str]) -> tuple[str, str]:
        words = sorted(syllables)
        word = words[int(self._rng.integers(0, len(words)))]
        return word, syllables[word]

    def stem(self) -> tuple[str, str]:
        """Return a fresh two-syllable name and its reading."""
        while True:
            (first, first_en), (second, second_en) = self._pick(_FIRST), self._pick(_SECOND)
            if first + second not in self._given:
                self._given.add(first + second)
                return first + second, first_en + second_en

    def village(self) -> tuple[str, str]:
        """Return a fresh village name such as 闻家浜村."""
        while True:
            (clan, clan_en), (water, water_en) = self._pick(_CLANS), self._pick(_WATERS)
            name = f"{clan}家{water}"
            if name not in self._given:
                self._given.add(name)
                return f"{name}村", f"{clan_en}jia{water_en} Village"

    def neighbourhood(self, fabric: str) -> tuple[str, str]:
        """Return a fresh neighbourhood name such as 柳荫新村第一居委会."""
        stem, stem_en = self.stem()
        forms = _FORMS.get(fabric, _FORMS["super"])
        form, form_en = forms[int(self._rng.integers(0, len(forms)))]
        if form == "新村":
            ordinal, ordinal_en = _ORDINALS[int(self._rng.integers(0, len(_ORDINALS)))]
            return f"{stem}{form}{ordinal}居委会", f"{stem_en}{form_en} {ordinal_en} Committee"
        return f"{stem}{form}居委会", f"{stem_en}{form_en} Committee"
