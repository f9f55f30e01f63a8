"""One thing done to a demo's data folder, in a process of its own, for the tests beside.

    python doing.py begin NAME            queue a long task as its officer would, and print its id
    python doing.py arrange NAME          what a task needs before it
    python doing.py held SQL -- ARGS      the `doudi` command; it stops after the first statement that holds SQL, says so, and goes on when told
"""

from __future__ import annotations

import io
import sys
from datetime import date, timedelta

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


def begin(name: str) -> str:
    """Queue the task; its id."""
    from django.utils import timezone

    from doudi.core import tasks
    from doudi.core.models import Duty
    from doudi.demo.staff import by_duty

    now = timezone.now()
    duty = {"comparison": Duty.DATA_CHECKER, "import": Duty.TOWNSHIP_OFFICER}.get(name, Duty.COUNTY_REVIEWER)
    from doudi.core import scope as scopes

    officer = by_duty(staff(), duty)
    with scopes.acting(officer.scope("faults")):
        if name == "import":
            from doudi.core import places
            from doudi.registry.services import importing

            village = places.children(officer.area)[0][0]
            identifier = importing.keep(content=sheet(village), ending=".csv")
            path, arguments = "doudi.registry.tasks.run_import", {"identifier": str(identifier), "update": False}
        elif name == "comparison":
            path, arguments = "doudi.discovery.tasks.run_comparison", {"area": AREA, "on": f"{timezone.localdate(now)}"}
        elif name == "monitor":
            path, arguments = "doudi.enrolment.tasks.monitor", {"area": AREA, "month": f"{MONTH}"}
        else:
            path, arguments = "doudi.payments.tasks.prepare", {"area": AREA, "month": f"{MONTH}"}
        return str(tasks.start_task(path=path, title=name, arguments=arguments, now=now).pk)


def arrange(name: str) -> str:
    """January's money and daily jobs, and for results a released payroll with the bank's answer as a file, whose path is printed."""
    from doudi.core import clock
    from doudi.core.home import home
    from doudi.core.models import Duty
    from doudi.demo import departments
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
