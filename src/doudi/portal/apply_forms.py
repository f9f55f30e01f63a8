"""Forms of online applications: the citizen's, and the township's that takes one over."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from doudi.core.forms import FilesField
from doudi.core.models import Division
from doudi.core.public import PublicForm
from doudi.enrolment.procedure import PROCEDURES, Paper
from doudi.portal.facts import HouseholdFacts
from doudi.portal.forms import Photos, guards_last
from doudi.portal.places import Place
from doudi.portal.services.applications import PAPERS, Named, Sent
from doudi.registry.models import Household, Programme

ROWS = 7
# The words people use; the codes of GB/T 4761.
RELATIONSHIPS = [
    ("", _("请选择")), ("10", _("配偶")), ("20", _("儿子")), ("30", _("女儿")), ("51", _("父亲")), ("52", _("母亲")), ("40", _("孙辈")), ("60", _("祖辈")),
    ("70", _("兄弟姐妹")), ("28", _("女婿")), ("38", _("儿媳")), ("97", _("其他亲属")), ("99", _("非亲属")),
]  # fmt: skip
FILES = "image/jpeg,image/png,image/webp,application/pdf"


class MemberForm(forms.Form):
    """Another member of the household; empty where there is none."""

    name = forms.CharField(label=_("姓名"), max_length=60, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    id_number = forms.CharField(label=_("身份证号"), max_length=40, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    relationship = forms.ChoiceField(label=_("是您的"), choices=RELATIONSHIPS, required=False)

    @property
    def named(self) -> Named | None:
        given = self.cleaned_data
        if not given["name"].strip() and not given["id_number"].strip():
            return None
        return Named(given["name"], given["id_number"], given["relationship"])


class ApplyForm(PublicForm):
    """An application. `facts`: of the self-check, where the citizen brings them along."""

    area = forms.ChoiceField(label=_("所在乡镇（街道）"), choices=())
    address = forms.CharField(label=_("村（社区）和门牌"), max_length=300, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    name = forms.CharField(label=_("申请人姓名"), max_length=60, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    id_number = forms.CharField(label=_("申请人身份证号"), max_length=40, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    phone = forms.CharField(
        label=_("手机号"), max_length=30, widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "tel"}), help_text=_("查询进度的验证码发到这个号码")
    )
    residence = forms.ChoiceField(label=_("户口是城市还是农村"), choices=Household.Residence.choices, widget=forms.RadioSelect)
    programmes = forms.MultipleChoiceField(
        label=_("想申请哪一项"), choices=[(code, Programme(code).label) for code in PROCEDURES], widget=forms.CheckboxSelectMultiple, required=False,
        help_text=_("拿不准可以不选，由乡镇（街道）帮您判断"),
    )  # fmt: skip
    note = forms.CharField(label=_("家里的困难"), max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 3}))
    facts = forms.CharField(required=False, widget=forms.HiddenInput, max_length=8000)
    papers_identity = FilesField(label=_("身份证、户口簿照片"), required=False, widget=Photos(FILES))
    papers_disability = FilesField(label=_("残疾人证照片"), required=False, widget=Photos(FILES))
    papers_illness = FilesField(label=_("诊断书、看病票据照片"), required=False, widget=Photos(FILES))
    papers_form = FilesField(label=_("其他材料"), required=False, widget=Photos(FILES), help_text=_("一共最多 8 个文件，每个不超过 8 MB；没有可以以后补"))
    agree = forms.BooleanField(label=_("我同意民政部门核对我家的收入和财产情况（核对授权）；共同生活的成年家庭成员将另行签署授权书"))
    true = forms.BooleanField(label=_("我承诺填写的内容真实；如有变化及时告知"))

    def __init__(self, *args: Any, place: Place, facts: HouseholdFacts | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        towns = list(Division.objects.filter(parent_id=place.county, ends__isnull=True).order_by("code").values_list("code", "name"))
        self.fields["area"].choices = [("", _("请选择")), *towns]  # type: ignore[attr-defined]
        if len(place.code) >= 9:
            self.initial["area"] = place.code[:9]
        rows = min(len(facts.members) - 1, ROWS) if facts else ROWS
        self.members = [MemberForm(self.data if self.is_bound else None, prefix=f"m{at}") for at in range(1, rows + 1)]
        guards_last(self)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        for form in self.members:
            form.is_valid()
        return given

    def sent(self, facts: HouseholdFacts | None) -> Sent:
        """What is sent; the files are read by the view. Members without a name leave no gap: the n-th row that is filled in is the n-th member."""
        given = self.cleaned_data
        return Sent(
            applicant=Named(given["name"], given["id_number"]), phone=given["phone"], residence=given["residence"], address=given["address"],
            members=[named for form in self.members if (named := form.named) is not None], programmes=given["programmes"], note=given["note"], facts=facts,
        )  # fmt: skip

    def member_errors(self, errors: dict[str, list[str]]) -> None:
        """Errors of the service at the rows that they name."""
        filled = [form for form in self.members if form.named is not None]
        for where, found in errors.items():
            at, _sign, name = where.partition("-")
            filled[int(at[1:]) - 1].add_error(name, found)  # type: ignore[arg-type]


PAPER_FIELDS = {str(paper.value): f"papers_{paper.value}" for paper in Paper if paper in PAPERS}


class RegisterForm(forms.Form):
    """The township takes an application over: which village, which programmes for whom, identity seen."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    village = forms.ChoiceField(label=_("村（社区）"), choices=())
    programmes = forms.MultipleChoiceField(label=_("申请项目"), choices=(), widget=forms.CheckboxSelectMultiple)
    together = forms.MultipleChoiceField(
        label=_("同一人的网上申请，一并办理"), choices=(), widget=forms.CheckboxSelectMultiple, required=False, help_text=_("材料一并收下，申请人凭任一编号查询")
    )
    identity_seen = forms.BooleanField(label=_("已核对申请人身份（证件、电话联系或见面）"))

    def __init__(
        self, *args: Any, area: str, wanted: list[tuple[str, str]], villages: list[tuple[str, str]], same: list[tuple[int, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if same:
            self.fields["together"].choices = same  # type: ignore[attr-defined]
        else:
            del self.fields["together"]
        self.fields["village"].choices = [("", _("请选择")), *villages]  # type: ignore[attr-defined]
        self.fields["programmes"].choices = wanted  # type: ignore[attr-defined]
        if len(area) == 12:
            self.initial["village"] = area

    def pairs(self) -> list[tuple[str, int | None]]:
        """(programme, position of the member or None)."""
        split = [value.partition(":") for value in self.cleaned_data["programmes"]]
        return [(programme, int(at) if at else None) for programme, _sign, at in split]


class DeclineForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(label=_("理由和下一步"), max_length=400, widget=forms.Textarea(attrs={"rows": 3}), help_text=_("申请人查询进度时会看到；不要写病情和他人信息"))
