"""The names that `import analysis` offers."""

import pytest

import analysis


def test_every_public_name_leads_to_something_of_that_name():
    for name in analysis.__all__:
        found = getattr(analysis, name)
        assert found.__name__ == name
        assert found.__doc__
        assert name in dir(analysis)


def test_other_names_do_not_exist():
    with pytest.raises(AttributeError, match="no attribute 'kappa'"):
        analysis.kappa  # noqa: B018


def test_no_function_is_hidden_by_a_module_of_its_name():
    modules = {home.rpartition(".")[2] for home in analysis._HOMES.values()}
    assert modules.isdisjoint(analysis.__all__)
