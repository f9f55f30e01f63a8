"""Daily jobs of the registry."""

from django.utils.translation import gettext_lazy as _

from doudi.core import periodic
from doudi.registry.services import escalate_moves

periodic.daily(
    "registry.moves", _("督办逾期的家庭转出申请"), escalate_moves, acts=["registry.escalate_moves"],
    figures={"county": _("转出地县级"), "above": _("共同上级")},
)  # fmt: skip
