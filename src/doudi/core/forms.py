"""Form pieces that every room shares."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError


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

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


class ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files in one field."""

    widget = ManyFiles

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        given = data if isinstance(data, list | tuple) else [data]
        return [file for file in (super(FilesField, self).clean(each, initial) for each in given) if file]
