"""Names folded, and their sounds by the published examples of Cologne phonetics."""

import pytest

from standards.person_names import folded, folded_groups, sound, sounds


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("wikipedia", "3412"),
        ("breschnew", "17863"),
        ("mullerludenscheidt", "65752682"),
        ("heithabu", "021"),
        ("philip", "351"),
        ("xaver", "4837"),
    ],
)
def test_words_have_the_published_codes(word, code):
    assert sound(word) == code


@pytest.mark.parametrize(
    "alike",
    [
        ("Meyer", "Maier", "Mayr"),
        ("Smith", "Smyth", "Schmidt"),
        ("Catherine", "Kathryn"),
        ("Müller", "Mueller", "Miller"),
        ("Stephen", "Steven"),
        ("Swain", "Swayne"),
    ],
)
def test_names_that_sound_alike_have_one_sound(alike):
    assert len({tuple(sounds(name)) for name in alike}) == 1


def test_other_scripts_sound_as_they_are_written_and_kana_are_one():
    assert sounds("山田^太郎") == ["山田", "太郎"]
    assert sounds("ヤマダ^タロウ") == sounds("やまだ^たろう")
    assert sound("h") == "h"


def test_case_accents_and_letters_without_a_plain_form_are_folded():
    assert folded("BUC^Jérôme ") == "buc^jerome"
    assert folded("GRÖßE  x") == "grosse x"
    assert folded("Sørensen Łukasz Æ") == "sorensen lukasz ae"
    assert folded("山田^太郎") == "山田^太郎"


def test_component_groups_come_apart_without_empty_ends():
    name = {"Alphabetic": " Yamada ^Tarou^^ ", "Ideographic": "山田^太郎"}
    assert folded_groups(name) == ("yamada^tarou", "山田^太郎", "")
    assert folded_groups({"Alphabetic": 5}) == ("", "", "")
