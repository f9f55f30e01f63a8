"""Answers that operators of the hotline look up (知识): the rules in words, with the figures that hold at the place on the day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from doudi.batch import law
from doudi.core.models.divisions import ancestors
from doudi.core.settings_overlay import overlay
from doudi.discovery.models import Knowledge


@dataclass(frozen=True)
class Answer:
    """A question, the words that find it, and the answer with its source."""

    title: str
    body: str
    source: str


# title, words that find it, answer (with figures of the place in braces), source
RULES = (
    (
        _("怎样申请最低生活保障"), "低保 吃饭 收入 生活困难 没钱",
        _(
            "共同生活的家庭成员人均收入低于当地低保标准、财产符合规定的，可向户籍地或居住地乡镇（街道）申请，也可请村（社区）代办。"
            "{county}低保标准：城镇每人每月 {urban} 元，农村 {rural} 元。"
        ),
        "国务院令第649号《社会救助暂行办法》",
    ),
    (
        _("遇到急事，先救助还是先审批"), "急难 临时救助 火灾 车祸 大病 先行",
        _("情况紧急的，乡镇（街道）可以先行救助，事后补充说明。突发事件、意外伤害、重大疾病造成基本生活困难的，都可以申请临时救助。"),
        _("豫政〔2015〕32号；举措 3.2"),
    ),
    (
        _("家在外地，能在这里申请救助吗"), "外地 外来 务工 户籍 滞留 回不去",
        _("能。基本生活出现困难的，由急难发生地的乡镇（街道）受理，不分户籍。"),
        _("举措 3.1"),
    ),
    (
        _("找到工作，低保会马上停吗"), "就业 上班 打工 务工 停发 渐退",
        _("不会马上停。外出务工的，先从收入中扣除务工成本（就业地城镇低保标准的 30%）；就业后家庭收入超过标准的，可在规定的渐退期内继续享受，最长 6 个月。"),
        _("举措 2.4、2.5"),
    ),
    (
        _("边缘家庭里的重残、重病人员能单独申请低保吗"), "边缘 重残 残疾 重病 单人保",
        _("能。低保边缘家庭中的重度残疾人、重病患者，以及县级列明的其他特殊困难人员，可以比照单人户纳入低保。"),
        _("举措 2.3"),
    ),
    (
        _("残疾人两项补贴有多少"), "残疾 护理 生活补贴 两项补贴",
        _("困难残疾人生活补贴每人每月 {living} 元，重度残疾人护理补贴每人每月 {nursing} 元；符合条件的可以同时领取。向户籍地乡镇（街道）申请，也可以跨省通办。"),
        _("豫政〔2016〕60号；举措 4.5"),
    ),
    (
        _("钱没有到账怎么办"), "没到账 没收到 发放 银行卡 一卡通",
        _("每月 10 日前发放。10 日后仍未到账的，先核对“一卡通”账号是否正常；账号有误或卡已注销的，由乡镇（街道）核对后更正，下一批次补发。请登记姓名和所在村，转乡镇核对。"),
        _("举措 4.3"),
    ),
    (
        _("父母被隔离或住院，孩子没人管"), "孩子 儿童 未成年 监护 隔离 住院 留守",
        _("先确认孩子现在是否安全、和谁在一起。村（居）民委员会应当先安排临时生活照料，并报告乡镇和民政部门；需要时由民政部门临时监护。属于紧急，请登记为红色。"),
        _("《未成年人保护法》第九十一、九十二条；举措 5.2、5.3"),
    ),
    (
        _("独居老人买不到药、没人照料"), "老人 独居 买药 药品 照料 送药",
        _("请登记所在村（社区）和联系方式，由帮扶责任人代购药品、送餐或安排照料；有危险的登记为红色，一个工作日内首次联系。"),
        _("举措 7.5"),
    ),
    (
        _("流浪乞讨人员在哪里求助"), "流浪 乞讨 露宿 救助站 走失",
        _("引导到当地救助管理站，行动不便的请说清位置，通知救助站上街救助；危重病人、精神障碍患者先送医院（120），走失未成年人同时报警（110）。"),
        "国务院令第381号",
    ),
    (
        _("特困人员供养有哪些"), "特困 五保 供养 护理 敬老院",
        _("无劳动能力、无生活来源、无法定赡养抚养扶养义务人或义务人无能力的老年人、残疾人和未成年人，可申请特困供养：基本生活、照料护理、疾病治疗、丧葬。可以选择在家或到机构供养。"),
        "民发〔2021〕43号",
    ),
    (
        _("对审批结果不服怎么办"), "投诉 不服 申诉 举报 不公平 复议",
        _("可以要求乡镇（街道）书面说明理由；对决定不服的，可以自收到决定之日起 60 日内申请行政复议，或者 6 个月内提起行政诉讼。对经办人员的投诉请登记为“投诉转办”。"),
        _("《行政复议法》；《行政诉讼法》"),
    ),
)  # fmt: skip


def figures(area: str, on: date) -> dict[str, str]:
    """Amounts of the law at a county on a day, in yuan; a county that is not known yet takes the province's."""
    county = area[:6] if len(area) >= 6 else "410100"
    households = {"county": np.array([county, county], object), "residence": np.array(["urban", "rural"], object)}
    people = {"birth_date": np.full(2, np.datetime64("1980-01-01")), "disability_grade": np.full(2, 1), "receives_dibao": np.full(2, True)}
    names = ["local_dibao_standard", "disability_living_subsidy", "disability_nursing_subsidy"]
    households["awards_known"] = np.full(2, True)
    found = law.run(people, households, np.arange(2), np.ones(2, bool), f"{on:%Y-%m}", names, overlay(on))
    urban, rural = (f"{value:.0f}" for value in found["local_dibao_standard"])
    return {
        "urban": urban,
        "rural": rural,
        "living": f"{found['disability_living_subsidy'][0]:.0f}",
        "nursing": f"{found['disability_nursing_subsidy'][0]:.0f}",
    }


def answers(text: str, *, area: str, county: str, on: date, most: int = 4) -> list[Answer]:
    """Answers that fit what was typed, the place's own first; with nothing typed the first few. One query and one small run of the law."""
    words = [word for word in text.replace("，", " ").split() if word]
    own = Knowledge.objects.filter(area__in=ancestors(area), ended_at__isnull=True).order_by("-area", "title")
    if words:
        own = own.filter(*[Q(title__contains=word) | Q(keywords__contains=word) | Q(body__contains=word) for word in words])
    found = [Answer(row.title, row.body, gettext("本地")) for row in own[:most]]
    scored = []
    for order, (title, keywords, body, source) in enumerate(RULES):
        hits = sum(any(word in part or part in word for part in (str(title), *keywords.split())) or word in str(body) for word in words)
        if hits == len(words):
            scored.append((-hits, order, title, body, source))
    values: dict[str, str] | None = None
    for _hits, _order, title, body, source in sorted(scored)[: max(most - len(found), 0)]:
        words_of = str(body)
        if "{" in words_of:
            values = values or {"county": county, **figures(area, on)}
            words_of = words_of.format(**values)
        found.append(Answer(str(title), words_of, str(source)))
    return found
