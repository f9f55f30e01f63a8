"""What must hold after every month, asked of the tables themselves, past the services that wrote them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection

from doudi.core import audit, places
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.payments.services import proof

# (what must not be, SQL that finds it: rows of words that say where)
NEVER: tuple[tuple[str, str], ...] = (
    (
        "同一人同一项目同一月份发放两次",
        "select area || ' ' || programme || ' ' || to_char(month_entitled, 'YYYY-MM') || ' 明细 ' || string_agg(id::text, '、') from payments_payrollline"
        " where kind = 'regular' and beneficiary is not null group by area, programme, month_entitled, beneficiary having count(*) > 1",
    ),
    (
        "发放人数与已发月份登记不符",
        "select to_char(coalesce(l.month_entitled, p.month), 'YYYY-MM') || '：明细 ' || coalesce(l.n, 0) || ' 人，登记 ' || coalesce(p.n, 0) || ' 人'"
        " from (select month_entitled, sum(members) n from payments_payrollline where kind = 'regular' group by 1) l"
        " full join (select month, count(*) n from payments_paidmonth group by 1) p on p.month = l.month_entitled where coalesce(l.n, 0) <> coalesce(p.n, 0)",
    ),
    (
        "退票未退回或重复补发",
        "select '补发明细 ' || string_agg(l.id::text, '、') from payments_payrollline l left join payments_bankreturn r on r.line_id = l.returned_line"
        " where l.kind = 'reissue' group by l.returned_line having count(*) > 1 or bool_or(r.line_id is null)",
    ),
    (
        "没有决定的待遇",
        "select '待遇 ' || a.id || '（' || a.area || '）' from enrolment_award a left join enrolment_decision d on d.id = a.decision_id"
        " where not a.void and (d.id is null or d.state <> 'approved' or d.decided_by_id is null or d.decided_by_id = d.proposed_by_id)",
    ),
    (
        "没有决定的金额",
        "select '待遇 ' || x.award_id || ' 自 ' || x.from_month from enrolment_awardamount x left join enrolment_decision d on d.id = x.decision_id"
        " where d.id is null or d.state <> 'approved'",
    ),
    (
        "发放明细没有对应的待遇或一次性补助",
        "select '明细 ' || l.id from payments_payrollline l left join enrolment_award a on a.id = l.entitlement_id left join payments_grant g on g.id = l.entitlement_id"
        " where a.id is null and g.id is null",
    ),
    (
        "去世次月仍发放本人",
        "select '明细 ' || l.id from payments_payrollline l join registry_person p on p.token = l.beneficiary"
        " where l.kind = 'regular' and l.members = 1 and p.died_on < l.month_entitled and p.died_on < l.month_paid and l.programme <> 'dibao'",
    ),
    (
        "线索无人办理",
        "select '线索 ' || l.number from discovery_lead l where l.state in ('new', 'assigned', 'contacted', 'verified', 'unreachable') and l.merged_into_id is null"
        " and l.contact_due is null and l.verify_due is null and l.retry_due is null"
        " and not exists (select from core_todo t where t.done_at is null and t.subject = 'lead' and t.subject_id = l.id)",
    ),
    (
        "线索并入了不存在或又被并入的线索",
        "select '线索 ' || l.number from discovery_lead l left join discovery_lead t on t.id = l.merged_into_id"
        " where l.merged_into_id is not null and (t.id is null or t.merged_into_id is not null)",
    ),
    (
        "已结线索没有办理记录",
        "select '线索 ' || l.number from discovery_lead l where l.state in ('helped', 'not_in_need', 'referred') and l.merged_into_id is null"
        " and not exists (select from discovery_leadevent s where s.lead_id = l.id)",
    ),
)  # fmt: skip
MOST = 10


@dataclass(frozen=True)
class State:
    """Counts that only grow, and how large the database is."""

    leads: int
    last_lead: int
    decisions: int
    lines: int
    records: int
    bytes: int


def state() -> State:
    with connection.cursor() as cursor:
        cursor.execute(
            "select (select count(*) from discovery_lead), (select coalesce(max(id), 0) from discovery_lead), (select count(*) from enrolment_decision),"
            " (select count(*) from payments_payrollline), (select count(*) from core_accessrecord), pg_database_size(current_database())"
        )
        return State(*cursor.fetchone())


def problems(*, area: str, before: State | None) -> list[str]:
    """What does not hold, each with its place; seals what is to be sealed on the way."""
    found: list[str] = []
    with scopes.acting(scopes.Scope(area=places.PROVINCE, duty=WORKER, page="doudi simulate", acts=frozenset({"payments.view"}))):
        ledger = proof.prove(area=area)
        found += [f"对账不符：{each}" for each in proof.said(ledger)[:MOST]]
        with connection.cursor() as cursor:
            for what, query in NEVER:
                cursor.execute(f"{query} limit {MOST}")
                found += [f"{what}：{where}" for (where,) in cursor.fetchall()]
            if before is not None:
                cursor.execute("select count(*) from discovery_lead where id <= %s", [before.last_lead])
                if (left := cursor.fetchone()[0]) != before.leads:
                    found.append(f"线索丢失：上月末 {before.leads} 条，现存 {left} 条")
        after = state()
        if before is not None:
            for name, label in (("decisions", "决定"), ("lines", "发放明细"), ("records", "查阅记录")):
                if getattr(after, name) < getattr(before, name):
                    found.append(f"{label}减少：上月末 {getattr(before, name)}，现存 {getattr(after, name)}")
        audit.seal_access_records(datetime.now(UTC))  # they bear the database's time, which nobody sets back
        found += [f"查阅记录：{each}" for each in audit.verify_seals().problems[:MOST]]
    return found
