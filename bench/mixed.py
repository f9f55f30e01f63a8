"""Officers, visitors and citizens at once on `doudi serve`, through locust on 127.0.0.1: the time of each action, errors, and whether a visit was lost.

    python bench/mixed.py [--people 550] [--seconds 60] [--home FOLDER] [--county 4000] [--json]

`--people`: who works at once, one officer to ten visitors; a tenth as many citizens read the public pages. The county is a demo's, made in `--home`
where there is none. Officers sign in with name and password while the load grows; visitors' phones come with the session of that morning. An officer
opens a page every 5 to 15 seconds, a phone calls every 10 to 30. They come within `--seconds` and are all there for as long again; both count.
Every third record of a visit is sent twice, as after an answer that never came; at the end
the database is asked whether each acknowledged record stands there, and no more than were sent. A lead that another officer moved on first
(422, said in words) is no error.

The baseline is an empty page of a bare WSGI function under the same users, from the same server with as many processes. `ratio` is that of the medians.
Senders and server share the machine's cores.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from home import prepare
from portal import free_port, serving

WORKERS = 2
PASSWORD = "bench-2022-doudi"
COUNTY = "410122"
OFFICERS = (("township_officer", 7), ("county_reviewer", 2), ("county_approver", 1))
VISITS_EACH = 2
PLAIN = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", "0")])
    return [b""]
"""


def arrange(people: int) -> dict[str, Any]:
    """Accounts, postings, phones' sessions and open visits; what each of them may ask for. A second run makes them anew beside the first."""
    from django.contrib.auth.hashers import make_password
    from django.test import Client
    from django.utils import timezone

    from doudi.assessment.models import Assessment
    from doudi.core import numbers
    from doudi.core import scope as scopes
    from doudi.core.models import Account, Posting
    from doudi.discovery.models import Lead, Visit
    from doudi.enrolment.models import Award
    from doudi.registry.models import Household, Person

    officers = max(1, round(people / 11))
    visitors = people - officers
    run, hashed, today, now = random.randrange(16**6), make_password(PASSWORD), timezone.localdate(), timezone.now()
    duties = [duty for duty, times in OFFICERS for _n in range(times)]
    draw = random.Random(7)
    with scopes.acting(scopes.Scope(area="41")):
        townships = sorted({area[:9] for area in Household.objects.filter(area__startswith=COUNTY).values_list("area", flat=True).distinct()})

        def posted(name: str, duty: str, area: str) -> tuple[Account, Posting]:
            account = Account.objects.create(username=f"load{run:06x}{name}", name="压力测试", password=hashed)
            return account, Posting.objects.create(account=account, duty=duty, area=area, starts=today - timedelta(days=300))

        crew = []
        for n in range(officers):
            duty = duties[n * 3 % len(duties)]
            area = townships[n % len(townships)] if duty == "township_officer" else COUNTY
            crew.append((posted(f"o{n}", duty, area)[0].username, duty, area))
        free = list(
            Household.objects.filter(area__startswith=COUNTY).exclude(pk__in=Visit.objects.filter(state__in=Visit.OPEN).values("household")).order_by("area", "pk")
        )
        phones = []
        for n in range(visitors):
            homes = free[n * VISITS_EACH : (n + 1) * VISITS_EACH]
            if len(homes) < VISITS_EACH:
                raise SystemExit(f"the county has households for {n} visitors only; give a larger --county and another --home")
            # both in one village, else the first alone
            homes = [home for home in homes if home.area == homes[0].area]
            account, posting = posted(f"v{n}", "visitor", homes[0].area)
            Visit.objects.bulk_create(
                [Visit(area=home.area, household=home, origin=Visit.Origin.ASKED, due=today, reason="压力测试", posting=posting, made_at=now) for home in homes]
            )
            phones.append((account, [home.pk for home in homes]))
        places: dict[str, dict[str, Any]] = {}
        for area in {area for _name, _duty, area in crew}:
            inside = {"area__gte": area, "area__lt": area + ":"}
            living = list(Person.objects.filter(**inside, died_on=None).order_by("pk").values_list("name", "token")[:2000])
            seen = draw.sample(living, min(60, len(living)))
            places[area] = {
                "names": [name for name, _token in seen],
                "numbers": [numbers.plain(token) for _name, token in seen],
                "households": draw.sample(found := list(Household.objects.filter(**inside).values_list("pk", flat=True)[:3000]), min(60, len(found))),
                "leads": list(Lead.objects.filter(**inside, merged_into=None, state__in=("new", "assigned", "contacted")).values_list("pk", flat=True)[:200]),
                "assessments": list(Assessment.objects.filter(**inside).values_list("pk", flat=True)[:60]),
                "awards": list(Award.objects.filter(**inside).values_list("pk", flat=True)[:60]),
            }
    sessions = []
    for account, homes in phones:
        client = Client()
        client.force_login(account)
        sessions.append({"session": client.cookies["sessionid"].value, "households": homes})
    return {"officers": crew, "phones": sessions, "places": places, "password": PASSWORD, "county": COUNTY, "citizens": max(1, people // 10)}


def kept(sent: list[dict[str, Any]]) -> dict[str, int]:
    """What the database holds of the records that phones sent: each once, as a visit or beside one that came first."""
    from doudi.core import scope as scopes
    from doudi.discovery.models import Visit, VisitConflict

    told = {UUID(each["uuid"]) for each in sent if each["acknowledged"]}
    tried = {UUID(each["uuid"]) for each in sent}
    with scopes.acting(scopes.Scope(area="41")):
        visits = list(Visit.objects.filter(uuid__in=tried).values_list("uuid", flat=True))
        beside = list(VisitConflict.objects.filter(uuid__in=tried).values_list("uuid", flat=True))
    there = visits + beside
    return {
        "sent": len(sent), "records": len(tried), "acknowledged": len(told), "visits": len(visits), "conflicts": len(beside),
        "lost": len(told - set(there)), "twice": len(there) - len(set(there)),
    }  # fmt: skip


def locust(folder: Path, port: int, users: int, seconds: int, *, plain: bool) -> dict[str, Any]:
    """Figures of one load: in `seconds` they all come, for as long again they are all there."""
    environment = os.environ | {"DOUDI_LOAD": str(folder), "DOUDI_LOAD_PLAIN": "1" if plain else ""}
    subprocess.run(
        [
            sys.executable, "-m", "locust", "-f", str(Path(__file__).with_name("mixed_users.py")), "--headless", "--host", f"http://127.0.0.1:{port}",
            "--users", str(users), "--spawn-rate", str(max(1, users / seconds)), "--run-time", f"{2 * seconds}s", "--stop-timeout", "20", "--only-summary", "--loglevel", "ERROR",
        ],
        env=environment, check=False, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return dict(json.loads((folder / ("plain.json" if plain else "load.json")).read_text()))


def figures_of(people: int, seconds: int) -> dict[str, Any]:
    from doudi.core import postgres

    with tempfile.TemporaryDirectory(prefix="doudi-load-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with postgres.running():
            import django

            django.setup()
            from django.db import connections

            plan = arrange(people)
            connections.close_all()
        (folder / "plan.json").write_text(json.dumps(plan))
        users = people + plan["citizens"]
        port = free_port()
        with serving([sys.executable, "-m", "doudi.cli", "serve", "--port", str(port), "--workers", str(WORKERS)], port, folder / "server.log"):
            load = locust(folder, port, users, seconds, plain=False)
        (folder / "empty.py").write_text(PLAIN)
        port = free_port()
        gunicorn = [sys.executable, "-m", "gunicorn", "empty:application", "--chdir", name, "--bind", f"127.0.0.1:{port}", "--workers", str(WORKERS)]
        with serving([*gunicorn, "--worker-class", "gthread", "--threads", "4", "--log-level", "warning", "--no-control-socket"], port):
            plain = locust(folder, port, users, max(10, seconds // 3), plain=True)
        if load["faults"]:
            sys.stderr.write("".join((folder / "server.log").read_text(errors="replace")[-8000:]))
        with postgres.running():
            visits = kept(load.pop("sent"))
            connections.close_all()
    return {
        "people": people, "officers": len(plan["officers"]), "visitors": len(plan["phones"]), "citizens": plan["citizens"],
        "seconds": load["all"]["median_ms"] / 1000, "p95": load["all"]["p95_ms"] / 1000, "ratio": round(load["all"]["median_ms"] / max(plain["all"]["median_ms"], 0.5), 1),
        "load": load, "plain": plain["all"], "visits": visits, "peak_mb": 0,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=550, help="officers and visitors at once")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--county", type=int, default=6000, help="people of the county where it is made")
    parser.add_argument("--home", type=Path, help="data folder of a demo; made where there is none")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="doudi-load-home-", dir="/var/tmp") as name:
        Path(name).chmod(0o755)  # the embedded server's own user must reach its folder
        home = (given.home or Path(name) / "home").resolve()
        if not (home / "keys.json").exists():
            made = [sys.executable, "-m", "doudi.cli", "demo", "--no-serve", "--json", "--people", str(given.county)]
            subprocess.run(made, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "DOUDI_HOME": str(home)})
        prepare(home)
        figures = figures_of(given.people, given.seconds)
    if given.json:
        print(json.dumps(figures, ensure_ascii=False))  # noqa: T201
    else:
        print(f"{figures['officers']} officers, {figures['visitors']} visitors, {figures['citizens']} citizens")  # noqa: T201
        for action, row in figures["load"]["actions"].items():
            print(f"{action:28} {row['requests']:>6,}  median {row['median_ms']:>8} ms  95 % {row['p95_ms']:>8} ms  {row['errors']} errors")  # noqa: T201
        print("all", figures["load"]["all"], "empty page", figures["plain"], "ratio", figures["ratio"])  # noqa: T201
        print("records of visits", figures["visits"])  # noqa: T201
    wrong = figures["load"]["faults"]
    if wrong or figures["visits"]["lost"] or figures["visits"]["twice"]:
        raise SystemExit(f"faults: {json.dumps(wrong, ensure_ascii=False)}; records of visits: {figures['visits']}")


if __name__ == "__main__":
    main()
