"""1.6: the township opens a sweep on one page and sees each village; the visitor answers on one screen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.urls import reverse
from django.utils import timezone

from doudi.core import measures
from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Duty, Message, Todo
from doudi.core.tests.officers import client_of, officer
from doudi.discovery import services, sweep_queries
from doudi.discovery.models.sweeps import Sweep, SweepAnswer, SweepEntry, SweepEvent
from doudi.discovery.models.visits import Visit
from doudi.discovery.services.visits import Result
from doudi.discovery.tests.test_sweep_lists import many
from doudi.discovery.tests.test_sweeps import ROBOT, answer, begin, entries
from doudi.discovery.tests.test_visit_plans import TOWN, ill
from doudi.registry.tests.helpers import ELSEWHERE, OTHER_VILLAGE, VILLAGE


def now_begin(town: scopes.Scope, **given: Any) -> Sweep:
    today = timezone.localdate()
    return begin(town, **{"starts": today, "ends": today + timedelta(days=9), "now": timezone.now()} | given)


def opening(**given: Any) -> dict[str, Any]:
    today = timezone.localdate()
    return {
        "key": str(uuid4()), "title": "入冬排查", "starts": today, "ends": today + timedelta(days=9), "groups": ["ill"], "asked": ["needs", "heating"],
        "own-TOTAL_FORMS": 5, "own-INITIAL_FORMS": 0, "own-0-label": "家里有没有手电筒", "own-0-kind": "choice", "own-0-options": "有\n没有",
        "own-0-alarm": "2", "own-0-need": "food",
    } | given  # fmt: skip


def test_1_6_numbers_in_answers_are_masked_and_seeing_them_is_recorded(town: scopes.Scope, visitor: scopes.Scope) -> None:
    ill(town)
    (entry,) = entries(now_begin(town))
    given = {"now": timezone.now(), "done_at": timezone.now()}
    answer(visitor, entry, Result("self", "steady", note="侄子 13911112222"), {"contact": "李四 15055556666"}, **given)
    answer(officer(Duty.VISITOR, VILLAGE), entry, Result("self", "hard", note="村医 13877778888"), {"contact": "王五 13600001111"}, **given)
    page, told = (reverse(f"discovery:{name}", args=[entry.pk]) for name in ("sweep_entry", "sweep_detail"))
    text, whole = client_of(town).get(page).content.decode(), ("13911112222", "15055556666", "13877778888", "13600001111")
    assert told in text and "138****8888" in text and "136****1111" in text and not any(number in text for number in whole)
    for who in (officer(Duty.SUPERVISOR, "41"), officer(Duty.COUNTY_APPROVER)):
        assert client_of(who).post(told).status_code == 403 and told not in client_of(who).get(page).content.decode()
    assert client_of(officer(Duty.TOWNSHIP_OFFICER, ELSEWHERE[:9])).post(told).status_code == 404
    shown = client_of(town).post(told).content.decode()
    assert all(number in shown for number in whole)
    with scopes.acting(officer(Duty.AUDITOR, "41")):
        seen = AccessRecord.objects.filter(subject="sweep_entry", subject_id=entry.pk, what="reveal")
        assert list(seen.values_list("account_id", "field")) == [(town.account_id, "detail")]


def test_1_6_a_township_counts_first_then_opens_on_one_page(town: scopes.Scope, visitor: scopes.Scope) -> None:
    ill(town)
    client, url = client_of(town), reverse("discovery:sweep_new")
    assert "自定问题" in client.get(url).content.decode()
    assert "现有 1 户" in client.post(url, opening(preview="1")).content.decode()
    for wrong, words in (
        ({"groups": []}, "至少一类"), ({"title": ""}, "必填"), ({"ends": "2020-01-01"}, "截止日期"), ({"own-0-options": "有"}, "2 至 8 个"),
        ({"own-0-kind": "json"}, "json"), ({"asked": ["money"]}, "money"), ({"places": [ELSEWHERE]}, ELSEWHERE), ({"starts": "昨天"}, "日期"),
    ):  # fmt: skip
        said = client.post(url, opening(**wrong))
        assert said.status_code == 422 and words in said.content.decode(), wrong
    form = opening()
    page = client.post(url, form, follow=True).content.decode()
    assert "已列出 1 户" in page and "入冬排查" in page and "办理记录" in page and "手电筒" in page
    assert client.post(url, form).status_code == 302
    with scopes.acting(town):
        assert Sweep.objects.count() == 1
    listed = client.get(reverse("discovery:sweeps")).content.decode()
    assert "入冬排查" in listed and "排查中" in listed
    assert client_of(visitor).get(url).status_code == 403


def test_1_6_the_visitor_sees_the_list_and_answers_on_one_screen(town: scopes.Scope, visitor: scopes.Scope) -> None:
    home = ill(town)
    sweep = now_begin(town)
    (entry,) = entries(sweep)
    client, url = client_of(visitor), reverse("discovery:sweep_record", args=[entry.pk])
    assert home.name in client.get(reverse("discovery:sweeps_mine")).content.decode()
    today = client.get(reverse("discovery:visits_today"), {"tab": "all"}).content.decode()
    assert url in today and "集中排查" in today
    page = client.get(url).content.decode()
    assert "靠什么取暖" in page and "集中供暖" in page and "粮食还够吃几天" in page and "紧急联系人" in page
    with scopes.acting(visitor):
        asked = {each.field: each.pk for each in sweep.questions.all()}
    form = {
        "uuid": str(uuid4()),
        "met": "self",
        "living": "hard",
        "needs": ["medicine"],
        f"q{asked['heating']}": "coal",
        f"q{asked['food_days']}": "2",
    }
    for wrong, words in (
        ({"met": ""}, "必填"),
        ({"living": ""}, "生活状况"),
        ({f"q{asked['food_days']}": "400"}, "366"),
        ({f"q{asked['heating']}": "x"}, "x"),
    ):
        said = client.post(url, form | wrong)
        assert said.status_code == 422 and words in said.content.decode(), wrong
    done = client.post(url, form, follow=True).content.decode()
    assert "同时算作一次走访" in done and "已报为救助线索" in done and "都排查完了" in done
    assert "没有重复保存" in client.post(url, form, follow=True).content.decode()
    late = client.post(url, form | {"uuid": str(uuid4()), "living": "steady", "needs": []}, follow=True).content.decode()
    assert "由乡镇选择" in late
    with scopes.acting(visitor):
        assert Visit.objects.get().needs == ["medicine", "food"] and SweepAnswer.objects.count() == 2
    page = client_of(town).get(reverse("discovery:sweep_entry", args=[entry.pk])).content.decode()
    assert "煤或柴" in page and "另有登记" in page and "选择保留哪一份" in page
    household = client_of(town).get(reverse("registry:household", args=[home.pk])).content.decode()
    assert sweep.title in household
    assert client.get(url).status_code == 302  # answered: shown, not asked again


def test_1_6_progress_by_village_is_exact_and_each_village_has_its_page_and_file(town: scopes.Scope, visitor: scopes.Scope) -> None:
    for name, area in (("甲一", VILLAGE), ("乙二", VILLAGE), ("丙三", VILLAGE), ("丁四", OTHER_VILLAGE)):
        ill(town, name=name, area=area)
    sweep = now_begin(town)
    first, second, third, _fourth = entries(sweep)
    now = timezone.now()
    with scopes.acting(visitor):
        for entry, result in ((first, Result("self", "very_hard")), (second, Result("absent")), (third, Result("refused"))):
            services.answer_sweep(entry_id=entry.pk, uuid=uuid4(), done_at=now, result=result, answers={}, now=now)
    with scopes.acting(town):
        rows, total = sweep_queries.progress(sweep, area=TOWN, on=timezone.localdate())
        late = sweep_queries.progress(sweep, area=TOWN, on=sweep.ends + timedelta(days=1))[1]["late"]
    names = ("listed", "done", "found", "absent", "refused", "open", "late", "nobody", "share")
    assert [[row[name] for name in names] for row in (*rows, total)] == [
        [3, 1, 1, 1, 1, 1, 0, 0, "67%"], [1, 0, 0, 0, 0, 1, 0, 1, "0%"], [4, 1, 1, 1, 1, 2, 0, 1, "50%"],
    ]  # fmt: skip
    assert late == 2
    client = client_of(town)
    village = reverse("discovery:sweep_village", args=[sweep.pk, VILLAGE])
    page = client.get(village).content.decode()
    assert "甲一" in page and "丁四" not in page and "改派" in page
    file = b"".join(client.get(village, {"export": "csv"}).streaming_content).decode()  # type: ignore[attr-defined]
    assert file.count("\n") == 4 and "不愿配合" in file
    for query, count in (({"state": "open"}, 2), ({"found": "true"}, 1), ({"name": "甲"}, 1), ({"state": "late"}, 0), ({"origin": "found"}, 0)):
        listed = client.get(reverse("discovery:sweep_entries", args=[sweep.pk]), query).content.decode()
        assert listed.count('href="/sweeps/entries/') == count, query
    given = client.post(reverse("discovery:sweep_give", args=[sweep.pk, VILLAGE]), {"posting": town.posting_id}, follow=True).content.decode()
    assert "已改派 1 户" in given


def test_1_6_found_extended_closed_and_cancelled_on_the_pages(town: scopes.Scope, visitor: scopes.Scope) -> None:
    ill(town)
    sweep = now_begin(town)
    client, url = client_of(visitor), reverse("discovery:sweep_found", args=[sweep.pk])
    form = {"uuid": str(uuid4()), "name": "欧阳娜娜", "need": "stranded", "urgency": "orange", "area": VILLAGE}
    assert client.post(url, form | {"name": ""}).status_code == 422
    assert "报为救助线索" in client.post(url, form, follow=True).content.decode()
    officer_client = client_of(town)
    page = reverse("discovery:sweep", args=[sweep.pk])
    steps = {name: reverse(f"discovery:sweep_{name}", args=[sweep.pk]) for name in ("extend", "close", "cancel")}
    assert officer_client.post(steps["extend"], {"version": 1, "ends": sweep.ends, "reason": "大雪"}).status_code == 422
    assert officer_client.post(steps["extend"], {"version": 1, "ends": sweep.ends + timedelta(days=5), "reason": "大雪"}).status_code == 302
    for name, given in (
        ("close", {"version": 1, "note": "提前完成"}),
        ("cancel", {"version": 1, "reason": "不办了"}),
        ("close", {"version": 2, "note": ""}),
    ):
        assert officer_client.post(steps[name], given).status_code == 422, name
    assert officer_client.post(steps["close"], {"version": 2, "note": "提前完成"}).status_code == 302
    text = officer_client.get(page).content.decode()
    assert "已办结" in text and "未排查到" in text and "提前完成" in text
    (entry, _found) = entries(sweep)
    refused = client.post(
        reverse("discovery:sweep_record", args=[entry.pk]), {"uuid": str(uuid4()), "met": "self", "living": "steady", "note": "写了很多"}
    )
    assert refused.status_code == 422 and "已办结" in refused.content.decode() and "写了很多" in refused.content.decode()
    for name in steps:
        assert client.post(steps[name]).status_code == 403
    with scopes.acting(town):
        assert SweepEvent.objects.filter(entry__isnull=True).count() == 4


def test_1_6_pages_of_another_place_do_not_exist(town: scopes.Scope, visitor: scopes.Scope) -> None:
    home = ill(town)
    sweep = now_begin(town)
    (entry,) = entries(sweep)
    for stranger in (officer(Duty.VISITOR, OTHER_VILLAGE), officer(Duty.TOWNSHIP_OFFICER, ELSEWHERE[:9])):
        client = client_of(stranger)
        for name, args in (("sweep_entry", [entry.pk]), ("sweep_record", [entry.pk]), ("sweep_village", [sweep.pk, VILLAGE])):
            assert client.get(reverse(f"discovery:{name}", args=args)).status_code == 404, name
        assert home.name not in client.get(reverse("discovery:sweeps")).content.decode()
    far = client_of(officer(Duty.TOWNSHIP_OFFICER, ELSEWHERE[:9]))
    for name in ("sweep", "sweep_entries", "sweep_found"):
        assert far.get(reverse(f"discovery:{name}", args=[sweep.pk])).status_code == 404
    assert client_of(town).get(reverse("discovery:sweep_village", args=[sweep.pk, "x" * 12])).status_code == 404
    assert client_of(officer(Duty.FINANCE_OFFICER)).get(reverse("discovery:sweeps")).status_code == 403


def test_1_6_a_village_of_a_thousand_households_takes_a_bounded_number_of_queries(town: scopes.Scope, django_assert_max_num_queries: Any) -> None:
    many(town, 1_000, 1)
    visitor = officer(Duty.VISITOR, TOWN + "001")
    sweep = now_begin(town, groups=("alone",))
    client = client_of(visitor)
    with django_assert_max_num_queries(30):
        assert client.get(reverse("discovery:sweeps_mine")).content.decode().count('class="big"') == 600
    for scope, name, args in (
        (visitor, "visits_today", []), (town, "sweep", [sweep.pk]), (town, "sweep_village", [sweep.pk, TOWN + "001"]), (town, "sweeps", []),
        (town, "sweep_entries", [sweep.pk]),
    ):  # fmt: skip
        reader = client_of(scope)
        with django_assert_max_num_queries(32, info=name):
            assert reader.get(reverse(f"discovery:{name}", args=args)).status_code == 200, name


def test_1_6_the_command_prints_the_progress_of_running_sweeps(town: scopes.Scope) -> None:
    ill(town)
    sweep = now_begin(town)
    with scopes.acting(ROBOT):
        (row,) = sweep_queries.running(timezone.localdate())
    assert (row["sweep"], row["listed"], row["open"], row["late"]) == (sweep.pk, 1, 1, 0)
    with scopes.acting(town):
        assert measures.served("1.6").figure()[0] == 0 and SweepEntry.objects.count() == 1  # type: ignore[union-attr]


def test_1_6_the_list_on_paper_asks_the_sweeps_questions_and_its_printing_is_recorded(town: scopes.Scope, visitor: scopes.Scope) -> None:
    ill(town)
    sweep = now_begin(town, asked=("needs", "heating"))
    url = reverse("discovery:sweep_print", args=[sweep.pk, VILLAGE])
    page = client_of(visitor).get(url).content.decode()
    with scopes.acting(town):
        labels = [question.label for question in sweep.questions.all()]
    assert "共 1 户" in page and "□没有取暖" in page and len(labels) == 2 and all(label in page for label in labels)
    assert reverse("discovery:sweep_print", args=[sweep.pk, VILLAGE]) in client_of(visitor).get(reverse("discovery:sweeps_mine")).content.decode()
    assert client_of(visitor).get(reverse("discovery:sweep_print", args=[sweep.pk, OTHER_VILLAGE])).status_code == 404
    assert client_of(officer(Duty.TOWNSHIP_OFFICER, ELSEWHERE[:9])).get(url).status_code == 404


def test_1_6_an_ordinary_visit_during_a_sweep_shows_that_only_its_questions_are_open(town: scopes.Scope, visitor: scopes.Scope) -> None:
    home = ill(town)
    now_begin(town)
    url = reverse("discovery:sweeps_mine")
    assert "待补问卷" not in client_of(visitor).get(url).content.decode()
    with scopes.acting(visitor):
        services.record_visit(uuid=uuid4(), household_id=home.pk, done_at=timezone.now(), result=Result("self", "steady"), now=timezone.now())
    assert "已走访，待补问卷" in client_of(visitor).get(url).content.decode()


def test_1_6_villages_without_a_visitor_are_one_todo_of_the_township_until_somebody_has_them(town: scopes.Scope) -> None:
    ill(town)
    sweep = now_begin(town)
    waiting = Todo.objects.filter(kind="sweep.unposted", done_at__isnull=True)
    with scopes.acting(town):
        (todo,) = waiting
        assert todo.area == TOWN and "1 个村（社区）没有走访员，1 户待改派" in todo.title
        assert Message.objects.filter(template="todo.sweep.unposted", account_id=town.account_id).count() == 1
        services.assign_village(sweep_id=sweep.pk, area=VILLAGE, posting_id=town.posting_id, now=timezone.now())
        assert not waiting.all().exists()
        assert Message.objects.filter(template="sweep.begun", account_id=town.account_id).count() == 1
