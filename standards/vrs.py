"""The value representations of PS3.5 6.2, by how their values are written."""

# Python's code for one number: struct, array.
INTEGERS = {"SL": "i", "SS": "h", "SV": "q", "UL": "I", "US": "H", "UV": "Q"}
FLOATS = {"FD": "d", "FL": "f"}
BINARY = {"OB": "B", "OD": "Q", "OF": "I", "OL": "I", "OV": "Q", "OW": "H", "UN": "B"}

TEXTS = frozenset(
    ("AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI")
) | {"UR", "UT"}
BY_CHARACTER_SET = frozenset(("LO", "LT", "PN", "SH", "ST", "UC", "UT"))  # PS3.5 6.1.2.3
NAME_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")  # of PN, PS3.5 6.2.1.1
ONE_VALUE = frozenset(("LT", "ST", "UR", "UT"))  # backslash is text, PS3.5 6.2

KNOWN = TEXTS | frozenset(INTEGERS) | frozenset(FLOATS) | frozenset(BINARY) | {"AT", "SQ"}

LONG_FORM = frozenset(BINARY) | {"SQ", "SV", "UC", "UR", "UT", "UV"}  # 32 bits, PS3.5 7.1.2
