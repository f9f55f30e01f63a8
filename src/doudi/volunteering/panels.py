"""What the needs board adds to the page of a need."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from doudi.core import panels
from doudi.needs.models import Need
from doudi.volunteering import board_queries as queries


def on_board(_request: HttpRequest, need: Need) -> dict[str, Any] | None:
    """Whether volunteers and organisations are told of it."""
    if queries.notice_of(need) is None:
        return None
    words, _colour = queries.board_state(need)
    return {"need": need, "rows": [(_("公布"), words)]}


def _board_url(_request: HttpRequest, need: Need) -> str:
    return reverse("volunteering:board_need", args=[need.pk])


panels.add("need", _("供需对接"), on_board, "volunteering/_board_need.html", act="board.view", order=20)
panels.action("need", _("供需对接"), _board_url, act="board.view", order=20)
