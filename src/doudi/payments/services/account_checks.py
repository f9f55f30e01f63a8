"""Checking the accounts of a county's running awards (账户核查): missing, malformed, not of the bank, shared by households. Whole columns at a time."""

from __future__ import annotations

import io
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
from django.db import connection, transaction
from django.db.models import Count

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.plans import at_once
from doudi.enrolment.services.bank_rules import Rules, rules
from doudi.payments.models import AccountFinding
from doudi.payments.services import content
from doudi.registry.codes import BANKS

WIDEST = 28

# Running awards that pay money, with the newest confirmed change of payee.
RUNNING = """
create temporary table checked_award on commit drop as
select a.id, a.area, a.household_id, a.programme, a.payee_name, a.account, a.bank, c.kind, c.valid_until
from enrolment_award a
left join (select distinct on (award_id) award_id, kind, name, valid_until from enrolment_payeechange
           where state = 'confirmed' and area >= %(low)s and area < %(high)s order by award_id, decided_at desc, id desc) c
  on c.award_id = a.id and c.name = a.payee_name
where a.area >= %(low)s and a.area < %(high)s and not a.void and (a.ends is null or a.ends > %(on)s)
  and exists (select from enrolment_awardamount x where x.award_id = a.id)
"""
FINDINGS = """
insert into payments_accountfinding (area, award_id, household_id, programme, payee_name, account, bank, problem, households, found_at)
select a.area, a.id, a.household_id, a.programme, a.payee_name, a.account, a.bank, f.problem, f.households, %(now)s
from pg_temp.checked_award a join (
  select id, 'missing' as problem, 1 as households from pg_temp.checked_award where account is null
  union all select id, problem, 1 from pg_temp.account_problem
  union all select id, 'payee_over', 1 from pg_temp.checked_award where valid_until < %(on)s
  union all select a.id, 'shared', s.n from pg_temp.checked_award a
    -- an institution receives for all who live there
    join (select account, count(distinct household_id)::int as n from pg_temp.checked_award where kind is distinct from 'institution'
          group by account having count(distinct household_id) > 1) s on s.account = a.account and a.kind is distinct from 'institution'
) f on f.id = a.id order by a.area, a.id, f.problem
"""


def problems(numbers: pa.Array, banks: pa.Array, found: Rules) -> pa.Array:
    """What is wrong with each number at its bank, by the codes of `Rules.problem`; "" where nothing is. No Python call per number."""
    n = len(numbers)
    if not n:
        return pa.array([], pa.string())
    text = np.array(pc.fill_null(numbers, "").to_pylist(), dtype=f"U{WIDEST + 1}")
    length = np.char.str_len(text)
    codes = np.char.rjust(text, WIDEST + 1, "#").astype(f"U{WIDEST + 1}").view(np.uint32).reshape(n, WIDEST + 1)
    digit = (codes >= ord("0")) & (codes <= ord("9"))
    good = (digit.sum(axis=1) == length) & (length >= 8) & (length <= WIDEST)
    rule = np.full(n, -1)
    cards = sorted(found.cards.values(), key=lambda each: len(each.prefix))
    for at, each in enumerate(cards):
        rule[np.char.startswith(text, each.prefix)] = at
    known = rule >= 0
    card = good & (known | np.char.startswith(text, "62") & (length >= 16) & (length <= 19))
    values = np.where(digit, codes - ord("0"), 0).astype(np.int64)[:, ::-1]
    values[:, 1::2] *= 2
    values[values > 9] -= 9
    bank = np.array(pc.utf8_slice_codeunits(pc.fill_null(banks, ""), 0, 3).to_pylist(), dtype="U3")
    out: npt.NDArray[np.str_] = np.full(n, "", dtype="U12")
    passbook = good & ~card
    for code, forms in found.passbooks.items():
        here = passbook & (bank == code)
        fits = np.zeros(n, bool)
        for form in forms:
            fits |= (length >= form.least) & (length <= form.most) & np.char.startswith(text, form.prefix)
        out[here & ~fits] = "passbook"
    if cards:
        owner = np.array([each.bank for each in cards])[rule]
        least, most = (np.array([getattr(each, side) for each in cards])[rule] for side in ("least", "most"))
        out[card & known & np.isin(bank, list(BANKS)) & (owner != bank)] = "bank"
        out[card & (values.sum(axis=1) % 10 != 0)] = "check"
        out[card & known & ((length < least) | (length > most))] = "length"
    else:
        out[card & (values.sum(axis=1) % 10 != 0)] = "check"
    out[~good] = "form"
    return pa.array(out.tolist(), pa.string())


@transaction.atomic
def check_accounts(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Check all running awards of an area anew and keep what was found in the place of the last check; the number of findings by problem."""
    acting = duties.require("payments.accounts")
    if not acting.covers(area):
        raise scopes.NoScope(area)
    here = scopes.Scope(area=area)
    values: dict[str, Any] = {"low": here.low, "high": here.high, "on": on, "now": now}
    with connection.cursor() as cursor, at_once(cursor):
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('accounts ' || %s, 0))", [area])
        cursor.execute(RUNNING, values)
        cursor.execute("create temporary table account_problem (id bigint, problem text) on commit drop")
        held = io.BytesIO()
        with cursor.copy("copy (select id, account, bank from pg_temp.checked_award where account is not null order by id) to stdout") as copy:
            for piece in copy:
                held.write(piece)
        if held.tell():
            table = pcsv.read_csv(
                pa.BufferReader(held.getvalue()),
                read_options=pcsv.ReadOptions(column_names=["id", "account", "bank"]),
                parse_options=pcsv.ParseOptions(delimiter="\t", quote_char=False),
                convert_options=pcsv.ConvertOptions(column_types={"id": pa.string(), "account": pa.string(), "bank": pa.string()}),
            ).combine_chunks()
            code = problems(content.opened(table["account"]), content._strings(table["bank"]), rules())
            wrong = pc.not_equal(code, "")
            rows = pc.binary_join_element_wise(pc.filter(content._strings(table["id"]), wrong), pc.filter(code, wrong), "\t")
            if len(rows):
                with cursor.copy("copy pg_temp.account_problem from stdin") as copy:
                    copy.write(content._joined(rows))
        cursor.execute("delete from payments_accountfinding where area >= %(low)s and area < %(high)s", values)
        cursor.execute(FINDINGS, values)
        cursor.execute("drop table pg_temp.checked_award; drop table pg_temp.account_problem")
    scopes.check_constraints()
    rows_ = AccountFinding.objects.filter(area__gte=here.low, area__lt=here.high).values_list("problem").annotate(n=Count("id")).order_by("problem")
    return dict(rows_)
