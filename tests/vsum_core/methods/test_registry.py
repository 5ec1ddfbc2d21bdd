import pytest

from vsum_core.methods import Method, UnknownMethodError, load_method, method_names, methods_named


def test_every_method_has_its_name_and_says_where_it_comes_from():
    for name in method_names():
        method = load_method(name)
        assert isinstance(method, Method) and method.name == name
        assert any(character.isdigit() for character in method.source)
        assert method.module.startswith("vsum_core.methods.")
        assert method.key()["name"] == name


def test_methods_are_listed_once_and_in_order():
    assert [method.name for method in methods_named("rise, grad-cam,rise")] == ["rise", "grad-cam"]
    assert next(method.name for method in methods_named("rise,all")) == "rise"
    assert sorted(method.name for method in methods_named("all")) == sorted(method_names())


def test_unknown_or_no_methods_are_refused():
    with pytest.raises(UnknownMethodError, match="Did you mean 'grad-cam'"):
        methods_named("gradcam")
    with pytest.raises(ValueError, match="at least one"):
        methods_named(" , ")


def test_one_key_per_method():
    keys = [str(load_method(name).key()) for name in method_names()]
    assert len(set(keys)) == len(keys)
