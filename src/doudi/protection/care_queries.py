"""Reads of care, gaps and referrals for pages and figures. Row-level security leaves out what is not the officer's."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties, freetext, places
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.templatetags import ui
from doudi.protection import timeline
from doudi.protection.models import Care, CareClaim, ProtectionCase, Referral
from doudi.protection.sections import SECTIONS
from doudi.protection.services.care_base import adult_on, guarded_elsewhere, guardian_of
from doudi.protection.services.caring import came_with_sheet, things
from doudi.registry.models import Sex

CARE_COLOURS = {"proposed": "orange", "active": "purple", "ended": "gray", "refused": "red", "withdrawn": "gray"}
REFERRAL_COLOURS = {"offered": "orange", "accepted": "green", "declined": "red", "done": "green", "revoked": "gray", "expired": "red"}


def gaps() -> QuerySet[ProtectionCase]:
    """Open cases whose minor nobody looks after, the longest first."""
    return ProtectionCase.objects.filter(unattended_from__isnull=False, state__in=ProtectionCase.OPEN).select_related("responsible")


def gaps_by_place(now: datetime) -> list[dict[str, Any]]:
    """Gaps counted by the divisions below the reader's own (counties for a city, cities for the province); one query."""
    acting = scopes.current()
    length = {2: 4, 4: 6, 6: 9, 9: 12}.get(len(acting.area), 12)
    with connection.cursor() as cursor:
        cursor.execute(
            "select left(area, %s), count(*), min(unattended_from) from protection_protectioncase"
            " where unattended_from is not null and state in ('intake', 'assessing', 'following') group by 1 order by 3",
            [length],
        )
        rows = cursor.fetchall()
    places.preload(code for code, _n, _since in rows)
    return [
        {"label": places.name(code), "value": n, "unit": _("名"), "note": _("最长 %(time)s") % {"time": timeline.words(now - since)}}
        for code, n, since in rows
    ]


def cares() -> QuerySet[Care]:
    return Care.objects.select_related("case")


def care_figures(on: date) -> list[dict[str, Any]]:
    """Row of figures over the list of cares; two queries."""
    active = Q(state=Care.State.ACTIVE)
    found = Care.objects.aggregate(
        living=Count("pk", filter=active & Q(kind="living")), guarded=Count("pk", filter=active & Q(kind="guardianship")),
        proposed=Count("pk", filter=Q(state="proposed")), late=Count("pk", filter=active & Q(expected_end__lt=on)), review=Count("pk", filter=active & Q(review_due__lt=on)),
    )  # fmt: skip
    url = reverse("protection:cares")
    alone = gaps().count()
    return [
        {"label": _("无人照料"), "value": alone, "unit": _("名"), "url": reverse("protection:gaps")},
        {"label": _("临时生活照料"), "value": found["living"], "unit": _("名"), "url": f"{url}?kind=living&state=active"},
        {"label": _("临时监护"), "value": found["guarded"], "unit": _("名"), "url": f"{url}?kind=guardianship&state=active"},
        {"label": _("待决定"), "value": found["proposed"], "unit": _("件"), "url": f"{url}?state=proposed"},
        {"label": _("超过预计结束日期"), "value": found["late"], "unit": _("件"), "url": f"{url}?state=late"},
        {"label": _("评估超期"), "value": found["review"], "unit": _("件"), "url": f"{url}?state=review"},
    ]


def claim_figures() -> list[dict[str, Any]]:
    """Allowances to be paid and paid; one query."""
    found = CareClaim.objects.aggregate(
        n=Count("pk", filter=Q(paid_on__isnull=True)), open=Sum("amount", filter=Q(paid_on__isnull=True)), paid=Sum("amount", filter=Q(paid_on__isnull=False))
    )
    url = reverse("protection:claims")
    return [
        {"label": _("待发放"), "value": found["n"], "unit": _("笔"), "url": f"{url}?paid=no"}, {"label": _("待发放金额"), "value": ui.money(found["open"] or 0), "unit": _("元")},
        {"label": _("已发放金额"), "value": ui.money(found["paid"] or 0), "unit": _("元"), "url": f"{url}?paid=yes"},
    ]  # fmt: skip


def description(care: Care, now: datetime, *, short: bool = False) -> list[tuple[Any, ...]]:
    """The description of one care; `short` for the side of the case page."""
    case = care.case
    rows: list[tuple[Any, ...]] = [
        (_("法律依据"), care.get_basis_display(), True), (_("原因"), care.get_reason_display()),
        (_("监护人") if care.kind == Care.Kind.GUARDIANSHIP else _("组织照料"), care.body),
        (_("监护人的情况"), care.situation, True), (_("照料方式"), care.get_way_display()),
        (_("照料人"), f"{care.carer}{f'（{care.relation}）' if care.relation else ''}"), (_("照料人电话和住址"), care.contact, True),
        (_("监护人意见"), care.get_consent_display() + (f"：{care.consent_note}" if care.consent_note else ""), True),
        (_("开始"), ui.day(care.starts) if care.state in ("active", "ended") else ui.NOTHING),
        (_("预计结束"), ui.due(care.expected_end) if care.state == "active" else ui.day(care.expected_end)),
        (_("最长至"), ui.day(care.latest_end)), (_("下次评估"), ui.due(care.review_due) if care.state == "active" else ui.NOTHING),
    ]  # fmt: skip
    if short:
        brief = [(rows[0][0], rows[0][1]), rows[2], (_("照料方式"), care.get_way_display()), rows[5]]
        if care.state == Care.State.ACTIVE:
            span = _("%(first)s 至 %(last)s，最长至 %(latest)s") % {"first": f"{timezone.localdate(care.starts)}", "last": care.expected_end, "latest": care.latest_end}
            brief += [(_("起止"), span), *([(_("决定"), care.document)] if care.document else []), (_("下次评估"), ui.due(care.review_due))]
        return brief
    if care.kind == Care.Kind.GUARDIANSHIP:
        rows.append((_("提出"), f"{care.proposed_by.name if care.proposed_by else ''}　{ui.day(care.proposed_at)}"))
        if care.decided_by:
            rows.append((_("决定"), f"{care.document or care.get_state_display()}　{care.decided_by.name}　{ui.day(care.decided_at)}", True))
        if care.decision_note:
            rows.append((_("决定意见"), care.decision_note, True))
    if care.ended_at:
        rows.append((_("结束"), f"{ui.day(care.ended_at)}　{care.get_outcome_display()}{f'　{care.end_note}' if care.end_note else ''}", True))
    if case.birth_date and (adult_on(case.birth_date) - timezone.localdate(now)).days < 400 and care.state == "active":
        rows.append((_("十八周岁生日"), ui.due(adult_on(case.birth_date)), True))
    return rows


def care_of(case: ProtectionCase, now: datetime) -> dict[str, Any]:
    """Everything of a case's care page: what runs first, its sheets, reviews, claims, and what the reader may do."""
    rows = list(
        Care.objects.filter(case=case).select_related("case", "proposed_by", "decided_by", "follows").prefetch_related("hand_overs__recorded_by", "reviews__made_by", "claims")
        .order_by("-starts", "-pk")
    )  # fmt: skip
    order = {"proposed": 0, "active": 1}
    rows.sort(key=lambda care: order.get(care.state, 2))
    working, acting = duties.may("protection.care"), scopes.current()
    open_ = case.state in ProtectionCase.OPEN
    active = next((care for care in rows if care.state == Care.State.ACTIVE), None)
    proposed = next((care for care in rows if care.state == Care.State.PROPOSED), None)
    shown, on = [], timezone.localdate(now)
    for care in rows:
        running = care.state == Care.State.ACTIVE
        days = (min(on, timezone.localdate(care.ended_at)) if care.ended_at else on) - timezone.localdate(care.starts)
        shown.append({
            "row": care, "desc": description(care, now), "colour": CARE_COLOURS[care.state], "days": _("第 %(n)d 天") % {"n": days.days + 1},
            "sheets": [
                {"row": sheet, "things": things(sheet.belongings), "papers": things(sheet.documents), "direction": sheet.get_direction_display()}
                for sheet in sorted(care.hand_overs.all(), key=lambda sheet: sheet.at)
            ],
            "reviews": sorted(care.reviews.all(), key=lambda review: review.on, reverse=True), "claims": sorted(care.claims.all(), key=lambda claim: claim.starts),
            "needs_sheet": running and not came_with_sheet(care), "may_act": running and working,
            "may_extend": running and (working or acting.duty == Duty.COUNTY_APPROVER), "over": running and care.expected_end < on,
            "may_decide": care.state == Care.State.PROPOSED and duties.may("protection.guardianship_decide") and acting.account_id != care.proposed_by_id,
            "may_withdraw": care.state == Care.State.PROPOSED and duties.may("protection.guardianship_propose"),
            "elsewhere": guarded_elsewhere(care, case), "may_note_paid": duties.may("protection.claim_paid"), "may_claim": care.state in ("active", "ended") and working,
        })  # fmt: skip
    return {
        "cares": shown, "alone": timeline.words(now - case.unattended_from) if case.unattended_from and open_ else "", "since": case.unattended_from,
        "may_begin": open_ and working and active is None,
        "may_propose": case.state in ("assessing", "following") and duties.may("protection.guardianship_propose") and proposed is None
        and (active is None or active.kind == Care.Kind.LIVING or guarded_elsewhere(active, case)), "guardian": guardian_of(case),
    }  # fmt: skip


def referrals() -> QuerySet[Referral]:
    return Referral.objects.select_related("offered_by", "accepted_by")


def referrals_of(row: ProtectionCase) -> dict[str, Any]:
    """Referrals of a case for its page."""
    rows = list(referrals().filter(case=row).order_by("-offered_at", "-pk")[:100])
    shown = [(each, to_whom(each), REFERRAL_COLOURS[each.state]) for each in rows]
    return {"referrals": shown, "may_refer": row.state in ("assessing", "following") and duties.may("protection.refer")}


def to_whom(row: Referral) -> str:
    if not row.to_duty:
        return row.to_name
    return f"{places.name(row.to_area)}　{ui.duty_name(row.to_duty)}"


def referral_figures(on: date) -> list[dict[str, Any]]:
    acting, url = scopes.current(), reverse("protection:referrals")
    to_me = Q(to_duty=acting.duty, to_area__gte=acting.low, to_area__lt=acting.high)
    found = Referral.objects.aggregate(
        waiting=Count("pk", filter=to_me & Q(state="offered")), mine=Count("pk", filter=Q(state="accepted", accepted_by_id=acting.account_id)),
        out=Count("pk", filter=Q(offered_by_id=acting.account_id, state__in=Referral.OPEN)),
        back=Count("pk", filter=Q(offered_by_id=acting.account_id, state__in=["declined", "expired"], followed_by__isnull=True)),
    )  # fmt: skip
    return [
        {"label": label, "value": found[key], "unit": _("件"), "url": f"{url}?who={key}"}
        for key, label in (("waiting", _("待我接收")), ("mine", _("我接收的")), ("out", _("我转出的")), ("back", _("退回、逾期待重新转介")))
    ]


def sections_of(content: dict[str, Any]) -> list[tuple[Any, list[tuple[Any, ...]]]]:
    """The frozen sections with the labels of today, filled fields alone."""
    found: list[tuple[Any, list[tuple[Any, ...]]]] = []
    for code, values in content["sections"].items():
        section = SECTIONS.get(code)
        if section is not None:
            names = {field.name: field for field in section.fields}
            found.append((section.label, [
                (names[name].label, freetext.masked(str(dict(names[name].choices).get(value, value))), True) for name, value in values.items() if value and name in names
            ]))  # fmt: skip
    return found


def minor_of(content: dict[str, Any]) -> list[tuple[Any, ...]]:
    minor = content["minor"]
    sex = str(Sex(minor["sex"]).label) if minor["sex"] in Sex.values else ""
    age = _("%(n)d 岁") % {"n": minor["age"]} if minor["age"] is not None else ""
    return [
        (_("姓名"), minor["name"] or _("不详")), (_("性别、年龄"), "，".join(each for each in (sex, age) if each) or ui.NOTHING),
        (_("出生日期"), minor["birth_date"] or ui.NOTHING),
    ]  # fmt: skip
