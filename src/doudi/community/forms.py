"""Forms of community care. They read; services check."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from doudi.community.models import CareContact, HelpCard, PlaceService, PrintRun
from doudi.community.models.groups import OWN_FACTS
from doudi.community.services.asking import KINDS
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


class ChangeForm(forms.Form):
    """What is registered of a contact; the phone is typed anew, so that the old one need not be shown."""

    name = forms.CharField(label=_("姓名"), max_length=60)
    kind = forms.ChoiceField(label=_("身份"), choices=CareContact.Kind.choices)
    phone = forms.CharField(label=_("新的联系电话"), max_length=30, required=False, help_text=_("不改的不填；改了以后，印有此人的明白卡列入重印"))
    most = forms.IntegerField(label=_("最多帮扶人数"), required=False, min_value=1, max_value=500, help_text=_("不填按当地统一设定"))
    reason = forms.CharField(label=_("变更理由"), max_length=200)
    version = forms.IntegerField(widget=forms.HiddenInput)


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


class ServiceForm(forms.Form):
    area = forms.ChoiceField(label=_("服务范围"))
    kind = forms.ChoiceField(label=_("类别"), choices=PlaceService.Kind.choices)
    name = forms.CharField(label=_("名称"), max_length=40, help_text=_("如：王村卫生室 王医生"))
    phone = forms.CharField(label=_("电话"), max_length=20, required=False, help_text=_("对外公开的号码"))
    hours = forms.CharField(label=_("服务时间"), max_length=40, required=False)
    address = forms.CharField(label=_("地址"), max_length=60, required=False)
    starts = forms.DateField(label=_("起始日期"), widget=DayInput())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["area"].choices = own_areas(least=6)  # type: ignore[attr-defined]


class PrintForm(forms.Form):
    """What of a village's cards is printed, and how."""

    uuid = forms.UUIDField(widget=forms.HiddenInput)
    which = forms.ChoiceField(label=_("打印范围"), choices=PrintRun.Which.choices[:2])
    layout = forms.ChoiceField(label=_("版式"), choices=PrintRun.Layout.choices)
    language = forms.ChoiceField(label=_("语言"), choices=[("zh-hans", _("中文")), ("en", _("English"))])


class VoidForm(forms.Form):
    reason = forms.ChoiceField(label=_("作废原因"), choices=HelpCard.Void.choices[:3])


class AskForm(forms.Form):
    """The public call for help: one choice is enough."""

    uuid = forms.UUIDField(widget=forms.HiddenInput)
    kind = forms.ChoiceField(label=_("需要哪方面的帮助"), choices=[(code, label) for code, (label, _need) in KINDS.items()], widget=forms.RadioSelect)
    urgent = forms.BooleanField(label=_("情况很急，马上要帮"), required=False)
    phone = forms.CharField(label=_("联系电话（可不填）"), max_length=30, required=False, widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "tel"}))
    words = forms.CharField(label=_("还想说的话（可不填）"), max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 2}))


class EndForm(forms.Form):
    ends = forms.DateField(label=_("停用日期"), widget=DayInput())
