"""PostgreSQL holds NaN for a number above all others, so that `amount > 0` lets it pass: no line and no grant is of such an amount. Lines of before are
not read through for it: their sums were held against the ledger, where it does not balance."""

from django.db import migrations

NUMBERS = """
alter table payments_payrollline add constraint payroll_line_number check (amount < 'NaN') not valid;
alter table payments_grant add constraint grant_number check (amount < 'NaN');
"""
NUMBERS_OFF = """
alter table payments_payrollline drop constraint payroll_line_number;
alter table payments_grant drop constraint grant_number;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0030_drafts_emptied")]
    operations = [migrations.RunSQL(NUMBERS, NUMBERS_OFF)]
