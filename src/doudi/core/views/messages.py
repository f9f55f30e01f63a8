"""消息: what an officer was told, and for the administrator what was sent and what failed (without the texts)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import django_filters
from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from doudi.core import channels, sms
from doudi.core import scope as scopes
from doudi.core.lists import AreaFilter, Column, ListPage
from doudi.core.messaging import templates, text_of
from doudi.core.models import Message
from doudi.core.services import messages as service
from doudi.core.services.sending import retry_failed
from doudi.core.views.access import may, with_posting

COLOURS = {"queued": "orange", "sent": "", "delivered": "green", "failed": "red", "refused": "gray"}
CHANNELS = {"file": gettext_lazy("文件"), "sms": gettext_lazy("短信"), "mail": gettext_lazy("邮件")}
ERRORS = {"no_phone": gettext_lazy("没有电话"), "opted_out": gettext_lazy("已退订"), "channel": gettext_lazy("没有这一发送渠道"), "too_late": gettext_lazy("已过时效"),
    "no_address": gettext_lazy("没有邮箱"), "timeout": gettext_lazy("网关超时"), "no connection": gettext_lazy("连不上网关"), "tls": gettext_lazy("网关证书有误"),
    "malformed answer": gettext_lazy("网关的回答读不懂"), "too long": gettext_lazy("内容太长"), "no mobile number": gettext_lazy("不是手机号"),
    "killed": gettext_lazy("发送时后台进程多次中断"),
}  # fmt: skip
RECENT = timedelta(days=30)


class InboxFilter(django_filters.FilterSet):
    unread = django_filters.ChoiceFilter(
        label=gettext_lazy("状态"),
        choices=[("1", gettext_lazy("未读")), ("0", gettext_lazy("已读"))],
        method="by_read",
        empty_label=gettext_lazy("全部"),
    )

    class Meta:
        model = Message
        fields: list[str] = []

    def by_read(self, rows: QuerySet[Message], name: str, value: str) -> QuerySet[Message]:
        return rows.filter(read_at__isnull=value == "1")


class Inbox(ListPage):
    title = gettext_lazy("消息")
    crumbs = [(gettext_lazy("工作台"), "/")]
    filters = InboxFilter
    order = ("-made_at", "id")
    template = "doudi/pages/inbox.html"
    exports = False
    empty_title = gettext_lazy("没有消息")
    empty_hint = gettext_lazy("线索分派、排查开始、应急状态等通知会出现在这里。")
    columns = [
        Column(gettext_lazy("内容"), lambda row: text_of(row, (get_language() or "")[:2]), url=lambda row: reverse("message_open", args=[row.pk])),
        Column(gettext_lazy("事由"), lambda row: label_of(row.template)),
        Column(gettext_lazy("时间"), "made_at", kind="day", sort="made_at"),
        Column(
            gettext_lazy("状态"),
            lambda row: _("已读") if row.read_at else _("未读"),
            kind="tag",
            colour=lambda row: "gray" if row.read_at else "orange",
        ),
    ]

    def rows(self) -> QuerySet[Message]:
        return Message.objects.filter(account_id=scopes.current().account_id)


def label_of(template: str) -> str:
    try:
        return str(templates.get(template).label)
    except KeyError:
        return template


class SentFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=Message.State.choices, empty_label=gettext_lazy("全部"))
    template = django_filters.ChoiceFilter(
        label=gettext_lazy("事由"), choices=lambda: [(each.key, each.label) for each in templates.all()], empty_label=gettext_lazy("全部")
    )
    channel = django_filters.ChoiceFilter(label=gettext_lazy("渠道"), choices=list(CHANNELS.items()), empty_label=gettext_lazy("全部"))
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = Message
        fields: list[str] = []


class Sent(ListPage):
    title = gettext_lazy("消息发送")
    act = "messages.manage"
    crumbs = [(gettext_lazy("系统管理"), "")]
    filters = SentFilter
    order = ("-made_at", "id")
    template = "doudi/pages/messages_sent.html"
    subject = "message"
    empty_title = gettext_lazy("还没有消息")
    empty_hint = gettext_lazy("系统发给工作人员和群众的通知会在这里，只有事由和结果，没有内容。")
    columns = [
        Column(gettext_lazy("事由"), lambda row: label_of(row.template)),
        Column(gettext_lazy("收件人"), lambda row: row.account.username if row.account else _("群众电话")),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("产生"), "made_at", kind="day", sort="made_at"),
        Column(gettext_lazy("发出"), "sent_at", kind="day"),
        Column(gettext_lazy("渠道"), lambda row: CHANNELS.get(row.channel, row.channel), small=lambda row: _parts(row)),
        Column(gettext_lazy("次数"), "attempts", kind="number"),
        Column(
            gettext_lazy("状态"),
            "get_state_display",
            kind="tag",
            colour=lambda row: COLOURS[row.state],
            small=lambda row: said(row.error) or None,
        ),
    ]

    def rows(self) -> QuerySet[Message]:
        return Message.objects.select_related("account")

    def context(self) -> dict[str, Any]:
        since = timezone.now() - RECENT
        found = dict(Message.objects.filter(made_at__gte=since).values_list("state").annotate(Count("pk")).order_by())
        return {
            "figures": [{"label": label, "value": f"{found.get(state, 0):,}", "note": _("最近 30 天")} for state, label in Message.State.choices],
            "failed": found.get(Message.State.FAILED, 0),
            "reasons": [(CHANNELS.get(channel, channel), said(error), count) for channel, error, count in self._reasons(since)],
            "problems": _problems(),
        }

    def _reasons(self, since: datetime) -> list[tuple[str, str, int]]:
        rows = Message.objects.filter(state=Message.State.FAILED, made_at__gte=since).values_list("channel", "error").annotate(count=Count("pk"))
        return list(rows.order_by("-count", "channel", "error")[:10])


def said(error: str) -> str:
    """A kind of failure in words: ours, or the code that the gateway gave."""
    if error.startswith("report "):
        return _("网关回执：未送达（%(code)s）") % {"code": error[7:]}
    return str(ERRORS.get(error, error))


def _parts(row: Message) -> str | None:
    return _("%(count)s 条短信") % {"count": row.parts} if row.parts and row.parts > 1 else None


def _problems() -> list[tuple[str, str]]:
    """What keeps channels from sending, for the administrator; no secret."""
    found = []
    if channels.name_in_use("phone") == "sms":
        try:
            sms.gateway()
        except sms.Unset as error:
            found.append(("sms", _("短信网关没有配好（%(problem)s），短信在排队等候；请对照管理员手册检查 sms.toml 和环境变量。") % {"problem": error}))
    return found


@require_GET
@with_posting
def open_message(request: HttpRequest, message_id: int) -> HttpResponse:
    """Note that it was read, and go on to its matter."""
    message = Message.objects.filter(pk=message_id, account_id=scopes.current().account_id).first()
    if message is None:
        raise Http404
    service.mark_read(message_ids=[message.pk], now=timezone.now())
    safe = message.url and url_has_allowed_host_and_scheme(message.url, allowed_hosts=None)
    return redirect(message.url if safe else "inbox")


@require_POST
@with_posting
def read_all(request: HttpRequest) -> HttpResponse:
    service.mark_read(now=timezone.now())
    return redirect("inbox")


@require_POST
@may("messages.manage")
def retry(request: HttpRequest) -> HttpResponse:
    """Queue what failed again."""
    count = retry_failed(now=timezone.now())
    messages.success(request, _("已重新排队 %(count)s 条，稍后自动发送。") % {"count": count})
    return redirect("messages_sent")
