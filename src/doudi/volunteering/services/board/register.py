"""The register's own rules over answers of volunteers and organisations, whichever way they are asked (`needs.answerers.register`)."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import NAMESPACE_OID, uuid5

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.needs import answerers, kinds
from doudi.needs.answerers import Suggestion
from doudi.needs.models import Need, NeedAnswer
from doudi.needs.services.base import note_event
from doudi.volunteering import board_procedures as P
from doudi.volunteering.models import Feedback, Notice, Offer, Organisation, OrganisationArea, ServiceRecord, Volunteer
from doudi.volunteering.services.board.base import HOLDING, A, coarse, in_county, local, setting, tell
from doudi.volunteering.services.board.matching import HALF_A_YEAR, grown_by, in_words, suggestions

LONGEST = timedelta(hours=12)


def check_volunteer(need: Need, answer: NeedAnswer, now: datetime) -> None:
    """An active volunteer of this county, of age where the kind wants it; before they take it, with room left in their hands and at the place.

    The volunteer's row is locked: of two acceptances of one volunteer at once the second counts the first.
    """
    with in_county(need.area):
        row = Volunteer.objects.select_for_update(of=("self",)).filter(pk=answer.external_id or 0).first()
        if row is None or row.area[:6] != need.area[:6]:
            raise ValidationError(_("没有这名志愿者，或不是需求所在县的志愿者。"))
        if row.state != Volunteer.State.ACTIVE:
            raise ValidationError(_("这名志愿者现为“%(state)s”，不能参加。") % {"state": row.get_state_display()})
        on = timezone.localdate(now)
        grown = grown_by(need, on)
        if grown is not None and row.birth_date > grown:
            raise ValidationError(_("“%(kind)s”须由成年志愿者办理。") % {"kind": kinds.label(need.kind)})
        if answer.pk is not None or answer.state == A.ACCEPTED:
            _room_left(row, need, answer, now)


def _room_left(row: Volunteer, need: Need, answer: NeedAnswer, now: datetime) -> None:
    value = setting(need.area, timezone.localdate(now))
    each, place, away = int(value(P.EACH)), int(value(P.PLACE)), int(value(P.NO_SHOWS))
    mine = Offer.objects.filter(volunteer=row)
    live = mine.filter(answer__state__in=HOLDING, need__state__in=Need.LIVE).exclude(answer=answer.pk).count()
    if live >= each:
        raise ValidationError(_("手头已有 %(live)d 项，达到本县每名志愿者同时办理的上限；请先完成或退出一项。") % {"live": live})
    if mine.filter(no_show_at__gt=now - HALF_A_YEAR).count() >= away:
        raise ValidationError(_("近半年已有 %(away)d 次接下后未到，暂不能再接；请联系志愿服务协调员。") % {"away": away})
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('board ' || %s, 0))", [need.area])
    there = NeedAnswer.objects.filter(area=need.area, kind="volunteer", state__in=HOLDING, external_id__isnull=False).exclude(pk=answer.pk)
    if there.values("external_id").distinct().count() >= place:
        raise ValidationError(_("这个地方同时服务的志愿者已有 %(place)d 名，达到上限；请看看其他地方的需求。") % {"place": place})


def check_organisation(need: Need, answer: NeedAnswer, now: datetime) -> None:
    """An organisation in good standing that serves the need's place."""
    with in_county(need.area):
        row = Organisation.objects.filter(pk=answer.external_id or 0).first()
        if row is None:
            raise ValidationError(_("没有这家组织，或它不在本县服务。"))
        if row.state != Organisation.State.ACTIVE:
            raise ValidationError(_("这家组织现为“%(state)s”，不能参加。") % {"state": row.get_state_display()})
        served = [need.area[:length] for length in (2, 4, 6, 9, 12) if length <= len(need.area)]
        if not OrganisationArea.objects.filter(organisation=row, served__in=served).exists():
            raise ValidationError(_("需求所在地不在这家组织的服务地区内。"))


def changed(need: Need, answer: NeedAnswer, now: datetime) -> None:
    """Keep the offer beside the answer; tell whoever answers; book the hours once it is confirmed."""
    offer = _offer(need, answer, now)
    if answer.state == A.OFFERED and answer.asked:
        tell("board.offer", need, answer, now=now, until=local(answer.reply_due))
    elif answer.state == A.ACCEPTED and not answer.asked and answer.accepted_at == now and answer.version > 1:
        tell("board.taken", need, answer, now=now)
    elif answer.state == A.WITHDRAWN and answer.accepted_at is not None and not duties.may("board.self") and offer.no_show_at is None:
        tell("board.ended", need, answer, now=now)
    if answer.state in (A.DECLINED, A.LAPSED, A.WITHDRAWN):
        Notice.objects.filter(need=need, asked_at__isnull=False).update(asked_at=None)  # the next one's turn
    if answer.state == A.DONE and offer.volunteer_id is not None:
        _book(need, answer, offer, offer.volunteer_id, now)


def _offer(need: Need, answer: NeedAnswer, now: datetime) -> Offer:
    by = Offer.By.SELF if duties.may("board.self") else Offer.By.OFFICER if scopes.current().account_id else Offer.By.RULE
    key = "volunteer_id" if answer.kind == NeedAnswer.Kind.VOLUNTEER else "organisation_id"
    made = {"need": need, "area": need.area, "by": by, "made_at": now, key: answer.external_id}
    return Offer.objects.get_or_create(answer=answer, defaults=made)[0]


def _book(need: Need, answer: NeedAnswer, offer: Offer, volunteer_id: int, now: datetime) -> None:
    """Hours from check-in to check-out (or to the report); what overlaps with another record, or was never checked in, counts no time and says so.

    The record tells kind and township, nothing of whose need it was.
    """
    if offer.came_at is None:
        note_event(need, "未计服务时长", "志愿者没有签到", now)
        return
    starts, ends = offer.came_at, min(offer.left_at or answer.reported_at or now, offer.came_at + LONGEST)
    said = Feedback.objects.filter(offer=offer).exclude(side=Feedback.Side.VOLUNTEER).values_list("rating", flat=True).order_by("id").first()
    with translation.override("zh-hans"):
        title, place = kinds.label(need.kind)[:60], coarse(need.area)[:80]
    try:
        with transaction.atomic(), in_county(need.area):
            ServiceRecord.objects.create(
                key=uuid5(NAMESPACE_OID, f"answer {answer.uuid}"), area=need.area, volunteer_id=volunteer_id, need_id=need.pk, answer_id=answer.pk,
                title=title, kind=need.kind, place=place, starts=starts, ends=ends, minutes=int((ends - starts).total_seconds() // 60),
                state=ServiceRecord.State.DONE, recorded=ServiceRecord.By.NEED, recorded_by_id=scopes.current().account_id or None,
                ended_by=ServiceRecord.By.NEED, evaluation=said, made_at=now,
            )  # fmt: skip
    except IntegrityError as error:
        if "record_one_at_a_time" not in str(error):
            raise
        note_event(need, "未计服务时长", "同一时段已有服务记录", now)


def suggest(need: Need) -> list[Suggestion]:
    """For the need's own page: the first few of the ranked list, with their reasons."""
    times = Notice.objects.filter(need=need).values_list("times", flat=True).first() or []
    return [
        Suggestion(each.kind, each.name, phone=each.phone, external_id=each.id, note=f"{each.number}　{'，'.join(in_words(each.reasons))}".strip())
        for each in suggestions(need, times=times, now=timezone.now(), most=5)
    ]


def join() -> None:
    """Called at start-up."""
    answerers.register("volunteer", check=check_volunteer, changed=changed)
    answerers.register("organisation", check=check_organisation, changed=changed)
    answerers.add("volunteering.board", suggest)
