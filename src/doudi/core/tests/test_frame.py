"""The page frame: policy, fragments, errors, lists, menu, marks of the components."""

import ast
import csv
import errno
import io
import logging
import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from django.db import connection
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from python_calamine import CalamineWorkbook

from doudi.core import charts, lists, menu, panels
from doudi.core import scope as scopes
from doudi.core.logs import NoPersonalData
from doudi.core.models import AccessRecord, Duty
from doudi.core.services import todos
from doudi.core.services.todos import finish_todos, open_todos, raise_todo, raise_todos
from doudi.core.templatetags import ui
from doudi.core.tests.officers import COUNTY, TOWNSHIP, client_of, officer

INLINE = re.compile(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+\s*=|javascript:", re.I)


def todo(number: int, *, title: str = "初审", area: str = TOWNSHIP, duty: str = Duty.TOWNSHIP_OFFICER, due: date | None = None) -> bool:
    return raise_todo(kind="k", area=area, duty=duty, title=title, url="/components/", subject="x", subject_id=number, due=due, now=timezone.now())


@pytest.fixture
def township(db: None) -> scopes.Scope:
    return officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP, name="李晓梅")


PAGES = ["/", "/todos/", "/todos/?done=1", "/components/", "/tasks/", "/settings/", "/nothing/", "/staff/", "/accounts/2fa/"]


@pytest.mark.parametrize("page", PAGES)
def test_no_inline_script_or_style_and_one_h1(township: scopes.Scope, page: str) -> None:
    answer = client_of(township).get(page)
    text = answer.content.decode()
    assert not INLINE.search(text), INLINE.search(text)
    assert text.count("<h1") == 1
    policy = answer["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy


@pytest.mark.parametrize("page", ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/accounts/email/", "/accounts/inactive/"])
def test_pages_before_the_sign_in_are_in_chinese_and_sign_nobody_up(db: None, page: str) -> None:
    answer = Client().get(page)
    text = answer.content.decode()
    assert answer.status_code == 200 and not INLINE.search(text)
    assert not re.search(r">[^<]*\b(Sign|Password|Username|Email)\b[^<]*<", text)
    assert Client().post("/accounts/signup/", {"username": "x", "password1": "brand-new-pass", "password2": "brand-new-pass"}).status_code == 405


def test_without_sign_in_the_first_page_is_the_public_one(db: None) -> None:
    assert Client().get("/")["Location"] == "/portal/"


@pytest.mark.parametrize("page", ["/todos/", "/tasks/", "/settings/", "/staff/", "/audit/", "/components/"])
def test_without_sign_in_every_page_leads_there(db: None, page: str) -> None:
    assert Client().get(page)["Location"].startswith("/accounts/login/")
    assert Client().get(page, headers={"HX-Request": "true"}).status_code == 401


def test_one_template_serves_page_fragment_and_drawer(township: scopes.Scope) -> None:
    client = client_of(township)
    whole = client.get("/components/").content.decode()
    drawer = client.get("/components/", headers={"HX-Request": "true", "HX-Target": "drawer-body"}).content.decode()
    bare = client.get("/components/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" in whole
    assert "<html" not in drawer and "打开整页" in drawer and '<h2 class="h1">' in drawer
    assert "<html" not in bare and "打开整页" not in bare


def test_english_is_asked_for_by_the_switch(township: scopes.Scope) -> None:
    client = client_of(township)
    assert 'lang="zh-Hans"' in client.get("/").content.decode()
    client.post("/i18n/setlang/", {"language": "en"})
    text = client.get("/").content.decode()
    assert '<html lang="en"' in text and "My to-dos" in text and "Township officer" in text


def test_large_text_and_contrast_are_kept_in_the_browser(township: scopes.Scope) -> None:
    client = client_of(township)
    answer = client.post("/look/", {"large": "1", "next": "https://evil.example/"})
    assert answer["Location"] == "/"
    client.post("/look/", {"contrast": "1"})
    assert 'class="large contrast"' in client.get("/").content.decode()


def test_the_server_error_page_needs_no_database(django_db_blocker: object) -> None:
    from doudi.core.views.errors import server_error

    answer = server_error(RequestFactory().get("/"))
    assert answer.status_code == 500 and "没有生效" in answer.content.decode()


def test_an_expired_form_says_what_to_do(township: scopes.Scope) -> None:
    client = client_of(township, enforce_csrf_checks=True)
    answer = client.post("/look/", {"large": "1"})
    assert answer.status_code == 403 and "页面已过期" in answer.content.decode()


def test_a_todo_is_raised_once_and_finished(township: scopes.Scope) -> None:
    with scopes.acting(township):
        assert todo(1) and not todo(1)
        assert finish_todos(subject="x", subject_id=1, now=timezone.now()) == 1
        assert not open_todos(duty=township.duty).exists()
        assert todo(1), "finished, it can be raised again"


def test_what_no_act_records_ends_when_its_officer_has_looked(township: scopes.Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    with scopes.acting(township):
        todo(1, title="请核对供养方式")
        mine = open_todos(duty=township.duty).get()
    url = reverse("todo_settle", args=[mine.pk])
    page = client_of(township).get("/todos/").content.decode()
    assert url not in page, "what a service ends has no button"
    answer = client_of(township).post(url, follow=True).content.decode()
    with scopes.acting(township):
        assert "自动办结" in answer and open_todos(duty=township.duty).exists()
    monkeypatch.setattr(todos, "BY_HAND", {"k"})
    monkeypatch.setattr("doudi.core.views.work.BY_HAND", {"k"})
    for stranger in (officer(Duty.TOWNSHIP_OFFICER, "410122100"), officer(Duty.CHILD_SUPERVISOR, TOWNSHIP)):
        client_of(stranger).post(url)
    with scopes.acting(township):
        assert open_todos(duty=township.duty).exists(), "another place's or duty's officer has not looked at it"
    assert url in client_of(township).get("/todos/").content.decode()
    client_of(township).post(url)
    with scopes.acting(township):
        mine.refresh_from_db()
        assert mine.done_at is not None and mine.done_by_id == township.account_id
    assert "已办结，或不由您办理" in client_of(township).post(url, follow=True).content.decode()
    assert client_of(township).get(url).status_code == 405


def test_todos_of_many_are_raised_with_one_statement(township: scopes.Scope) -> None:
    sql = "select %s::text, 'township_officer', 'bulk', '核查 ' || n, '/', 'y', n::bigint, date '2022-12-01' from generate_series(1, 500) n"
    with scopes.acting(township), CaptureQueriesContext(connection) as queries:
        assert raise_todos(sql, [TOWNSHIP], now=timezone.now()) == 500
        assert raise_todos(sql, [TOWNSHIP], now=timezone.now()) == 0
    assert len(queries) == 2


def test_todos_of_another_place_or_duty_are_not_seen(township: scopes.Scope) -> None:
    with scopes.acting(scopes.Scope(area="41")):
        todo(1, title="本镇事项")
        todo(2, title="外镇事项", area="410122100")
        todo(3, title="别岗事项", duty=Duty.CHILD_SUPERVISOR)
    page = client_of(township).get("/todos/").content.decode()
    assert "本镇事项" in page and "外镇事项" not in page and "别岗事项" not in page
    assert '<span class="n">1</span>' in page


def test_a_list_asked_for_an_order_that_it_does_not_have_keeps_its_own(township: scopes.Scope) -> None:
    with scopes.acting(township):
        todo(1, title="请核对")
    for sort in ("--due", "-", "title", "due,pk", "-due\x00"):
        assert "请核对" in client_of(township).get("/todos/", {"sort": sort}).content.decode(), sort


@pytest.mark.parametrize(("sort", "first"), [("due", "先到期"), ("-due", "后到期")])
def test_what_has_no_limit_comes_last_whichever_way_a_list_is_sorted(township: scopes.Scope, sort: str, first: str) -> None:
    with scopes.acting(township):
        for number, (title, due) in enumerate([("不限期", None), ("先到期", date(2022, 12, 1)), ("后到期", date(2022, 12, 31))]):
            todo(number, title=title, due=due)
    page = client_of(township).get(f"/todos/?sort={sort}").content.decode()
    assert page.index(first) < page.index("到期", page.index(first) + 3) < page.index("不限期")


def test_a_list_costs_the_same_queries_for_any_number_of_rows(township: scopes.Scope) -> None:
    client = client_of(township)
    client.get("/todos/")  # what is kept in memory
    counts = []
    for numbers in (range(1), range(1, 20)):
        with scopes.acting(township):
            for number in numbers:
                todo(number, area=TOWNSHIP + f"{200 + number:03d}")
        with CaptureQueriesContext(connection) as queries:
            client.get("/todos/")
        counts.append(len(queries))
    assert counts[1] <= counts[0] + 1, counts


@pytest.mark.parametrize(
    "query", ["page=0", "page=-1", "page=999", "page=x", "page=99999999999999", "sort=password", "area=41", "overdue=7", "page=１"]
)
def test_strange_addresses_of_a_list_are_harmless(township: scopes.Scope, query: str) -> None:
    with scopes.acting(township):
        todo(1)
    assert client_of(township).get(f"/todos/?{query}").status_code == 200


def test_a_table_refresh_sends_the_rows_only(township: scopes.Scope) -> None:
    with scopes.acting(township):
        todo(1)
    text = client_of(township).get("/todos/", headers={"HX-Request": "true", "HX-Target": "rows"}).content.decode()
    assert "<table" in text and "<form" not in text and "<html" not in text


def test_exports_hold_no_formulas_and_are_recorded(township: scopes.Scope) -> None:
    with scopes.acting(township):
        for number, title in enumerate(["=1+1", "+SUM(A1)", "-2", "@cmd", "正常"]):
            todo(number, title=title, due=date(2022, 12, 1))
    client = client_of(township)
    answer = client.get("/todos/?export=csv")
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert [row[0] for row in rows] == ["事项", "'=1+1", "'+SUM(A1)", "'-2", "'@cmd", "正常"]
    book = b"".join(client.get("/todos/?export=xlsx").streaming_content)
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    assert [row[0] for row in sheet] == ["事项", "=1+1", "+SUM(A1)", "-2", "@cmd", "正常"] and sheet[1][3] == date(2022, 12, 1)
    assert b"<f>" not in book
    with scopes.acting(township):
        assert AccessRecord.objects.filter(what="export", account_id=township.account_id).count() == 2


def test_an_export_holds_the_own_scope_only(township: scopes.Scope) -> None:
    with scopes.acting(scopes.Scope(area="41")):
        todo(1, title="本镇事项")
        todo(2, title="外镇事项", area="410122100")
    text = b"".join(client_of(township).get("/todos/?export=csv").streaming_content).decode()
    assert "本镇事项" in text and "外镇事项" not in text


def test_a_title_cannot_break_out_of_the_page(township: scopes.Scope) -> None:
    with scopes.acting(township):
        todo(1, title="<script>alert(1)</script>\"'")
    for page in ("/", "/todos/"):
        assert "<script>alert" not in client_of(township).get(page).content.decode()


def test_counts_stop_at_the_ceiling(monkeypatch: pytest.MonkeyPatch, township: scopes.Scope) -> None:
    monkeypatch.setattr(lists, "COUNT_CEILING", 5)
    with scopes.acting(township):
        for number in range(9):
            todo(number)
        page = lists.page_of(open_todos(duty=township.duty), 99, size=2)
    assert (page.count, page.more, page.number) == (5, True, 3)


def test_names_of_acts_and_sections_are_checked() -> None:
    with pytest.raises(KeyError):
        menu.add("discovery", "x", "dashboard", "discovery.misspelt")
    with pytest.raises(KeyError):
        menu.add("nowhere", "x", "dashboard", None)
    with pytest.raises(KeyError):
        panels.dashboard("x", lambda request: {}, "x.html", act="misspelt")


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ("{{ x|money }}", "1,234.50"),
        ("{{ nothing|money }}", "—"),
        ("{{ minus|change }}", "−2,971.00"),
        ("{{ id|mask_id }}", "4101**********1234"),
        ("{{ name|mask_name }}", "王*明"),
        ("{{ phone|mask_phone }}", "138****5678"),
        ("{{ account|tail }}", "尾号 6789"),
        ("{{ moment|day }}", "2022-11-24 08:30"),
        ("{{ share|percent }}", "95.3%"),
        ("{{ evil|money }}", "&lt;b&gt;"),
        ("{% tag evil 'red' %}", '<span class="tag red">&lt;b&gt;</span>'),
    ],
)
def test_filters_write_as_the_field_does(template: str, shown: str) -> None:
    context = {
        "x": Decimal("1234.5"), "nothing": None, "minus": Decimal(-2971), "id": "410102199001011234", "name": "王建明", "phone": "13812345678",
        "account": "6217000012346789", "moment": datetime(2022, 11, 24, 0, 30, tzinfo=ZoneInfo("UTC")), "share": 0.9531, "evil": "<b>",
    }  # fmt: skip
    assert Template(template).render(Context(context)) == shown


def test_a_deadline_says_how_near_it_is() -> None:
    today = timezone.localdate()
    assert "超期 2 天" in str(ui.due(today - timedelta(days=2)))
    assert "今天到期" in str(ui.due(today))
    assert str(ui.due(today + timedelta(days=30))) == (today + timedelta(days=30)).isoformat()


def test_charts_escape_and_say_their_values() -> None:
    chart = charts.bar_chart([("<b>", 3)], title='"x"', unit="户")
    assert "<b>" not in chart and "&quot;x&quot;：&lt;b&gt; 3户" in chart and "style" not in chart
    assert "无数据" in charts.tile_map({"4101": 3}, title="各市")
    assert charts.line_chart(["1月"], [("a", [None])], title="空") and charts.bar_chart([], title="空")
    assert charts.step_chart([], title="空", until=date(2022, 1, 1)) == ""


def test_a_chart_of_limits_has_room_for_its_words() -> None:
    words = "28.5 / 30.5 个工作日"
    short, long = (charts.limit_chart([("橙色预警", [("信号到救助", 28.5, 30.5, limit, words)])], title="时效") for limit in (20, 20.125))
    ends = [float(re.search(r'viewBox="0 0 ([0-9.]+)', chart)[1]) for chart in (short, long)]  # type: ignore[index]
    assert 398 + charts._wide(f"{words}　时限 20，超出") < ends[0] < ends[1]


def test_a_name_in_a_list_is_not_broken_over_two_lines() -> None:
    name = lists.Column("户主", "name")
    assert [name.css_of({"name": text}) for text in ("王*明", "2025-12", "中牟县青年路街道", None)] == ["nw", "nw", "", ""]
    assert lists.Column("金额", "name", kind="money").css_of({"name": 3}) == "num"


def test_every_tag_has_a_colour_that_there_is() -> None:
    seen = 0
    for file in Path(ui.__file__).parents[2].rglob("*.py"):
        text = "" if "tests" in file.parts else file.read_text()
        for each in ast.walk(ast.parse(text)) if "COLOURS" in text else ():
            targets = each.targets if isinstance(each, ast.Assign) else [each.target] if isinstance(each, ast.AnnAssign) else []
            if any(getattr(target, "id", "").endswith("COLOURS") for target in targets) and isinstance(each.value, ast.Dict):
                given = {value.value for value in each.value.values if isinstance(value, ast.Constant)}
                assert given <= ui.COLOURS, f"{file}: {given - ui.COLOURS}"
                seen += 1
    assert seen > 10


def test_the_map_has_the_eighteen_cities() -> None:
    assert len(charts.TILES) == 18 and len({place[1:] for place in charts.TILES.values()}) == 18


@pytest.mark.parametrize(("low", "high"), [(0, 0), (5, 5), (0, 1e-9), (400, 660), (-3, 7), (0, 123456789)])
def test_axes_cover_their_values(low: float, high: float) -> None:
    marks = charts.ticks(low, high)
    assert marks[0] <= low and marks[-1] >= high and len(marks) <= 8


def test_the_county_reviewer_sees_the_own_menu(db: None) -> None:
    page = client_of(officer(Duty.COUNTY_REVIEWER, COUNTY)).get("/").content.decode()
    side = page.split('id="side"')[1].split("</nav>")[0]
    assert "标准与参数" in side and "系统管理" not in side


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 503, "磁盘空间不足"),
        (psycopg.errors.DiskFull("could not extend file"), 503, "磁盘空间不足"),
        (psycopg.OperationalError("FATAL:  could not write init file: No space left on device"), 503, "磁盘空间不足"),
        (psycopg.OperationalError("server closed the connection unexpectedly"), 503, "暂时连接不上"),
        (psycopg.errors.AdminShutdown("terminating connection"), 503, "暂时连接不上"),
        (psycopg.errors.DeadlockDetected("deadlock detected"), 500, "可以放心重做"),
        (ValueError("王建明"), 500, "可以放心重做"),
    ],
)
def test_a_full_disk_and_a_database_that_is_away_are_said_in_words(
    township: scopes.Scope, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, words: str
) -> None:
    from django.db import OperationalError

    from doudi.core.views import work

    def fails(*_more: object, **_and: object) -> None:
        if isinstance(error, psycopg.Error):
            raise OperationalError(str(error)) from error
        raise error

    monkeypatch.setattr(work.DailyRuns, "rows", fails)
    client = client_of(officer(Duty.ADMINISTRATOR, COUNTY))
    client.raise_request_exception = False
    answer = client.get("/daily/")
    assert answer.status_code == status and words in answer.content.decode() and "王建明" not in answer.content.decode()
    assert answer.has_header("Retry-After") == (status == 503)
    record = logging.LogRecord("django.request", logging.ERROR, "", 0, "GET %s", ("/daily/",), (type(error), error, None))
    assert NoPersonalData().filter(record)
    assert (record.exc_text is None) == (status == 503) and (status == 500 or words in record.msg), "one sentence, no traceback"
