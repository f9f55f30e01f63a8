"""Sample data of the components page; names and figures are invented."""

from __future__ import annotations

from datetime import date, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _

from doudi.core import charts
from doudi.core.forms import DayInput
from doudi.core.lists import Page

HERE = ZoneInfo("Asia/Shanghai")


class SampleForm(forms.Form):
    name = forms.CharField(label="姓名", help_text="与身份证一致")
    kind = forms.ChoiceField(label="救助类型", choices=[("", "请选择"), ("dibao", "最低生活保障"), ("tekun", "特困供养")])
    starts = forms.DateField(label="自", widget=DayInput())
    amount = forms.DecimalField(label="金额（元）", required=False)
    health = forms.ChoiceField(label="健康状况", choices=[("ok", "健康"), ("ill", "重病"), ("off", "残疾")], widget=forms.RadioSelect, initial="ill")
    seen = forms.BooleanField(label="我已对照原件", required=False)
    note = forms.CharField(label="说明", required=False, widget=forms.Textarea(attrs={"rows": 2}))


def context(request: HttpRequest) -> dict[str, Any]:
    form = SampleForm({"kind": "dibao", "starts": "2022-13-01", "amount": "abc", "health": "ill"})
    return {
        "form": form,
        "steps": [
            {"label": "受理", "state": "done", "small": "11-18 周五"},
            {"label": "核对", "state": "done", "small": "11-24 周四"},
            {"label": "初审", "state": "now", "small": "12-02 前", "small2": "还有 3 天"},
            {"label": "公示"},
            {"label": "审核确认"},
        ],
        "events": [
            {"at": datetime(2022, 11, 24, 11, 10, tzinfo=HERE), "title": "经济状况核对", "who": "核对员 周宁", "note": "无车辆、无大额存款。"},
            {"at": datetime(2022, 11, 18, 9, 10, tzinfo=HERE), "title": "提出申请", "who": "走访员 周芳", "note": "本人申请，材料齐全。"},
        ],
        "facts": [("户主", "王*明"), ("户籍地", "获嘉县冯庄镇冯庄村"), ("月人均收入", "501.00 元"), ("住址", "冯庄村 4 组 17 号", True)],
        "figures": [
            {"label": "本月笔数", "value": "12,192", "unit": "笔", "note": "13,980 人"},
            {"label": "本月金额", "value": "4,039,051.50", "unit": "元", "note": "较上月 +76,999.00 元"},
            {"label": "退票", "value": "9", "unit": "笔", "note": "待处理 5 笔"},
        ],
        "tags": [("已确认", "green"), ("待确认", "orange"), ("已退回", "red"), ("公示中", "purple"), ("未核实", "unv"), ("受理", "")],
        "page": Page(rows=[1], number=4, size=20, count=230, more=False),
        "rows": [("王*明", "冯庄镇", "补差", "420.00"), ("李*", "太山镇", "一档", "546.00")],
        "moment": datetime(2022, 11, 24, 11, 10, tzinfo=HERE),
        "soon": date(2022, 12, 2),
        "task": SimpleNamespace(
            pk=None, title="2022年12月发放批次", state="running", get_state_display=_("进行中"), done=31200, total=120000, step="写入发放明细",
            cancel_asked=False, url="", error="",
        ),
        "bars": charts.bar_chart([("农村低保", 4771), ("城市低保", 862), ("特困人员", 1757), ("孤儿", 57)], title="各类待遇户数", unit=" 户"),
        "lines": charts.line_chart(
            [f"{month}月" for month in range(1, 13)],
            [("发放人次", [810, 830, 846, 870, 900, 925, 955, 944, 990, 1040, 1072, 1105])],
            title="全年发放人次",
        ),
        "stepped": charts.step_chart(
            [(date(2018, 1, 1), 470), (date(2019, 1, 1), 520), (date(2020, 1, 1), 570), (date(2021, 7, 1), 590), (date(2022, 1, 1), 630)],
            title="城市低保标准", until=date(2023, 6, 1), planned=[(date(2023, 1, 1), 660)],
        ),
        "tiles": charts.tile_map({code: 8 + 7 * index % 61 for index, code in enumerate(charts.TILES)}, title="各市线索数（示意）"),
    }  # fmt: skip
