"""Which records can have files: each room names its own.

attachable.add("household", model=Household, view="registry.view", change="registry.edit")
"""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404
from django.utils.translation import gettext as _

from doudi.core import duties


@dataclass(frozen=True)
class Kind:
    model: type[models.Model]
    view: str
    change: str
    pictures_only: bool
    settled: models.Q | None


_kinds: dict[str, Kind] = {}


def add(
    subject: str, *, model: type[models.Model], view: str, change: str, pictures_only: bool = False, settled: models.Q | None = None
) -> None:
    """Let records of `model` (which has an `area`) have files; `view` and `change` are acts of `duties.MAY`. `pictures_only`: no PDF. `settled`: records
    that were decided by their files, which nobody changes any more."""
    if view not in duties.MAY or change not in duties.MAY:
        raise KeyError(view if view not in duties.MAY else change)
    _kinds[subject] = Kind(model, view, change, pictures_only, settled)


def area_of(subject: str, subject_id: int, *, change: bool) -> str:
    """Area of the record, read under the scope. Raises Http404 for what is not there or not visible, PermissionDenied by duty."""
    kind = _kinds.get(subject)
    if kind is None:
        raise Http404
    duties.require(kind.change if change else kind.view)
    area: str | None = kind.model._default_manager.filter(pk=subject_id).values_list("area", flat=True).first()
    if area is None:
        raise Http404
    if change and _settled(kind, subject_id):
        raise PermissionDenied(_("这件事项已按现有附件办结，附件不能再增减。"))
    return area


def may_change(subject: str, subject_id: int) -> bool:
    kind = _kinds.get(subject)
    return kind is not None and duties.may(kind.change) and not _settled(kind, subject_id)


def _settled(kind: Kind, subject_id: int) -> bool:
    return kind.settled is not None and kind.model._default_manager.filter(kind.settled, pk=subject_id).exists()


def pictures_only(subject: str) -> bool:
    kind = _kinds.get(subject)
    return kind is not None and kind.pictures_only
