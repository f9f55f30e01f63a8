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
)
