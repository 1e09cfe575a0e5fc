"""Person names as they are compared (PS3.5 6.2, PN; PS3.4 C.2.2.2.1.1).

A name is compared without regard to case and accents, in each of its ways of writing: alphabetic,
ideographic, phonetic. Fuzzily it is compared by the sound of its words, in any order.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from standards.vrs import NAME_GROUPS

# Letters that Unicode does not take apart into a plain letter and an accent.
_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
)
_WORD = re.compile(r"[^\W_]+")
_INSIDE_WORDS = re.compile("['’`ʼ]")  # O'Brien is one word
_KATAKANA_TO_HIRAGANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}


def folded(text: str) -> str:
    """Case folded, accents removed, runs of spaces as one."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join(plain.translate(_PLAIN).split())


def folded_group(group: str) -> str:
    """One component group: components that are empty at the end say nothing (PS3.5 6.2.1.1)."""
    components = [component.strip() for component in folded(group).split("^")]
    return "^".join(components).rstrip("^")


def folded_groups(name: Mapping[str, str]) -> tuple[str, str, str]:
    """The component groups of a PN value of DICOM JSON (PS3.18 F.2.2), "" for those not there."""
    first, second, third = (folded_group(_text(name, group)) for group in NAME_GROUPS)
    return first, second, third


def _text(name: Mapping[str, Any], group: str) -> str:
    text = name.get(group, "")
    return text if isinstance(text, str) else ""


def words(text: str) -> list[str]:
    """The words of a name, folded, in the order in which they stand."""
    return _WORD.findall(_INSIDE_WORDS.sub("", folded(text)))


def sounds(text: str) -> list[str]:
    """The sound of each word of a name; words that sound alike have the same."""
    return [sound(word) for word in words(text)]


def sound(word: str) -> str:
    """How one folded word sounds: Cologne phonetics (H. J. Postel, IBM-Nachrichten 19, 1969).

    Made for German, and good for the names of its neighbours: Meyer and Maier, Smith and Smyth,
    Catherine and Kathryn are the same. A word in another script sounds as it is written, but
    hiragana and katakana are one.
    """
    if not (word.isascii() and word.isalpha()):
        return word.translate(_KATAKANA_TO_HIRAGANA)
    codes = "".join(
        _code(letter, word[position - 1 : position], word[position + 1 : position + 2])
        for position, letter in enumerate(word)
    )
    once = re.sub(r"(.)\1+", r"\1", codes)
    return once[:1] + once[1:].replace("0", "") or word


_ALWAYS = {
    **dict.fromkeys("aeijouy", "0"), "h": "", "b": "1", **dict.fromkeys("fvw", "3"),
    **dict.fromkeys("gkq", "4"), "l": "5", **dict.fromkeys("mn", "6"), "r": "7",
    **dict.fromkeys("sz", "8"),
}  # fmt: skip


def _code(letter: str, before: str, after: str) -> str:
    """The digit of a letter between its neighbours ("" at an end of the word)."""
    if letter == "p":
        return "3" if after == "h" else "1"
    if letter in "dt":
        return "8" if after and after in "csz" else "2"
    if letter == "x":
        return "8" if before and before in "ckq" else "48"
    if letter == "c":
        return _code_of_c(before, after)
    return _ALWAYS[letter]


def _code_of_c(before: str, after: str) -> str:
    if not before:
        return "4" if after and after in "ahkloqrux" else "8"
    hard = after and after in "ahkoqux" and before not in "sz"
    return "4" if hard else "8"
