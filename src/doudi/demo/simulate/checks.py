"""What must hold after every month, asked of the tables themselves, past the services that wrote them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import connection

from doudi.core import audit, places
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.demo.simulate import growth
from doudi.payments.services import proof

# What is listed for recovery (多发) was noticed by the house itself: the rule lets a month be paid before anybody knew.
NOTICED = "not exists (select from payments_overpaymentline o where o.entitlement_id = l.entitlement_id and o.month_entitled = l.month_entitled)"
# subject of to-dos -> (table, what of it still waits); to-dos of other subjects close themselves with their own row
SUBJECTS = {
    "lead": ("discovery_lead", "merged_into_id is null and closed_at is null"), "decision": ("enrolment_decision", "state in ('proposed', 'sent_back')"),
    "case": ("enrolment_case", "state <> 'closed'"), "relief": ("relief_reliefcase", "state not in ('refused', 'withdrawn')"),
    "payroll": ("payments_payroll", "true"), "complaint": ("complaints_complaint", "state <> 'closed'"), "need": ("needs_need", "true"),
    "move": ("registry_moverequest", "done_at is null and refused_reason = ''"),
    "bank_return": ("payments_bankreturn", "state <> 'reissued'"), "household": ("registry_household", "true"), "person": ("registry_person", "true"),
}  # fmt: skip


def _versions(table: str, label: str) -> str:
    """Rows of a table with history whose versions are not all there, or whose last one is not the row's."""
    return (
        f"select '{label} ' || r.id || ' 第 ' || r.version || ' 版' from {table} r left join (select pgh_obj_id, count(distinct version) n, max(version) last"
        f" from {table}historyevent group by 1) h on h.pgh_obj_id = r.id where h.n is distinct from r.version::bigint or h.last is distinct from r.version"
    )


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
        "去世后的月份仍发放本人且未列入多发",
        "select '明细 ' || l.id || ' 人员 ' || p.id from payments_paidmonth m join payments_payrollline l on l.id = m.line_id and l.month_entitled = m.month"
        f" join registry_person p on p.id = m.person_id where p.died_on < m.month and {NOTICED}",
    ),
    (
        "终止后的月份仍发放且未列入多发",
        "select '明细 ' || l.id || ' 待遇 ' || a.id from payments_payrollline l join enrolment_award a on a.id = l.entitlement_id"
        f" where l.kind = 'regular' and (a.void or l.month_entitled >= a.ends or l.month_entitled < a.starts) and {NOTICED}",
    ),
    (
        "已报送的明细没有进入银行结果或资金台账",
        "select '批次 ' || p.number || '（' || p.state || '）' from payments_payroll p where p.state in ('released', 'booked') and p.amount > 0"
        " and (not exists (select from payments_ledgerentry e where e.payroll_id = p.id)"
        " or (p.state = 'booked' and not exists (select from payments_bankresult r where r.payroll_id = p.id)))",
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
    (
        "待审批的决定没有待办",
        "select '决定 ' || d.number from enrolment_decision d where d.state = 'proposed'"
        " and not exists (select from core_todo t where t.done_at is null and t.subject = 'decision' and t.subject_id = d.id)"
        " and not exists (select from enrolment_case c where c.decision_id = d.id and c.state = 'open')",  # still posted: its step has the to-do
    ),
    (
        "待办所指的事项已不存在或已办结",
        " union all ".join(
            f"select '待办 ' || t.id || ' ' || t.kind || '（{subject} ' || t.subject_id || '）' from core_todo t where t.done_at is null and t.subject = '{subject}'"
            f" and not exists (select from {table} where id = t.subject_id and {waits})"
            for subject, (table, waits) in SUBJECTS.items()
        ),
    ),
    (
        "待办没有可办的岗位",
        "select '待办 ' || min(t.id) || ' 等 ' || count(*) || ' 项：' || t.kind || ' ' || t.duty || ' ' || left(t.area, 9) from core_todo t where t.done_at is null"
        " and not exists (select from core_posting p where p.duty = t.duty and starts_with(t.area, p.area) and p.ends is null)"
        " and exists (select from core_posting p where p.duty = 'county_reviewer' and p.area = left(t.area, 6)) group by t.kind, t.duty, left(t.area, 9)",  # counties at work
    ),
    (
        "待办的接办人已不在岗",
        "select '待办 ' || t.id || ' ' || t.kind from core_todo t left join core_posting p on p.id = t.posting_id"
        " where t.done_at is null and t.posting_id is not null and (p.id is null or p.ends is not null)",
    ),
    (
        # More than ten of a kind, of the county at work: single ones lie in every office (a debtor who does not pay). Departments' files and a place's last
        # missed visit end theirs, a budget above waits for the year.
        "待办久未办结",
        "select '待办 ' || min(t.id) || ' 等 ' || count(*) || ' 项：' || t.kind || ' ' || t.duty || '，最早 ' || min(t.made_at)::date from core_todo t where t.done_at is null"
        " and coalesce(t.due, t.made_at::date) < (select max(\"on\") from core_dailyrun where name like 'simulate.%') - 180"
        " and t.kind not in ('delivery_late', 'budget.decide', 'visit.missed') and t.duty <> 'supervisor'"
        " and exists (select from core_posting p where p.duty = 'county_approver' and p.area = left(t.area, 6)) group by t.kind, t.duty having count(*) > 10",
    ),
    (
        "办理中的申请没有待办",
        "select '申请 ' || c.id || '（' || c.step || '）' from enrolment_case c where c.state = 'open'"
        " and not exists (select from core_todo t where t.done_at is null and t.subject = 'case' and t.subject_id = c.id)"
        " and not exists (select from core_todo t where t.done_at is null and t.subject = 'decision' and t.subject_id = c.decision_id)",
    ),
    (
        "办结的申请没有已审批的决定",
        "select '申请 ' || c.id from enrolment_case c left join enrolment_decision d on d.id = c.decision_id"
        " where c.state = 'closed' and c.outcome in ('granted', 'refused') and d.state is distinct from 'approved'",
    ),
    (
        "办理中的临时救助没有待办",
        "select '临时救助 ' || c.number from relief_reliefcase c where c.state in ('open', 'county', 'meeting')"
        " and not exists (select from core_todo t where t.done_at is null and t.subject = 'relief' and t.subject_id = c.id)",
    ),
    (
        "临时救助久未办结",  # ten working days by the rule; a round of the officers later somebody must have decided
        "select '临时救助 ' || c.number from relief_reliefcase c where c.state in ('open', 'county', 'meeting')"
        " and c.made_at < (select max(\"on\") from core_dailyrun where name like 'simulate.%') - interval '45 days'",
    ),
    (
        "临时救助批准金额与资金不符",
        "select '临时救助 ' || c.number from relief_reliefcase c where c.state = 'granted' and c.amount is distinct from (select coalesce(sum(g.amount), 0)"
        " from relief_reliefhelp h join payments_grant g on g.id = h.grant_id where h.case_id = c.id and not g.void)",
    ),
    (
        "备用金支出没有领款凭据",
        "select '支出 ' || o.number from payments_reservepayout o where not exists"
        " (select from core_attachment f where f.subject = 'reserve_payout' and f.subject_id = o.id and f.removed_at is null)",
    ),
    (
        "资金文件与台账不符",
        "select '文件 ' || m.document from payments_fundmovement m where m.state = 'booked' and m.kind in ('plan', 'receipt') and m.amount is distinct from"
        " (select sum(e.amount) from payments_ledgerentry e where e.movement_id = m.id and e.account = case m.kind when 'plan' then 'planned' else 'available' end)",
    ),
    (
        "需求已满足但没有确认",
        "select '需求 ' || n.number from needs_need n where n.state = 'done'"
        " and not exists (select from needs_needanswer a where a.need_id = n.id and a.state = 'done' and a.confirmed <> '')",
    ),
    ("人员的历史版本不全", _versions("registry_person", "人员")),
    ("家庭的历史版本不全", _versions("registry_household", "家庭")),
    (
        "家庭成员关系的历史不全",
        "select '成员关系 ' || m.id from registry_membership m where not exists (select from registry_membershiphistoryevent h where h.pgh_obj_id = m.id"
        " and h.household_id = m.household_id and h.person_id = m.person_id and h.relationship = m.relationship and h.ends is not distinct from m.ends)",
    ),
    (
        "没有今后三个月的发放分区",
        "select t.name || '_' || to_char(m, 'YYYYMM') from (select max(month) as month from payments_payroll) last"
        " cross join generate_series(last.month + interval '1 month', last.month + interval '3 months', interval '1 month') m"
        " cross join (values ('payments_payrollline'), ('payments_paidmonth')) t (name)"
        " where to_regclass('doudi.' || t.name || '_' || to_char(m, 'YYYYMM')) is null",
    ),
    (
        "查阅记录久未封存",
        "select '查阅记录 ' || min(r.id) || ' 等 ' || count(*) || ' 条' from core_accessrecord r where r.at < now() - interval '1 hour'"
        " and r.id > coalesce((select max(last_id) from core_accessseal), 0) having count(*) > 0",
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
    tables: growth.Sizes = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)


def state() -> State:
    with connection.cursor() as cursor:
        cursor.execute(
            "select (select count(*) from discovery_lead), (select coalesce(max(id), 0) from discovery_lead), (select count(*) from enrolment_decision),"
            " (select count(*) from payments_payrollline), (select count(*) from core_accessrecord), pg_database_size(current_database())"
        )
        leads, last_lead, decisions, lines, records, size = cursor.fetchone()
    return State(leads, last_lead, decisions, lines, records, size, tables=growth.tables(), files=growth.folders())


def problems(*, area: str, before: State | None) -> list[str]:
    """What does not hold, each with its place; seals what is to be sealed on the way."""
    found: list[str] = []
    with scopes.acting(scopes.Scope(area=places.PROVINCE, duty=WORKER, page="doudi simulate", acts=frozenset({"payments.view"}))):
        audit.seal_access_records(datetime.now(UTC))  # they bear the database's time, which nobody sets back
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
        found += [f"查阅记录：{each}" for each in audit.verify_seals().problems[:MOST]]
    return found
