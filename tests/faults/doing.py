"""One thing done to a demo's data folder, in a process of its own, for the tests beside.

    python doing.py begin NAME            queue a long task as its officer would, and print its id
    python doing.py arrange NAME          what a task needs before it
    python doing.py held SQL -- ARGS      the `doudi` command; it stops after the first statement that holds SQL, says so, and goes on when told
"""

from __future__ import annotations

import io
import sys
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

MONTH = date(2023, 1, 1)
AREA = "410122"
IMPORTED = 40


def sheet(village: str) -> bytes:
    """Forty people in twenty households as an officer uploads them."""
    import csv

    from doudi.demo.relieving import number

    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["家庭编号", "村代码", "户口性质", "住址", "与户主关系", "姓名", "身份证号"])
    for place in range(IMPORTED // 2):
        rows.writerow([place, village, "农村", "", "户主", f"程{'甲乙丙丁戊己庚辛壬癸'[place % 10]}山", number(3, place)])
        rows.writerow([place, village, "农村", "", "配偶", f"吕{'甲乙丙丁戊己庚辛壬癸'[place % 10]}花", number(17, place + 50)])
    return ("\ufeff" + out.getvalue()).encode()


def at(day: date):  # type: ignore[no-untyped-def]
    from doudi.demo.simulate.life import at as moment

    return moment(day)


def staff():  # type: ignore[no-untyped-def]
    from doudi.demo.staff import make_staff

    return make_staff(area=AREA, on=MONTH)


def _import() -> dict[str, Any]:
    from doudi.core import places
    from doudi.core import scope as scopes
    from doudi.registry.services import importing

    village = places.children(scopes.current().area)[0][0]
    return {"identifier": str(importing.keep(content=sheet(village), ending=".csv")), "update": False}


def _delivery() -> dict[str, Any]:
    """A department's file of the demo with one byte more: another file by its digest."""
    from doudi.core.home import home

    source = next(home().glob("demo/county-*/deliveries/medical-*.csv"))
    target = home() / "incoming" / "medical.csv"
    target.parent.mkdir(exist_ok=True, mode=0o700)
    target.write_bytes(source.read_bytes() + b"\r\n")
    return {"path": str(target), "dataset": "medical", "name": target.name, "period": "2022-12", "area": AREA}


def _what_if() -> dict[str, Any]:
    from django.utils import timezone

    from doudi.assessment import whatif

    asked, _fresh = whatif.start_what_if(name="两个月比较", source="registry", month=date(2022, 12, 1), month_after=MONTH, now=timezone.now())
    return {"what_if": asked.pk}


def _budget() -> dict[str, Any]:
    from doudi.budget.models import Scenario

    return {"scenario": Scenario.objects.filter(area=AREA, state="draft").latest("pk").pk}


def _cards() -> dict[str, Any]:
    from django.utils import timezone

    from doudi.community.models import HelpCard, PrintRun
    from doudi.core import scope as scopes

    village = HelpCard.objects.filter(void_at__isnull=True).values_list("area", flat=True)[0]
    run = PrintRun.objects.create(
        area=village, uuid=uuid4(), which="all", layout="card", language="zh-hans", made_by_id=scopes.current().account_id, made_at=timezone.now()
    )
    return {"run_id": run.pk, "base": "http://127.0.0.1"}


def _check() -> dict[str, Any]:
    """A report that is asked for anew."""
    from doudi.enrolment.models import DataCheck

    check = DataCheck.objects.filter(state="ready").earliest("pk")
    DataCheck.objects.filter(pk=check.pk).update(state="waiting")
    return {"check_id": check.pk}


def _back_pay() -> dict[str, Any]:
    """A subsidy raised from December on, by a document that came in January."""
    from django.utils import timezone

    from doudi.core import scope as scopes
    from doudi.core.models import Duty
    from doudi.core.services import settings
    from doudi.demo import raising
    from doudi.demo.staff import by_duty

    document, december, raised = "示例：县政办〔2023〕1号", date(2022, 12, 1), "disability.living"  # not the one that the demo has raised and not paid yet
    setting = settings.propose_setting(
        parameter=raised, area=AREA, starts=december, value=raising._higher(AREA, raised), document=document, note="示例", now=timezone.now()
    )
    with scopes.acting(by_duty(staff(), Duty.COUNTY_APPROVER).scope("faults")):
        settings.confirm_setting(setting_id=setting.pk, now=timezone.now())
    return {"area": AREA, "document": document, "first": f"{december}", "programmes": ["disability_living"], "reason": "示例"}


def _asked(name: str) -> dict[str, Any]:
    """The arguments of a task, and what must stand before it is asked for."""
    from django.utils import timezone

    made = {"import": _import, "delivery": _delivery, "what_if": _what_if, "budget": _budget, "cards": _cards, "check": _check, "back_pay": _back_pay}
    today = f"{timezone.localdate()}"
    plain: dict[str, dict[str, Any]] = {
        "linkage": {"area": AREA, "on": today},
        "comparison": {"area": AREA, "on": today},
        "monitor": {"area": AREA, "month": f"{MONTH}"},
        "prepare": {"area": AREA, "month": f"{MONTH}"},
        "trial": {"indicator": "medical_costs", "area": AREA, "on": today, "given": {}},
        "accounts": {"area": AREA},
        "one_off": {"area": AREA, "month": "2022-12-01", "programme": "price_subsidy"},
        "back_payroll": {"area": AREA, "month": "2022-12-01"},
        "national": {"area": AREA, "month": f"{MONTH}"},
    }
    return made[name]() if name in made else plain[name]


def begin(name: str) -> str:
    """Queue the task; its id."""
    from cases import PATHS
    from django.utils import timezone

    from doudi.core import scope as scopes
    from doudi.core import tasks
    from doudi.core.models import Duty
    from doudi.demo.staff import by_duty

    checker, township = (Duty.DATA_CHECKER, ("linkage", "comparison", "delivery", "trial", "check")), (Duty.TOWNSHIP_OFFICER, ("import", "cards"))
    duty = next((duty for duty, names in (checker, township) if name in names), Duty.COUNTY_REVIEWER)
    with scopes.acting(by_duty(staff(), duty).scope("faults")):
        return str(tasks.start_task(path=PATHS[name], title=name, arguments=_asked(name), now=timezone.now()).pk)


def arrange(name: str) -> str:
    """January's money and daily jobs, an empty queue; for signing a draft that was looked at, for results a released payroll with the bank's answer as a
    file, whose path is printed."""
    from doudi.core import clock
    from doudi.core.home import home
    from doudi.core.models import Duty
    from doudi.core.worker import run_worker
    from doudi.demo import departments, paying
    from doudi.demo.simulate import money
    from doudi.demo.simulate.life import Life
    from doudi.payments.models import Payroll
    from doudi.payments.services import files
    from doudi.payments.simulated import bank_answer

    clock.move_to(at(MONTH + timedelta(days=3)))
    life = Life(AREA, staff(), 7, MONTH)
    money.year(life, MONTH)
    # what the worker does daily by itself is done, so that it does not count as the task's
    departments.day(on=MONTH + timedelta(days=3), now=at(MONTH + timedelta(days=3)))
    run_worker(batch=True, signals=False)  # what the demo asked for and nobody did yet
    if name == "sign":
        money.prepare(life, life.day(2))
        with life.acting(Duty.COUNTY_REVIEWER):
            drafted = Payroll.objects.get(area=AREA, month=MONTH, kind="regular")
        paying.review(life.staff, drafted, now=at(life.day(2)))
    if name != "results":
        return ""
    for step, day in ((money.prepare, 2), (money.check, 2), (money.approve, 3), (money.release, 4)):
        step(life, life.day(day))
    with life.acting(Duty.FINANCE_OFFICER):
        payroll = Payroll.objects.get(area=AREA, month=MONTH, kind="regular")
        files.export_file(payroll_id=payroll.pk, layout="one_card_csv", now=at(life.day(4)))
        path = home() / "demo" / f"{payroll.number}-results.csv"
        path.write_bytes(bank_answer(payroll, seed=7, return_share=0.02))
    return str(path)


def held(sql: str, arguments: list[str]) -> None:
    """Run the command so that it stops once, where the statement was answered and nothing is committed."""
    from django.db.backends.signals import connection_created

    from doudi import cli

    stopped = [False]

    def wrapper(execute, statement, params, many, context):  # type: ignore[no-untyped-def]
        answer = execute(statement, params, many, context)
        if not stopped[0] and sql in statement:
            stopped[0] = True
            print("held", flush=True)  # noqa: T201
            sys.stdin.readline()
        return answer

    def hold(sender, connection, **_more):  # type: ignore[no-untyped-def]
        from doudi.core import periodic

        periodic.run_rounds = periodic.run_quick = lambda now: None  # what the rooms do each few seconds is not the task's
        connection.execute_wrappers.append(wrapper)

    connection_created.connect(hold, weak=False)
    sys.argv = ["doudi", *arguments]
    cli.main()


def main() -> None:
    what, name = sys.argv[1:3]
    if what == "held":
        held(name, sys.argv[4:])
        return
    from doudi.core.commandline import ready

    with ready():
        print({"begin": begin, "arrange": arrange}[what](name), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
