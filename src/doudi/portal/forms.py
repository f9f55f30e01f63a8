"""Forms of the public pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from doudi.core.forms import FilesField, ManyFiles
from doudi.core.public import PublicForm
from doudi.discovery.models import Need
from doudi.portal.places import Place
from doudi.portal.services.reports import HOW_SOON, Told

LAST = ("website", "answer", "sealed")


def guards_last(form: PublicForm) -> None:
    form.order_fields([*[name for name in form.fields if name not in LAST], *LAST])


class Photos(ManyFiles):
    """Photos only, from the camera where there is one."""

    def __init__(self, accept: str = "image/jpeg,image/png,image/webp") -> None:
        super().__init__(attrs={"accept": accept, "multiple": True})


class ReportForm(PublicForm):
    """About somebody in difficulty. `place`: the county, township or village that was chosen before."""

    area = forms.ChoiceField(label=_("在哪个村（社区）"), choices=())
    address = forms.CharField(label=_("在哪里找得到他（她）"), max_length=300, required=False, help_text=_("村组、小区、门牌，或附近的标志"))
    need = forms.ChoiceField(label=_("哪方面有困难"), choices=Need.choices, widget=forms.RadioSelect)
    how_soon = forms.ChoiceField(label=_("有多急"), choices=[(code, words) for code, (words, _urgency) in HOW_SOON.items()], widget=forms.RadioSelect)
    what = forms.CharField(label=_("您看到、听到的情况"), max_length=2000, widget=forms.Textarea(attrs={"rows": 4}), help_text=_("例如：老人独自在家，两天没有生火做饭"))
    name = forms.CharField(label=_("他（她）的姓名"), max_length=60, required=False, help_text=_("不知道可以不填"))
    phone = forms.CharField(label=_("他（她）的电话"), max_length=30, required=False, widget=forms.TextInput(attrs={"inputmode": "tel"}), help_text=_("不知道可以不填"))
    photos = FilesField(label=_("照片"), required=False, widget=Photos(), help_text=_("最多 3 张，每张不超过 8 MB；拍房屋、环境即可，不必拍人脸"))
    reporter = forms.CharField(label=_("您的姓名"), max_length=60, required=False, help_text=_("可以不留；为您保密，只有办理人员能看到"))
    reporter_phone = forms.CharField(
        label=_("您的电话"), max_length=30, required=False, widget=forms.TextInput(attrs={"inputmode": "tel"}), help_text=_("可以不留；留下便于找不到人时问您")
    )

    def __init__(self, *args: Any, place: Place, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        below = place.below if len(place.code) == 9 else []
        self.fields["area"].choices = [(place.code, _("不清楚")), *below] if below else [(place.code, place.name)]  # type: ignore[attr-defined]
        if not below:
            self.fields["area"].widget = forms.HiddenInput()
            self.initial["area"] = place.code
        guards_last(self)

    def told(self) -> Told:
        given = self.cleaned_data
        return Told(**{name: given[name] for name in ("need", "how_soon", "what", "name", "phone", "address", "reporter", "reporter_phone")})
