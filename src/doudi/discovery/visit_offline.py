"""What a visitor's phone holds (measures 1.7, 7.3): the posting's own open visits with the least that is needed at the door, and their digest."""

from __future__ import annotations

import json
from datetime import date
from hashlib import sha256
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import freetext
from doudi.discovery import queries, visit_queries
from doudi.discovery.models import Lead
from doudi.discovery.visit_queries import Card


def _why(card: Card) -> list[list[str]]:
    """Why it is on the list as [words, colour]; whether its day has come the phone says itself."""
    words: list[list[str]] = []
    if card.lead:
        words.append([str(card.lead.get_urgency_display()), queries.URGENCY_COLOURS[card.lead.urgency]])  # type: ignore[attr-defined]
        words.append([_("首次联系") if card.lead.state in Lead.UNCONTACTED else _("待核实"), ""])
    if card.visit:
        if card.visit.urgent:
            words.append([_("应急加密"), "orange"])
        words.append([str(card.visit.get_origin_display()), "purple" if card.visit.origin == "asked" else ""])  # type: ignore[attr-defined]
    if card.sweep:
        words.append([_("集中排查"), "purple"])
    return words


def _item(card: Card) -> dict[str, Any]:
    """One household as the phone keeps it. No number, no member but the head's age, no words of earlier visits."""
    last = card.last
    return {
        "key": f"v{card.visit.pk}" if card.visit else f"h{card.household_id}",
        "visit": card.visit.pk if card.visit else None,
        "version": card.visit.version if card.visit else None,
        "household": card.household_id,
        "lead": card.lead.pk if card.lead else None,
        "name": card.name,
        "age": card.age,
        "size": card.size,
        "address": card.address,
        "group": card.group,
        "order": list(visit_queries.walking_order(card.address)),
        "groups": card.groups,
        "due": card.due.isoformat() if card.due else None,
        "why": _why(card),
        "reason": freetext.masked(card.visit.reason) if card.visit else "",
        "lead_reason": freetext.masked(card.lead.reason)[:60] if card.lead else "",
        "last": [timezone.localdate(last.done_at).isoformat(), str(last.get_living_display() or last.get_state_display())] if last else None,  # type: ignore[attr-defined]
    }


def phone_list(*, posting_id: int, on: date) -> tuple[list[dict[str, Any]], list[tuple[int, str]], int]:
    """(items in walking order, each with its `digest`; household id and area of each; leads that cannot be worked on without network)."""
    found = visit_queries.cards(posting_id=posting_id, on=on)
    kept = sorted((card for card in found if card.household_id), key=lambda card: visit_queries.walking_order(card.address))
    items = []
    for card in kept:
        item = _item(card)
        item["digest"] = sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()[:16]
        items.append(item)
    places = [(int(card.household_id or 0), (card.visit or card.lead or card.sweep).area) for card in kept]  # type: ignore[union-attr]
    return items, places, len(found) - len(kept)
