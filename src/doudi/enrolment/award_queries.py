"""The history of one award (待遇沿革) as a timeline with who and why, and its amount over time as a chart."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from doudi.core import charts, places
from doudi.core.prepared import prepared
from doudi.enrolment.models import Award, AwardMember, Certificate, Decision, Letter, PayeeChange, Review
from doudi.registry.models import MoveRequest, Person


def state_of(award: Award, on: date) -> tuple[str, str]:
    """(state in words, colour) on a day: the end of a gradual exit is set months ahead, and until then the award is paid."""
    if award.void:
        return _("作废"), "gray"
    if award.ends:
        return (_("已停发"), "gray") if award.ends <= on else (_("将停发"), "orange")
    return (_("暂停发放"), "orange") if award.suspended else (_("享受中"), "green")


def _who(account: Any) -> str:
    return account.name if account else str(_("系统"))


def _names(decision: Decision) -> dict[int, str]:
    return {member["person_id"]: member["name"] for member in decision.content["members"]}


def _bands(decision: Decision) -> dict[int, Any]:
    return {member["person_id"]: member.get("band") for member in decision.content["members"]}


@prepared
def _later(household: int, award: int) -> QuerySet[Decision]:
    rows = Decision.objects.filter(household_id=household, award_id=award, state="approved")
    return rows.select_related("proposed_by", "decided_by", "signed_by").order_by("starts", "id")


@prepared
def _payees(award: int) -> QuerySet[PayeeChange]:
    return PayeeChange.objects.filter(award_id=award).select_related("proposed_by", "decided_by")


@prepared
def _letters(decisions: list[int]) -> QuerySet[Letter]:
    return Letter.objects.filter(decision_id__in=decisions).select_related("made_by")


@prepared
def _certificates(award: int) -> QuerySet[Certificate]:
    return Certificate.objects.filter(award_id=award).select_related("made_by")


@prepared
def _reviews(household: int, award: int) -> QuerySet[Review]:
    return Review.objects.filter(household_id=household, award_id=award, state__in=("kept", "open", "held")).select_related("decided_by")


def decisions_of(award: Award) -> list[Decision]:
    """The approved decisions that made and changed an award, oldest first."""
    return [award.decision, *_later(award.household_id, award.pk)]


def members(award: Award) -> list[AwardMember]:
    """Who holds an award, each with a `name`: the registry's, or as the decisions have it of who has moved away."""
    rows = list(award.members.order_by("starts", "id"))
    names: dict[int, str] = {}
    for decision in decisions_of(award):
        names |= _names(decision)
    names |= dict(Person.objects.filter(pk__in=[row.person_id for row in rows]).values_list("id", "name"))
    for row in rows:
        row.name = names.get(row.person_id, "")  # type: ignore[attr-defined]
    return rows


def _changed(before: Decision, after: Decision) -> list[str]:
    """What a change did to the members, in words."""
    was, now = _names(before), _names(after)
    words = [_("增加%(name)s") % {"name": name} for person, name in now.items() if person not in was]
    words += [_("减少%(name)s") % {"name": name} for person, name in was.items() if person not in now]
    old, new = _bands(before), _bands(after)
    words += [
        _("%(name)s由第%(old)s档调为第%(new)s档") % {"name": now[person], "old": old[person] or "—", "new": new[person]}
        for person in now if person in old and new[person] and old[person] != new[person]
    ]  # fmt: skip
    return words


def timeline(award: Award) -> list[dict[str, Any]]:
    """Everything that happened to an award, newest first; a bounded number of queries, whatever its length."""
    made: list[dict[str, Any]] = []

    def add(at: datetime | None, title: str, who: str = "", note: str = "", url: str = "") -> None:
        made.append({"at": at or award.made_at, "title": title, "who": who, "note": note, "url": url})

    decisions = decisions_of(award)
    members_then = decisions[0]
    for one in decisions:
        who = _who(one.decided_by) + (_("（提出：%(name)s）") % {"name": one.proposed_by.name})
        reason = "；".join(text for text in (one.reason, one.decision_note) if text)
        amount = f"{one.amount:,.2f}" if one.amount is not None else ""
        if one is award.decision:
            add(one.decided_at, _("审核确认 %(number)s") % {"number": one.number}, who, reason)
        elif one.kind == "stop":
            add(one.decided_at, _("自 %(month)s 起停发") % {"month": f"{one.starts:%Y-%m}"}, who, reason)
        elif one.content.get("gradual_exit", {}).get("ends"):
            exit_ = one.content["gradual_exit"]
            add(one.decided_at, _("自 %(month)s 起渐退 %(count)s 个月，%(amount)s 元/月") % {"month": exit_["starts"][:7], "count": exit_["months"], "amount": amount}, who, reason)
        else:
            words = "；".join(_changed(members_then, one))
            title = _("自 %(month)s 起变更为 %(amount)s 元/月") % {"month": f"{one.starts:%Y-%m}", "amount": amount}
            add(one.decided_at, title, who, "；".join(text for text in (words, reason) if text))
        if one.kind in ("grant", "change"):
            members_then = one
    for event in award.events.select_related("made_by"):
        add(event.made_at, str(event.get_kind_display()), _who(event.made_by), event.reason)
    for change in _payees(award.pk):
        title = _("领款人由%(was)s变更为%(name)s（%(kind)s）") % {"was": change.was_name, "name": change.name, "kind": change.get_kind_display()}
        who = _who(change.decided_by or change.proposed_by)
        add(change.decided_at or change.proposed_at, f"{title}：{change.get_state_display()}", who, "；".join(t for t in (change.basis, change.note) if t))
    for letter in _letters([one.pk for one in decisions]):
        add(letter.made_at, _("制发%(kind)s") % {"kind": letter.get_kind_display()}, _who(letter.made_by))
    for paper in _certificates(award.pk):
        add(paper.made_at, _("制发证件 %(number)s") % {"number": paper.number}, _who(paper.made_by))
        if paper.replaced_at:
            add(paper.replaced_at, _("证件 %(number)s 换发") % {"number": paper.number}, "", paper.replaced_reason)
    for review in _reviews(award.household_id, award.pk):
        words = f"{review.get_kind_display()}（{review.get_cause_display()}）：{review.get_state_display()}"
        add(review.decided_at or review.made_at, words, _who(review.decided_by) if review.decided_by else "", review.reason)
    for move in MoveRequest.objects.filter(household_id=award.household_id, done_at__isnull=False):
        add(move.done_at, _("家庭由%(old)s转到%(new)s") % {"old": places.name(move.from_area), "new": places.name(move.to_area)}, "", move.reason)
    for member in award.members.filter(died_on__isnull=False):
        assert member.died_on is not None
        add(timezone.make_aware(datetime.combine(member.died_on, time())), _("成员死亡"), "", "")
    return sorted(made, key=lambda item: item["at"], reverse=True)


def chart(award: Award, *, today: date) -> SafeString | None:
    """The amount over time, proposed changes dashed; None for an award without money."""
    steps = list(award.amounts.order_by("from_month").values_list("from_month", "amount"))
    if not steps:
        return None
    last = min(award.ends, today) if award.ends and award.ends > award.starts else max(today, award.starts)
    waiting = Decision.objects.filter(household_id=award.household_id, award_id=award.pk, state="proposed", kind="change", amount__isnull=False)
    planned = [(starts, amount) for starts, amount in waiting.order_by("starts").values_list("starts", "amount") if amount is not None]
    return charts.step_chart(steps, title=str(_("待遇金额（元/月）")), until=last, unit=str(_("元")), planned=planned)
