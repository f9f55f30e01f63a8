"""What the portal's tests share: a public form as a person fills it in, and a village with its officers."""

from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime
from typing import Any

from django.test import Client
from PIL import Image

NOW, ON = datetime(2022, 11, 25, 2, tzinfo=UTC), date(2022, 11, 25)
COUNTY, TOWN, VILLAGE = "410122", "410122101", "410122101205"


def hidden(html: str, name: str) -> str:
    found = re.search(f'name="{name}" value="([^"]*)"', html)
    assert found, html
    return found[1]


def guards(html: str) -> dict[str, str]:
    """The fields that keep machines out, as a person fills them in: the sum is read and solved."""
    sums = re.search(r"(\d+) \+ (\d+) = \?", html)
    assert sums, html
    return {"website": "", "answer": str(int(sums[1]) + int(sums[2])), "sealed": hidden(html, "sealed")}


def filled(client: Client, url: str, given: dict[str, Any]) -> dict[str, Any]:
    return given | guards(client.get(url).content.decode())


def picture(size: tuple[int, int] = (60, 40), kind: str = "JPEG") -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, (90, 120, 60)).save(made, kind)
    return made.getvalue()
