"""Messages that institutions send."""

from django.utils.translation import gettext_lazy as _

from doudi.core.messaging import STAFF, Template, templates

templates.add(
    Template(
        "institution.remind",
        _("机构日报提醒"),
        to=STAFF,
        zh="{house} {day} 的日报还没有上报，请尽快填报。",
        en="{house} has not reported for {day} yet; please report soon.",
    )
)
