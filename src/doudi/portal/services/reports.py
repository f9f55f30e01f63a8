"""Reports of anybody about somebody in difficulty (报告困难群众, measure 1.3): each a lead, or one more voice for the same lead.

Who reports learns a receipt number and nothing else: whether the person is known, or was reported before, is answered alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.batch import idnumber
from doudi.core import audit, duties, keys, numbers
from doudi.core import scope as scopes
from doudi.core.numbers import Kind
from doudi.core.services.attachments import attachments_of
from doudi.discovery.models import Channel, Lead, Need
from doudi.discovery.services.raising import Subject, in_chinese, raise_lead
from doudi.portal.models import PublicReport
from doudi.portal.places import exists, machine
from doudi.portal.services import files

SUBJECT = "public_report"
# The same content in the same place within these days is one lead.
SAME = timedelta(days=7)
MOST_PHOTOS = 9  # of one lead: more reports are heard, and add no more photos
# What can wait how long -> (words, urgency of the lead).
HOW_SOON = {
    "now": (gettext_lazy("很急：断粮断药、无人照料，今天就要有人去"), Lead.Urgency.RED),
    "soon": (gettext_lazy("比较急：这几天要有人去看看"), Lead.Urgency.ORANGE),
    "later": (gettext_lazy("不急：生活一直困难"), Lead.Urgency.YELLOW),
}


@dataclass(frozen=True)
class Told:
    """What a report says: `need` and `how_soon` are codes, `what` free words; the rest as far as it is known. `reporter_phone` is that of
    who reports, `phone` that of the person in difficulty."""

    need: str
    how_soon: str
    what: str
    name: str = ""
    phone: str = ""
    id_number: str = ""
    address: str = ""
    reporter: str = ""
    reporter_phone: str = ""


def _said(text: str, most: int) -> str:
    """Text without control characters (line breaks stay)."""
    return "".join(sign for sign in text.strip()[:most] if sign >= " " or sign == "\n")


def _checked(told: Told, area: str) -> UUID | None:
    """Token of the reporter's phone. Raises ValidationError by field; nothing depends on what is known of the person."""
    problems: dict[str, str] = {}
    if told.need not in Need.values:
        problems["need"] = _("请选择是哪方面的困难。")
    if told.how_soon not in HOW_SOON:
        problems["how_soon"] = _("请选择有多急。")
    if len(told.what.strip()) < 4:
        problems["what"] = _("请写明看到的情况，至少 4 个字。")
    if len(told.address.strip()) < 2 and len(area) < 12:
        problems["address"] = _("请写明在哪里找得到他（她）：村组、小区、门牌，或附近的标志。")
    if not exists(area):
        problems["area"] = _("请重新选择所在地。")
    token = None
    if told.reporter_phone.strip():
        try:
            token = numbers.token_of(Kind.PHONE, idnumber.check_phone(told.reporter_phone))
        except ValueError as error:
            problems["reporter_phone"] = _("“您的电话”：%(problem)s；不愿留的可以不填。") % {"problem": error}
    if problems:
        raise ValidationError(problems)
    return token


def _digest(told: Told, area: str) -> str:
    """Keyed digest of place and content: blanks and punctuation do not make a report another one."""
    parts = [area[:9], told.need, *("".join(sign for sign in text if sign.isalnum()) for text in (told.name, told.phone, told.id_number, told.address, told.what))]
    return keys.sealing_digest("\n".join(parts))[:16].hex()


def receive_report(*, uuid: UUID, area: str, told: Told, now: datetime, photos: Sequence[bytes] = ()) -> str:
    """Take a report; its receipt number. The same sending (`uuid`) again gives the same number. Sets its own scope: nobody is signed in.

    `area`: county, township or village where the person is. The same content from another sending is kept as a report of the lead that stands
    for it. Raises ValidationError by field.
    """
    phone = _checked(told, area)
    with scopes.acting(machine(area[:9], "discovery.report", "portal.send")):
        duties.require("portal.send")
        digest = _digest(told, area)
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(hashtextextended('portal ' || %s, 0)), pg_advisory_xact_lock(hashtextextended('portal ' || %s, 0))", [digest, str(uuid)])
            known = PublicReport.objects.filter(uuid=uuid).values_list("receipt", flat=True).first()
            if known is not None:
                return known
            cursor.execute("select nextval('doudi.portal_receipt')")
            receipt = f"BG{timezone.localdate(now):%Y%m%d}W{cursor.fetchone()[0]:06d}"
        before = PublicReport.objects.filter(area__gte=area[:9], area__lt=area[:9] + ":", digest=digest, received_at__gt=now - SAME).order_by("id").first()
        lead = before.lead if before else _raise(uuid, area, told, now)
        PublicReport.objects.create(
            uuid=uuid, area=area, receipt=receipt, lead=lead, digest=digest, repeats=before is not None, reporter=_said(told.reporter, 60) or None, phone=phone,
            photos=len(photos), received_at=now,
        )  # fmt: skip
        if photos and attachments_of(subject="lead", subject_id=lead.pk).count() < MOST_PHOTOS:
            files.keep(photos, subject="lead", subject_id=lead.pk, area=lead.area, name="网上报告照片", field="photos", pictures_only=True, now=now)
        scopes.check_constraints()
    return receipt


def _raise(uuid: UUID, area: str, told: Told, now: datetime) -> Lead:
    return raise_lead(
        channel=Channel.PORTAL, source=f"portal:{uuid}", area=area, reason=f"群众报告：{in_chinese(Need(told.need).label)}", need=told.need,
        detail=_said(told.what, 2000), urgency=HOW_SOON[told.how_soon][1], now=now, note="网上报告",
        subject=Subject(name=_said(told.name, 60), phone=told.phone, id_number=told.id_number, address=_said(told.address, 300)),
    )  # fmt: skip


def reveal_reporter(*, report_id: int) -> str:
    """Name and phone of who reported, for who handles the lead; recorded before it answers. Raises ValidationError where there is no such report."""
    duties.require("discovery.handle")
    report = PublicReport.objects.filter(pk=report_id).first()
    if report is None:
        raise ValidationError(_("没有这份报告，或不由您办理。"))
    audit.record_access(what="reveal", subject=SUBJECT, subject_id=report.pk, area=report.area, field="reporter")
    return "　".join(each for each in (report.reporter or "", numbers.plain(report.phone) if report.phone else "") if each)
