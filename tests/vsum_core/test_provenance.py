import pytest

from vsum_core import provenance


def test_a_stage_depends_on_what_it_imports():
    behind = provenance.modules_behind("vsum_core.manifest")
    assert "vsum_core.store" in behind
    assert "vsum_core.rendering" not in behind


def test_digest_follows_the_source(tmp_path, monkeypatch):
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / "blur.py").write_text("SIGMA = 10\n")
    (tmp_path / "masks.py").write_text("from vsum_core import blur\n")
    (tmp_path / "pictures.py").write_text("RED = 1\n")
    monkeypatch.setattr(provenance, "_ROOT", tmp_path)

    def forget():
        for function in (provenance._imports, provenance.modules_behind, provenance.code_digest):
            function.cache_clear()

    def digests():
        forget()
        return provenance.code_digest("vsum_core.masks"), provenance.code_digest("vsum_core.pictures")

    masks, pictures = digests()
    (tmp_path / "blur.py").write_text("SIGMA = 11\n")
    changed_masks, changed_pictures = digests()
    assert changed_masks != masks
    assert changed_pictures == pictures
    monkeypatch.undo()
    forget()


def test_an_unknown_module_is_an_error():
    with pytest.raises(ValueError, match="no module of vsum_core"):
        provenance.code_digest("vsum_core.nothing")
