"""Forms of relief."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from doudi.core import places
from doudi.core import scope as scopes
from doudi.core.forms import DayInput, SignatureField
from doudi.payments.models import Grant, ReservePayout
from doudi.registry.codes import BANKS
from doudi.relief.models import CaseMeeting, Cause, ReliefCase, ReliefHelp
from doudi.relief.services import Help, Participant, Someone

YUAN: dict[str, Any] = {"max_digits": 10, "decimal_places": 2, "min_value": Decimal("0.01")}


def split_words(line: str, most: int) -> list[str]:
    """Words of a line: blanks of any width or commas part them."""
    return line.replace("，", " ").replace(",", " ").replace("\u3000", " ").split(maxsplit=most - 1)


class AreaChoice(forms.ChoiceField):
    """The own township and its villages; for the county its townships."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label=_("急难发生地"), choices=(), **kwargs)

    def fill(self) -> None:
        area = scopes.current().area
        below = places.children(area) if len(area) < 12 else []
        own = [(area, places.name(area))] if len(area) >= 9 else []
        self.choices = [*own, *below]  # type: ignore[assignment]


class CaseForm(forms.Form):
    """Who is in need, where and why."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    area = AreaChoice()
    name = forms.CharField(label=_("姓名"), max_length=60, required=False, help_text=_("不知道的写“不详（男，约60岁）”"))
    id_number = forms.CharField(label=_("身份证号"), max_length=24, required=False, help_text=_("没有或不知道的可不填"))
    phone = forms.CharField(label=_("联系电话"), max_length=20, required=False)
    registered_place = forms.CharField(label=_("户籍地"), max_length=60, required=False, help_text=_("仅外地户籍填写，如“江苏省南京市”"))
    members = forms.TypedMultipleChoiceField(label=_("受困家庭成员"), choices=(), coerce=int, required=False, widget=forms.CheckboxSelectMultiple)
    others = forms.CharField(
        label=_("同时受困的家人"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2}), help_text=_("每行一人：姓名 身份证号")
    )
    kind = forms.ChoiceField(label=_("救助类型"), choices=ReliefCase.Kind.choices, widget=forms.RadioSelect)
    cause = forms.ChoiceField(label=_("事由"), choices=Cause.choices)
    event_on = forms.DateField(label=_("发生日期"), widget=DayInput())
    place = forms.CharField(label=_("具体地点"), max_length=120, required=False)
    facts = forms.CharField(label=_("遇到的困难"), max_length=4000, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, members: list[tuple[int, str]] | None = None, **kwargs: Any) -> None:
        kwargs["initial"] = {"key": uuid4(), "event_on": timezone.localdate(), "kind": "emergency", **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        self.fields["area"].fill()  # type: ignore[attr-defined]
        if members:
            self.fields["members"].choices = members  # type: ignore[attr-defined]
            for name in ("name", "id_number", "registered_place", "others"):
                del self.fields[name]
        else:
            del self.fields["members"]
            self.fields["name"].required = True

    def clean_phone(self) -> str:
        text = "".join(char for char in self.cleaned_data["phone"] if char not in " -")
        if text and not (text.isascii() and text.isdigit() and 7 <= len(text) <= 12):
            raise ValidationError(gettext("“联系电话”应为 7 至 12 位数字；请核对。"))
        return text

    def people(self) -> list[Someone]:
        given = self.cleaned_data
        if "members" in self.fields:
            return [Someone(person_id=pk) for pk in given["members"]]
        found = [Someone(given["name"], given["id_number"])]
        for line in given["others"].splitlines():
            words = split_words(line, 2)
            if words:
                found.append(Someone(words[0], words[1] if len(words) > 1 else ""))
        return found

    def case(self) -> dict[str, Any]:
        """What `open_case` takes."""
        given = self.cleaned_data
        return {name: given[name] for name in ("key", "area", "kind", "cause", "event_on", "place", "facts", "phone")} | {
            "people": self.people(),
            "registered_place": given.get("registered_place", ""),
        }


class ReceiptForm(forms.Form):
    """Handing over: how, to whom, and the signature."""

    means = forms.ChoiceField(label=_("发放形式"), choices=ReservePayout.Means.choices, widget=forms.RadioSelect, initial="cash")
    goods = forms.CharField(label=_("实物品名和数量"), max_length=200, required=False, help_text=_("发放实物的填写，如“棉被2床、大米20公斤”"))
    received_by = forms.CharField(label=_("领取人"), max_length=60, required=False, help_text=_("不填即本人"))
    relation = forms.ChoiceField(label=_("领取人身份"), choices=ReservePayout.Relation.choices, initial="self")
    signature = SignatureField(missing=_("签名没有保存成功；请重新签名，或拍摄签字的收据。"))


class FirstForm(CaseForm, ReceiptForm):
    """Relief first in the field: case, grant and receipt on one page."""

    amount = forms.DecimalField(label=_("金额或实物价值（元）"), **YUAN)


class HelpForm(forms.Form):
    """What a case gives: money, goods, a referral; at least one of them."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    amount = forms.DecimalField(label=_("救助金（元）"), required=False, **YUAN)
    way = forms.ChoiceField(label=_("发放方式"), choices=Grant.Way.choices, required=False, initial="reserve")
    goods_value = forms.DecimalField(label=_("实物价值（元）"), required=False, **YUAN)
    goods = forms.CharField(label=_("实物品名和数量"), max_length=200, required=False)
    referred_to = forms.CharField(label=_("转介给"), max_length=100, required=False, help_text=_("部门、慈善组织或社会工作机构"))
    referral = forms.CharField(label=_("转介事项"), max_length=200, required=False)
    checked = forms.CharField(label=_("核实情况"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    note = forms.CharField(label=_("备注"), max_length=400, required=False)

    def helps(self) -> list[Help]:
        given, found = self.cleaned_data, []
        if given["amount"]:
            found.append(Help(ReliefHelp.Kind.CASH, given["amount"], given["way"]))
        if given["goods_value"] or given["goods"]:
            found.append(Help(ReliefHelp.Kind.GOODS, given["goods_value"], Grant.Way.RESERVE, what=given["goods"]))
        if given["referred_to"] or given["referral"]:
            found.append(Help(ReliefHelp.Kind.REFERRAL, what=given["referral"], referred_to=given["referred_to"]))
        return found


class MeetingForm(HelpForm):
    """The record of a case meeting. `sittings`: meetings recorded for other cases, one of which may be chosen instead of day, place and people."""

    sitting = forms.TypedChoiceField(
        label=_("哪次会议"), required=False, coerce=UUID, empty_value=None, help_text=_("同一次会议议了几件的，每件各登记一次决议；日期、地点和参加人员沿用")
    )
    held_on = forms.DateField(label=_("会议日期"), widget=DayInput(), required=False)
    place = forms.CharField(label=_("会议地点"), max_length=100, required=False)
    participants = forms.CharField(
        label=_("参加人员"), widget=forms.Textarea(attrs={"rows": 4}), max_length=4000, required=False, help_text=_("每行一人：姓名 单位 职务；主持人写第一行，至少 3 人")
    )
    facts = forms.CharField(label=_("基本情况"), widget=forms.Textarea(attrs={"rows": 3}), max_length=4000)
    reason = forms.CharField(label=_("为什么一事一议"), widget=forms.Textarea(attrs={"rows": 2}), max_length=2000)
    opinions = forms.CharField(label=_("讨论意见"), widget=forms.Textarea(attrs={"rows": 3}), max_length=4000)
    resolution = forms.ChoiceField(label=_("决议"), choices=CaseMeeting.Resolution.choices, widget=forms.RadioSelect)
    field_order = ("sitting", "held_on", "place", "participants", "facts", "reason", "opinions", "resolution")

    def __init__(self, *args: Any, sittings: Sequence[tuple[UUID, str]] = (), **kwargs: Any) -> None:
        kwargs["initial"] = {"held_on": timezone.localdate(), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        self.fields["sitting"].choices = [("", gettext("新的会议")), *((str(key), words) for key, words in sittings)]  # type: ignore[attr-defined]
        for name in ("checked", "note"):
            del self.fields[name]

    def clean_held_on(self) -> date:
        return self.cleaned_data["held_on"] or timezone.localdate()

    def people(self) -> list[Participant]:
        found = []
        for line in self.cleaned_data["participants"].splitlines():
            words = split_words(line, 3)
            if words:
                found.append(Participant(*[*words, "", ""][:3]))
        return found


class AccountForm(forms.Form):
    """Where the money goes that a payroll pays."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    holder = forms.CharField(label=_("户名"), max_length=60)
    account = forms.CharField(label=_("收款账号"), max_length=40)
    bank = forms.ChoiceField(label=_("开户银行"), required=False, choices=[("", "—"), *BANKS.items()])
    basis = forms.CharField(label=_("依据"), max_length=200, help_text=_("如“核对本人银行卡”；不是本人账户的写明关系和委托情况"))


class WhyForm(forms.Form):
    """A reason, at a version of the case."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(label=_("理由"), max_length=400, widget=forms.Textarea(attrs={"rows": 2}))


class ExplainForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput)
    text = forms.CharField(
        label=_("补充说明"), max_length=4000, widget=forms.Textarea(attrs={"rows": 4}), help_text=_("困难经过、谁核实、怎样核实、救助理由；证明材料传在“附件”")
    )


class LookUpForm(forms.Form):
    id_number = forms.CharField(label=_("身份证号"), max_length=24)
    reason = forms.CharField(label=_("查询事由"), max_length=200, help_text=_("查询会留下记录"))
