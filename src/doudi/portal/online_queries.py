"""What the township reads of an online application."""

from __future__ import annotations

import json
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.assessment.outputs import HOUSEHOLD_PROGRAMMES
from doudi.batch.datasets.relationships import RELATIONSHIPS
from doudi.core import places
from doudi.core.templatetags import ui
from doudi.enrolment.procedure import PROCEDURES
from doudi.portal import facts as told
from doudi.portal.models import OnlineApplication, OnlineMember
from doudi.portal.places import said
from doudi.portal.services.applications import known_people, same_person, told_facts
from doudi.registry.models import Membership, Programme


def members(row: OnlineApplication) -> list[OnlineMember]:
    return list(OnlineMember.objects.filter(application=row).order_by("position"))


def choices(people: list[OnlineMember]) -> list[tuple[str, str]]:
    """Programmes to register, those of one person for each member."""
    made = [(f"{programme}:", str(Programme(programme).label)) for programme in PROCEDURES if programme in HOUSEHOLD_PROGRAMMES]
    alone = [programme for programme in PROCEDURES if programme not in HOUSEHOLD_PROGRAMMES]
    return made + [(f"{programme}:{row.position}", f"{Programme(programme).label} {row.name}") for programme in alone for row in people]


def wished(row: OnlineApplication) -> list[str]:
    """What was asked for, as the form marks it; programmes of one person for the applicant, the officer chooses another."""
    return [f"{programme}:" if programme in HOUSEHOLD_PROGRAMMES else f"{programme}:0" for programme in row.programmes]


def same(row: OnlineApplication) -> list[tuple[int, str]]:
    """Applications of the same person that can be taken together with this one."""
    return [(other.pk, f"{other.number}（{timezone.localdate(other.sent_at)}）") for other in same_person(row)[:5]] if row.state == "sent" else []


def villages(area: str) -> list[tuple[str, str]]:
    return places.children(area[:9])


def facts_rows(facts: told.HouseholdFacts, names: list[str]) -> list[tuple[str, str]]:
    """The declared facts in words, one line for each member and one for the household."""
    rows = []
    for at, member in enumerate(facts.members):
        words = [_("%(month)s 生") % {"month": member.born[:7]}]
        for value, label in ((member.wage, _("工资")), (member.transfers, _("养老金等")), (member.business, _("经营")), (member.maintenance, _("赡养费"))):
            if value:
                words.append(_("%(label)s每月 %(amount)s 元") % {"label": label, "amount": ui.money(value)})
        if member.works_away:
            words.append(_("外出务工"))
        if member.disability_grade:
            words.append(f"{told.KINDS[member.disability_kind]}{told.GRADES[str(member.disability_grade)]}")
        words += [str(label) for flag, label in ((member.serious_illness, _("有重病")), (member.in_school, _("在上学"))) if flag]
        if member.labour != "full":
            words.append(str(told.LABOUR[member.labour]))
        if member.self_care != "able":
            words.append(str(told.SELF_CARE[member.self_care][0]))
        if member.child:
            words.append(str(told.CHILD[member.child]))
        rows.append((names[at] if at < len(names) else _("家人%(number)d") % {"number": at + 1}, "，".join(words)))
    house = _("一年自付 %(rigid)s 元，存款 %(savings)s 元，车 %(vehicles)d 辆，房 %(dwellings)d 套") % {
        "rigid": ui.money(facts.rigid), "savings": ui.money(facts.savings), "vehicles": facts.vehicles, "dwellings": facts.dwellings,
    }  # fmt: skip
    return [*rows, (_("全家"), f"{house}；{_('义务人')}：{told.SUPPORT[facts.support]}")]


def context(row: OnlineApplication) -> dict[str, Any]:
    people, known = members(row), known_people(row)
    homes = dict(Membership.objects.filter(person_id__in=[each.pk for each in known.values()], ends__isnull=True).values_list("person_id", "household_id"))
    facts = told_facts(row)
    shown = []
    for each in people:
        person = known.get(each.position)
        shown.append({"row": each, "relationship": RELATIONSHIPS.get(each.relationship, ""), "person": person, "household": homes.get(person.pk) if person else None})
    return {
        "members": shown,
        "same": OnlineApplication.objects.filter(token=row.token).exclude(pk=row.pk).order_by("-id")[:5],
        "facts": facts_rows(facts, [each.name for each in people]) if facts else [],
        "note": json.loads(row.told or "{}").get("note", ""),
        "place": said(row.area),
        "wished": [str(Programme(code).label) for code in row.programmes],
    }
