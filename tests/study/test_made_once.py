"""Parts of pages that are made once are the same as those made anew, and told apart where they differ."""

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.utils import translation

from study.templatetags import made_once


class Counted:
    """A value that counts how often a template asks for it."""

    def __init__(self):
        self.times = 0

    def asked(self):
        """Count."""
        self.times += 1
        return self.times


def template(text):
    return Template("{% load made_once i18n %}" + text)


def test_a_part_is_made_once_for_each_value_of_its_keys():
    counted = Counted()
    page = template("{% made_once first second %}{{ first }}{{ second }} {{ counted.asked }}{% end_made_once %}")
    values = [(1, 2), (1, 2), ("1", None), (12, ""), (1, 2)]
    made = [page.render(Context({"first": first, "second": second, "counted": counted})) for first, second in values]
    assert made == ["12 1", "12 1", "1None 2", "12 3", "12 1"]


def test_a_part_is_made_for_each_language():
    page = template("{% made_once %}{% translate 'Next' %}{% end_made_once %}")
    made = []
    for language in ("en", "it", "en"):
        with translation.override(language):
            made.append(page.render(Context()))
    assert made == ["Next", "Avanti", "Next"]


def test_what_somebody_sent_is_told_apart_and_not_kept():
    page = template("{% made_once first second %}{{ first|length }} {{ second|length }}{% end_made_once %}")
    for first, second in [("a', 'b", "c"), ("a", "b', 'c"), ("\ud800\0", ""), ("x" * 100_000, "")]:
        assert page.render(Context({"first": first, "second": second})) == f"{len(first)} {len(second)}"
    assert sum(len(key) + len(part) for key, part in page.nodelist[-1].parts.items()) < 1000


def test_places_do_not_share_their_parts():
    page = template("{% made_once key %}one{% end_made_once %} {% made_once key %}two{% end_made_once %}")
    assert page.render(Context({"key": 1})) == "one two"


def test_with_a_false_condition_it_is_made_anew_and_not_kept():
    counted = Counted()
    page = template("{% made_once key if same %}{{ counted.asked }}{% end_made_once %}")
    made = [page.render(Context({"key": 1, "same": same, "counted": counted})) for same in (False, True, False, True)]
    assert made == ["1", "2", "3", "2"]


def test_debugging_makes_everything_anew(settings):
    settings.DEBUG = True
    counted = Counted()
    page = template("{% made_once %}{{ counted.asked }}{% end_made_once %}")
    assert [page.render(Context({"counted": counted})) for _ in range(2)] == ["1", "2"]


def test_the_oldest_part_goes_first(monkeypatch):
    monkeypatch.setattr(made_once, "MOST_PARTS", 2)
    counted = Counted()
    page = template("{% made_once key %}{{ counted.asked }}{% end_made_once %}")
    assert [page.render(Context({"key": key, "counted": counted})) for key in "abcbca"] == list("123234")


@pytest.mark.parametrize("words", ["key if", "if", "key if one two"])
def test_a_condition_is_one_value(words):
    with pytest.raises(TemplateSyntaxError, match="one value after 'if'"):
        template("{% made_once " + words + " %}{% end_made_once %}")
