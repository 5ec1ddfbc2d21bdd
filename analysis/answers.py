"""Naming answers in the form the statistics need: who named which summary how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.adjudication import Adjudication, coded
from analysis.names import normalise_names
from analysis.results import GROUP_COLUMNS
from analysis.synonyms import Synonyms, merged

MAIN_ARM = "summaries"
RANDOM_ARM = "random-regions"
ARMS = (MAIN_ARM, RANDOM_ARM, "shuffled-clusters", "whole-images")
UNKNOWN = "—"
LEVELS = ("raw", "l1", "l2", "l3", "l4")
"""Levels of names: as typed, written alike, same number and spelling, synonyms merged, adjudicated by coders."""


@dataclass(frozen=True)
class NamingAnswers:
    """Naming answers of the analysed participants.

    Attributes:
        frame: one row per answer: ``participant``, the group columns, ``named`` (bool), ``raw``, ``l1``, ``l2``
            ("" where not named or not readable), ``l3`` and ``l4`` where there are any, ``confidence``.
        units: one row per summary shown, columns ``GROUP_COLUMNS``; its position is the summary's code.
        unit_codes, participant_codes: (A,) codes of each answer.
        trail: every change made to a name.
        repeats: answers left out because the same participant had already answered about the same summary.
        unreadable: names without a single letter or digit; they count as named but have no name.
        adjudication: the coders' work, or None.
        uncoded: answers whose name has no code although others have; they keep their name of the level below.
    """

    frame: pd.DataFrame
    units: pd.DataFrame
    unit_codes: NDArray[np.int64]
    participant_codes: NDArray[np.int64]
    trail: pd.DataFrame
    repeats: int
    unreadable: int
    adjudication: Adjudication | None = None
    uncoded: int = 0

    @property
    def levels(self) -> tuple[str, ...]:
        """Levels that these answers have."""
        return tuple(level for level in LEVELS if level in self.frame.columns)

    @property
    def participant_count(self) -> int:
        """Participants with at least one naming answer."""
        return int(self.frame["participant"].nunique())

    def groups(self, columns: Sequence[str]) -> dict[tuple[str, ...], NDArray[np.int64]]:
        """Codes of the summaries in each group, by the values of ``columns``, in sorted order."""
        keys = self.units[list(columns)].itertuples(index=False, name=None)
        found: dict[tuple[str, ...], list[int]] = {}
        for position, key in enumerate(keys):
            found.setdefault(tuple(str(value) for value in key), []).append(position)
        return {key: np.asarray(found[key], dtype=np.int64) for key in sorted(found)}

    def name_codes(self, level: str, *, no_common_part: bool) -> tuple[NDArray[np.int64], list[str]]:
        """Code the names of one level.

        Args:
            level: one of ``levels``.
            no_common_part: whether "No common part" is a name of its own (all raters) or missing (those who named).

        Returns:
            (A,) codes, −1 where there is no name, and the names behind the codes.
        """
        names = self.frame[level].astype(object).where(self.frame[level] != "", None)
        if no_common_part:
            names = names.where(self.frame["named"].to_numpy(), "\x00no common part")
        codes, found = pd.factorize(np.asarray(names, dtype=object), sort=False)
        return codes.astype(np.int64), [str(name) for name in found]


def naming_answers(
    answers: pd.DataFrame, *, synonyms: Synonyms | None = None, adjudication: Adjudication | None = None
) -> NamingAnswers:
    """Pick the naming answers out of the analysed answers and bring their names to every level.

    A stimulus that is no summary (a whole image, say) stands for its condition. When a participant answered about one
    summary twice, the first answer counts: agreement is between people, not with oneself.

    Args:
        answers: rows of ``responses_long`` that count (see :func:`analysis.selection.select`).
        synonyms: confirmed merges; with them names have a level ``l3``.
        adjudication: the coders' codes; with them names have a level ``l4``.
    """
    kinds = answers["answer_kind"].isin(["named", "no-common-part"])
    frame = answers[(answers["task"] == "name") & kinds].sort_values(["participant", "trial_position"])
    frame = frame.assign(
        **{
            column: frame[column].astype(object).where(frame[column].notna(), UNKNOWN).astype(str)
            for column in ("arm", "network", "class", "method")
        }
    )
    stand_in = frame["arm"] + " " + frame["class"] + " " + frame["network"] + " " + frame["method"]
    frame = frame.assign(summary=frame["summary"].where(frame["summary"].notna(), stand_in).astype(str))
    repeated = frame.duplicated(["participant", "summary"], keep="first")
    frame = frame[~repeated].reset_index(drop=True)
    named = (frame["answer_kind"] == "named").to_numpy()
    text = frame["answer_text"].where(frame["answer_text"].notna(), "").astype(str)
    levels = normalise_names(
        text[named].tolist(),
        languages=frame.loc[named, "language"].astype(str).tolist(),
        classes=frame.loc[named, "class"].tolist(),
        participants=frame.loc[named, "participant"].astype(str).tolist(),
    )
    for level in ("raw", "l1", "l2"):
        column = np.full(len(frame), "", dtype=object)
        column[named] = levels.frame[level].to_numpy(dtype=object)
        frame[level] = column
    frame["named"] = named
    trail = levels.trail
    uncoded = 0
    if synonyms is not None:
        frame["l3"], changes = merged(frame, synonyms)
        trail = pd.concat([trail, changes], ignore_index=True)
    if adjudication is not None:
        frame["l4"], changes, uncoded = coded(frame, adjudication, otherwise="l2" if synonyms is None else "l3")
        trail = pd.concat([trail, changes], ignore_index=True)
    units = frame[list(GROUP_COLUMNS)].drop_duplicates("summary").reset_index(drop=True)
    unit_codes = pd.Index(units["summary"]).get_indexer(pd.Index(frame["summary"]))
    participant_codes, _ = pd.factorize(frame["participant"])
    return NamingAnswers(
        frame=frame[
            ["participant", *GROUP_COLUMNS, "named", *(level for level in LEVELS if level in frame), "confidence"]
        ],
        units=units,
        unit_codes=unit_codes.astype(np.int64),
        participant_codes=participant_codes.astype(np.int64),
        trail=trail,
        repeats=int(repeated.sum()),
        unreadable=int((named & (frame["l1"] == "").to_numpy()).sum()),
        adjudication=adjudication,
        uncoded=uncoded,
    )
