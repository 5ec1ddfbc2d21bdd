"""Nouns of WordNet, read from its own files: ``index.noun``, ``data.noun`` and ``noun.exc`` (wndb(5WN), wninput(5WN)).

Debian's package ``wordnet-base`` installs them in ``/usr/share/wordnet``. Without the files there is no level L3 from
WordNet, and the report says so; nothing else depends on them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

FILES = ("index.noun", "data.noun", "noun.exc")
USUAL_PLACE = Path("/usr/share/wordnet")
VARIABLE = "WORDNET_DIRECTORY"
HYPERNYMS = ("@", "@i")


class WordNetError(ValueError):
    """The files are not there, or not WordNet's."""


@dataclass(frozen=True)
class WordNet:
    """Nouns and how they are filed.

    Attributes:
        senses: offsets of the synsets of each noun, the most frequent sense first; words of a phrase are joined by "_".
        hypernyms: offsets of the more general synsets of each synset.
        exceptions: singulars of irregular plurals.
    """

    senses: Mapping[str, tuple[int, ...]]
    hypernyms: Mapping[int, tuple[int, ...]]
    exceptions: Mapping[str, str]
    _above: dict[int, dict[int, int]] = field(default_factory=dict, repr=False, compare=False)
    _depths: dict[int, int] = field(default_factory=dict, repr=False, compare=False)

    def synsets(self, name: str) -> tuple[int, ...]:
        """Synsets of a name in lower case; of its singular where the plural is irregular; none when it is unknown."""
        key = name.replace(" ", "_")
        return self.senses.get(key) or self.senses.get(self.exceptions.get(key, ""), ())

    def shares_synset(self, first: str, second: str) -> bool:
        """Whether two names can mean the same: some noun synset holds both."""
        return bool(set(self.synsets(first)) & set(self.synsets(second)))

    def similarity(self, first: str, second: str) -> float | None:
        """Wu and Palmer's (1994) similarity of the two most similar senses, or None when a name is unknown.

        2·depth(common) / (depth(first) + depth(second)), where depths are counted along the paths that meet in the
        deepest common hypernym, the root having depth 1. It ranks suggestions and never merges names: head and wheel
        are more similar by it than wheel and tire.
        """
        scores = [
            score
            for one in self.synsets(first)
            for other in self.synsets(second)
            if (score := self._similarity(one, other)) is not None
        ]
        return max(scores, default=None)

    def _similarity(self, first: int, second: int) -> float | None:
        up_first, up_second = self._ancestors(first), self._ancestors(second)
        common = up_first.keys() & up_second.keys()
        if not common:
            return None
        meeting = max(common, key=lambda offset: (self._depth(offset), -offset))
        depth = self._depth(meeting)
        return 2 * depth / (2 * depth + up_first[meeting] + up_second[meeting])

    def _ancestors(self, offset: int) -> dict[int, int]:
        """The synset itself and all above it, each with its least distance."""
        if offset not in self._above:
            found, level = {offset: 0}, [offset]
            while level:
                level = [up for each in level for up in self.hypernyms.get(each, ()) if up not in found]
                distance = max(found.values()) + 1
                found |= dict.fromkeys(level, distance)
            self._above[offset] = found
        return self._above[offset]

    def _depth(self, offset: int) -> int:
        """Nodes on the longest way up to the root; 1 for the root itself."""
        if offset not in self._depths:
            above = self.hypernyms.get(offset, ())
            self._depths[offset] = 1 + max((self._depth(up) for up in above), default=0)
        return self._depths[offset]


def find_directory(given: Path | None = None) -> Path | None:
    """Where WordNet's files are: as given, in ``WORDNET_DIRECTORY``, or in the usual place; None when nowhere.

    Raises:
        WordNetError: a directory was given, or set in the environment, that lacks a file.
    """
    named = given or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    directory = named or USUAL_PLACE
    missing = [name for name in FILES if not (directory / name).is_file()]
    if not missing:
        return directory
    if named is not None:
        raise WordNetError(
            f"{directory} has no {', '.join(missing)}. Give the directory of WordNet's files, such as {USUAL_PLACE} "
            "after installing Debian's wordnet-base."
        )
    return None


@lru_cache(maxsize=2)
def read_wordnet(directory: Path) -> WordNet:
    """Read the nouns.

    Raises:
        WordNetError: a file is missing or its lines do not have WordNet's form.
    """
    find_directory(directory)
    try:
        senses = dict(_index_line(line) for line in _lines(directory / "index.noun"))
        hypernyms = dict(_data_line(line) for line in _lines(directory / "data.noun"))
    except (ValueError, IndexError) as error:
        raise WordNetError(f"{directory}: a line has not the form of wndb(5WN): {error}.") from error
    exceptions: dict[str, str] = {}
    for line in _lines(directory / "noun.exc"):
        plural, *singulars = line.split()
        if singulars:
            exceptions[plural] = singulars[0]
    return WordNet(senses=senses, hypernyms=hypernyms, exceptions=exceptions)


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            if line.strip() and not line.startswith("  "):  # the licence at the top is indented
                yield line


def _index_line(line: str) -> tuple[str, tuple[int, ...]]:
    """``lemma pos synset_cnt p_cnt [symbol...] sense_cnt tagsense_cnt offset...``."""
    fields = line.split()
    count, pointers = int(fields[2]), int(fields[3])
    offsets = fields[6 + pointers :]
    if len(offsets) != count:
        raise ValueError(f"{fields[0]} has {len(offsets)} offsets, expected {count}")
    return fields[0], tuple(int(offset) for offset in offsets)


def _data_line(line: str) -> tuple[int, tuple[int, ...]]:
    """``offset lex_filenum ss_type w_cnt word lex_id [...] p_cnt [symbol offset pos source/target]...``."""
    fields = line.partition(" | ")[0].split()
    words = int(fields[3], 16)
    start = 4 + 2 * words
    pointers = [fields[start + 1 + 4 * number : start + 5 + 4 * number] for number in range(int(fields[start]))]
    return int(fields[0]), tuple(int(offset) for symbol, offset, _, _ in pointers if symbol in HYPERNYMS)
