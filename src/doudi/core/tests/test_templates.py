"""Every template of the house: numbers that machines read back keep their digits together."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from django.template import Context, Template
from django.utils import timezone

import doudi
from doudi.core import clock
from doudi.core.templatetags.ui import due

HOUSE = Path(doudi.__file__).parent
ATTRIBUTE = re.compile(r'\b(?:value|href|action|src|id|for|hx-[a-z]+|data-[a-z-]+)="((?:\{\{.*?\}\}|\{%.*?%\}|[^"])*)"')
PRINTED = re.compile(r"\{\{\s*((?:\w+\.)*(?:pk|\w+_id|\w+\.id|version))\s*((?:\|[^}]*)?)\}\}")


def grouped(text: str) -> list[str]:
    """Keys and versions printed into attributes as the language writes numbers: `1,000`, which no form or address reads back."""
    return [
        each.group() for attribute in ATTRIBUTE.finditer(text) for each in PRINTED.finditer(attribute.group(1))
        if "auto_id" not in each.group(1) and not re.search(r"unlocalize|stringformat", each.group(2))
    ]  # fmt: skip


def test_keys_and_versions_in_forms_and_addresses_are_never_grouped_by_thousands():
    assert grouped('<input value="{{ row.pk }}"><a href="?id={{ row.lead_id }}">{{ row.pk }}</a>') == ["{{ row.pk }}", "{{ row.lead_id }}"]
    assert not grouped('<input value="{{ row.pk|unlocalize }}">')
    found = {
        f"{file.relative_to(HOUSE)}: {each}" for file in HOUSE.rglob("templates/**/*.html") for each in grouped(file.read_text(encoding="utf-8"))
    }
    assert not found


def test_a_limit_may_be_a_day_or_an_hour():
    now, today = timezone.now(), timezone.localdate()
    assert "超期 2 天" in due(today - timedelta(days=2)) and "今天到期" in due(today) and due(today + timedelta(days=9)) == f"{today + timedelta(days=9)}"
    assert "超期" in due(now - timedelta(minutes=1)) and "超期" not in due(now + timedelta(minutes=1)) and due(None) == "—"
    assert due(now + timedelta(days=9)) == f"{timezone.localtime(now + timedelta(days=9)):%Y-%m-%d %H:%M}"


def test_where_the_demos_clock_is_set_back_every_filter_still_shows_local_time(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(clock, "home", lambda: tmp_path)
    monkeypatch.setattr(timezone, "datetime", datetime)  # put back afterwards, whatever `install` makes of it
    clock.set_back(datetime(2022, 12, 6, 1, tzinfo=UTC))
    shown = Template('{{ at|date:"Y-m-d H:i" }} {{ at|time:"H:i" }}').render(Context({"at": datetime(2022, 12, 6, 17, 30, tzinfo=UTC)}))
    assert shown == "2022-12-07 01:30 01:30" and timezone.localdate() == date(2022, 12, 6)
