"""Forms of the task group."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.core import emergencies, places
from doudi.core.forms import DayInput, MomentInput
from doudi.institutions.models import GroupMember, GroupShift
from doudi.institutions.models.group import Department
from doudi.institutions.services.group import ROSTER_DAYS, Decided, Seat

LINES = 4  # actions that one form of minutes takes; more are added on the group's page


class GroupForm(forms.Form):
    key = forms.UUIDField(widget=forms.HiddenInput)
    title = forms.CharField(label=_("名称"), max_length=80)
    emergency = forms.TypedChoiceField(label=_("为哪一应急状态设立"), coerce=int, empty_value=None, required=False, choices=())
    document = forms.CharField(label=_("成立文件"), max_length=200, help_text=_("文号或标题"))
    led_by = forms.CharField(label=_("政府牵头负责人"), max_length=80, help_text=_("姓名和职务"))
    phone = forms.CharField(label=_("专班值班电话"), max_length=20)
    rhythm = forms.CharField(label=_("调度会时间地点"), max_length=80, required=False, help_text=_("如每天 16:00，政府 203 会议室"))
    starts = forms.DateField(label=_("成立日期"), widget=DayInput())

    def __init__(self, *args: Any, area: str, **kwargs: Any) -> None:
        kwargs["initial"] = {
            "key": uuid4(), "title": f"{places.name(area)}民政服务机构联防联控专项工作组", "starts": timezone.localdate(), **kwargs.get("initial", {}),
        }  # fmt: skip
        super().__init__(*args, **kwargs)
        rows = emergencies.touching(area, timezone.localdate())
        self.fields["emergency"].choices = [("", _("常设，不因某一应急状态")), *((row.pk, row.title) for row in rows)]  # type: ignore[attr-defined]
        if rows and not args:
            self.initial["emergency"] = rows[-1].pk


class ChangeForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput)
    title = forms.CharField(label=_("名称"), max_length=80)
    document = forms.CharField(label=_("成立文件"), max_length=200)
    led_by = forms.CharField(label=_("政府牵头负责人"), max_length=80)
    phone = forms.CharField(label=_("专班值班电话"), max_length=20)
    rhythm = forms.CharField(label=_("调度会时间地点"), max_length=80, required=False)


class MemberForm(forms.Form):
    department = forms.ChoiceField(label=_("成员单位类别"), choices=Department.choices)
    unit = forms.CharField(label=_("单位全称"), max_length=60)
    name = forms.CharField(label=_("姓名"), max_length=60)
    role = forms.ChoiceField(label=_("组内职务"), choices=GroupMember.Role.choices, initial=GroupMember.Role.MEMBER)
    post = forms.CharField(label=_("单位职务"), max_length=40, required=False)
    phone = forms.CharField(label=_("手机"), max_length=20)
    account = forms.TypedChoiceField(
        label=_("系统账号"), coerce=int, empty_value=None, required=False, choices=(), help_text=_("没有账号的只作联系人，由交办人员代为登记签收")
    )

    def __init__(self, *args: Any, accounts: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].choices = [("", _("没有账号，只作联系人")), *accounts]  # type: ignore[attr-defined]

    def seat(self) -> Seat:
        given = self.cleaned_data
        return Seat(given["department"], given["unit"], given["name"], given["phone"], given["role"], given["post"], given["account"])


class RosterForm(forms.Form):
    starts = forms.DateField(label=_("从哪天起"), widget=DayInput())
    days = forms.IntegerField(label=_("排多少天"), min_value=1, max_value=ROSTER_DAYS, initial=14)
    slot = forms.ChoiceField(label=_("班次"), choices=GroupShift.Slot.choices)
    members = forms.TypedMultipleChoiceField(label=_("轮值人员（每天一人，按名单顺序轮流）"), coerce=int, choices=(), widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, members: list[tuple[int, str]], **kwargs: Any) -> None:
        kwargs["initial"] = {"starts": timezone.localdate(), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        self.fields["members"].choices = members  # type: ignore[attr-defined]


class ActionForm(forms.Form):
    key = forms.UUIDField(widget=forms.HiddenInput)
    what = forms.CharField(label=_("议定事项"), max_length=200)
    member = forms.TypedChoiceField(label=_("负责人"), coerce=int, choices=())
    due = forms.DateField(label=_("办结期限"), widget=DayInput())

    def __init__(self, *args: Any, members: list[tuple[int, str]], **kwargs: Any) -> None:
        kwargs["initial"] = {"key": uuid4(), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        self.fields["member"].choices = members  # type: ignore[attr-defined]

    def decided(self) -> Decided:
        given = self.cleaned_data
        return Decided(given["key"], given["member"], given["what"], given["due"])


class MeetingForm(forms.Form):
    """Minutes with up to `LINES` things decided; empty lines are left out, half-filled ones are told."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    subject = forms.CharField(label=_("议题"), max_length=120)
    held_at = forms.DateTimeField(label=_("开会时间"), widget=MomentInput())
    place = forms.CharField(label=_("地点"), max_length=80)
    chaired_by = forms.CharField(label=_("主持人"), max_length=60)
    present = forms.CharField(label=_("出席人员"), max_length=400)
    minutes = forms.CharField(label=_("会议纪要"), max_length=8000, widget=forms.Textarea(attrs={"rows": 8}), help_text=_("加密保存；保存后不能修改，更正请写入下次纪要"))

    def __init__(self, *args: Any, members: list[tuple[int, str]], **kwargs: Any) -> None:
        kwargs["initial"] = {"key": uuid4(), "held_at": timezone.localtime(), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        self.lines = []
        for number in range(LINES):
            self.fields[f"what{number}"] = forms.CharField(label=_("议定事项 %(n)s") % {"n": number + 1}, max_length=200, required=False)
            self.fields[f"member{number}"] = forms.TypedChoiceField(label=_("负责人"), coerce=int, empty_value=None, required=False, choices=[("", "—"), *members])
            self.fields[f"due{number}"] = forms.DateField(label=_("办结期限"), widget=DayInput(), required=False)
            self.lines.append([f"what{number}", f"member{number}", f"due{number}"])

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        for names in self.lines:
            filled = [bool(given.get(name)) for name in names]
            if any(filled) and not all(filled) and not any(name in self.errors for name in names):
                self.add_error(names[filled.index(False)], _("议定事项、负责人和期限要填全。"))
        return given

    def rows(self) -> list[list[forms.BoundField]]:
        return [[self[name] for name in names] for names in self.lines]

    def decided(self) -> list[Decided]:
        given, key = self.cleaned_data, self.cleaned_data["key"]
        return [
            Decided(UUID(int=(key.int + number + 1) % 2**128), given[f"member{number}"], given[f"what{number}"], given[f"due{number}"])
            for number in range(LINES)
            if given.get(f"what{number}")
        ]

    def meeting(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("key", "subject", "held_at", "place", "chaired_by", "present", "minutes")}
