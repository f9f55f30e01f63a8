"""Reads of account pages: a bounded number of queries each."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from django.db import connection
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import numbers
from doudi.core.models import Account
from doudi.core.templatetags import ui
from doudi.enrolment.models import Award, PayeeChange
from doudi.payments.models import AccountFinding, BankReturn
from doudi.registry.codes import BANKS
from doudi.registry.models import Membership

MOST = 60


def tail(token: Any) -> str:
    return str(ui.tail(numbers.plain(token))) if token else ""


def finding_figures() -> list[dict[str, Any]]:
    """Findings of the scope by problem, and the households behind them."""
    counted = dict(AccountFinding.objects.values_list("problem").annotate(n=Count("id")).order_by("problem"))
    return [
        {"label": label, "value": ui.count(counted[value]), "unit": _("项"), "url": f"?problem={value}"}
        for value, label in AccountFinding.Problem.choices
        if value in counted
    ]


def accounts_of(household_id: int, *, on: date) -> list[dict[str, Any]]:
    """Running awards of a household with where their money goes on a day, and what stands in the way of it."""
    awards = list(
        Award.objects.filter(household_id=household_id, void=False).exclude(ends__lte=on).filter(amounts__isnull=False).distinct().order_by("programme", "entitlement_id")
    )
    ids = [award.pk for award in awards]
    newest: dict[int, PayeeChange] = {}
    for change in PayeeChange.objects.filter(award__in=ids).exclude(state="sent_back").select_related("proposed_by").order_by("decided_at", "id"):
        if change.state == "confirmed":
            newest[change.award_id] = change
    waiting = {change.award_id: change for change in PayeeChange.objects.filter(award__in=ids, state="proposed")}
    problems: dict[int, list[AccountFinding]] = {}
    for finding in AccountFinding.objects.filter(award_id__in=ids):
        problems.setdefault(finding.award_id, []).append(finding)
    returned = set(BankReturn.objects.filter(entitlement_id__in=ids, state__in=["open", "proposed"]).values_list("entitlement_id", flat=True))
    rows = []
    for award in awards:
        last = newest.get(award.pk)
        last = last if last is not None and last.name == award.payee_name else None
        cooling = last if last is not None and last.waits(on) and last.account == award.account else None
        notes = [(finding.get_problem_display(), "orange" if finding.problem == "shared" else "red") for finding in problems.get(award.pk, [])]  # type: ignore[attr-defined]
        if cooling:
            notes.insert(0, (_("冷静期至 %(day)s") % {"day": cooling.usable_from}, "purple"))
        if award.pk in waiting:
            notes.insert(0, (_("变更待确认"), "orange"))
        if award.pk in returned:
            notes.insert(0, (_("有退票待更正"), "red"))
        if award.account is None and not any(finding.problem == "missing" for finding in problems.get(award.pk, [])):
            notes.append((_("未登记账户"), "red"))
        rows.append({
            "award": award, "tail": tail(award.account), "bank": BANKS.get(award.bank[:3], award.bank), "notes": notes, "cooling": cooling,
            "old_tail": tail(cooling.was_account) if cooling else "", "last": last,
        })  # fmt: skip
    return rows


def history_of(household_id: int) -> list[dict[str, Any]]:
    """What happened to the accounts of a household and its members, newest first: changes, returns, registrations."""
    made: list[dict[str, Any]] = []

    def add(at: datetime, title: str, who: str, note: str) -> None:
        made.append({"at": at, "title": title, "who": who, "note": note})

    changes = PayeeChange.objects.filter(award__household=household_id).select_related("award", "proposed_by", "decided_by", "lifted_by").order_by("-id")
    for change in changes[:MOST]:
        words = {
            "programme": change.award.get_programme_display(), "was": change.was_name, "name": change.name, "kind": change.get_kind_display(),  # type: ignore[attr-defined]
            "tail": tail(change.account),
        }  # fmt: skip
        add(change.proposed_at, _("提出：%(programme)s由%(was)s改付%(name)s（%(kind)s，%(tail)s）") % words, change.proposed_by.name, change.basis)
        if change.decided_at is not None and change.decided_by is not None:
            title = _("已确认，自 %(day)s 起启用") % {"day": change.usable_from} if change.state == "confirmed" else _("已退回")
            add(change.decided_at, title, change.decided_by.name, change.note)
        if change.lifted_at is not None and change.lifted_by is not None:
            add(change.lifted_at, _("提前启用新账户"), change.lifted_by.name, change.lifted_reason)
    returns = BankReturn.objects.filter(household_id=household_id, amount__gt=0).select_related("repair", "corrected_by", "confirmed_by")
    for row in returns.order_by("-id")[:MOST]:
        said = {"month": ui.month(row.month_entitled), "amount": ui.money(row.amount), "tail": tail(row.account)}
        add(timezone.make_aware(datetime.combine(row.repair.since, time())), _("退票：%(month)s %(amount)s 元（%(tail)s）") % said, "", row.reason)
        if row.confirmed_at is not None:
            add(row.confirmed_at, _("退票账户已更正（%(tail)s）") % {"tail": tail(row.new_account)}, f"{row.corrected_by}、{row.confirmed_by}", row.correction_note)
    made += _registered(household_id)
    return sorted(made, key=lambda item: item["at"], reverse=True)[:MOST]


def _registered(household_id: int) -> list[dict[str, Any]]:
    """Accounts entered on the pages of the members, out of the row history."""
    people = dict(Membership.objects.filter(household=household_id).values_list("person_id", "person__name"))
    with connection.cursor() as cursor:
        cursor.execute(
            "select * from (select e.pgh_created_at, e.pgh_obj_id, e.account, lag(e.account) over (partition by e.pgh_obj_id order by e.pgh_id) as was,"
            " e.account_id as who from registry_personhistoryevent e"
            " where e.pgh_obj_id = any(%s)) x where account is distinct from was and account is not null order by 1 desc limit %s",
            [list(people), MOST],
        )
        found = cursor.fetchall()
    names = dict(Account.objects.filter(pk__in=[row[4] for row in found if row[4]]).values_list("pk", "name"))
    return [
        {"at": at, "title": _("人员页登记 %(name)s 的账户（%(tail)s）") % {"name": people[pk], "tail": tail(account)}, "who": names.get(who or 0, ""), "note": ""}
        for at, pk, account, _was, who in found
    ]
