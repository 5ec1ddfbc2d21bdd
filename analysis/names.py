"""Names made comparable, level by level, with a trail of every change.

L0 is what was typed. L1 unifies writing: Unicode form, case, articles, punctuation, white space. L2 unifies words:
spelling slips, number, lemma. Nothing here guesses at meaning; synonyms and adjudication by people come after L2.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import pandas as pd
import simplemma
from simplemma.strategies import DefaultStrategy
from spellchecker import SpellChecker

ARTICLES: Mapping[str, frozenset[str]] = {
    "en": frozenset({"a", "an", "the"}),
    "it": frozenset({"il", "lo", "la", "i", "gli", "le", "l", "un", "uno", "una"}),
    "fr": frozenset({"le", "la", "les", "l", "un", "une", "des"}),
    "de": frozenset({"der", "die", "das", "den", "dem", "ein", "eine", "einen"}),
    "es": frozenset({"el", "la", "los", "las", "un", "una", "unos", "unas"}),
    "pt": frozenset({"o", "a", "os", "as", "um", "uma", "uns", "umas"}),
}
IRREGULAR_PLURALS: Mapping[str, str] = {
    "feet": "foot",
    "teeth": "tooth",
    "geese": "goose",
    "mice": "mouse",
    "men": "man",
    "women": "woman",
    "children": "child",
    "people": "person",
    "hooves": "hoof",
    "leaves": "leaf",
    "halves": "half",
    "scarves": "scarf",
}
PLURAL_ENDINGS = (("ies", ("y", "ie")), ("ves", ("f", "fe", "ve")), ("es", ("e", "")), ("s", ("",)))
"""English plural endings and what the singular may have instead, most likely first."""
KEPT_ENDINGS = ("ss", "us", "is", "news", "lens")
SHORTEST_STEM = 3
SHORTEST_FIXED_TO_PEER = 3
SHORTEST_FIXED_ALONE = 5
"""Letters a misspelt word needs: with a word of other participants to go by, and with the dictionary alone."""
_POSSESSIVE = re.compile(r"['’]s?(?=\s|$)")
_NO_WORD = re.compile(r"[\W_]+")
TRAIL_COLUMNS = ("raw", "language", "class", "level", "from", "to", "rule")


@dataclass
class _Trail:
    """Steps of one name."""

    steps: list[tuple[str, str, str, str]] = field(default_factory=list)

    def note(self, level: str, before: str, after: str, rule: str) -> str:
        if before != after:
            self.steps.append((level, before, after, rule))
        return after


@dataclass(frozen=True)
class NormalisedNames:
    """Names at every level.

    Attributes:
        frame: columns ``raw``, ``l1``, ``l2``, one row per name given, with the index that came in; "" where no word
            could be read.
        trail: one row per change, columns ``raw``, ``language``, ``class``, ``level``, ``from``, ``to``, ``rule``, and
            ``answers``, the number of answers it touched.
    """

    frame: pd.DataFrame
    trail: pd.DataFrame


# L1 -------------------------------------------------------------------------------------------------------------------


def _folded(text: str) -> str:
    """NFKC and casefold until nothing moves: folding may leave a form that composes again."""
    while (after := unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())) != text:
        text = after
    return text


def _level_one(raw: str, language: str, trail: _Trail) -> str:
    text = trail.note("L1", raw, _folded(raw), "Unicode form and case")
    without_possessive = _POSSESSIVE.sub("", text)
    text = trail.note("L1", text, without_possessive if _words(without_possessive) else text, "possessive")
    text = trail.note("L1", text, " ".join(_words(text)), "punctuation and white space")
    articles = ARTICLES.get(language, frozenset())
    content = [word for word in text.split() if word not in articles]
    return trail.note("L1", text, " ".join(content) if content else text, "articles")


def _words(text: str) -> list[str]:
    return _NO_WORD.sub(" ", text).split()


def level_one(raw: str, *, language: str = "en") -> str:
    """Unify writing: NFKC, casefold, possessive, punctuation, white space, articles.

    Idempotent. Empty only when there is no letter or digit in ``raw``; an article standing alone stays.
    """
    return _level_one(raw, language, _Trail())


# L2 -------------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _spelling(language: str) -> SpellChecker | None:
    if language not in SpellChecker.languages():
        return None
    return SpellChecker(language=language, distance=1)


@lru_cache(maxsize=8)
def _lemmatiser(language: str) -> simplemma.Lemmatizer | None:
    try:
        simplemma.lemmatize("a", lang=language)
    except ValueError:
        return None
    return simplemma.Lemmatizer(lemmatization_strategy=DefaultStrategy(greedy=False))


@lru_cache(maxsize=65_536)
def is_known_word(word: str, language: str) -> bool:
    """Whether a dictionary of the language has the word; digits are known everywhere."""
    if word.isdigit():
        return True
    checker, lemmatiser = _spelling(language), _lemmatiser(language)
    if checker is not None and word in checker:
        return True
    return lemmatiser is not None and bool(simplemma.is_known(word, lang=language))


@lru_cache(maxsize=65_536)
def singular(word: str, language: str) -> str:
    """Singular of an English noun, tried before any lemma so that 'leaves' becomes 'leaf' and not 'leave'.

    A singular is taken only when the dictionary knows it; other languages come back unchanged.
    """
    if language != "en" or len(word) <= 3 or word.endswith(KEPT_ENDINGS):
        return word
    if word in IRREGULAR_PLURALS:
        return IRREGULAR_PLURALS[word]
    for ending, instead in PLURAL_ENDINGS:
        if not word.endswith(ending):
            continue
        candidates = [word.removesuffix(ending) + tail for tail in instead]
        known = [candidate for candidate in candidates if len(candidate) > 2 and is_known_word(candidate, language)]
        if known:
            return known[0]
    return word


def _dictionary_lemma(word: str, language: str) -> str:
    """Lemma of the dictionary, or the word itself where the lemma cannot be trusted.

    English lemma lists hold rare verbs and word pieces ('reed' from 'ree'), and irregular verbs that are nouns of their
    own ('saw', 'felt'). So an English lemma must share the stem and be at least as common as the word.
    """
    lemmatiser = _lemmatiser(language)
    if lemmatiser is None or not word.isalpha():
        return word
    found = level_one(lemmatiser.lemmatize(word, lang=language))
    if not found or " " in found:
        return word
    checker = _spelling(language)
    if language == "en" and checker is not None:
        same_stem = found[:SHORTEST_STEM] == word[:SHORTEST_STEM]
        return found if same_stem and checker[found] >= checker[word] else word
    return found


@lru_cache(maxsize=65_536)
def lemma(word: str, language: str) -> str:
    """Singular if there is one, otherwise the dictionary's lemma; the word itself in languages without a dictionary.

    Idempotent: the step is repeated until nothing moves, and a cycle ends at its alphabetically first word.
    """
    seen = [word]
    while True:
        current = seen[-1]
        after = singular(current, language)
        if after == current:
            after = _dictionary_lemma(current, language)
        if after == current:
            return current
        if after in seen:
            return min(seen[seen.index(after) :])
        seen.append(after)


def correct_spelling(word: str, *, language: str, peers: Mapping[str, int], own_uses: int = 1) -> tuple[str, str]:
    """Mend one slip of the keyboard, and say by which rule.

    A known word is never touched, nor one that two participants typed alike. Words that other participants used for
    the same class come first (most used first); without one, the dictionary's only candidate is taken.

    Args:
        word: one L1 word.
        language: such as ``"en"``; languages without a dictionary come back unchanged.
        peers: words of the same class and how many participants used each.
        own_uses: participants who typed this very word.

    Returns:
        The word and the rule, "" when nothing changed.
    """
    checker = _spelling(language)
    if checker is None or own_uses > 1 or len(word) < SHORTEST_FIXED_TO_PEER or not word.isalpha():
        return word, ""
    if is_known_word(word, language):
        return word, ""
    candidates = {near for near in checker.edit_distance_1(word) if near != word}
    used = [near for near in candidates if near in peers and is_known_word(near, language)]
    if used:
        return min(used, key=lambda near: (-peers[near], -checker[near], near)), "spelling, as other participants wrote"
    known = sorted(checker.known(candidates))
    if len(word) >= SHORTEST_FIXED_ALONE and len(known) == 1:
        return known[0], "spelling, only word of the dictionary"
    return word, ""


def level_two(name: str, *, language: str = "en") -> str:
    """Unify number and lemma of every word of an L1 name, without spelling fixes. Idempotent."""
    return " ".join(lemma(word, language) for word in name.split())


# Whole studies --------------------------------------------------------------------------------------------------------


def _peer_words(names: pd.DataFrame) -> dict[tuple[str, str], dict[str, int]]:
    """By language and class: how many participants used each word, singulars counted with their plurals."""
    words = names[["language", "class", "participant", "l1"]].drop_duplicates()
    words = words.assign(word=words["l1"].str.split()).explode("word").dropna(subset=["word"])
    keys = ["language", "class", "participant", "word"]
    words = words[keys].drop_duplicates()
    singulars = {
        (language, word): singular(word, language)
        for language, word in words[["language", "word"]].drop_duplicates().itertuples(index=False, name=None)
    }
    pairs = zip(words["language"], words["word"], strict=True)
    both = pd.concat([words, words.assign(word=[singulars[pair] for pair in pairs])]).drop_duplicates(keys)
    peers: dict[tuple[str, str], dict[str, int]] = {}
    counts = both.groupby(["language", "class", "word"], sort=False).size()
    for language, label, word, uses in counts.reset_index(name="uses").itertuples(index=False, name=None):
        peers.setdefault((language, label), {})[word] = int(uses)
    return peers


def _level_two(name: str, language: str, peers: Mapping[str, int], trail: _Trail) -> str:
    words = []
    for word in name.split():
        others = (
            {near: uses for near, uses in peers.items() if near != word} if not is_known_word(word, language) else {}
        )
        fixed, rule = correct_spelling(word, language=language, peers=others, own_uses=peers.get(word, 1))
        trail.note("L2", word, fixed, rule)
        words.append(trail.note("L2", fixed, lemma(fixed, language), "number or lemma"))
    return " ".join(words)


def normalise_names(
    raw: Sequence[str], *, languages: Sequence[str], classes: Sequence[str], participants: Sequence[str]
) -> NormalisedNames:
    """Bring the names of a study to L1 and L2.

    Args:
        raw: names as typed.
        languages: language of each answer, such as ``"en"`` or ``"it-ch"``; what follows a hyphen is ignored.
        classes: class each name is about; spelling is compared within a class.
        participants: who gave it.

    Returns:
        All levels in the order that came in, and the trail of changes.
    """
    names = pd.DataFrame(
        {
            "raw": list(raw),
            "language": [language.replace("_", "-").split("-")[0].lower() for language in languages],
            "class": list(classes),
            "participant": list(participants),
        },
        dtype=str,
    )
    if names.empty:
        empty = pd.DataFrame(columns=["raw", "l1", "l2"], dtype=str)
        return NormalisedNames(frame=empty, trail=pd.DataFrame(columns=[*TRAIL_COLUMNS, "answers"]))
    distinct = names[["raw", "language", "class"]].drop_duplicates().reset_index(drop=True)
    trails = [_Trail() for _ in range(len(distinct))]
    distinct["l1"] = [
        _level_one(text, language, trail)
        for text, language, trail in zip(distinct["raw"], distinct["language"], trails, strict=True)
    ]
    peers = _peer_words(names.merge(distinct, on=["raw", "language", "class"], how="left"))
    distinct["l2"] = [
        _level_two(name, language, peers.get((language, label), {}), trail)
        for name, language, label, trail in zip(
            distinct["l1"], distinct["language"], distinct["class"], trails, strict=True
        )
    ]
    frame = names.merge(distinct, on=["raw", "language", "class"], how="left")[["raw", "l1", "l2"]]
    return NormalisedNames(frame=frame, trail=_trail_frame(names, distinct, trails))


def _trail_frame(names: pd.DataFrame, distinct: pd.DataFrame, trails: Sequence[_Trail]) -> pd.DataFrame:
    rows = [
        (*key, *step)
        for key, trail in zip(
            distinct[["raw", "language", "class"]].itertuples(index=False, name=None), trails, strict=True
        )
        for step in trail.steps
    ]
    trail_frame = pd.DataFrame(rows, columns=list(TRAIL_COLUMNS))
    uses = names.groupby(["raw", "language", "class"], sort=False).size().rename("answers").reset_index()
    return trail_frame.merge(uses, on=["raw", "language", "class"], how="left")
