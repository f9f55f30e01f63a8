"""The form of the safety and guardianship assessment (监护状况评估), as data: questions, answers, what each weighs, how a level follows.

A form is never changed once it was used: a new one gets a new name, and old assessments are explained by theirs. Points and thresholds are the
house's own default (系统默认); no official scale is published for the province.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from doudi.protection.models import ProtectionCase

HIGH, MIDDLE, LOW = ProtectionCase.Level.HIGH, ProtectionCase.Level.MIDDLE, ProtectionCase.Level.LOW
ORDER = {LOW: 0, MIDDLE: 1, HIGH: 2}
DECISIVE = -1  # this answer alone makes the risk high


@dataclass(frozen=True)
class Answer:
    code: str
    label: str | Promise
    points: int


@dataclass(frozen=True)
class Question:
    code: str
    label: str | Promise
    group: str | Promise
    answers: tuple[Answer, ...]

    def answer(self, code: str) -> Answer | None:
        return next((each for each in self.answers if each.code == code), None)


@dataclass(frozen=True)
class Form:
    """`young`: below this age points are added, since a small child cannot protect itself."""

    name: str
    questions: tuple[Question, ...]
    young: int
    young_points: int
    middle_from: int
    high_from: int


@dataclass(frozen=True)
class Finding:
    """The computed level with its reasons: (question, answer, points; -1: decides alone)."""

    level: str
    points: int
    lines: list[tuple[str, str, int]]
    decisive: list[str]


def _q(code: str, label: str | Promise, group: str | Promise, *answers: tuple[str, str | Promise, int]) -> Question:
    return Question(code, label, group, tuple(Answer(*each) for each in answers))


SAFETY, GUARD, NEEDS = _("人身安全"), _("监护情况"), _("生活和发展")
FORM_1 = Form(
    "2022-1",
    (
        _q("now", _("孩子现在的人身安全"), SAFETY, ("safe", _("安全"), 0), ("unsure", _("不能确定"), 3), ("danger", _("有现实危险"), DECISIVE)),
        _q("harm", _("虐待、性侵害、家庭暴力、遗弃的迹象"), SAFETY, ("none", _("没有"), 0), ("suspected", _("疑似"), DECISIVE), ("confirmed", _("确认"), DECISIVE)),
        _q("self_harm", _("自伤、自杀或离家出走"), SAFETY, ("none", _("没有"), 0), ("past", _("以前有过"), 2), ("risk", _("现在有风险"), DECISIVE)),
        _q("care", _("有没有成年人天天照料"), GUARD, ("daily", _("天天有人照料"), 0), ("partly", _("时有时无"), 3), ("nobody", _("没有人照料"), DECISIVE)),
        _q("guardian", _("监护人能否履行监护职责"), GUARD, ("able", _("能"), 0), ("limited", _("部分能"), 2), ("unable", _("不能（隔离、住院、羁押、失联等）"), 4)),
        _q("carer", _("实际照料人的照料能力"), GUARD, ("good", _("好"), 0), ("limited", _("年老体弱或经验不足"), 2), ("poor", _("差"), 4)),
        _q("living", _("吃、穿、住"), NEEDS, ("enough", _("有保障"), 0), ("short", _("有困难"), 1), ("lacking", _("没有保障"), 3)),
        _q("health", _("身体健康和就医"), NEEDS, ("good", _("健康"), 0), ("treated", _("有病、残，得到医治"), 1), ("untreated", _("有病、残，未得到医治"), 3)),
        _q("mind", _("情绪和行为"), NEEDS, ("steady", _("平稳"), 0), ("low", _("低落、焦虑"), 1), ("marked", _("明显异常"), 3)),
        _q("school", _("上学"), NEEDS, ("attends", _("正常上学或未到学龄"), 0), ("irregular", _("经常缺课"), 1), ("out", _("失学辍学"), 3)),
        _q("support", _("亲属、邻里、学校的支持"), NEEDS, ("strong", _("有力"), 0), ("some", _("有一些"), 1), ("none", _("没有"), 2)),
    ),
    young=6, young_points=2, middle_from=4, high_from=9,
)  # fmt: skip
FORMS = {FORM_1.name: FORM_1}
CURRENT = FORM_1


def find(form: Form, answers: Mapping[str, str], age: int | None) -> Finding:
    """The level that follows from complete answers. `age` in full years, None where nobody knows it. Raises KeyError for an answer that is none."""
    lines: list[tuple[str, str, int]] = []
    decisive: list[str] = []
    points = 0
    for question in form.questions:
        answer = question.answer(answers[question.code])
        if answer is None:
            raise KeyError(question.code)
        lines.append((str(question.label), str(answer.label), answer.points))
        if answer.points == DECISIVE:
            decisive.append(str(question.label))
        else:
            points += answer.points
    if age is not None and age < form.young:
        lines.append((gettext("年龄"), gettext("不满 %(n)d 周岁") % {"n": form.young}, form.young_points))
        points += form.young_points
    level = HIGH if decisive or points >= form.high_from else MIDDLE if points >= form.middle_from else LOW
    return Finding(level, points, lines, decisive)


def said(form: Form, finding: Finding) -> str:
    """How the level follows, in one sentence."""
    if finding.decisive:
        return gettext("“%(what)s”一项即为高风险。") % {"what": "”、“".join(finding.decisive)}
    return gettext("合计 %(points)d 分；%(middle)d 分以上为中风险，%(high)d 分以上为高风险。") % {
        "points": finding.points, "middle": form.middle_from, "high": form.high_from,
    }  # fmt: skip
