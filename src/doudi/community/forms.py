"""Forms of community care. They read; services check."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from doudi.community.models import CareContact
from doudi.community.models.groups import OWN_FACTS
from doudi.core import places
from doudi.core import scope as scopes
from doudi.core.forms import DayInput
from doudi.registry.models import Programme


def own_areas(*, least: int = 9) -> list[tuple[str, str]]:
    """The reader's own division and those directly below, from a level on."""
    area = scopes.current().area
    own = [(area, places.name(area))] if len(area) >= least else []
    return own + (places.children(area) if len(area) < 12 else [])


class GroupForm(forms.Form):
    group = forms.ChoiceField(label=_("类别"))
    reason = forms.CharField(label=_("理由"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, groups: list[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["group"].choices = groups  # type: ignore[attr-defined]


class OutForm(GroupForm):
    version = forms.IntegerField(widget=forms.HiddenInput)


class AssignForm(forms.Form):
    """Who looks after one person; nobody needs a reason."""

    contact = forms.ChoiceField(label=_("帮扶责任人"), required=False)
    reason = forms.CharField(label=_("说明"), max_length=500, required=False, help_text=_("不再由任何人帮扶时必填"))
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, contacts: list[tuple[int, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["contact"].choices = [("", _("暂无")), *contacts]  # type: ignore[attr-defined]


class ContactForm(forms.Form):
    area = forms.ChoiceField(label=_("服务范围"))
    name = forms.CharField(label=_("姓名"), max_length=60)
    kind = forms.ChoiceField(label=_("身份"), choices=CareContact.Kind.choices)
    phone = forms.CharField(label=_("联系电话"), max_length=30, help_text=_("印在明白卡上，请本人同意"))
    username = forms.CharField(label=_("账号"), max_length=60, required=False, help_text=_("有本系统账号的填写，名单会出现在其工作台"))
    most = forms.IntegerField(label=_("最多帮扶人数"), required=False, min_value=1, max_value=500, help_text=_("不填按当地统一设定"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["area"].choices = own_areas()  # type: ignore[attr-defined]


class AbsenceForm(forms.Form):
    starts = forms.DateField(label=_("离开日期"), widget=DayInput())
    ends = forms.DateField(label=_("返回日期"), widget=DayInput(), help_text=_("当天起自动恢复"))
    substitute = forms.ChoiceField(label=_("代班人"))
    reason = forms.CharField(label=_("说明"), max_length=60, required=False)

    def __init__(self, others: list[tuple[int, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["substitute"].choices = [("", _("请选择")), *others]  # type: ignore[attr-defined]


class StopForm(forms.Form):
    successor = forms.ChoiceField(label=_("由谁接替"), required=False)
    reason = forms.CharField(label=_("理由"), max_length=500)
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, others: list[tuple[int, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["successor"].choices = [("", _("暂无，列入待落实")), *others]  # type: ignore[attr-defined]


class DefinitionForm(forms.Form):
    area = forms.ChoiceField(label=_("适用地区"))
    name = forms.CharField(label=_("名称"), max_length=40)
    fact = forms.ChoiceField(label=_("登记情况"), choices=[("", _("不限")), *OWN_FACTS], required=False)
    programme = forms.ChoiceField(label=_("在享待遇"), choices=[("", _("不限")), *Programme.choices], required=False)
    age_from = forms.IntegerField(label=_("年龄自（周岁）"), required=False, min_value=0, max_value=120)
    age_to = forms.IntegerField(label=_("年龄至（周岁）"), required=False, min_value=0, max_value=120)
    starts = forms.DateField(label=_("起始日期"), widget=DayInput())
    document = forms.CharField(label=_("依据文件"), max_length=200, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["area"].choices = own_areas(least=2)  # type: ignore[attr-defined]


class EndForm(forms.Form):
    ends = forms.DateField(label=_("停用日期"), widget=DayInput())
