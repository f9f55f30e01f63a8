"""What a sweep (集中排查, measure 1.6) may ask: questions declared here, and the kinds that a campaign's own questions may have.

An answer says by itself what follows: a need becomes a lead with the visit, a change becomes a to-do of the township.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from doudi.discovery.models.visits import VisitNeed


class Kind(models.TextChoices):
    """How a question is answered."""

    YESNO = "yesno", _("是或否")
    CHOICE = "choice", _("单选")
    NUMBER = "number", _("数字")
    TEXT = "text", _("短文字")
    VISIT = "visit", _("走访表内容")


YES, NO = "yes", "no"
OWN_KINDS = (Kind.YESNO, Kind.CHOICE, Kind.NUMBER, Kind.TEXT)
LONGEST_TEXT = 200


@dataclass(frozen=True)
class Item:
    """One question of the catalogue.

    `options`: code and words of a choice. `needs`: answer -> need that it shows; `at_most`: a number up to which it shows `low_need`.
    `changes`: answer -> what the township has to register. `hint` stands under the question. Kind VISIT: a field of the visit's own record.
    """

    code: str
    label: str | Promise
    kind: Kind
    options: tuple[tuple[str, str | Promise], ...] = ()
    least: int = 0
    most: int = 0
    needs: Mapping[str, VisitNeed] = field(default_factory=dict)
    at_most: int | None = None
    low_need: VisitNeed | None = None
    changes: Mapping[str, str | Promise] = field(default_factory=dict)
    hint: str | Promise = ""

    def need_of(self, choice: str, number: Decimal | None) -> VisitNeed | None:
        """The need that an answer shows, or None."""
        if number is not None and self.at_most is not None and number <= self.at_most:
            return self.low_need
        return self.needs.get(choice)


_ALL = (
    Item("needs", _("需要什么（可多选）"), Kind.VISIT),
    Item("health", _("健康变化"), Kind.VISIT),
    Item("income", _("收入变化"), Kind.VISIT),
    Item("medicine_days", _("药还能用几天"), Kind.VISIT),
    Item("food_days", _("粮食还够吃几天"), Kind.NUMBER, most=366, at_most=3, low_need=VisitNeed.FOOD, hint=_("3 天以内的报为线索")),
    Item(
        "heating",
        _("靠什么取暖"),
        Kind.CHOICE,
        options=(("central", _("集中供暖")), ("gas", _("电或天然气")), ("coal", _("煤或柴")), ("bedding", _("没有取暖"))),
        needs={"bedding": VisitNeed.HEATING},
    ),
    Item(
        "carer",
        _("平时由谁照料"),
        Kind.CHOICE,
        options=(("self", _("自己能行")), ("family", _("家人")), ("others", _("邻居或雇人")), ("nobody", _("无人照料"))),
        needs={"nobody": VisitNeed.CARER},
    ),
    Item("house_safe", _("住房是否安全"), Kind.YESNO, needs={NO: VisitNeed.HOUSING}),
    Item("fever", _("家里有没有发热或需要就医的人"), Kind.YESNO, needs={YES: VisitNeed.DOCTOR}),
    Item("out_of_school", _("有没有适龄儿童失学"), Kind.YESNO, needs={YES: VisitNeed.SCHOOL}),
    Item("insured", _("是否都参加了基本医疗保险"), Kind.YESNO, changes={NO: _("有人未参加基本医疗保险")}),
    Item("returned", _("外出务工的人是否已返乡"), Kind.YESNO, changes={YES: _("外出务工人员已返乡")}),
    Item("moved_house", _("住址与登记是否一致"), Kind.YESNO, changes={NO: _("住址与登记不一致")}),
    Item("members", _("现在家里几口人"), Kind.NUMBER, most=30, hint=_("与登记不一致的，转乡镇核实登记")),
    Item("contact", _("紧急联系人"), Kind.TEXT, hint=_("姓名、与本人关系")),
)
CATALOGUE: dict[str, Item] = {item.code: item for item in _ALL}
