"""What reports does every day."""

from django.utils.translation import gettext_lazy as _

from doudi.core import periodic
from doudi.reports import services

periodic.daily("reports.count", _("月度统计"), services.nightly, level=6, acts=["reports.count"], figures={"figures": _("统计数")})
