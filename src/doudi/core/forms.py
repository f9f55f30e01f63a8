"""Form pieces that every room shares."""

from __future__ import annotations

import base64
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise


def errors_into(form: forms.BaseForm, error: ValidationError) -> None:
    """A service's refusal at the fields that it names; what names none of the form stands on top."""
    if hasattr(error, "error_dict"):
        for name, found in error.error_dict.items():
            form.add_error(name if name in form.fields else None, found)
    else:
        form.add_error(None, error)


class DayInput(forms.DateInput):
    """A day chosen from the browser's calendar; it wants 2022-11-25 whatever the language writes."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")


class MomentInput(forms.DateTimeInput):
    """Day and time from the browser's own field."""

    input_type = "datetime-local"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%dT%H:%M")


class MonthInput(forms.DateInput):
    """A month from the browser's own field; it wants 2022-11."""

    input_type = "month"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m")


class MonthField(forms.DateField):
    """A month, as browsers send it (2022-11) or as one of its days; its first day."""

    widget = MonthInput
    input_formats = ["%Y-%m", "%Y-%m-%d"]

    def to_python(self, value: Any) -> date | None:
        day = super().to_python(value)
        return day.replace(day=1) if day else None


class SignatureField(forms.CharField):
    """A signature drawn on the page (doudi/sign.js): the bytes of its picture, None without one. `missing`: what to do where it did not arrive whole."""

    widget = forms.HiddenInput
    BEGINS = "data:image/png;base64,"
    LONGEST = 400_000

    def __init__(self, *, missing: str | Promise) -> None:
        super().__init__(required=False)
        self.missing = missing

    def clean(self, value: Any) -> bytes | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            if not text.startswith(self.BEGINS) or len(text) > self.LONGEST:
                raise ValueError
            return base64.b64decode(text[len(self.BEGINS) :], validate=True)
        except ValueError:
            raise ValidationError(str(self.missing)) from None


class ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files in one field."""

    widget = ManyFiles

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        given = data if isinstance(data, list | tuple) else [data]
        return [file for file in (super(FilesField, self).clean(each, initial) for each in given) if file]
