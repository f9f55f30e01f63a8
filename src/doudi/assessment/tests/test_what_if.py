"""What if: a reform or two months over registry or synthetic population; only sums are kept; the same question is one run."""

from __future__ import annotations

import json
import threading
from contextlib import nullcontext
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse
from typer.testing import CliRunner

from doudi.assessment import commands, whatif
from doudi.assessment.models import WhatIf
from doudi.assessment.tests.cases import case
from doudi.core import postgres
from doudi.core import scope as scopes
from doudi.core.models import Duty, TaskProgress
from doudi.core.services.settings import propose_setting
from doudi.core.tests.officers import client_of, officer

NOW = datetime(2022, 12, 8, 10, tzinfo=ZoneInfo("Asia/Shanghai"))
MONTH = date(2022, 12, 1)
COUNTY = "410122"
REFORM = "{name: 提标, from: 2022-12-01, areas: ['410122'], changes: [{parameter: dibao.standard.rural, times: 1.5}]}"


def ask(**changes: Any) -> tuple[WhatIf, bool]:
    given: dict[str, Any] = {"name": "提标", "source": "synthetic", "size": 3_000, "month": MONTH, "reform": REFORM, "now": NOW}
    return whatif.start_what_if(**(given | changes))


@pytest.fixture
def reviewer(db: None) -> scopes.Scope:
    return officer(Duty.COUNTY_REVIEWER, COUNTY)


@pytest.mark.django_db
def test_a_reform_over_a_synthetic_population_counts_money_and_winners(reviewer: scopes.Scope) -> None:
    with scopes.acting(reviewer):
        asked, fresh = ask()
        done = whatif.run_what_if(what_if_id=asked.pk, now=NOW)
        assert fresh and done.result and done.result["winners"] > done.result["losers"] and done.result["gain"] > 0
        dibao = next(row for row in done.result["differences"] if row["group"] == "all" and row["benefit"] == "dibao_amount")
        assert dibao["cost_after"] > dibao["cost_before"] and dibao["count_after"] > dibao["count_before"]
        moved = sum(row["cost_after"] - row["cost_before"] for row in done.result["differences"] if row["group"] == "all")
        assert moved == pytest.approx(done.result["gain"] + done.result["loss"], abs=0.05)
        for group in ("county", "type"):
            rows = [row for row in done.result["differences"] if row["group"] == group and row["benefit"] == "dibao_amount"]
            assert sum(row["cost_after"] for row in rows) == pytest.approx(dibao["cost_after"], abs=0.05)
        again = whatif.run_what_if(what_if_id=asked.pk, now=NOW)
        assert again.result == done.result and "person" not in str(sorted(done.result))


@pytest.mark.django_db
def test_a_spark_cluster_gives_the_same_sums_to_the_fen(reviewer: scopes.Scope, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="the extra `spark` is not installed; make test-spark installs it")
    monkeypatch.setattr(postgres, "home", lambda: tmp_path)
    with scopes.acting(reviewer):
        case({"birth": date(1950, 1, 1), "disability": (2, "physical")}, {"birth": date(1980, 1, 1), "wage_income": 5000})
        case({"birth": date(1960, 1, 1)}, financial_assets=900_000)
        for changes in ({"source": "registry", "size": 0}, {"reform": "", "month": date(2022, 11, 1), "month_after": MONTH}):
            results = []
            for day, engine in ((8, "duckdb"), (9, "spark")):  # on another day the same question is asked anew
                monkeypatch.setenv("DOUDI_BATCH_ENGINE", engine)
                asked, fresh = ask(**changes, now=NOW.replace(day=day))
                assert fresh
                results.append(whatif.run_what_if(what_if_id=asked.pk, now=NOW).result)
            assert results[0] == results[1] and results[0]["differences"] and results[0]["population"]["people"] >= 3
    assert not list(tmp_path.rglob("*.parquet"))


@pytest.mark.django_db
def test_two_months_compare_the_same_way() -> None:
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, "410724")):
        asked, _fresh = ask(reform="", month=date(2022, 11, 1), month_after=MONTH, name="两月")
        result = whatif.run_what_if(what_if_id=asked.pk, now=NOW).result
        assert result
        nursing = next(row for row in result["differences"] if row["group"] == "all" and row["benefit"] == "disability_nursing_subsidy")
        assert nursing["cost_after"] / nursing["count_after"] == 75 > nursing["cost_before"] / nursing["count_before"]  # 4.5


@pytest.mark.django_db
def test_the_same_question_is_one_run_and_another_day_or_reform_is_another(reviewer: scopes.Scope) -> None:
    with scopes.acting(reviewer):
        first, _fresh = ask()
        assert ask() == (first, False)
        assert ask(reform=REFORM.replace("1.5", "1.6"))[1] and ask(now=NOW.replace(day=9))[1] and ask(size=4_000)[1]


def test_two_officers_ask_the_same_at_once(committed_db: None) -> None:
    officers = [officer(Duty.COUNTY_REVIEWER, COUNTY) for _number in range(2)]
    gate, found = threading.Barrier(2), []

    def run(scope: scopes.Scope) -> None:
        gate.wait()
        with scopes.acting(scope):
            found.append(ask())
        connection.close()

    threads = [threading.Thread(target=run, args=(scope,)) for scope in officers]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len({row.pk for row, _fresh in found}) == 1 and sorted(fresh for _row, fresh in found) == [False, True]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "field", "word"),
    [
        ({"reform": "name: x"}, "reform", "changes"),
        ({"reform": REFORM.replace("dibao.standard.rural", "dibao.nothing")}, "reform", "不存在"),
        ({"reform": REFORM.replace("1.5", "lots")}, "reform", "倍数"),
        ({"reform": REFORM.replace("'410122'", "'990000'")}, "reform", "990000"),
        ({"reform": ""}, "__all__", "二选一"),
        ({"month_after": date(2023, 1, 1)}, "__all__", "二选一"),
        ({"reform": "", "month_after": MONTH}, "month_after", "相同"),
        ({"size": 10}, "size", "1,000"),
        ({"size": 10**9}, "size", "2,000,000"),
        ({"source": "gossip"}, "source", "人口"),
        ({"name": " "}, "name", "名称"),
    ],
)
def test_a_question_that_cannot_stand_is_refused_by_field(reviewer: scopes.Scope, changes: dict[str, Any], field: str, word: str) -> None:
    with scopes.acting(reviewer):
        with pytest.raises(ValidationError) as error:
            ask(**changes)
        said = error.value.message_dict if hasattr(error.value, "error_dict") else {"__all__": error.value.messages}
        assert word in "".join(said[field])
        assert not WhatIf.objects.exists()


@pytest.mark.django_db
def test_other_places_and_duties_see_nothing(reviewer: scopes.Scope) -> None:
    with scopes.acting(reviewer):
        asked, _fresh = ask()
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, "410181")):
        assert not WhatIf.objects.exists()
        with pytest.raises(WhatIf.DoesNotExist):
            whatif.run_what_if(what_if_id=asked.pk, now=NOW)
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, COUNTY + "001")), pytest.raises(PermissionDenied):
        ask()
    other = client_of(officer(Duty.COUNTY_REVIEWER, "410181"))
    assert other.get(reverse("assessment:what_if", args=[asked.pk])).status_code == 404
    assert other.get(reverse("assessment:what_if_csv", args=[asked.pk])).status_code == 404


@pytest.mark.django_db
def test_pages_ask_from_lines_text_and_file_and_show_the_answer(reviewer: scopes.Scope, django_assert_max_num_queries: Any) -> None:
    client = client_of(reviewer)
    new = reverse("assessment:what_if_new")
    assert client.get(new).status_code == 200
    base = (
        {"name": "提标", "source": "synthetic", "size": "3000", "month": "2022-12"}
        | {f"how{n}": "times" for n in (1, 2, 3)}
        | {f"area{n}": COUNTY for n in (1, 2, 3)}
    )
    lines = base | {"parameter1": "dibao.standard.rural 农村低保标准", "number1": "1.1", "starts1": "2022-12"}
    assert client.post(new, base).status_code == 422
    for bad, word in (({"parameter1": "nothing"}, "没有这个参数"), ({"number1": "x"}, "请填写数值"), ({"starts1": ""}, "从哪个月起")):
        page = client.post(new, lines | bad)
        assert page.status_code == 422 and word in page.content.decode()
    sent = client.post(new, lines)
    assert sent.status_code == 302 and client.post(new, lines)["Location"] == sent["Location"]
    with scopes.acting(reviewer):
        assert TaskProgress.objects.filter(task_path="doudi.assessment.tasks.run_what_if").count() == 1
        asked = WhatIf.objects.get()
        assert "times: 1.1" in asked.reform and "410122" in asked.reform
    assert client.get(sent["Location"]).status_code == 200
    with scopes.acting(reviewer):
        whatif.run_what_if(what_if_id=asked.pk, now=NOW)
    with django_assert_max_num_queries(25):
        page = client.get(sent["Location"]).content.decode()
    assert "最低生活保障" in page and "<svg" in page and "按家庭类型" in page
    table = client.get(reverse("assessment:what_if_csv", args=[asked.pk])).content.decode("utf-8-sig")
    assert table.splitlines()[0].startswith("分组,") and "最低生活保障" in table
    assert client.get(reverse("assessment:what_ifs")).status_code == 200
    upload = SimpleUploadedFile("reform.yaml", REFORM.encode())
    assert client.post(new, base | {"name": "文件", "file": upload}).status_code == 302
    assert client.post(new, base | {"file": SimpleUploadedFile("r.yaml", b"\xff\xfe\x00")}).status_code == 422


@pytest.mark.django_db
def test_a_proposed_parameter_is_tried_before_it_is_confirmed(reviewer: scopes.Scope) -> None:
    with scopes.acting(reviewer):
        case({"birth": date(1950, 1, 1)}, residence="rural")
        law_row = propose_setting(
            parameter="dibao.standard.rural", area=COUNTY, starts=date(2023, 1, 1), value="900", document="牟民〔2022〕9号", now=NOW
        )
        other = propose_setting(
            parameter="procedure.lead.contact_days.red", area=COUNTY, starts=date(2023, 1, 1), value="2", document="牟民〔2022〕9号", now=NOW
        )
        with pytest.raises(ValidationError, match="不影响"):
            whatif.start_dry_run(setting_id=other.pk, now=NOW)
        asked, fresh = whatif.start_dry_run(setting_id=law_row.pk, now=NOW)
        result = whatif.run_what_if(what_if_id=asked.pk, now=NOW).result
        assert fresh and asked.month == date(2023, 1, 1) and result and result["winners"] == 1 and result["gain"] > 0
    client = client_of(reviewer)
    page = client.get(reverse("settings") + "?parameter=dibao.standard.rural").content.decode()
    assert "影响试算" in page and "重新试算" in page and "用在哪里" in page
    assert client.post(reverse("assessment:dry_run", args=[law_row.pk])).status_code == 302
    with scopes.acting(officer(Duty.COUNTY_APPROVER, "410181")), pytest.raises(ValidationError, match="没有这一条"):
        whatif.start_dry_run(setting_id=law_row.pk, now=NOW)


@pytest.mark.django_db
def test_commands_explain_a_person_and_answer_what_if(reviewer: scopes.Scope, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(commands, "ready", nullcontext)
    with scopes.acting(reviewer):
        home = case({"birth": date(1950, 1, 1)}, residence="rural")
    run = CliRunner()
    told = run.invoke(commands.app, ["explain", "--person", str(home.people[0].pk), "--month", "2022-12", "--json"])
    assert told.exit_code == 0 and json.loads(told.output)["total"] > 0, told.output
    assert run.invoke(commands.app, ["explain", "--month", "2022-12"]).exit_code == 2
    assert run.invoke(commands.app, ["explain", "--person", "999999999", "--month", "2022-12"]).exit_code == 1
    reform, table = tmp_path / "reform.yaml", tmp_path / "out.csv"
    reform.write_text(REFORM, encoding="utf-8")
    asked = ["what-if", "--month", "2022-12", "--area", COUNTY, "--reform", str(reform), "--csv", str(table), "--json"]
    answer = run.invoke(commands.app, asked)
    assert answer.exit_code == 0 and json.loads(answer.output)["winners"] == 1, answer.output
    assert table.read_text("utf-8-sig").startswith("分组,")
    reform.write_text("name: x", encoding="utf-8")
    assert run.invoke(commands.app, asked).exit_code == 1
    assert run.invoke(commands.app, [*asked[:5], "--reform", str(tmp_path / "none.yaml")]).exit_code == 2
