"""What is approved names who approved it: without a name the second officer could be nobody. PostgreSQL holds NaN for a number above all others, so that
`amount > 0` lets it pass: no entitlement is of such an amount."""

from django.conf import settings
from django.db import migrations, models

NUMBERS = """
alter table enrolment_awardamount add constraint award_amount_number check (amount < 'NaN');
alter table enrolment_awardmember add constraint award_member_number check (share < 'NaN');
alter table enrolment_decision add constraint decision_number check (amount < 'NaN');
"""
NUMBERS_OFF = """
alter table enrolment_awardamount drop constraint award_amount_number;
alter table enrolment_awardmember drop constraint award_member_number;
alter table enrolment_decision drop constraint decision_number;
"""


class Migration(migrations.Migration):
    dependencies = [("enrolment", "0025_members_end_with_award"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(("state", "approved"), _negated=True) | models.Q(("decided_by__isnull", False)), name="decision_approved_by_somebody"
            ),
        ),
        migrations.RunSQL(NUMBERS, NUMBERS_OFF),
    ]
