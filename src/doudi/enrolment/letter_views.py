"""Pages of letters: which decisions have theirs, PDF or print page of many at once; certificates and the public check."""

from __future__ import annotations

import django_filters
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from doudi.core import letters as pdf
from doudi.core import places
from doudi.core.forms import DayInput
from doudi.core.lists import AreaFilter, PrefixFilter, page_of
from doudi.core.views.access import may
from doudi.enrolment import services
from doudi.enrolment.models import Award, Certificate, Decision, Letter
from doudi.registry.models import Programme

BATCH = 100


class LetterFilter(django_filters.FilterSet):
    name = PrefixFilter(field_name="household__name", label=gettext_lazy("户主姓名"))
    programme = django_filters.ChoiceFilter(label=gettext_lazy("项目"), choices=Programme.choices)
    kind = django_filters.ChoiceFilter(label=gettext_lazy("类型"), choices=Decision.Kind.choices)
    area = AreaFilter(label=gettext_lazy("地区"))
    since = django_filters.DateFilter(label=gettext_lazy("确认日期自"), field_name="decided_at", lookup_expr="date__gte", widget=DayInput())
    made = django_filters.ChoiceFilter(
        label=gettext_lazy("告知书"), method="by_made", choices=[("no", gettext_lazy("未制发")), ("yes", gettext_lazy("已制发"))]
    )

    class Meta:
        model = Decision
        fields: list[str] = []

    def by_made(self, rows: QuerySet[Decision], _name: str, value: str) -> QuerySet[Decision]:
        there = Exists(Letter.objects.filter(decision=OuterRef("pk"), kind=Letter.Kind.NOTICE))
        return rows.filter(there if value == "yes" else ~there)


def _picked(request: HttpRequest) -> list[int]:
    return [int(value) for value in request.POST.getlist("d") if value.isascii() and value.isdigit() and len(value) < 19]


@require_http_methods(["GET", "POST"])
@may("enrolment.letters")
def letters(request: HttpRequest) -> HttpResponse:
    """Approved decisions with tick boxes; the ticked ones come as one PDF, or as a page to print."""
    if request.method == "POST":
        kind, how = request.POST.get("letter", ""), request.POST.get("how", "pdf")
        try:
            with transaction.atomic():
                made = services.make_letters(kind=kind, decision_ids=_picked(request), now=timezone.now())
                if how == "print":
                    return render(request, "enrolment/letters_print.html", {"letters": made, "kind": kind})
                return pdf.answer(pdf.pdf(f"enrolment/typst/{kind}.typ", made), f"{kind}-{timezone.localdate():%Y%m%d}-{len(made)}.pdf")
        except ValidationError as error:
            messages.error(request, "；".join(error.messages))
            return redirect(request.get_full_path())
    rows = Decision.objects.filter(state=Decision.State.APPROVED).select_related("household", "person").defer("content")
    rows = rows.annotate(made=Exists(Letter.objects.filter(decision=OuterRef("pk"), kind=Letter.Kind.NOTICE)))
    filterset = LetterFilter(request.GET, queryset=rows, request=request)
    number = request.GET.get("page", "1")
    page = page_of(filterset.qs.order_by("-id"), int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 1, BATCH)
    places.preload(row.area for row in page.rows)
    return render(request, "enrolment/letters.html", {"page": page, "form": filterset.form, "pdf": pdf.available()})


@require_POST
@may("enrolment.letters")
def certificate(request: HttpRequest, pk: int) -> HttpResponse:
    """The certificate of an award as PDF; with a reason, a new one in place of the old."""
    try:
        with transaction.atomic():
            row = services.issue_certificate(award_id=pk, reason=request.POST.get("reason", ""), now=timezone.now())
            url = request.build_absolute_uri(reverse("enrolment:certificate_check", args=[row.code]))
            made = services.certificate_paper(certificate=Certificate.objects.select_related("award__household").get(pk=row.pk), url=url)
            return pdf.answer(pdf.pdf("enrolment/typst/certificate.typ", [made]), f"certificate-{row.number}.pdf")
    except Award.DoesNotExist:
        raise Http404 from None
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
    return redirect("enrolment:award", pk=pk)


class CodeForm(forms.Form):
    code = forms.CharField(label=gettext_lazy("核验码"), max_length=24, help_text=gettext_lazy("证件二维码下方的 16 位字母和数字。"))


@never_cache
@require_GET
def check(request: HttpRequest, code: str = "") -> HttpResponse:
    """Public: whether a certificate is in force. It names nobody; a wrong code and an unknown one get the same answer."""
    code = code or request.GET.get("code", "")
    found = services.check_certificate(code=code, on=timezone.localdate()) if code else None
    state = None
    if found:
        state = {"valid": (_("有效"), "green"), "suspended": (_("暂停发放"), "orange"), "ended": (_("已停发，证件失效"), "red"),
                 "replaced": (_("已换发新证，本证失效"), "red")}[found["state"]]  # fmt: skip
        found = {"programme": Programme(found["programme"]).label, "county": places.name(found["county"]), "since": found["since"]}
    context = {"found": found, "state": state, "asked": bool(code), "form": CodeForm(), "today": timezone.localdate()}
    return render(request, "enrolment/certificate_check.html", context, status=404 if code and not found else 200)
