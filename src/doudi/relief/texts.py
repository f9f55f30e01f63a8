"""Messages that relief sends."""

from django.utils.translation import gettext_lazy as _

from doudi.core.messaging import STAFF, Template, templates

templates.add(
    Template(
        "prices.started",
        _("物价联动启动"),
        to=STAFF,
        zh="{place}自 {month} 起启动物价联动机制：{why}。价格临时补贴应于 {deadline} 前足额发放。",
        en="Price linkage starts in {place} from {month}: {why}. The subsidies are to be paid in full by {deadline}.",
    ),
    Template(
        "prices.stopped",
        _("物价联动终止"),
        to=STAFF,
        zh="{place}自 {month} 起终止物价联动机制：{why}。",
        en="Price linkage ends in {place} from {month}: {why}.",
    ),
    Template(
        "relief.explain",
        _("提醒补充先行救助说明"),
        to=STAFF,
        zh="先行救助 {number} 的补充说明应于 {due} 前完成。",
        en="The explanation of relief first {number} is due by {due}.",
    ),
)
