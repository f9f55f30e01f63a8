"""Shapes of fields that several operations take."""

from __future__ import annotations

from typing import Annotated, Any

from ninja import Field

# No control characters; in LINES line breaks and tabs.
PLAIN = r"^[^\x00-\x1f\x7f]*$"
LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
Month = Annotated[str, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", description="月份 / month, as 2022-12")]
KEY: dict[str, Any] = {
    "name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string", "minLength": 8, "maxLength": 80, "pattern": "^[!-~]+$"},
    "description": "同一键、同一内容只办一次，再次提交得到同一答复 / The same key and content is done once",
}  # fmt: skip
