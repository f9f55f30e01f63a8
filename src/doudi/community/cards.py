"""A help card in words (明白卡): plain data for the page and for the PDF template, Chinese or English. Numbers of contacts are shown whole: that is its use."""

from __future__ import annotations

import io
from typing import Any
from uuid import UUID

import segno
from django.utils import translation
from django.utils.translation import gettext as _

from doudi.community.models import CareContact, PlaceService
from doudi.core import numbers, places
from doudi.registry.models import Programme

AWARDS, SERVICES = 6, 7  # lines at most: the card is A6
ORDER = [kind.value for kind in PlaceService.Kind]


def code_url(base: str, code: str) -> str:
    """Address of a card's public page below the site's own."""
    return f"{base.rstrip('/')}/card/{code}/"


def qr_svg(url: str) -> bytes:
    """The code as SVG, without the frame that the template draws."""
    picture = io.BytesIO()
    segno.make(url, error="m", micro=False).save(picture, kind="svg", border=0, xmldecl=False, omitsize=True)
    return picture.getvalue()


def _award(programme: str, amount: str | None) -> str:
    label = str(Programme(programme).label)
    return _("%(programme)s：每月 %(amount)s 元") % {"programme": label, "amount": amount} if amount else label


def _service(kind: str, name: str, phone: str, hours: str, address: str) -> dict[str, str]:
    return {"kind": str(PlaceService.Kind(kind).label), "name": name, "phone": phone, "more": "　".join(part for part in (address, hours) if part)}


def worded(content: dict[str, Any], *, language: str = "zh-hans") -> dict[str, Any]:
    """What a card says, from `services.cards.contents`."""
    with translation.override(language):
        area, contact = content["area"], content["contact"]
        assisted = {programme for programme, _amount in content["awards"]}
        medical = _("看病：参保缴费有资助，住院和门诊慢特病费用按规定救助，请带身份证办理。")
        if not assisted & {"dibao", "dibao_single", "tekun", "marginal", "rigid", "orphan", "unsupported_child"}:
            medical = _("看病：医疗费用负担重的，可向乡镇（街道）申请医疗救助。")
        local = sorted(content["services"], key=lambda each: ORDER.index(each[0]))
        services = [_service(*each) for each in local if each[0] not in ("hotline", "counsel")]
        hotlines = [{"kind": str(name), "phone": number, "name": hours} for name, number, hours in content["desks"][:2]]
        hotlines += [{"kind": name, "phone": phone, "name": hours} for kind, name, phone, hours, _address in local if kind in ("hotline", "counsel")]
        return {
            "title": _("关爱服务明白卡"), "name": content["name"], "place": "".join(places.path(area, above=4)),
            "help_title": _("我享受的救助"), "awards": [_award(*each) for each in content["awards"][:AWARDS]] or [_("目前没有按月发放的救助")],
            "may_title": _("还可以申请"),
            "may": [str(Programme(each).label) for each in content["may"]] + [_("临时救助（遇到急难随时申请，可先救助后补手续）")],
            "medical": medical,
            "contact_title": _("我的帮扶责任人"),
            "contact": {
                "name": contact[0], "kind": str(CareContact.Kind(contact[1]).label), "phone": numbers.plain(UUID(contact[2])) or "",
                "does": _("送药送物、陪同就医、生活照料都可以找"),
            } if contact else None,
            "nobody": _("暂未落实，请打服务热线"),
            "services_title": _("身边的服务"), "services": services[:SERVICES],
            "hotlines_title": _("服务热线"), "hotlines": hotlines[:3],
            "scan": _("有困难请扫码求助，别人也可以帮您扫"), "lost": _("卡片遗失请告诉村（社区）作废。扫码页面不显示您的任何信息。"),
        }  # fmt: skip
