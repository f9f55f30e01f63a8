"""The discovery team (主动发现队伍, measures 1.3): its roster, its training, its reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.batch import idnumber
from doudi.core import duties, numbers
from doudi.core import scope as scopes
from doudi.core.models import Account, Division, Duty, Posting
from doudi.core.numbers import Kind
from doudi.core.services import attachments
from doudi.discovery.models import Channel, Lead, Need, TeamMember, TeamTraining
from doudi.discovery.services.leads import StaleLead
from doudi.discovery.services.raising import Subject, in_chinese, raise_lead
from doudi.registry.names import BadName, clean_name

# Duties whose holders report under their own account.
REPORTING = (Duty.DISCOVERY_MEMBER, Duty.STATION_WORKER, Duty.VISITOR, Duty.CHILD_DIRECTOR)


def _name(text: str) -> str:
    try:
        return clean_name(text)
    except BadName as error:
        raise ValidationError({"name": _("“姓名”：%(problem)s。") % {"problem": error}}) from None


def phone_token(text: str) -> UUID:
    """Token of a member's phone. Raises ValidationError."""
    try:
        return numbers.token_of(Kind.PHONE, idnumber.check_phone(text))
    except ValueError as error:
        raise ValidationError({"phone": _("“联系电话”：%(problem)s；请核对后重新填写。") % {"problem": error}}) from None


def _area(code: str) -> str:
    if len(code) not in (9, 12) or not scopes.current().covers(code) or not Division.objects.filter(code=code, ends__isnull=True).exists():
        raise ValidationError({"area": _("“所在地”应为辖区内的乡镇（街道）或村（社区）；请在列表中重新选择。")})
    return code


def _account(username: str, area: str, day: date) -> Account | None:
    """The account of a member who signs in: it holds a reporting posting that covers the place."""
    if not username.strip():
        return None
    held = Posting.objects.filter(account__username=username.strip(), account__is_active=True, duty__in=REPORTING, starts__lte=day)
    posting = next((each for each in held.select_related("account") if each.holds_on(day) and area.startswith(each.area[:9])), None)
    if posting is None:
        raise ValidationError({"username": _("没有这个账号，或它在本地没有队员、社工、走访员等在任岗位；请由系统管理员先任命。")})
    return posting.account


def enrol_member(
    *, area: str, name: str, kind: str, phone: str, starts: date, organisation: str = "", contact: str = "", username: str = "", now: datetime
) -> TeamMember:
    """Enrol a member (入队) at a township or village; ValidationError by field, also for somebody enrolled there already."""
    scope = duties.require("discovery.team")
    if kind not in TeamMember.Kind.values:
        raise ValidationError({"kind": _("请选择队员类别。")})
    area, name, token = _area(area), _name(name), phone_token(phone)
    account = _account(username, area, timezone.localdate(now))
    try:
        with transaction.atomic():
            member = TeamMember.objects.create(
                area=area, name=name, kind=kind, phone=token, starts=starts, organisation=organisation.strip()[:80],
                contact=contact.strip()[:200], account=account, made_by_id=scope.account_id, made_at=now,
            )  # fmt: skip
    except IntegrityError as error:
        if "team_member_account" in str(error):
            raise ValidationError({"username": _("这个账号已是一名在册队员；请先办理其离队。")}) from None
        if "team_member_once" in str(error):
            raise ValidationError({"phone": _("该地已有使用这个电话的在册队员；请核对，不必重复登记。")}) from None
        raise
    scopes.check_constraints()
    return member


def _locked(member_id: int, version: int) -> TeamMember:
    member = TeamMember.objects.select_for_update().get(pk=member_id)
    if member.version != version:
        raise StaleLead(_("该队员的信息刚被他人修改，本次操作未保存；请刷新后重试。"))
    return member


def end_member(*, member_id: int, version: int, ends: date, now: datetime) -> TeamMember:
    """Let a member leave (离队) from a day on. Raises StaleLead, ValidationError, TeamMember.DoesNotExist."""
    duties.require("discovery.team")
    member = _locked(member_id, version)
    if member.ends is not None:
        raise ValidationError(_("该队员已离队。"))
    if ends <= member.starts:
        raise ValidationError({"ends": _("离队日期必须晚于加入日期（%(day)s）。") % {"day": member.starts}})
    member.ends, member.version = ends, member.version + 1
    member.save(update_fields=["ends", "version"])
    scopes.check_constraints()
    return member


def record_training(*, member_ids: Sequence[int], on: date, title: str, hours: Decimal, now: datetime) -> int:
    """Note a training of members; who has it already is left as is. The number newly noted."""
    scope = duties.require("discovery.team")
    if len(title.strip()) < 2:
        raise ValidationError({"title": _("请填写培训内容。")})
    if not Decimal(0) < hours <= Decimal(100):
        raise ValidationError({"hours": _("“学时”应大于 0、不超过 100。")})
    if on > timezone.localdate(now):
        raise ValidationError({"on": _("“培训日期”不能晚于今天。")})
    members = TeamMember.objects.filter(pk__in=member_ids).exclude(trainings__on=on, trainings__title=title.strip()[:80]).order_by("pk")
    made = TeamTraining.objects.bulk_create(
        [
            TeamTraining(member=each, area=each.area, on=on, title=title.strip()[:80], hours=hours, made_by_id=scope.account_id, made_at=now)
            for each in members
        ],
        ignore_conflicts=True,
    )
    scopes.check_constraints()
    return len(made)


@transaction.atomic
def report_by_team(
    *,
    key: UUID,
    area: str,
    need: str,
    urgency: str,
    now: datetime,
    name: str = "",
    phone: str = "",
    address: str = "",
    detail: str = "",
    member_id: int | None = None,
    photos: Sequence[tuple[str, bytes]] = (),
) -> Lead:
    """A report of the team, by its own member or by an officer for one without an account (`member_id`); somebody unknown is fine.

    `key` is the form's own: sent twice it is one report. The same person reported on the same day is merged. Photos: (file name,
    content), checked and stripped like every attachment. Raises ValidationError by field.
    """
    scope = duties.require("discovery.report")
    if need not in Need.values:
        raise ValidationError({"need": _("请选择是哪一类困难。")})
    if member_id is not None:
        duties.require("discovery.team")
        member = TeamMember.objects.filter(pk=member_id).first()
        if member is None or (member.ends and member.ends <= timezone.localdate(now)):
            raise ValidationError({"member": _("该队员不在册或已离队；请重新选择。")})
    else:
        member = TeamMember.objects.filter(account=scope.account_id, ends__isnull=True).first()
    source = f"team:{key}"
    before = Lead.objects.filter(indicator=Channel.TEAM, situation=source).first()
    if before is not None:
        return before
    lead = raise_lead(
        channel=Channel.TEAM, source=source, area=area, reason=in_chinese(Need(need).label), need=need, urgency=urgency, detail=detail[:2000],
        subject=Subject(name=name, phone=phone, address=address[:200]), member_id=member.pk if member else None, now=now,
        note=f"主动发现队员{member.name}报告" if member else "主动发现队伍报告",
    )  # fmt: skip
    for file, content in photos[:4]:
        attachments.attach(subject="lead", subject_id=lead.merged_into_id or lead.pk, area=lead.area, name=file, content=content, now=now)
    scopes.check_constraints()
    return lead
