"""Sections of a case's file and what each duty may do with them (5.4): one table, read by services, pages and the generated test of access."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from doudi.core.models import Duty

READ, WRITE = "read", "write"


@dataclass(frozen=True)
class Field:
    name: str
    label: str | Promise
    long: bool = False
    choices: tuple[tuple[str, str | Promise], ...] = ()


@dataclass(frozen=True)
class Section:
    code: str
    label: str | Promise
    fields: tuple[Field, ...]
    rights: dict[str, str]


YES_NO = (("yes", _("是")), ("no", _("否")), ("unknown", _("不清楚")))
SUPERVISING: dict[str, str] = {Duty.COUNTY_APPROVER: READ, Duty.SUPERVISOR: READ}

SECTIONS: dict[str, Section] = {
    section.code: section
    for section in (
        Section(
            "basic", _("基本信息"),
            (Field("address", _("现住址")), Field("contact", _("联系人和电话")), Field("language", _("沟通情况")), Field("remarks", _("其他说明"), long=True)),
            {Duty.PROTECTION_WORKER: WRITE, Duty.CHILD_SUPERVISOR: READ, Duty.CHILD_DIRECTOR: READ, Duty.STATION_WORKER: READ, **SUPERVISING},
        ),
        Section(
            "guardianship", _("监护状况"),
            (Field("guardian", _("监护人")), Field("carer", _("实际照料人")), Field("reason", _("监护缺失或不当的原因"), long=True), Field("wish", _("本人意愿"), long=True)),
            {Duty.PROTECTION_WORKER: WRITE, Duty.CHILD_SUPERVISOR: READ, Duty.CHILD_DIRECTOR: READ, **SUPERVISING},
        ),
        Section(
            "health", _("健康、心理"),
            (Field("health", _("身体状况"), long=True), Field("allergies", _("过敏和用药")), Field("disability", _("残疾情况")), Field("mind", _("心理状况"), long=True)),
            {Duty.PROTECTION_WORKER: WRITE, Duty.STATION_WORKER: READ, **SUPERVISING},
        ),
        Section(
            "school", _("学习情况"),
            (Field("school", _("就读学校、年级")), Field("attends", _("正常到校"), choices=YES_NO), Field("teacher", _("班主任和电话")), Field("needs", _("学习困难"), long=True)),
            {Duty.PROTECTION_WORKER: WRITE, Duty.CHILD_SUPERVISOR: READ, **SUPERVISING},
        ),
        Section(
            "parents", _("父母情况"),
            (Field("father", _("父亲"), long=True), Field("mother", _("母亲"), long=True), Field("relatives", _("其他亲属"), long=True)),
            {Duty.PROTECTION_WORKER: WRITE, Duty.CHILD_SUPERVISOR: READ, **SUPERVISING},
        ),
        # rows of their own, not a form
        Section(
            "visits", _("走访、回访"), (),
            {Duty.PROTECTION_WORKER: WRITE, Duty.CHILD_SUPERVISOR: WRITE, Duty.CHILD_DIRECTOR: WRITE, Duty.STATION_WORKER: READ, **SUPERVISING},
        ),
        Section(
            "assessment", _("监护状况评估"), (),
            {Duty.PROTECTION_WORKER: WRITE, Duty.CHILD_SUPERVISOR: WRITE, Duty.STATION_WORKER: READ, **SUPERVISING},
        ),
        Section(
            "plan", _("帮扶方案"), (),
            {Duty.PROTECTION_WORKER: WRITE, Duty.CHILD_SUPERVISOR: WRITE, Duty.CHILD_DIRECTOR: READ, Duty.STATION_WORKER: READ, **SUPERVISING},
        ),
        Section(
            "reviews", _("个案会商"), (),
            {Duty.PROTECTION_WORKER: WRITE, Duty.CHILD_SUPERVISOR: WRITE, Duty.STATION_WORKER: READ, **SUPERVISING},
        ),
        Section("counselling", _("心理疏导"), (), {Duty.PROTECTION_WORKER: WRITE, Duty.STATION_WORKER: WRITE, **SUPERVISING}),
        Section(
            "resources", _("资源链接"), (),
            {Duty.PROTECTION_WORKER: WRITE, Duty.CHILD_SUPERVISOR: WRITE, Duty.STATION_WORKER: WRITE, Duty.CHILD_DIRECTOR: READ, **SUPERVISING},
        ),
    )
}  # fmt: skip


def may_read(section: str, duty: str) -> bool:
    return duty in SECTIONS[section].rights


def may_write(section: str, duty: str) -> bool:
    return SECTIONS[section].rights.get(duty) == WRITE
