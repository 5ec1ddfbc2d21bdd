"""JSON in forms: read, or refused with a message."""

import pytest
from django.core.exceptions import ValidationError
from django.db import models
from django.urls import reverse

from study.admin.studies import StudyAdmin
from study.json_field import CarefulJSONField
from study.models import Study
from study.research.forms import DesignForm


def test_json_is_read_and_thousands_of_brackets_are_refused():
    field = CarefulJSONField()
    assert field.clean('{"a": [1, null]}') == {"a": [1, None]}
    for value in ("[" * 100_000, "[1", "{"):
        with pytest.raises(ValidationError, match="valid JSON"):
            field.clean(value)


def test_every_json_field_of_a_study_s_forms_is_a_careful_one(db, rf, admin_user):
    from django.contrib import admin

    request = rf.get(reverse("admin:study_study_add"))
    request.user = admin_user
    in_admin = StudyAdmin(Study, admin.site).get_form(request)().fields
    in_design = DesignForm(instance=Study()).fields
    names = {field.name for field in Study._meta.fields if isinstance(field, models.JSONField)}
    found = [form[name] for form in (in_admin, in_design) for name in names if name in form]
    assert found
    assert all(isinstance(field, CarefulJSONField) for field in found)
