"""Reading the values of a query: what each asks of its attribute, by the VR (PS3.4 C.2.2.2).

Messages never repeat a value: it may be a patient's name, identifier or birth date.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from standards.errors import UnfitValue
from standards.matching import (
    Empty,
    Instants,
    Matching,
    NamePattern,
    Names,
    Numbers,
    Range,
    Texts,
    Uids,
    single_precision,
)
from standards.person_names import folded_group, sounds
from standards.temporal import (
    FIRST_DATE,
    FIRST_MOMENT,
    FIRST_TIME,
    LAST_DATE,
    LAST_MOMENT,
    LAST_TIME,
    full_date,
    full_time,
    in_zone,
    latest_time,
    moments,
)
from standards.wildcards import MOST_STARS, Pattern

LONGEST_TEXT = 1024
LONGEST_LIST = 100 * LONGEST_TEXT  # of UIDs
MOST_UIDS = 5000
MOST_VALUES = 100
NOTHING = '""'  # the value that asks for an empty attribute, C.2.2.2.7

_TEXTS = frozenset(("AE", "CS", "LO", "LT", "SH", "ST", "UC", "UR", "UT"))  # C.2.2.2.4
_REAL = ("DS", "FD", "FL")
_ONE_TEXT = frozenset(("LT", "ST", "UR", "UT"))  # a backslash is text in them, PS3.5 6.2
_WHOLE_NUMBER = re.compile(r"[+-]?\d{1,20}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d{1,32}\.?\d{0,32}|\.\d{1,32})(?:[eE][+-]?\d{1,3})?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_Moments = tuple[str, str, int | None]  # what standards.temporal.moments gives


@dataclass(frozen=True, slots=True)
class How:
    """What a search asks beyond the literal (PS3.18 8.3.4.1.1, 8.3.4.2, 8.3.4.5, 8.3.4.6).

    zone: in which its dates and times are meant, as minutes from UTC.
    """

    fuzzy: bool = False
    empty: bool = False
    multiple: bool = False
    zone: int | None = None


def matching(vr: str, value: str, how: How) -> Matching | None:
    """What a value asks for; None where it matches everything (C.2.2.2.3).

    Raises UnfitValue for a value that does not fit the VR, and for VRs that are not compared.
    """
    value = value.strip()
    if how.empty and value in ("", NOTHING):
        return Empty()
    if not value.strip("*"):
        return None
    longest = LONGEST_LIST if vr == "UI" else LONGEST_TEXT
    if len(value) > longest:
        raise UnfitValue(f"a text of {len(value)} characters", f"at most {longest}")
    if _CONTROL.search(value):
        raise UnfitValue("a text with control characters", "printable characters")
    read = _READERS.get(vr)
    if read is None:
        raise UnfitValue(f"one for an attribute of VR {vr}", "an attribute that can be compared")
    return read(vr, value, how)


def _uids(_vr: str, value: str, _how: How) -> Uids:
    """By the comma of PS3.18 8.3.4.1, or the backslash of C-FIND and OHIF."""
    uids = frozenset(uid.strip() for uid in re.split(r"[,\\]", value) if uid.strip())
    if len(uids) > MOST_UIDS:
        raise UnfitValue(f"a list of {len(uids)} UIDs", f"at most {MOST_UIDS}")
    if not uids or any("*" in uid or "?" in uid for uid in uids):
        raise UnfitValue("no list of UIDs", "UIDs in full, separated by commas")
    return Uids(uids)


def _texts(vr: str, value: str, how: How) -> Texts | None:
    """CS may hold neither comma nor backslash, so both can separate its alternatives."""
    separator = r"[,\\]" if vr == "CS" else r"\\"
    values = [value] if vr in _ONE_TEXT else _several(re.split(separator, value), how)
    patterns = tuple(_pattern(each) for each in values)
    if not patterns:
        return None
    if vr not in _TEXTS and not all(pattern.is_literal for pattern in patterns):
        raise UnfitValue("a text with wild cards", f"the whole of a value of VR {vr}")
    if vr == "AT":
        patterns = tuple(Pattern(pattern.text.upper()) for pattern in patterns)
    return Texts(patterns, every=how.multiple)


def _names(_vr: str, value: str, how: How) -> Names | None:
    patterns = tuple(_name(each, how.fuzzy) for each in _several(value.split("\\"), how))
    return Names(patterns, every=how.multiple) if patterns else None


def _several(values: Iterable[str], how: How) -> list[str]:
    """Without those that match everything; none is left where one of them is enough."""
    found = _few(values)
    some = [value for value in found if value.strip("*")]
    return some if how.multiple or len(some) == len(found) else []


def _name(value: str, fuzzy: bool) -> NamePattern:
    groups = [_pattern(folded_group(group)) for group in value.split("=")]
    if len(groups) > 3:
        raise UnfitValue("a name with more than three component groups", "at most three")
    while len(groups) > 1 and not groups[-1].text:
        groups.pop()
    if not groups[-1].text:
        raise UnfitValue("a name without a letter", "a name, or nothing at all for every name")
    if not fuzzy:
        return NamePattern(tuple(groups))
    asked = [word.strip("*") for word in re.split(r"[\s^=,.]+", folded_group(value))]
    whole = frozenset(each for word in asked if "*" not in word and "?" not in word
                      for each in sounds(word))  # fmt: skip
    loose = tuple(Pattern(word) for word in asked if "*" in word or "?" in word)
    return NamePattern(tuple(groups), whole, loose)


def _few(values: Iterable[str]) -> list[str]:
    found = [value.strip() for value in values if value.strip()]
    if not 0 < len(found) <= MOST_VALUES:
        raise UnfitValue(f"{len(found)} values", f"1 to {MOST_VALUES}")
    return found


def _pattern(text: str) -> Pattern:
    pattern = Pattern(re.sub(r"\*+", "*", text))
    if pattern.text.count("*") > MOST_STARS:
        raise UnfitValue(f"a pattern with more than {MOST_STARS} `*`", "fewer of them")
    return pattern


def _numbers(vr: str, value: str, _how: How) -> Numbers:
    is_real = vr in _REAL
    texts = _few(value.split("\\"))
    if not all((_NUMBER if is_real else _WHOLE_NUMBER).fullmatch(text) for text in texts):
        raise UnfitValue("no such number", "a number" if is_real else "a whole number")
    numbers = (float(text) for text in texts)
    if vr == "FL":
        return Numbers(frozenset(single_precision(number) for number in numbers), single=True)
    return Numbers(frozenset(numbers))


def _range(vr: str, value: str, _how: How) -> Range:
    """C.2.2.2.5.1 and .2; the ends belong to it, a single value is both of them."""
    is_time = vr == "TM"
    expected = (
        "HHMMSS, or a range such as 0800-1200"
        if is_time
        else "YYYYMMDD, or a range such as 20240101-20241231"
    )
    low, dash, high = (part.strip() for part in value.partition("-"))
    high = high if dash else low
    first = (full_time if is_time else full_date)(low)
    last = (latest_time if is_time else full_date)(high)
    if (low and not first) or (high and not last) or not (low or high):
        raise UnfitValue(f"no {'time' if is_time else 'date'}", expected)
    form = "a" if not dash else f"{'a' if low else ''}-{'b' if high else ''}"
    first = first or (FIRST_TIME if is_time else FIRST_DATE)
    last = last or (LAST_TIME if is_time else LAST_DATE)
    if first > last and not is_time:  # with dates, a range of times may pass midnight
        raise UnfitValue("a range whose first end lies after its last", expected)
    return Range(first, last, form, is_time)


def _instants(_vr: str, value: str, how: How) -> Instants:
    """C.2.2.2.5.3. A dash may part the ends, or begin the offset of one: what makes sense holds."""
    found = [one for one in _split_at_dashes(value) if one is not None]
    for first, last in found:
        low = (first[0], how.zone if first[2] is None else first[2])
        high = (last[1], how.zone if last[2] is None else last[2])
        if low[1] is None or high[1] is None or low[1] == high[1]:
            in_order = low[0] <= high[0]
        else:
            in_order = in_zone(low[0], low[1], 0) <= in_zone(high[0], high[1], 0)
        if in_order:
            return Instants(low, high)
    expected = "YYYYMMDDHHMMSS.FFFFFF&ZZXX, or as much of it as is known, or a range of two"
    raise UnfitValue("no moment and no range of two", expected)


def _split_at_dashes(value: str) -> Iterator[tuple[_Moments, _Moments] | None]:
    whole = moments(re.sub(r" (\d{4})$", r"+\1", value))  # a `+` that became a space on its way
    if whole:
        yield whole, whole
    open_start, open_end = (FIRST_MOMENT, "", None), ("", LAST_MOMENT, None)
    for dash in re.finditer("-", value):
        low, high = value[: dash.start()].strip(), value[dash.end() :].strip()
        first = moments(low) if low else open_start
        last = moments(high) if high else open_end
        yield (first, last) if first and last and (low or high) else None


_READERS: dict[str, Callable[[str, str, How], Matching | None]] = {
    **dict.fromkeys((*_TEXTS, "AS", "AT"), _texts),
    **dict.fromkeys(("DA", "TM"), _range),
    "DT": _instants,
    **dict.fromkeys(
        ("DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "US or SS", "UV"), _numbers
    ),
    "PN": _names,
    "UI": _uids,
}
