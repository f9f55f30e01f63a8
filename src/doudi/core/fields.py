"""Column types that every room shares."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import models
from django.utils.encoding import force_str

from doudi.core import keys


class AreaField(models.CharField):
    """Division code in collation C: its prefix is its ancestor, so a range of codes is a scope."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 12)
        kwargs.setdefault("db_collation", "C")
        super().__init__(*args, **kwargs)


class CodeField(models.CharField):
    """Short code compared by bytes (collation C), leakproof under row-level security."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 40)
        kwargs.setdefault("db_collation", "C")
        super().__init__(*args, **kwargs)


class MoneyField(models.DecimalField):
    """Yuan, exact to the fen."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 14)
        kwargs.setdefault("decimal_places", 2)
        super().__init__(*args, **kwargs)


class TokenField(models.UUIDField):
    """A sensitive number as its 16-byte token (decision 5)."""


class SealedTextField(models.BinaryField):
    """Text encrypted at rest (AES-GCM): a `str` in Python, ciphertext in the table and its history."""

    # what the type checker's plugin for Django reads: a BinaryField whose Python side is text
    _pyi_private_set_type: str  # type: ignore[assignment]
    _pyi_private_get_type: str  # type: ignore[assignment]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("editable", True)
        super().__init__(*args, **kwargs)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> str | None:
        return None if value is None else keys.open_text(bytes(value))

    def get_prep_value(self, value: Any) -> bytes | None:
        if value is None or isinstance(value, bytes | memoryview):
            return value  # type: ignore[return-value]
        return keys.seal_text(str(value))

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, obj: models.Model) -> str:
        return str(self.value_from_object(obj))


@cache
def _labels(field: models.Field[Any, Any]) -> dict[Any, Any]:
    return dict(field.flatchoices)


class AreaModel(models.Model):
    """A row that concerns people of one place. `area_then` keeps the code of its time after a division was recoded."""

    area = AreaField()
    area_then = AreaField(null=True, editable=False)

    class Meta:
        abstract = True

    def _get_FIELD_display(self, field: models.Field[Any, Any]) -> Any:
        """What `get_…_display` says. Django's own translates every choice of the field to find the one."""
        value = getattr(self, field.attname)
        return force_str(_labels(field).get(value, value), strings_only=True)
