"""Messages that enrolment sends."""

from django.utils.translation import gettext_lazy as _

from doudi.core.messaging import Template, templates

templates.add(
    Template(
        "case.visited", _("登记为入户调查人员"), to="staff", zh="您被登记为申请 {number} 的入户调查人员（{day}）；如与事实不符，请联系乡镇经办人更正。",
        en="You were put down as taking part in the household visit of application {number} on {day}; if that is wrong, tell the township officer.",
    )
)  # fmt: skip
