"""Level L4: what blind coders took each name to mean, and how far they agreed."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import pandas as pd

from analysis.estimates import Estimate
from analysis.krippendorff import krippendorff_alpha
from analysis.ratings import Level
from analysis.resampling import UnitBootstrap

CONSENSUS = "consensus"
NO_PART = "\x00no part"


@dataclass(frozen=True)
class Adjudication:
    """The codes of a study.

    Attributes:
        codes: consensus code by class and name as coders saw it; "" where the name is no part.
        alpha: Krippendorff's α (nominal) between the coders, before they resolved differences; names are resampled.
        agreement: share of names to which all coders gave the same code.
        coded: names with a consensus code.
        coders: how many coded.
    """

    codes: dict[tuple[str, str], str]
    alpha: Estimate
    agreement: Estimate
    coded: int
    coders: int


def coder_key(name: str) -> str:
    """A name as coders see it: NFKC, case-folded, white space collapsed."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def adjudicate(name_codes: pd.DataFrame, *, draws: int, seed: int) -> Adjudication | None:
    """Read the coders' work; None when nobody coded.

    Args:
        name_codes: the table ``name_codes`` of an export.
        draws, seed: of the bootstrap of α over names.
    """
    if name_codes.empty:
        return None
    codes = name_codes["code"].astype(object).where(name_codes["code"].notna(), NO_PART)
    frame = name_codes.assign(code=codes)
    blind = frame[frame["coder"] != CONSENSUS]
    table = blind.pivot(index="coder", columns=["class", "name"], values="code")
    both = table.notna().sum() >= 2
    alike = table.loc[:, both].nunique() == 1
    consensus = frame[frame["coder"] == CONSENSUS]
    return Adjudication(
        codes={
            (str(label), str(name)): "" if code == NO_PART else str(code)
            for label, name, code in consensus[["class", "name", "code"]].itertuples(index=False, name=None)
        },
        alpha=_alpha(table, draws=draws, seed=seed),
        agreement=Estimate(
            value=float(alike.mean()), n=int(both.sum()), reason="no interval: the names are all there are"
        )
        if both.any()
        else Estimate.undefined("no name has two codes"),
        coded=len(consensus),
        coders=len(table),
    )


def _agreement(alike: pd.Series[bool]) -> Estimate:
    if alike.empty:
        return Estimate.undefined("no name has two codes")
    return Estimate(value=float(alike.mean()), n=len(alike), reason="no interval: these are all names of the study")


def _alpha(table: pd.DataFrame, *, draws: int, seed: int) -> Estimate:
    if len(table) < 2:
        return Estimate.undefined("it needs two coders")
    numbers = pd.factorize(table.to_numpy(dtype=object).ravel())[0].reshape(table.shape).astype(float)
    numbers[numbers < 0] = float("nan")
    return krippendorff_alpha(ratings=numbers, level=Level.NOMINAL, bootstrap=UnitBootstrap(draws=draws, seed=seed))


def coded(
    frame: pd.DataFrame, adjudication: Adjudication, *, otherwise: str
) -> tuple[pd.Series[str], pd.DataFrame, int]:
    """Bring names to L4.

    Args:
        frame: columns ``class``, ``raw`` and the level ``otherwise``.
        adjudication: the codes.
        otherwise: level whose name stays where coders gave none.

    Returns:
        The L4 names ("" where coders found no part in a name), rows for the trail, and how many answers had a name
        without a code.
    """
    keys = list(zip(frame["class"], (coder_key(raw) for raw in frame["raw"]), strict=True))
    found = [adjudication.codes.get(key) for key in keys]
    named = (frame["raw"] != "").to_numpy()
    names = [
        ("" if not has else before if code is None else code)
        for has, code, before in zip(named, found, frame[otherwise], strict=True)
    ]
    coded_names = pd.Series(names, index=frame.index, dtype=object)
    changed = frame[["class", otherwise]].assign(to=coded_names)[coded_names != frame[otherwise]]
    counts = changed.groupby(["class", otherwise, "to"]).size().rename("answers").reset_index()
    trail = counts.rename(columns={otherwise: "from"}).assign(level="L4", rule="coders' consensus")
    without = sum(bool(has) and code is None for has, code in zip(named, found, strict=True))
    return coded_names, trail[["class", "level", "from", "to", "rule", "answers"]], without
