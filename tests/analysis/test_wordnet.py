"""WordNet's files: a small net written by hand, and the numbers of the real one where it is installed."""

import pytest

from analysis.wordnet import FILES, USUAL_PLACE, WordNetError, find_directory, read_wordnet

INDEX = """  1 This software is licensed
entity n 1 1 ~ 1 0 00000001
animal n 1 2 @ ~ 1 0 00000002
bird n 1 2 @ ~ 1 1 00000003
beak n 1 1 @ 1 0 00000004
bill n 2 1 @ 2 0 00000005 00000004
goose n 1 1 @ 1 0 00000006
"""
DATA = """  1 This software is licensed
00000001 03 n 01 entity 0 001 ~ 00000002 n 0000 | that which is
00000002 03 n 01 animal 0 002 @ 00000001 n 0000 ~ 00000003 n 0000 | a living thing
00000003 03 n 01 bird 0 002 @ 00000002 n 0000 #p 00000004 n 0000 | it has feathers
00000004 08 n 02 beak 0 bill 0 001 @ 00000002 n 0000 | horny mouth
00000005 21 n 01 bill 0 001 @ 00000001 n 0000 | paper money
00000006 05 n 01 goose 0 001 @ 00000003 n 0000 | web-footed bird
"""


@pytest.fixture
def directory(tmp_path):
    for name, content in zip(FILES, (INDEX, DATA, "geese goose\n"), strict=True):
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


def test_synsets_and_irregular_plurals(directory):
    net = read_wordnet(directory)
    assert net.synsets("bill") == (5, 4)
    assert net.synsets("geese") == (6,)
    assert net.synsets("wing") == ()
    assert net.shares_synset("beak", "bill")
    assert not net.shares_synset("beak", "goose")


def test_wu_palmer_by_hand(directory):
    net = read_wordnet(directory)
    # goose: entity 1, animal 2, bird 3, goose 4; beak: entity 1, animal 2, beak 3; they meet at animal: 2·2/(4 + 3).
    assert net.similarity("goose", "beak") == pytest.approx(4 / 7)
    assert net.similarity("beak", "beak") == 1
    assert net.similarity("beak", "wing") is None


def test_what_is_missing_or_broken_is_named(directory, tmp_path, monkeypatch):
    with pytest.raises(WordNetError, match="wordnet-base"):
        find_directory(tmp_path / "nowhere")
    (directory / "data.noun").write_text("00000001 03 n zz entity\n", encoding="utf-8")
    with pytest.raises(WordNetError, match="wndb"):
        read_wordnet(directory)
    monkeypatch.setenv("WORDNET_DIRECTORY", str(tmp_path / "nowhere"))
    with pytest.raises(WordNetError, match="nowhere"):
        find_directory()


@pytest.mark.skipif(not (USUAL_PLACE / "index.noun").exists(), reason="Debian's wordnet-base is not installed")
def test_the_real_net():
    net = read_wordnet(USUAL_PLACE)
    assert net.shares_synset("beak", "bill")
    # WordNet 3.0: the numbers show why scores only rank suggestions.
    assert net.similarity("head", "wheel") == pytest.approx(0.818, abs=5e-4)
    assert net.similarity("wheel", "tire") == pytest.approx(0.556, abs=5e-4)
