"""Printing cards of a village (批量打印, measure 7.4): in the background, part by part, and what was printed is recorded with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.community import cards as words
from doudi.community.models import HelpCard, PrintRun
from doudi.community.procedures import FILE_DAYS
from doudi.community.services import cards
from doudi.core import audit, duties, letters, places
from doudi.core import scope as scopes
from doudi.core.services import attachments
from doudi.core.settings_overlay import get_setting
from doudi.core.tasks import start_task

TEMPLATE = "community/typst/card.typ"
SUBJECT = "card_run"
A_PART = 100  # cards of one file: memory stays as it is for any village
LANGUAGES = ("zh-hans", "en")
Progress = Callable[[int, int, str], None]


def order_cards(*, uuid: UUID, area: str, which: str, layout: str, language: str, base: str, now: datetime) -> PrintRun:
    """Have the cards of a village printed in the background; the same form (`uuid`) again gives back the first. `base`: address of the site, for the codes.

    Raises ValidationError by field.
    """
    acting = duties.require("community.cards")
    if len(area) != 12 or not acting.covers(area):
        raise ValidationError({"area": _("请选择您管辖范围内的村（社区）。")})
    if which not in (PrintRun.Which.CHANGED, PrintRun.Which.ALL) or layout not in PrintRun.Layout.values or language not in LANGUAGES:
        raise ValidationError({"which": _("请重新选择打印范围和版式。")})
    if not letters.available():
        raise ValidationError(_("本机没有安装 PDF 组件；请逐人打开明白卡打印，或请管理员安装 doudi[pdf]。"))
    try:
        with transaction.atomic():
            run = PrintRun.objects.create(
                area=area, uuid=uuid, which=which, layout=layout, language=language, made_by_id=acting.account_id, made_at=now
            )  # fmt: skip
    except IntegrityError:
        return PrintRun.objects.get(uuid=uuid)
    task = start_task(
        path="doudi.community.tasks.print_cards", title=_("打印明白卡：%(place)s") % {"place": places.name(area)}, arguments={"run_id": run.pk, "base": base},
        url=f"/community/cards/?area={area}", now=now,
    )  # fmt: skip
    PrintRun.objects.filter(pk=run.pk).update(task=task.pk)
    run.task = task.pk
    scopes.check_constraints()
    return run


def print_run(*, run_id: int, base: str, now: datetime, progress: Progress | None = None) -> PrintRun:
    """Carry out an ordered printing: everybody in care gets a card, the chosen ones go into files of at most A_PART cards. Run again, it is as if once."""
    duties.require("community.cards")
    run = PrintRun.objects.select_for_update().get(pk=run_id)
    if run.done_at is not None:
        return run
    on = timezone.localdate(now)
    cards.issue_missing(area=run.area, on=on, now=now)
    cards.refresh(area=run.area, on=on)
    chosen = HelpCard.objects.filter(area=run.area, void_at__isnull=True)
    if run.which == PrintRun.Which.CHANGED:
        chosen = chosen.exclude(digest=F("printed_digest"))
    ids = list(chosen.order_by(F("care__contact").asc(nulls_last=True), "care__household_id", "pk").values_list("pk", flat=True))
    parts = -(-len(ids) // A_PART)
    for number in range(parts):
        if progress:
            progress(number * A_PART, len(ids), _("生成 PDF"))
        part = ids[number * A_PART : (number + 1) * A_PART]
        name = f"明白卡-{places.name(run.area)}-{on:%Y%m%d}" + (f"-{number + 1}" if parts > 1 else "") + ".pdf"
        attachments.keep(
            subject=SUBJECT, subject_id=run.pk, area=run.area, name=name, content_type="application/pdf", content=_pdf(run, part, base=base, on=on), now=now
        )
        _record(run, part, now=now)
    run.cards, run.parts, run.done_at = len(ids), parts, now
    run.save(update_fields=["cards", "parts", "done_at"])
    scopes.check_constraints()
    return run


def print_one(*, card_id: int, layout: str, language: str, base: str, now: datetime, uuid: UUID) -> bytes:
    """One card as PDF, recorded like a batch."""
    acting = duties.require("community.cards")
    card = HelpCard.objects.filter(pk=card_id, void_at__isnull=True).first()
    if card is None:
        raise ValidationError(_("没有这张明白卡，或它已作废；请刷新页面。"))
    on = timezone.localdate(now)
    cards.refresh(area=card.area, on=on, cards=[card.pk])
    run = PrintRun(area=card.area, uuid=uuid, which=PrintRun.Which.CHOSEN, layout=layout, language=language if language in LANGUAGES else LANGUAGES[0])
    made = _pdf(run, [card.pk], base=base, on=on)
    run.cards, run.made_by_id, run.made_at, run.done_at = 1, acting.account_id, now, now
    run.save()
    _record(run, [card.pk], now=now)
    scopes.check_constraints()
    return made


def _pdf(run: PrintRun, ids: Sequence[int], *, base: str, on: date) -> bytes:
    """The file of some cards, in their order; its making is recorded as an export."""
    audit.record_access(what="export", subject="help_card", area=run.area, field=f"card:{len(ids)}")
    said = cards.contents(area=run.area, on=on, cards=ids)
    codes = dict(HelpCard.objects.filter(pk__in=ids).values_list("pk", "code"))
    places.preload([run.area])
    made = []
    for pk in ids:
        url = words.code_url(base, codes[pk])
        made.append(words.worded(said[pk], language=run.language) | {"qr": list(words.qr_svg(url)), "day": f"{on:%Y-%m-%d}", "layout": run.layout})
    return letters.pdf(TEMPLATE, made)


# The version goes up with the content, so that a person with two papers can tell the newer.
PRINTED = """
with printed as (
  update community_helpcard set printed_version = printed_version + case when digest <> printed_digest then 1 else 0 end, printed_digest = digest, printed_at = %(now)s
  where id = any(%(cards)s) returning id, care_id, area, printed_version, digest
), noted as (
  insert into community_careevent (care_id, area, at, account_id, what, groups)
  select care_id, area, %(now)s, %(account)s, 'printed', array[]::varchar[] from printed
)
insert into community_cardprinting (area, run_id, card_id, version, digest, at) select area, %(run)s, id, printed_version, digest, %(now)s from printed
"""


def _record(run: PrintRun, ids: Sequence[int], *, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(PRINTED, {"cards": list(ids), "now": now, "run": run.pk, "account": scopes.current().account_id or None})


def drop_files(*, area: str, on: date, now: datetime) -> int:
    """Daily, by county: PDF files of cards are deleted once the place's time for them is over; what was printed stays recorded. The number of files."""
    duties.require("community.derive")
    before = now - timedelta(days=int(get_setting(FILE_DAYS, area, on)))
    runs = PrintRun.objects.select_for_update().filter(area__gte=area, area__lt=area + ":", done_at__lt=before, files_gone_at__isnull=True, parts__gt=0)
    ids = list(runs.order_by("pk").values_list("pk", flat=True))
    gone = attachments.erase(subject=SUBJECT, subject_ids=ids, now=now)
    PrintRun.objects.filter(pk__in=ids).update(files_gone_at=now)
    return gone
