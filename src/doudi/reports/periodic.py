"""What reports does every day."""

from django.utils.translation import gettext_lazy as _

from doudi.core import periodic
from doudi.reports import clause_counts, services

periodic.daily("reports.count", _("月度统计"), services.nightly, level=6, acts=["reports.count"], figures={"figures": _("统计数")})
periodic.daily("reports.measures", _("八项举措统计"), clause_counts.nightly, level=6, acts=["reports.count"], figures={"figures": _("统计数")})
periodic.daily("reports.measures_above", _("八项举措统计（市、省本级）"), clause_counts.nightly, acts=["reports.count"], figures={"figures": _("统计数")})
