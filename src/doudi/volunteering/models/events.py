"""What happened to organisations, volunteers and activities."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from doudi.core.fields import AreaModel, CodeField
from doudi.core.models import Account
from doudi.volunteering.models.activities import Activity
from doudi.volunteering.models.organisations import Organisation
from doudi.volunteering.models.volunteers import Volunteer


class VolunteeringEvent(AreaModel):
    """Who did what when, and why (办理记录), of one organisation, volunteer or activity. Rows are the history."""

    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="events")
    volunteer = models.ForeignKey(Volunteer, models.PROTECT, null=True, related_name="events")
    activity = models.ForeignKey(Activity, models.PROTECT, null=True, related_name="events")
    at = models.DateTimeField()
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", help_text="null: themselves, or the machine")
    what = CodeField(max_length=24)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="volunteering_event_of_one",
                condition=Q(organisation__isnull=False, volunteer__isnull=True, activity__isnull=True)
                | Q(organisation__isnull=True, volunteer__isnull=False, activity__isnull=True)
                | Q(organisation__isnull=True, volunteer__isnull=True, activity__isnull=False),
            ),
        ]
