"""Clauses that institutions serve."""

from __future__ import annotations

from django.utils.translation import gettext as _

from doudi.core import measures
from doudi.institutions.models import TaskGroup


def groups() -> tuple[object, str]:
    """6.2: task groups that run."""
    return TaskGroup.objects.filter(ended_at__isnull=True).count(), _("个专项工作组运行中")


measures.serve("6.2", "institutions:groups", act="group.view", figure=groups)
