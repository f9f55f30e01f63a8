"""Forms of enrolment."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.assessment import services as assessing
from doudi.assessment.models import Assessment
from doudi.assessment.outputs import PERSON_PROGRAMMES
from doudi.core.forms import DayInput, MonthField
from doudi.enrolment.drafts import granted
from doudi.enrolment.services.grounds import Ground
from doudi.registry.models import Programme


class MonthForm(forms.Form):
    """One month."""

    month = MonthField(label=gettext_lazy("月份"))


class NoteForm(forms.Form):
    """A reason or an opinion, with the version of the page that was read."""

    note = forms.CharField(label=gettext_lazy("意见"), max_length=400, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    version = forms.IntegerField(widget=forms.HiddenInput())


class StopForm(forms.Form):
    ground = forms.ChoiceField(label=gettext_lazy("停发原因"), choices=[("", gettext_lazy("请选择")), *Ground.choices])
    from_month = MonthField(label=gettext_lazy("自何月起停发"))
    reason = forms.CharField(label=gettext_lazy("停发理由"), max_length=400)


class ReasonForm(forms.Form):
    reason = forms.CharField(label=gettext_lazy("理由"), max_length=400)


class ProposalForm(forms.Form):
    """A proposal from an assessment: what the law gives is chosen by one radio; what it does not give needs amount and reason."""

    what = forms.ChoiceField(label=gettext_lazy("项目"), widget=forms.RadioSelect)
    payee = forms.TypedChoiceField(label=gettext_lazy("领款人"), required=False, coerce=int, empty_value=None)
    amount = forms.DecimalField(
        label=gettext_lazy("金额（元/月）"), required=False, min_value=Decimal("0.01"), max_digits=10, decimal_places=2,
        help_text=gettext_lazy("留空按测算结果；与测算不一致时须填写理由。"),
    )  # fmt: skip
    refuse = forms.BooleanField(label=gettext_lazy("不予确认"), required=False)
    reason = forms.CharField(label=gettext_lazy("理由"), required=False, max_length=400, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, assessment: Assessment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ids = assessment.facts["person_ids"]
        names = dict(zip(ids, assessing.member_names(assessment), strict=True))
        self.fields["payee"].choices = [("", _("由系统按户主、成年成员依次确定")), *((i, names[i]) for i in ids)]  # type: ignore[attr-defined]
        fits, others = [], []
        for programme in Programme.values:
            label = Programme(programme).label
            found = granted(assessment.results, ids, programme)
            for given in found:
                who = f" · {names[given.person_id]}" if given.person_id else ""
                amount = f" {given.amount:,.2f}" if given.amount is not None else ""
                fits.append((f"{programme}:{given.person_id or ''}", f"{label}{who}{amount}"))
            if programme in PERSON_PROGRAMMES:
                given_to = {given.person_id for given in found}
                others += [(f"{programme}:{i}", _("%(label)s · %(name)s（测算不符合）") % {"label": label, "name": names[i]}) for i in ids if i not in given_to]
            elif not found:
                others.append((f"{programme}:", _("%(label)s（测算不符合）") % {"label": label}))
        self.fields["what"].choices = fits + others  # type: ignore[attr-defined]
        self.fits = [value for value, _label in fits]
        if len(self.fits) == 1:
            self.fields["what"].initial = self.fits[0]

    def clean_what(self) -> tuple[str, int | None]:
        programme, _sep, person = self.cleaned_data["what"].partition(":")
        return programme, int(person) if person else None


class KeepForm(forms.Form):
    """Keep an award as it is."""

    reason = forms.CharField(label=gettext_lazy("维持理由"), max_length=400, widget=forms.Textarea(attrs={"rows": 2}))
    until = forms.DateField(label=gettext_lazy("维持至"), widget=DayInput(), required=False, help_text=gettext_lazy("不填：情况再有变化时重新提示；填写：到期前不再提示（豁免）。"))


class ChangeForm(forms.Form):
    """Propose another amount, by default the law's."""

    from_month = MonthField(label=gettext_lazy("自何月起变更"))
    amount = forms.DecimalField(
        label=gettext_lazy("金额（元/月）"), required=False, min_value=Decimal("0.01"), max_digits=10, decimal_places=2,
        help_text=gettext_lazy("留空按测算结果；与测算不一致时须填写理由。"),
    )  # fmt: skip
    reason = forms.CharField(label=gettext_lazy("理由"), required=False, max_length=400)


class GradualForm(forms.Form):
    """Propose a gradual exit."""

    from_month = MonthField(label=gettext_lazy("渐退期起始月"))
    reason = forms.CharField(label=gettext_lazy("理由"), max_length=400)


class GrantForm(forms.Form):
    """Propose what the law gives in addition."""

    reason = forms.CharField(label=gettext_lazy("说明"), required=False, max_length=400)


class RaiseForm(forms.Form):
    """Propose the raised amounts of many."""

    document = forms.CharField(label=gettext_lazy("调整标准的文号"), max_length=200)
