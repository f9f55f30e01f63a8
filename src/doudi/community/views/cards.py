"""Pages of help cards: by village with printing, one person's card, issuing and voiding."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from doudi.community import cards as words
from doudi.community import queries, services
from doudi.community.forms import PrintForm, VoidForm
from doudi.community.models import HelpCard, PrintRun
from doudi.community.services.cards import contents
from doudi.community.services.printing import LANGUAGES, SUBJECT
from doudi.community.views.contacts import village_of
from doudi.core import audit, letters, places
from doudi.core.forms import errors_into
from doudi.core.lists import page_of
from doudi.core.models import Attachment, TaskProgress
from doudi.core.views.access import may

ON_A_PAGE = 50


def base_of(request: HttpRequest) -> str:
    return request.build_absolute_uri("/")


def _number(request: HttpRequest) -> int:
    number = request.GET.get("page", "1")
    return int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 1


@may("community.cards")
def cards(request: HttpRequest) -> HttpResponse:
    """Villages with their cards; one village with what is to be printed, the order, and what was printed."""
    village = village_of(request)
    form = PrintForm(request.POST if request.method == "POST" else None, initial={"uuid": uuid4(), "which": "changed", "layout": "sheet", "language": "zh-hans"})
    if request.method == "POST" and form.is_valid():
        try:
            run = services.order_cards(area=village, **form.cleaned_data, base=base_of(request), now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            return redirect(reverse("community:cards") + f"?area={run.area}#runs")
    if not village:
        page = page_of(queries.card_villages(request.scope.area), _number(request), ON_A_PAGE)  # type: ignore[attr-defined]
        counted = queries.card_counts(row["area"] for row in page.rows)
        places.preload(row["area"] for row in page.rows)
        rows = [{**row, **counted.get(row["area"], {"cards": 0, "new": 0, "changed": 0})} for row in page.rows]
        for row in rows:
            row["unprinted"] = row["new"] + row["people"] - row["cards"]
        return render(request, "community/cards.html", {"rows": rows, "page": page})
    page = page_of(queries.cards_to_print(village), _number(request), ON_A_PAGE)
    counts = queries.card_counts([village]).get(village, {"cards": 0, "new": 0, "changed": 0})
    people = sum(row["people"] for row in queries.card_villages(village))
    figures = [
        {"label": _("关爱对象"), "value": people, "unit": _("人")}, {"label": _("有效明白卡"), "value": counts["cards"], "unit": _("张")},
        {"label": _("未打印"), "value": counts["new"] + people - counts["cards"], "unit": _("张")},
        {"label": _("内容有变化，需重印"), "value": counts["changed"], "unit": _("张")},
    ]  # fmt: skip
    context = {"village": village, "place": places.name(village), "page": page, "figures": figures, "form": form, "runs": _runs(village), "pdf": letters.available()}
    return render(request, "community/cards_village.html", context, status=422 if form.errors else 200)


def _runs(village: str) -> list[dict[str, Any]]:
    """The last printings with their files and the progress of those that go on; three queries."""
    runs = list(PrintRun.objects.filter(area=village).select_related("made_by").order_by("-made_at", "-id")[:10])
    files: dict[int, list[Attachment]] = {}
    for file in Attachment.objects.filter(subject=SUBJECT, subject_id__in=[run.pk for run in runs], removed_at__isnull=True).order_by("name"):
        files.setdefault(file.subject_id, []).append(file)
    tasks = TaskProgress.objects.in_bulk([run.task for run in runs if run.task and not run.done_at])
    return [{"run": run, "files": files.get(run.pk, []), "task": tasks.get(run.task) if run.task else None} for run in runs]


def _card(pk: int) -> HelpCard:
    return get_object_or_404(HelpCard.objects.select_related("care__person", "made_by", "void_by"), pk=pk)


@require_GET
@may("community.cards")
def card(request: HttpRequest, pk: int) -> HttpResponse:
    """One person's card as a page in large text, to be read out or printed; opening it is recorded."""
    row = _card(pk)
    audit.record_access(what="open", subject="help_card", subject_id=row.care.person_id, area=row.area, field="card")
    said, on = None, timezone.localdate()
    wanted = request.GET.get("language", "")
    language = wanted if wanted in LANGUAGES else "en" if get_language() == "en" else "zh-hans"
    if row.void_at is None:
        services.refresh(area=row.area, on=on, cards=[row.pk])
        row = _card(pk)
        said = words.worded(contents(area=row.area, on=on, cards=[row.pk])[row.pk], language=language)
    context = {
        "card": row, "said": said, "day": on, "url": words.code_url(base_of(request), row.code), "language": language, "pdf": letters.available(),
        # made of a code of ours alone
        "qr": mark_safe(words.qr_svg(words.code_url(base_of(request), row.code)).decode()) if said else "",
        "printings": row.printings.select_related("run__made_by").order_by("-at")[:10], "form": VoidForm(),
    }  # fmt: skip
    return render(request, "community/card.html", context)


@require_POST
@may("community.cards")
def card_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """One card as PDF; recorded as printed."""
    row = _card(pk)
    layout = request.POST.get("layout", "")
    try:
        with transaction.atomic():
            made = services.print_one(
                card_id=row.pk, layout=layout if layout in PrintRun.Layout.values else "card", language=request.POST.get("language", ""),
                base=base_of(request), now=timezone.now(), uuid=uuid4(),
            )  # fmt: skip
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
        return redirect("community:card", pk=pk)
    return letters.answer(made, f"card-{row.pk}.pdf")


@require_POST
@may("community.cards")
def issue(request: HttpRequest, care_id: int) -> HttpResponse:
    try:
        made = services.issue_card(care_id=care_id, on=timezone.localdate(), now=timezone.now())
    except ValidationError:
        raise Http404 from None
    return redirect("community:card", pk=made.pk)


@require_POST
@may("community.cards")
def void(request: HttpRequest, pk: int) -> HttpResponse:
    row = _card(pk)
    form = VoidForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("请选择作废的原因。"))
        return redirect("community:card", pk=pk)
    services.void_card(card_id=pk, reason=form.cleaned_data["reason"], now=timezone.now())
    if row.care.ends is None and request.POST.get("anew"):
        made = services.issue_card(care_id=row.care_id, on=timezone.localdate(), now=timezone.now())
        messages.success(request, _("旧卡已作废，新卡已制发，请打印后送交本人。"))
        return redirect("community:card", pk=made.pk)
    messages.success(request, _("明白卡已作废；旧卡二维码不再能求助。"))
    return redirect("community:card", pk=pk)
