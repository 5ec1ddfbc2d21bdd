"""Level L3: synonyms, suggested by scores and merged only when a person confirms.

Scores rank suggestions and decide nothing: by Wu–Palmer, head and wheel are closer than wheel and tire, and by any
measure of letters, left wing and right wing are one. So the analyst reads ``tables/synonym_suggestions.csv``, copies
the rows that are right into a file of their own, and gives it back with ``--synonyms``.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from itertools import combinations
from pathlib import Path

import pandas as pd

from analysis.complaints import Complaint, ExportError
from analysis.names import level_two
from analysis.wordnet import WordNet

SUGGESTION_COLUMNS = ["class", "name", "into", "people", "people_into", "rule", "score"]
CONFIRMATION_COLUMNS = ("class", "name", "into")
LEAST_LETTERS_ALIKE = 0.8
LEAST_WU_PALMER = 0.8
SAME_SYNSET, WORD_WITHIN, NEAR_MEANING, NEAR_WRITING = (
    "same noun synset",
    "one name within the other",
    "near in WordNet (Wu–Palmer)",
    "near in writing",
)
RULE_ORDER = {SAME_SYNSET: 0, WORD_WITHIN: 1, NEAR_MEANING: 2, NEAR_WRITING: 3}


@dataclass(frozen=True)
class Synonyms:
    """Confirmed merges.

    Attributes:
        into: by class and L2 name, the name that it is merged into. Class "" holds for every class.
    """

    into: Mapping[tuple[str, str], str]

    def resolve(self, label: str, name: str) -> str:
        """The name that stands for a name of a class, following chains of merges."""
        seen = {name}
        while True:
            target = self.into.get((label, name), self.into.get(("", name)))
            if target is None or target in seen:
                return name
            seen.add(target)
            name = target


def suggest_synonyms(answers: pd.DataFrame, *, wordnet: WordNet | None) -> pd.DataFrame:
    """Pairs of names of one class that may mean the same, the best first.

    Args:
        answers: columns ``participant``, ``class``, ``l2`` of naming answers.
        wordnet: nouns, or None; then only writing is compared.

    Returns:
        ``SUGGESTION_COLUMNS``; ``name`` is the rarer of the two, ``into`` the more frequent.
    """
    rows = []
    likeness = cache(partial(_likeness, wordnet=wordnet))  # classes share names
    named = answers[answers["l2"] != ""]
    people = named.groupby(["class", "l2"])["participant"].nunique()
    for label in sorted(named["class"].unique()):
        # The more frequent name is kept, of equally frequent ones the shorter.
        counts = {str(name): int(count) for name, count in people[label].items()}
        ordered = sorted(counts.items(), key=lambda item: (-item[1], len(item[0].split()), item[0]))
        for (into, more), (name, fewer) in combinations(ordered, 2):
            found = likeness(name, into)
            if found is not None:
                rows.append((label, name, into, fewer, more, *found))
    frame = pd.DataFrame(rows, columns=SUGGESTION_COLUMNS)
    order = frame["rule"].map(RULE_ORDER)
    ranked = frame.assign(order=order).sort_values(
        ["order", "score", "people", "class", "name"], ascending=[True, False, False, True, True]
    )
    return ranked.drop(columns="order").reset_index(drop=True)


def _likeness(name: str, into: str, wordnet: WordNet | None) -> tuple[str, float] | None:
    if wordnet is not None and wordnet.shares_synset(name, into):
        return SAME_SYNSET, 1.0
    words, others = set(name.split()), set(into.split())
    if words < others or others < words:
        return WORD_WITHIN, round(min(len(words), len(others)) / max(len(words), len(others)), 3)
    meaning = wordnet.similarity(name, into) if wordnet is not None else None
    if meaning is not None and meaning >= LEAST_WU_PALMER:
        return NEAR_MEANING, round(meaning, 3)
    writing = difflib.SequenceMatcher(None, name, into).ratio()
    return (NEAR_WRITING, round(writing, 3)) if writing >= LEAST_LETTERS_ALIKE else None


def read_synonyms(path: Path) -> Synonyms:
    """Read confirmed merges: a CSV with columns ``class`` (empty: every class), ``name`` and ``into``.

    Further columns, such as those of the suggestions, are left aside. Names are brought to L2.

    Raises:
        ExportError: the file cannot be read, lacks a column, or merges in a circle; file and row are named.
    """
    try:
        cells = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        mend = "Give a CSV file with the columns class, name and into."
        raise ExportError([Complaint(path.name, f"It cannot be read: {error}.", mend)]) from error
    missing = [column for column in CONFIRMATION_COLUMNS if column not in cells.columns]
    if missing:
        mend = "Copy rows of tables/synonym_suggestions.csv with their header."
        raise ExportError([Complaint(path.name, "The column is missing.", mend, column=name) for name in missing])
    into: dict[tuple[str, str], str] = {}
    complaints: list[Complaint] = []
    rows = cells[list(CONFIRMATION_COLUMNS)].itertuples(index=False, name=None)
    for number, (label, name, target) in enumerate(rows, start=2):
        key = (label.strip(), level_two(name.strip()))
        goal = level_two(target.strip())
        if not key[1] or not goal:
            complaints.append(Complaint(path.name, "A name is empty.", "Give name and into.", row=number))
        elif into.get(key, goal) != goal:
            text = f"{key[1]!r} is merged into {into[key]!r} already."
            complaints.append(Complaint(path.name, text, "Keep one of the two rows.", row=number, column="into"))
        elif key[1] != goal:
            into[key] = goal
            if _circles(into, key):
                text = f"{key[1]!r} leads back to itself."
                complaints.append(Complaint(path.name, text, "Remove one row of the circle.", row=number))
    if complaints:
        raise ExportError(complaints)
    return Synonyms(into=into)


def _circles(into: Mapping[tuple[str, str], str], start: tuple[str, str]) -> bool:
    label, name = start
    seen = {name}
    while (target := into.get((label, name), into.get(("", name)))) is not None:
        if target in seen:
            return True
        seen.add(target)
        name = target
    return False


def merged(frame: pd.DataFrame, synonyms: Synonyms) -> tuple[pd.Series[str], pd.DataFrame]:
    """Bring L2 names to L3.

    Args:
        frame: columns ``class`` and ``l2``.
        synonyms: confirmed merges.

    Returns:
        The L3 names, and rows for the trail: ``class``, ``level``, ``from``, ``to``, ``rule``, ``answers``.
    """
    names = [
        synonyms.resolve(label, name) if name else "" for label, name in zip(frame["class"], frame["l2"], strict=True)
    ]
    merged_names = pd.Series(names, index=frame.index, dtype=object)
    changed = frame[["class", "l2"]].assign(to=merged_names)[merged_names != frame["l2"]]
    counts = changed.groupby(["class", "l2", "to"]).size().rename("answers").reset_index()
    trail = counts.rename(columns={"l2": "from"}).assign(level="L3", rule="confirmed synonym")
    return merged_names, trail[["class", "level", "from", "to", "rule", "answers"]]
