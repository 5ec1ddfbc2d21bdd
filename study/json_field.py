"""A form field for JSON that refuses whatever cannot be read."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError


class CarefulJSONField(forms.JSONField):
    """Django's field; thousands of brackets are not valid JSON here, and no error of the server."""

    def to_python(self, value: Any) -> Any:
        """Return what the JSON says.

        Raises:
            ValidationError: it cannot be read, or its brackets go deeper than Python reads.
        """
        try:
            return super().to_python(value)
        except RecursionError:
            raise ValidationError(self.error_messages["invalid"], code="invalid", params={"value": "[…"}) from None
