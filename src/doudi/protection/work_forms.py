"""Forms of the work on a case: assessment, plan, contacts, meetings, counselling, resources."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.core.forms import DayInput
from doudi.core.templatetags import ui
from doudi.discovery.models.visits import Living, Visit
from doudi.protection import instrument
from doudi.protection.forms import NOTHING, MomentField, OnceForm
from doudi.protection.models import CaseContact, CaseResource, CaseReview, Counselling, PlanGoal, PlanService, ProtectionCase


def _text(label: Any, most: int, rows: int = 3, **kwargs: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=most, widget=forms.Textarea(attrs={"rows": rows}), **kwargs)


class AssessForm(OnceForm):
    """The questions of the current form, then the level where it is to be higher, and why."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    level = forms.ChoiceField(label=_("风险等级"), required=False, choices=[("", _("按评估结果")), *ProtectionCase.Level.choices], help_text=_("可以调高，不能调低"))
    reason = _text(_("调高的原因"), 1000, 2, required=False)
    remarks = _text(_("其他情况"), 4000, 3, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for question in instrument.CURRENT.questions:
            choices = [(answer.code, answer.label) for answer in question.answers]
            self.fields[question.code] = forms.ChoiceField(label=str(question.label), choices=choices, widget=forms.RadioSelect)

    def groups(self) -> list[tuple[Any, list[Any]]]:
        """Questions by their group, for the page."""
        found: dict[str, tuple[Any, list[Any]]] = {}
        for question in instrument.CURRENT.questions:
            found.setdefault(str(question.group), (question.group, []))[1].append(self[question.code])
        return list(found.values())

    def answers(self) -> dict[str, str]:
        return {question.code: self.cleaned_data[question.code] for question in instrument.CURRENT.questions}


class ContactForm(OnceForm):
    """One contact as it was made, short enough for a phone at the door."""

    how = forms.ChoiceField(label=_("方式"), choices=CaseContact.How.choices, widget=forms.RadioSelect, initial="home")
    met = forms.ChoiceField(label=_("见到谁"), choices=CaseContact.Met.choices, widget=forms.RadioSelect)
    safe = forms.ChoiceField(label=_("孩子是否安全"), choices=CaseContact.Safe.choices, widget=forms.RadioSelect, required=False)
    note = _text(_("情况"), 4000, 4, help_text=_("孩子的衣食住行、情绪、上学，照料人的情况；加密保存"))
    done_at = MomentField(label=_("时间"))
    living = forms.ChoiceField(
        label=_("这户有待办的入户走访，一并登记"), required=False, widget=forms.RadioSelect, choices=[("", _("不登记")), *Living.choices],
        help_text=_("选择这户的生活状况；孩子的情况不写入走访记录"),
    )  # fmt: skip
    visit = forms.TypedChoiceField(label=_("已登记的入户走访"), required=False, coerce=int, empty_value=None, help_text=_("选了的，以走访的时间为准，不重复走访"))

    def __init__(self, *args: Any, visits: list[Visit], owed: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if visits:
            choices = [(each.pk, f"{ui.day(each.done_at)} {each.recorder.name if each.recorder else ''}") for each in visits]
            self.fields["visit"].choices = [("", _("不关联")), *choices]  # type: ignore[attr-defined]
        else:
            del self.fields["visit"]
        if not owed:
            del self.fields["living"]


class MoveContactForm(forms.Form):
    due = forms.DateField(label=_("改到"), widget=DayInput())
    reason = forms.CharField(label=_("原因"), max_length=200)


class GoalForm(OnceForm):
    goal = _text(_("目标"), 1000, 2, help_text=_("要达到什么，如“母亲返家，恢复监护”"))
    due = forms.DateField(label=_("期限"), widget=DayInput())


class GoalEndForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput)
    state = forms.ChoiceField(label=_("结果"), choices=PlanGoal.State.choices[1:])
    note = forms.CharField(label=_("说明"), max_length=1000)


class ServiceForm(OnceForm):
    goal = forms.TypedChoiceField(label=_("服务于哪个目标"), coerce=int, choices=())
    kind = forms.ChoiceField(label=_("种类"), choices=PlanService.Kind.choices)
    what = _text(_("服务内容"), 1000, 2)
    account = forms.TypedChoiceField(label=_("责任人"), coerce=int, empty_value=None, required=False, choices=())
    provider = forms.CharField(label=_("提供服务的单位"), max_length=100, required=False, help_text=_("不是本系统人员办理的填写"))
    due = forms.DateField(label=_("期限"), widget=DayInput())

    def __init__(self, *args: Any, goals: list[tuple[int, str]], workers: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["goal"].choices = goals  # type: ignore[attr-defined]
        self.fields["account"].choices = [*NOTHING, *workers]  # type: ignore[attr-defined]


class ProgressForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput)
    state = forms.ChoiceField(label=_("状态"), choices=PlanService.State.choices)
    progress = forms.CharField(label=_("进展"), max_length=2000)


class ReviewForm(OnceForm):
    at = MomentField(label=_("会商时间"))
    place = forms.CharField(label=_("地点"), max_length=100, required=False)
    members = _text(_("参加人员"), 2000, 4, help_text=_("一行一人：姓名和单位"))
    agenda = _text(_("议题"), 2000, 2, required=False)


class MinutesForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput)
    members = _text(_("到会人员"), 2000, 4)
    minutes = _text(_("会商记录"), 4000, 5)
    resolution = forms.ChoiceField(label=_("结论"), choices=CaseReview.Resolution.choices)
    resolved = _text(_("议定事项"), 4000, 3, required=False, help_text=_("一行一项：做什么、谁来做、何时完成"))


class CancelReviewForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(label=_("取消的原因"), max_length=200)


class CounsellingForm(OnceForm):
    on = forms.DateField(label=_("日期"), widget=DayInput(), initial=timezone.localdate)
    minutes = forms.IntegerField(label=_("时长（分钟）"), min_value=1, max_value=480, initial=45)
    counsellor = forms.CharField(label=_("疏导人员"), max_length=60)
    how = forms.ChoiceField(label=_("方式"), choices=Counselling.How.choices)
    mood = forms.ChoiceField(label=_("情绪状态"), choices=Counselling.Mood.choices)
    topic = _text(_("疏导内容"), 4000, 3)
    advice = _text(_("建议"), 4000, 2, required=False)
    next_on = forms.DateField(label=_("下次日期"), widget=DayInput(), required=False)


class ResourceForm(OnceForm):
    kind = forms.ChoiceField(label=_("种类"), choices=CaseResource.Kind.choices)
    provider = forms.CharField(label=_("单位或个人"), max_length=100)
    what = _text(_("提供什么"), 2000, 2)
    contact = forms.CharField(label=_("联系方式"), max_length=200, required=False, help_text=_("加密保存"))
    starts = forms.DateField(label=_("自"), widget=DayInput(), initial=timezone.localdate)


class ResourceEndForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput)
    ends = forms.DateField(label=_("结束日期"), widget=DayInput(), initial=timezone.localdate)
    result = forms.CharField(label=_("结果"), max_length=1000)
