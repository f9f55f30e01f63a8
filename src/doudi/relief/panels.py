"""What relief adds to other rooms' pages, and what an emergency switches."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from doudi.core import attachable, emergencies, panels
from doudi.relief import queries, rules
from doudi.relief.models import ReliefCase, VagrantCase

attachable.add("vagrant", model=VagrantCase, view="vagrants.view", change="vagrants.record")
attachable.add("relief_case", model=ReliefCase, view="relief.view", change="relief.apply")
panels.add("household", _("临时救助"), queries.household_panel, "relief/_household.html", act="relief.view", order=36, there=queries.of_household)
panels.action(
    "household", _("临时救助"), lambda request, household: f"{reverse('relief:new')}?household={household.pk}", act="relief.apply", order=60
)
panels.action(
    "lead", _("先行救助"), lambda request, lead: f"{reverse('relief:first')}?lead={lead.pk}" if lead.closed_at is None else None, act="relief.grant",
    order=20,
)  # fmt: skip
panels.action(
    "lead", _("申请临时救助"), lambda request, lead: f"{reverse('relief:new')}?lead={lead.pk}" if lead.closed_at is None else None, act="relief.apply",
    order=21,
)  # fmt: skip
panels.action(
    "reserve_payout",
    _("查看救助"),
    lambda request, payout: reverse("relief:case", args=[payout.grant.cause]) if payout.grant.programme == "temporary" else None,
    act="relief.view",
)
panels.action(
    "person", _("照料护理协议"), lambda request, person: reverse("relief:care", args=[person.pk]) if queries.on_tekun(person.pk) else None,
    act="tekun.care", order=70,
)  # fmt: skip
panels.action(
    "person", _("申请丧葬费"),
    lambda request, person: reverse("relief:funeral_new", args=[person.pk]) if person.died_on and queries.on_tekun(person.pk) else None,
    act="tekun.funeral", order=71,
)  # fmt: skip
panels.dashboard(_("临时救助"), queries.dashboard_card, "relief/_dashboard.html", act="relief.view", order=25, bare=True, wide=True)
emergencies.effects.add("relief.first", _("临时救助"), rules.emergency_effect, url_name="relief:cases", act="relief.view")
