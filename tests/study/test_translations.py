"""Every text that participants read is translated, and the catalogues are up to date."""

import shutil
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import translation
from django.utils.translation import gettext, ngettext

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def catalogue(language, root=ROOT / "locale"):
    return root / language / "LC_MESSAGES" / "django.po"


def texts(po):
    return {(entry.msgid, entry.msgid_plural) for entry in po}


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="GNU gettext is not installed (Debian: gettext)")
def test_every_text_is_in_every_catalogue_and_translated(settings, tmp_path, monkeypatch):
    for language in LANGUAGES:
        catalogue(language, tmp_path).parent.mkdir(parents=True)
        shutil.copy(catalogue(language), catalogue(language, tmp_path))
    settings.LOCALE_PATHS = [tmp_path]
    monkeypatch.chdir(ROOT)
    call_command("update_translations", no_compile=True)
    for language in LANGUAGES:
        kept, found = polib.pofile(catalogue(language)), polib.pofile(catalogue(language, tmp_path))
        hint = "run manage.py update_translations, translate, and run it again"
        assert texts(found) - texts(kept) == set(), f"not in the catalogue of {language}: {hint}"
        assert texts(kept) - texts(found) == set(), f"no longer in the code, but in the catalogue of {language}: {hint}"
        assert [entry.msgid for entry in kept if not entry.translated()] == [], f"not translated into {language}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_that_of_the_source(language):
    source = {entry.msgid: entry.msgstr or entry.msgstr_plural for entry in polib.pofile(catalogue(language))}
    compiled = polib.mofile(catalogue(language).with_suffix(".mo"))
    assert {entry.msgid: entry.msgstr or entry.msgstr_plural for entry in compiled} == source


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_survive_translation(language):
    """`%(name)s` is checked when compiling; `{name}` is filled in by scripts, and only we can check it."""
    for entry in polib.pofile(catalogue(language)):
        for word in ("{done}", "{total}", "{number}"):
            assert (word in entry.msgid) == (word in entry.msgstr), entry.msgid


def test_italian_is_used():
    with translation.override("it"):
        assert gettext("No common part") == "Nessuna parte comune"
        assert ngettext("about %(minutes)s minute", "about %(minutes)s minutes", 2) % {"minutes": 2} == "circa 2 minuti"
