"""Which payee and account count on a day, in SQL for payrolls: the newest confirmed change of each award, its cooling time (冷静期) and its dates."""

from __future__ import annotations

# `waits`: the one before is paid until the change may be used; `was_over`: that one cannot receive; `is_over`: the basis of who receives has ended.
# Needs %(day)s, %(low)s, %(high)s.
TURNED = """
  select distinct on (c.award_id) c.award_id, c.name, c.account, c.lifted_at is null and c.usable_from > %(day)s as waits, c.was_person_id, c.was_name, c.was_account,
         c.was_bank, c.old_closed or coalesce(c.was_until < %(day)s, false) as was_over, coalesce(c.valid_until < %(day)s, false) as is_over
  from doudi.enrolment_payeechange c where c.state = 'confirmed' and c.area >= %(low)s and c.area < %(high)s
  order by c.award_id, c.decided_at desc, c.id desc
"""
# of an award `a` and its change `c`: after a returned line was corrected another account counts, and the change does not wait any more
STANDS = "c.award_id = a.id and (c.account = a.account or not c.waits and c.name = a.payee_name)"
