"""`doudi assess`, `doudi explain` and `doudi what-if`."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from doudi.core.commandline import AsJson, Month, counted, month_given, ready, refuse_unknown, show

app = typer.Typer()
Area = Annotated[str, typer.Option("--area", help="区划代码")]


@app.command()
def assess(area: Area, month: Month, as_json: AsJson = False) -> None:
    """按法规测算一个地区全部家庭的待遇（重复执行不产生重复记录）"""
    with ready():
        from django.utils import timezone

        from doudi.assessment import services
        from doudi.core import scope as scopes
        from doudi.core.models import Duty

        refuse_unknown(area)
        with scopes.acting(scopes.Scope(area=area, duty=Duty.COUNTY_REVIEWER, page="doudi assess")), counted("测算") as progress:
            run = services.assess_all(area=area, month=month, now=timezone.now(), progress=progress)
        show({
            "area": area, "month": f"{month:%Y-%m}", "households": run.households, "people": run.people, "law_version": run.law_version, **run.summary,
        }, as_json=as_json, title="待遇测算")  # fmt: skip


@app.command()
def explain(
    month: Month,
    household: Annotated[str, typer.Option("--household", help="家庭的编号或序号")] = "",
    person: Annotated[int, typer.Option("--person", help="人员的序号：说明其当月所在家庭")] = 0,
    area: Area = "41",
    as_json: AsJson = False,
) -> None:
    """一个家庭一个月的测算说明：逐行算法、依据、未享受的原因（登记情况的测算，不写入记录）"""
    if bool(household) == bool(person):
        raise typer.BadParameter("请用 --household 或 --person 指定一个家庭或一个人", param_hint="--household / --person")
    with ready():
        from dataclasses import asdict

        from django.db.models import Q
        from django.utils import timezone

        from doudi.assessment import services
        from doudi.assessment.facts import facts_day, read_household
        from doudi.assessment.freeze import facts_texts, thaw
        from doudi.batch import law
        from doudi.core import audit
        from doudi.core import scope as scopes
        from doudi.core.models import Duty
        from doudi.registry.models import Household, Membership, Person

        with scopes.acting(scopes.Scope(area=area, duty=Duty.COUNTY_REVIEWER, page="doudi explain")):
            if person:
                held = Membership.objects.filter(person_id=person, starts__lte=month).filter(Q(ends__isnull=True) | Q(ends__gt=month)).first()
                household = str(held.household_id) if held else "-"
            wanted = Q(number=household) | (Q(pk=int(household)) if household.isascii() and household.isdigit() and len(household) < 16 else Q(pk=-1))
            found = Household.objects.filter(wanted).first()
            if found is None:
                what = f"序号为 {person} 的在册人员" if person else f"编号或序号为“{household}”的家庭"
                typer.echo(f"错误：在 {area} 范围内，{month:%Y-%m} 没有{what}；请核对后重试。", err=True)
                raise typer.Exit(1)
            audit.record_access(what="open", subject="household", subject_id=found.pk, area=found.area, field="assessment")
            settings = services.law_settings(month)
            facts = read_household(household_id=found.pk, month=month, as_of=facts_day(month, timezone.localdate()), settings=settings)
            if not len(facts.household_ids):
                typer.echo(f"错误：该家庭在 {month:%Y-%m} 没有在册成员；请核对家庭成员。", err=True)
                raise typer.Exit(1)
            names = dict(Person.objects.filter(id__in=facts.person_ids.tolist()).values_list("id", "name"))
            persons, households, _index = thaw([json.loads(facts_texts(facts)[0].as_py())])
            try:
                explained = law.explain(persons, households, f"{month:%Y-%m}", settings, [names[i] for i in facts.person_ids.tolist()])
            except law.LawInputError as error:
                typer.echo(f"错误：登记的情况不能用于测算：{services.problems_said(error, facts)}。", err=True)
                raise typer.Exit(1) from None
        if as_json:
            typer.echo(json.dumps(explained.as_dict() if hasattr(explained, "as_dict") else asdict(explained), ensure_ascii=False))
            return
        _tree(explained)


@app.command("what-if")
def what_if(
    month: Month,
    area: Area = "41",
    reform: Annotated[Path | None, typer.Option("--reform", help="改革方案（YAML）")] = None,
    against: Annotated[date | None, typer.Option("--against", parser=month_given, metavar="YYYY-MM", help="不改规则，与这个月份比较")] = None,
    synthetic: Annotated[int, typer.Option("--synthetic", help="用多少人的模拟人口；不填用登记家庭")] = 0,
    csv: Annotated[Path | None, typer.Option("--csv", help="结果另存为 CSV")] = None,
    as_json: AsJson = False,
) -> None:
    """政策测算：改革方案或两个月份，对登记家庭或模拟人口的影响（只留合计，不留个人结果）"""
    if reform is not None and not reform.is_file():
        typer.echo(f"错误：没有文件“{reform}”。", err=True)
        raise typer.Exit(2)
    with ready():
        from django.core.exceptions import ValidationError
        from django.utils import timezone

        from doudi.assessment import whatif, whatif_views
        from doudi.core import scope as scopes
        from doudi.core.models import Duty

        now = timezone.now()
        with scopes.acting(scopes.Scope(area=area, duty=Duty.SUPERVISOR, page="doudi what-if")):
            try:
                asked, _fresh = whatif.start_what_if(
                    name=reform.stem if reform else f"{month:%Y-%m} / {against or month:%Y-%m}", source="synthetic" if synthetic else "registry", size=synthetic, month=month,
                    month_after=against, reform=reform.read_text(encoding="utf-8") if reform else "", now=now,
                )  # fmt: skip
            except ValidationError as error:
                typer.echo("错误：" + "；".join(error.messages), err=True)
                raise typer.Exit(1) from None
            asked = whatif.run_what_if(what_if_id=asked.pk, now=now)
            assert asked.result is not None
            if csv:
                csv.write_text("\ufeff" + whatif_views.as_csv(asked), encoding="utf-8")
        shown = {name: value for name, value in asked.result.items() if as_json or name != "differences"}
        show({"name": asked.name, "area": area, "month": f"{month:%Y-%m}", **shown}, as_json=as_json, title="政策测算")


def _tree(explained: object) -> None:
    from rich.console import Console
    from rich.tree import Tree

    x = explained
    root = Tree(f"[b]{x.county_name}（{x.residence_label}） {x.month}  本月待遇合计 {x.total:,.2f} 元[/]")  # type: ignore[attr-defined]
    for section in x.sections:  # type: ignore[attr-defined]
        branch = root.add(f"[b]{section.title}[/]")
        for line in section.lines:
            value = ("符合" if line.verdict else "不符合") if line.verdict is not None else "—" if line.value is None else f"{line.value:,.2f}"
            who = f" {line.member_name}" if line.member_name else ""
            cites = f"（引用第 {'、'.join(map(str, line.cites))} 行）" if line.cites else ""
            mark = " [yellow]未核实[/]" if line.unverified else ""
            branch.add(f"{line.number or ''} {line.label}{who}：[b]{value}[/]{mark}  [dim]{line.formula}{cites} {line.reference}[/]")
    refused = root.add("[b]未享受的待遇及原因[/]")
    for refusal in x.refusals:  # type: ignore[attr-defined]
        who = f" {refusal.member_name}" if refusal.member_name else ""
        refused.add(f"{refusal.label}{who}：{refusal.reason}  [dim]{refusal.threshold}[/]")
    Console().print(root)
