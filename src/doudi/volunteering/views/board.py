"""The officer's side of the needs board: which needs are published, who suits, who was asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import django_filters
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from doudi.core import duties, places
from doudi.core.lists import AreaFilter, Column, ListPage
from doudi.core.views.access import may
from doudi.needs import kinds
from doudi.needs.models import Need
from doudi.needs.queries import URGENCY_COLOURS
from doudi.registry.queries import shown_name
from doudi.volunteering import board_queries as queries
from doudi.volunteering.board_forms import ConfirmForm, PublishForm
from doudi.volunteering.services import board
from doudi.volunteering.services.board.matching import in_words


class BoardFilter(django_filters.FilterSet):
    board = django_filters.ChoiceFilter(
        label=gettext_lazy("公布"), choices=[("on", gettext_lazy("公布中")), ("no", gettext_lazy("未公布")), ("off", gettext_lazy("已撤下"))],
        empty_label=gettext_lazy("全部"), method="by_board",
    )  # fmt: skip
    kind = django_filters.ChoiceFilter(label=gettext_lazy("种类"), choices=kinds.choices, empty_label=gettext_lazy("全部"))
    urgency = django_filters.ChoiceFilter(label=gettext_lazy("紧急程度"), choices=Need.Urgency.choices, empty_label=gettext_lazy("全部"))
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = Need
        fields: list[str] = []

    def by_board(self, rows: QuerySet[Need], name: str, value: str) -> QuerySet[Need]:
        if value == "no":
            return rows.filter(notice__isnull=True, state=Need.State.OPEN)
        return rows.filter(notice__shown=value == "on", **({"state": Need.State.OPEN} if value == "on" else {}))


class Board(ListPage):
    title = gettext_lazy("供需对接")
    act = "board.view"
    crumbs = ((gettext_lazy("社会力量"), ""),)
    filters = BoardFilter
    order = (F("clock").asc(nulls_last=True), "-id")  # type: ignore[assignment]
    subject = "board"
    template = "volunteering/board.html"
    empty_title = gettext_lazy("没有符合条件的需求")
    empty_hint = gettext_lazy("社区、机构和个案登记的需求在这里公布给志愿者和社会组织，公布的内容不含姓名、住址和电话。")
    columns = (
        Column(gettext_lazy("需求"), "kind_label", small=lambda row: row.number, url=lambda row: reverse("volunteering:board_need", args=[row.pk])),
        Column(gettext_lazy("地区"), lambda row: row.area[:9], kind="area"),
        Column(gettext_lazy("紧急程度"), "get_urgency_display", kind="tag", colour=lambda row: URGENCY_COLOURS[row.urgency]),
        Column(gettext_lazy("期限"), "clock", kind="due", sort="clock"),
        Column(gettext_lazy("已接"), lambda row: f"{row.taken} / {row.wanted}"),
        Column(gettext_lazy("邀请"), lambda row: _("待答复 %(asked)d，未接受 %(no)d") % {"asked": row.asked, "no": row.said_no}),
        Column(gettext_lazy("公布"), lambda row: queries.board_state(row)[0], kind="tag", colour=lambda row: queries.board_state(row)[1]),
    )

    def rows(self) -> QuerySet[Need]:
        return queries.needs(timezone.now())

    def context(self) -> dict[str, Any]:
        return {"figures": queries.figures(timezone.now(), reverse("volunteering:board")), "may_call": duties.may("board.call")}


@may("board.view")
def need(request: HttpRequest, need_id: int) -> HttpResponse:
    return _page(request, need_id)


def _page(request: HttpRequest, need_id: int, *, problem: str = "", publish: PublishForm | None = None) -> HttpResponse:
    row = get_object_or_404(Need.objects.select_related("notice__published_by"), pk=need_id)
    now, notice = timezone.now(), queries.notice_of(row)
    times = notice.times if notice else []
    open_ = row.state == Need.State.OPEN
    offering, publishing = duties.may("board.offer"), duties.may("board.publish")
    matches: list[dict[str, Any]] = []
    if open_ and offering:
        matches = [
            {"match": each, "name": shown_name(each.name) if each.kind == "volunteer" else each.name, "words": in_words(each.reasons), "uuid": uuid4(),
             "where": places.name(each.area) if each.area else ""}
            for each in board.suggestions(row, times=times, now=now, most=15)
        ]  # fmt: skip
    words, colour = queries.board_state(row)
    context = {
        "row": row, "notice": notice, "desc": queries.public_words(row, times), "state": words, "colour": colour, "urgency_colour": URGENCY_COLOURS[row.urgency],
        "offers": queries.offers_of(row), "matches": matches, "problem": problem, "open": open_, "offering": offering, "publishing": publishing,
        "publish": publish or (PublishForm(initial={"times": times, "offering": notice.offering if notice else True}) if publishing and open_ else None),
        "confirm": ConfirmForm(auto_id=False), "late": bool(row.clock and row.clock < now),
    }  # fmt: skip
    return render(request, "volunteering/board_need.html", context, status=422 if problem or (publish and publish.errors) else 200)


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else -1


def _uuid(text: str | None) -> UUID:
    try:
        return UUID(text or "")
    except ValueError:
        raise ValidationError(_("页面已过期，请刷新后重试。")) from None


@require_POST
@may("board.view")
def act(request: HttpRequest, need_id: int) -> HttpResponse:
    """One step of an officer on a need's board page; the service says what stands against it."""
    row = get_object_or_404(Need, pk=need_id)
    post, now = request.POST, timezone.now()
    form = PublishForm(post) if post.get("act") == "publish" else None
    if form is not None and not form.is_valid():
        return _page(request, need_id, publish=form)
    confirm = ConfirmForm(post) if post.get("act") == "confirm" else None
    if confirm is not None and not confirm.is_valid():
        return _page(request, need_id, problem=" ".join(str(each) for errors in confirm.errors.values() for each in errors))
    given: dict[str, Any] = {"answer_id": _number(post.get("answer")), "version": _number(post.get("version")), "now": now}
    steps: dict[str, Callable[[], object]] = {
        "publish": lambda: board.publish(need_id=row.pk, now=now, **form.cleaned_data),  # type: ignore[union-attr]
        "take_off": lambda: board.take_off(need_id=row.pk, reason=post.get("reason", ""), now=now),
        "offer": lambda: board.offer_to(
            uuid=_uuid(post.get("uuid")), need_id=row.pk, kind=post.get("kind", ""), external_id=_number(post.get("who")), now=now
        ),
        "yes": lambda: board.answer_for(**given, yes=True),
        "no": lambda: board.answer_for(**given, yes=False, reason=post.get("reason", "")),
        "no_show": lambda: board.no_show(**given, reason=post.get("reason", "")),
        "confirm": lambda: board.confirm_done(**given, **confirm.cleaned_data),  # type: ignore[union-attr]
    }  # fmt: skip
    step = steps.get(post.get("act", ""))
    try:
        if step is not None:
            step()
    except ValidationError as error:
        return _page(request, need_id, problem=" ".join(error.messages))
    except PermissionDenied as error:
        return _page(request, need_id, problem=str(error))
    messages.success(request, _("已办理。"))
    return redirect("volunteering:board_need", need_id=row.pk)


