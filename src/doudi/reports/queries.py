"""Reads of reports: the eight measures with their live figures."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise

from doudi.core import duties, measures


@dataclass(frozen=True)
class Clause:
    """One clause: `value` is None where no room serves it yet; `url` only where the reader may open the page."""

    number: str
    title: str | Promise
    value: object | None
    unit: str
    url: str
    place: str


def clauses() -> list[tuple[int, str | Promise, list[Clause]]]:
    """(measure, title, its clauses) in order, under the reader's scope. One query per served clause."""
    found: dict[int, list[Clause]] = {}
    for number, title in measures.CLAUSES.items():
        there = measures.served(number)
        value, unit, url, place = None, "", "", ""
        if there:
            value, unit = there.figure()
            place = there.url_name
            if there.act is None or duties.may(there.act):
                url = reverse(there.url_name)
        found.setdefault(int(number[0]), []).append(Clause(number, title, value, unit, url, place))
    return [(measure, measures.MEASURES[measure], rows) for measure, rows in found.items()]
