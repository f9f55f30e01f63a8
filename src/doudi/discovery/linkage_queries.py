"""What the review desk shows of a pair (疑似同一人核查): both records line by line, the evidence in words, what "same" would mean."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.batch import idnumber
from doudi.batch.datasets import CONTRACTS
from doudi.batch.datasets.common import SEXES
from doudi.batch.datasets.relationships import RELATIONSHIPS
from doudi.batch.indicators import INDICATORS
from doudi.core import numbers, places
from doudi.core import scope as scopes
from doudi.discovery.models import Lead, LinkageDecision, LinkagePair
from doudi.discovery.services.linkage_desk import UNDO_DAYS
from doudi.registry.models import BenefitStatus, Fact, FactKind, Household, Membership, Person
from doudi.registry.queries import plain_number

State = LinkagePair.State
COLOURS = {"linked": "purple", "open": "orange", "same": "green", "different": "gray", "unsure": "orange", "settled": "gray"}
# comparison and level -> (word in the table, its colour, sentence of evidence)
WORDS: dict[tuple[str, str], tuple[str | Promise, str, str | Promise]] = {
    ("name", "same"): (gettext_lazy("一致"), "green", gettext_lazy("姓名一致")),
    ("name", "variant"): (gettext_lazy("相近：异体字"), "orange", gettext_lazy("姓名只有异体字、繁简写法不同")),
    ("name", "sound"): (gettext_lazy("相近：读音相同"), "orange", gettext_lazy("姓名读音相同，字不同，常见录入错误")),
    ("name", "last"): (gettext_lazy("相近：名字读音相同"), "orange", gettext_lazy("名字读音相同，姓不同")),
    ("name", "one_other"): (gettext_lazy("相近：一字不同"), "orange", gettext_lazy("姓名三个字中一字不同")),
    ("name", "surname"): (gettext_lazy("只有姓相同"), "red", gettext_lazy("只有姓的读音相同")),
    ("name", "other"): (gettext_lazy("不同"), "red", gettext_lazy("姓名不同")),
    ("birth", "same"): (gettext_lazy("一致"), "green", gettext_lazy("出生日期一致")),
    ("birth", "near"): (gettext_lazy("相近：年、月、日有一项不同"), "orange", gettext_lazy("出生日期只有一项不同，常见录入错误")),
    ("birth", "year"): (gettext_lazy("只有年份相同"), "red", gettext_lazy("出生日期只有年份相同")),
    ("birth", "other"): (gettext_lazy("不同"), "red", gettext_lazy("出生日期不同")),
    ("sex", "same"): (gettext_lazy("一致"), "green", gettext_lazy("性别一致")),
    ("sex", "other"): (gettext_lazy("不同"), "red", gettext_lazy("性别不同")),
    ("phone", "same"): (gettext_lazy("一致"), "green", gettext_lazy("联系电话一致")),
    ("phone", "family"): (gettext_lazy("与家人的一致"), "orange", gettext_lazy("联系电话是同户家人的")),
    ("phone", "other"): (gettext_lazy("不同"), "red", gettext_lazy("联系电话不同")),
    ("division", "village"): (gettext_lazy("一致"), "green", gettext_lazy("同一个村（社区）")),
    ("division", "township"): (gettext_lazy("同一乡镇"), "green", gettext_lazy("同一个乡镇（街道）")),
    ("division", "county"): (gettext_lazy("同一县"), "", gettext_lazy("同一个县（市、区）")),
    ("division", "other"): (gettext_lazy("不同"), "red", gettext_lazy("不在同一个县")),
    ("relatives", "same"): (gettext_lazy("是同户家人"), "green", gettext_lazy("所报户主或监护人是同户家人")),
    ("relatives", "other"): (gettext_lazy("不在同户"), "red", gettext_lazy("所报户主或监护人不在该户")),
    ("number", "slip"): (gettext_lazy("相近：差一处即一致"), "orange", gettext_lazy("身份证号改正一处后，正是此人的号码")),
    ("number", "certificate"): (gettext_lazy("一致"), "green", gettext_lazy("残疾证内的号码正是此人的身份证号")),
    ("number", "other"): (gettext_lazy("不同"), "red", gettext_lazy("身份证号改正后是另一个人的号码")),
}
MISSING: tuple[str | Promise, str, str] = (gettext_lazy("缺一方"), "gray", "")


@dataclass(frozen=True)
class Line:
    """One field of both records. `url`: side ("person" or "row") -> where its whole number is shown."""

    label: str
    person: str
    row: str
    word: str = ""
    colour: str = ""
    differs: bool = False
    person_field: str = ""
    row_field: str = ""


def pairs() -> QuerySet[LinkagePair]:
    return LinkagePair.objects.select_related("person", "decided_by")


def content_of(pair: LinkagePair) -> dict[str, Any]:
    return dict(json.loads(str(pair.content)))


def neighbours(pair: LinkagePair) -> tuple[int | None, int | None]:
    """The open pairs before and after this one, the likeliest first."""
    waiting = LinkagePair.objects.filter(state=State.OPEN)
    before = waiting.filter(Q(score__gt=pair.score) | Q(score=pair.score, pk__lt=pair.pk)).order_by("score", "-pk")
    after = waiting.filter(Q(score__lt=pair.score) | Q(score=pair.score, pk__gt=pair.pk)).order_by("-score", "pk")
    return before.values_list("pk", flat=True).first(), after.values_list("pk", flat=True).first()


def first_open() -> int | None:
    return LinkagePair.objects.filter(state=State.OPEN).order_by("-score", "pk").values_list("pk", flat=True).first()


def progress(now: datetime) -> dict[str, int]:
    """What this officer decided today, and what waits in the scope."""
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    account = scopes.current().account_id or None
    mine = LinkagePair.objects.filter(decided_by=account, decided_at__gte=midnight).aggregate(
        same=Count("pk", filter=Q(state=State.SAME)), different=Count("pk", filter=Q(state=State.DIFFERENT)),
        unsure=Count("pk", filter=Q(state=State.UNSURE)),
    )  # fmt: skip
    done, waiting = sum(mine.values()), LinkagePair.objects.filter(state=State.OPEN).count()
    return {**mine, "done": done, "waiting": waiting, "total": done + waiting}


def can_undo(pair: LinkagePair, now: datetime) -> bool:
    return pair.state in LinkagePair.DECIDED and pair.decided_at is not None and now <= pair.decided_at + timedelta(days=UNDO_DAYS)


def lines(pair: LinkagePair, told: dict[str, Any], on: date) -> list[tuple[str, list[Line]]]:
    """Groups of lines: who it is, what the row tells and the registry knows, where both come from."""
    person: Person = pair.person
    own = list(Membership.objects.select_related("household").filter(person=person).order_by("-starts")[:1])
    household = own[0].household if own else None
    family = list(Membership.objects.select_related("person").filter(household=household, ends__isnull=True)) if household else []
    names = "、".join(f"{each.person.name}（{RELATIONSHIPS.get(each.relationship, '')}）" for each in family if each.person_id != person.pk)
    kind_number = plain_number(person.token)[1]
    number, phone = numbers.plain(pair.number) or "", numbers.plain(pair.phone) or ""
    places.preload([person.area, person.registered_area, told["told_division"] or ""])
    no_number = {"none": _("未填写"), "unreadable": _("无法识别")}.get(told["state"], "")
    remark = {"check": _("（校验位不符）"), "certificate": _("（在残疾证内）")}.get(told["state"], "")

    def line(field: str, label: str, first: str, second: str, **more: str) -> Line:
        word, colour, _sentence = WORDS.get((field, _level(pair, field, told)), MISSING if first or second else ("", "", ""))
        return Line(label, first, second, str(word), colour, colour in ("orange", "red"), **more)

    who = [
        line("name", _("姓名"), person.name, told["name"]),
        line("number", _("身份证号"), idnumber.mask_id(kind_number) if kind_number else _("无"),
             idnumber.mask_id(number) + remark if number else no_number,
             person_field="id_number" if kind_number else "", row_field="number" if number else ""),
        line("birth", _("出生日期"), str(person.birth_date), told["told_birth"] or ""),
        line("sex", _("性别"), person.get_sex_display(), SEXES.get(told["told_sex"] or "", "")),
        line("phone", _("联系电话"), idnumber.mask_phone(numbers.plain(person.phone) or ""), idnumber.mask_phone(phone),
             person_field="phone" if person.phone else "", row_field="phone" if phone else ""),
        line("division", _("管理地区"), "".join(places.path(person.area)), "".join(places.path(told["told_division"] or "")) if told["told_division"] else ""),
        line("relatives", _("户主和家人"), names or _("单人户"), told["told_relatives"] or ""),
    ]  # fmt: skip
    benefits = BenefitStatus.objects.running(on).filter(person=person)
    held = "、".join(each.get_programme_display() for each in benefits)
    disability = Fact.objects.filter(person=person, kind=FactKind.DISABILITY, superseded_at__isnull=True).first()
    known = [Line(_("待遇"), held or _("无在享待遇"), "")]
    if disability:
        known.append(Line(_("残疾"), disability.text or _("有"), ""))
    if person.died_on:
        known.append(Line(_("死亡日期"), str(person.died_on), ""))
    known += [Line(_(label), "", str(value)) for label, value in told["facts"]]
    contract = CONTRACTS[pair.dataset]
    source = [
        Line(_("数据来源"), _("救助家庭台账"), f"{_(contract.department_zh)}　{_(contract.name_zh)}"),
        Line(_("月份和行号"), "", _("%(period)s，第 %(row)d 行") % {"period": pair.period, "row": pair.row}),
        Line(_("登记日期"), f"{timezone.localtime(person.made_at):%Y-%m-%d}", f"{timezone.localtime(pair.made_at):%Y-%m-%d}"),
        Line(_("家庭"), household.number if household else _("无"), ""),
    ]
    return [("", who), (_("各自的情况"), known), (_("来源"), source)]


def _level(pair: LinkagePair, field: str, told: dict[str, Any]) -> str:
    """The level of a comparison; a number that stood in the certificate is no slip."""
    level = str((pair.levels.get(field) or [""])[0])
    return "certificate" if (field, level, told["state"]) == ("number", "slip", "certificate") else level


def evidence(pair: LinkagePair, told: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(sentence, strength in words, colour), the strongest first; a reminder where the name is common in the township."""
    found = []
    for field, (_code, bits) in sorted(pair.levels.items(), key=lambda item: -abs(item[1][1])):
        _word, _colour, sentence = WORDS.get((field, _level(pair, field, told)), MISSING)
        if sentence and abs(bits) >= 0.1:
            strength = (
                (_("强支持"), "green") if bits >= 8 else (_("支持"), "green") if bits >= 2 else (_("弱支持"), "green") if bits > 0
                else (_("弱反对"), "red") if bits > -3 else (_("反对"), "red")
            )  # fmt: skip
            found.append((str(sentence), *strength))
    township = pair.area[:9]
    alike = Person.objects.filter(name=pair.person.name, area__gte=township, area__lt=township + ":").count()
    if alike > 1:
        town = places.name(township)
        found.append((_("“%(name)s”在%(place)s有 %(n)d 人") % {"name": pair.person.name, "place": town, "n": alike}, _("提醒"), "orange"))
    twins = Membership.objects.filter(
        household__in=Household.objects.filter(memberships__person=pair.person, memberships__ends__isnull=True),
        ends__isnull=True, person__birth_date=pair.person.birth_date,
    ).exclude(person=pair.person).count()  # fmt: skip
    if twins:
        found.append((_("同户还有同一天出生的人，注意区分双胞胎"), _("提醒"), "orange"))
    return found


def score(pair: LinkagePair) -> int:
    """0 to 99: likelihood is never certainty."""
    return min(99, int(pair.score * 100))


def verdict(pair: LinkagePair) -> str:
    return _("很可能是同一人") if pair.score >= 0.9 else _("可能是同一人") if pair.score >= 0.5 else _("不大可能是同一人")


def consequences(pair: LinkagePair) -> list[tuple[str, str, str]]:
    """(what, figure, colour) if both are one person."""
    titles = [_(each.title_zh) for each in INDICATORS.values() if pair.dataset in each.datasets]
    found = [(_("下次信息比对起，这行数据计入此人"), _("%(n)d 项指标") % {"n": len(titles)} if titles else "", "")]
    found += [(title, "", "") for title in titles[:4]]
    lead = (
        Lead.objects.filter(household__memberships__person=pair.person, household__memberships__ends__isnull=True, state__in=Lead.OPEN, merged_into=None)
        .values_list("number", flat=True)
        .first()
    )
    if lead:
        found.append((_("该户已有未办结线索 %(number)s，新情形并入") % {"number": lead}, _("不重复"), "green"))
    found.append((_("以后报送中写法相同的数据也算此人，不再询问"), "", ""))
    return found


def others(pair: LinkagePair) -> list[LinkagePair]:
    """Other people whom the same rows may mean."""
    return list(LinkagePair.objects.select_related("person").filter(subject=pair.subject).exclude(pk=pair.pk).order_by("-score")[:5])


def steps(pair: LinkagePair) -> list[dict[str, Any]]:
    """What happened to the pair, the newest first."""
    rows = LinkageDecision.objects.select_related("account").filter(pair=pair).order_by("-at", "-pk")[:10]
    return [
        {"at": timezone.localtime(row.at), "title": f"{row.get_before_display()} → {row.get_after_display()}",  # type: ignore[attr-defined]
         "who": row.account.name if row.account else "", "note": row.note}
        for row in rows
    ]  # fmt: skip
