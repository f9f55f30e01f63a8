"""Forms of sweeps: opening one, its end, and the form at the door that is made of its questions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from doudi.core import places
from doudi.core import scope as scopes
from doudi.core.forms import DayInput
from doudi.discovery.models import Lead, Need
from doudi.discovery.models.sweeps import Sweep, SweepQuestion
from doudi.discovery.models.visits import Group, VisitNeed
from doudi.discovery.services.sweep_answers import options_of
from doudi.discovery.services.sweeps import OwnQuestion
from doudi.discovery.sweep_catalogue import CATALOGUE, LONGEST_TEXT, NO, OWN_KINDS, YES, Kind
from doudi.discovery.team_forms import URGENCY
from doudi.discovery.visit_forms import DoorForm
from doudi.registry.forms import PlaceField, PlaceForm

OWN_ROWS = 5
YES_NO = [(YES, _("是")), (NO, _("否"))]
USUAL = ("needs", "medicine_days", "food_days", "heating", "carer", "house_safe")


class SweepForm(forms.Form):
    """A new sweep: when, where, whom, what is asked."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    title = forms.CharField(label=_("排查名称"), max_length=60, help_text=_("如：2022年入冬困难群众集中排查"))
    document = forms.CharField(label=_("依据"), max_length=200, required=False, help_text=_("文号或会议纪要"))
    starts = forms.DateField(label=_("开始日期"), widget=DayInput())
    ends = forms.DateField(label=_("截止日期"), widget=DayInput(), help_text=_("含当天"))
    places = forms.MultipleChoiceField(label=_("排查范围"), required=False, widget=forms.CheckboxSelectMultiple, help_text=_("不选为全部辖区"))
    groups = forms.MultipleChoiceField(label=_("排查对象"), required=False, choices=Group.choices, widget=forms.CheckboxSelectMultiple)
    everybody = forms.BooleanField(label=_("全部在册家庭，不论类别"), required=False)
    asked = forms.MultipleChoiceField(
        label=_("询问内容"), required=False, choices=[(code, item.label) for code, item in CATALOGUE.items()], widget=forms.CheckboxSelectMultiple,
        help_text=_("是否见到本人、生活状况每户必填"),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        today = timezone.localdate()
        kwargs["initial"] = {
            "key": uuid4(), "starts": today, "ends": today + timedelta(days=13), "asked": USUAL, **kwargs.get("initial", {})
        }  # fmt: skip
        super().__init__(*args, **kwargs)
        area = scopes.current().area
        self.fields["places"].choices = places.children(area) if len(area) in (6, 9) else []  # type: ignore[attr-defined]


class OwnForm(forms.Form):
    """One question of the campaign's own; an empty label means none."""

    label = forms.CharField(label=_("问题"), max_length=60, required=False)
    kind = forms.ChoiceField(label=_("回答方式"), choices=[(kind.value, kind.label) for kind in OWN_KINDS], required=False)
    options = forms.CharField(
        label=_("选项"), required=False, max_length=300, widget=forms.Textarea(attrs={"rows": 3}), help_text=_("单选用，每行一个")
    )
    least = forms.IntegerField(label=_("最小"), required=False, help_text=_("数字用"))
    most = forms.IntegerField(label=_("最大"), required=False, help_text=_("数字用"))
    required = forms.BooleanField(label=_("必填"), required=False)
    alarm = forms.ChoiceField(
        label=_("回答哪一项即报线索"), required=False,
        choices=[("", _("不报")), *YES_NO, *[(str(number), _("第 %(number)d 个选项") % {"number": number}) for number in range(1, 9)]],
    )  # fmt: skip
    need = forms.ChoiceField(label=_("线索的需要"), required=False, choices=[("", _("不报")), *VisitNeed.choices])

    def question(self) -> OwnQuestion | None:
        given = self.cleaned_data
        if not given.get("label"):
            return None
        return OwnQuestion(
            label=given["label"], kind=given["kind"], options=tuple(line for line in given["options"].splitlines() if line.strip()), least=given["least"],
            most=given["most"], required=given["required"], alarm=given["alarm"], need=given["need"],
        )  # fmt: skip


OwnForms = forms.formset_factory(OwnForm, extra=OWN_ROWS, max_num=OWN_ROWS, validate_max=True)


class ExtendForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput)
    ends = forms.DateField(label=_("延期至"), widget=DayInput())
    reason = forms.CharField(label=_("延期的原因"), max_length=200)


class CloseForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput)
    note = forms.CharField(label=_("办结说明"), max_length=200, required=False, help_text=_("提前办结的写明原因"))


class CancelSweepForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(label=_("取消的原因"), max_length=200)


class SettleForm(forms.Form):
    note = forms.CharField(label=_("核实结果"), max_length=200, help_text=_("如：已登记参保情况；与登记一致，无须变更"))


class GiveForm(forms.Form):
    posting = forms.TypedChoiceField(label=_("排查人"), choices=(), coerce=int, empty_value=None, required=False)

    def __init__(self, *args: Any, postings: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["posting"].choices = [("", _("由村里走访员分户排查")), *postings]  # type: ignore[attr-defined]


class AnswerForm(DoorForm):
    """The form at the door: whom the visitor met, how they live, and the sweep's questions."""

    def __init__(self, *args: Any, sweep: Sweep, paper: bool = False, **kwargs: Any) -> None:
        kwargs["initial"] = {"uuid": uuid4(), "done_on": timezone.localdate(), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        self.questions = list(sweep.questions.all())
        asked = {question.field for question in self.questions}
        for name in ("needs", "medicine_days", "health", "income"):
            if name not in asked:
                del self.fields[name]
        if not paper:
            del self.fields["done_on"]
        self.fields["done_on" if paper else "met"].required = True
        for question in self.questions:
            if question.kind != Kind.VISIT:
                self.fields[f"q{question.pk}"] = self._field(question)

    @staticmethod
    def _field(question: SweepQuestion) -> forms.Field:
        item = CATALOGUE.get(question.field)
        common: dict[str, Any] = {
            "label": (str(item.label) if item else question.label) + (gettext("（必填）") if question.required else ""), "required": False,
            "help_text": item.hint if item else "",
        }  # fmt: skip
        if question.kind == Kind.NUMBER:
            return forms.IntegerField(min_value=question.least, max_value=question.most, **common)
        if question.kind == Kind.TEXT:
            return forms.CharField(max_length=LONGEST_TEXT, **common)
        choices = YES_NO if question.kind == Kind.YESNO else options_of(question)
        return forms.ChoiceField(choices=choices, widget=forms.RadioSelect, **common)

    @property
    def asked(self) -> list[Any]:
        """Bound fields about those who were met, as the sweep puts them."""
        names = [question.field if question.kind == Kind.VISIT else f"q{question.pk}" for question in self.questions]
        return [self[name] for name in ("living", *names)]

    def answers(self) -> dict[int, Any]:
        return {question.pk: self.cleaned_data.get(f"q{question.pk}") for question in self.questions if question.kind != Kind.VISIT}


class FoundForm(PlaceForm):
    """A household that nobody knew."""

    uuid = forms.UUIDField(widget=forms.HiddenInput)
    name = forms.CharField(label=_("户主姓名"), max_length=60)
    need = forms.ChoiceField(label=_("哪一类困难"), choices=Need.choices, widget=forms.RadioSelect)
    urgency = forms.ChoiceField(label=_("急不急"), choices=URGENCY, initial=Lead.Urgency.YELLOW.value, widget=forms.RadioSelect)
    area = PlaceField(label=_("所在村（社区）"))
    phone = forms.CharField(label=_("联系电话"), max_length=30, required=False, help_text=_("没有可不填"))
    address = forms.CharField(label=_("住在哪里"), max_length=200, required=False, help_text=_("如：3 组村东头第二家"))
    detail = forms.CharField(
        label=_("情况"), max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text=_("外地来的写明从哪里来")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"uuid": uuid4(), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        area = scopes.current().area
        if len(area) == 12:
            self.fields["area"].initial = area
