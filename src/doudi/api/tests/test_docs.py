"""The page for partners is true: each example of docs/api.md is called as it stands there, and answered as it says."""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from django.test import Client

from doudi.api import access, application, errors
from doudi.api.rights import RIGHTS
from doudi.api.spdci import envelope
from doudi.api.tests.conftest import NOW, System, as_described, citizen_file
from doudi.api.tests.partners import LAW, Partner, uin
from doudi.api.tests.test_calls import open_desk
from doudi.core import scope as scopes
from doudi.institutions.tests.world import Home
from doudi.payments.tests.world import Given
from doudi.reports.models import MonthlyFigure

pytestmark = pytest.mark.django_db
PAGE = Path(__file__).parents[4] / "docs" / "api.md"
TEXT = PAGE.read_text() if PAGE.exists() else ""
BLOCKS = re.findall(r"```(sh|python)\n(.*?)```", TEXT, re.DOTALL)


def called(line: str, caller: System, files: dict[str, bytes]) -> Any:
    """What a line `curl …` asks for, through Django's client."""
    words = shlex.split(line.replace("$TOKEN", caller.token).replace("$DOUDI", ""), comments=True)
    headers, data, address = {}, None, ""
    rest = iter(words[1:])
    for word in rest:
        if word == "-H":
            name, value = next(rest).split(": ", 1)
            headers[name] = value
        elif word in ("-d", "--data-binary"):
            given = next(rest)
            data = files[given[1:]] if given.startswith("@") else given.encode()
        elif word == "-o":
            next(rest)
        else:
            address = word
    http, kind = Client(), headers.pop("Content-Type", "")
    answer = http.get(address, headers=headers) if data is None else http.post(address, data, content_type=kind, headers=headers)
    as_described("get" if data is None else "post", answer)
    return answer


def test_every_example_of_the_page_is_answered_as_it_says(system: Callable[..., System], family: Given) -> None:
    home = Home()
    caller = system(rights=list(RIGHTS), datasets=["deaths"], houses=[home.house.code])
    partner = Partner(caller, callback="https://partner.example/dci")
    with scopes.acting(scopes.Scope(area="410122")):
        MonthlyFigure.objects.create(area="410122101", month=NOW.date().replace(month=12, day=1), key="dibao.rural.people", value=12, counted_at=NOW)
    open_desk()
    spoken: dict[str, Any] = {}
    for python in [block for kind, block in BLOCKS if kind == "python"]:
        exec(python, spoken)  # the page's own examples
    asked = spoken["question"]("idtype-value", uin(family.people[0]), LAW)
    files = {"deaths.csv": citizen_file(2, 1), "signed.json": spoken["signed"](partner.key, partner.sender, "k1", "search", asked).encode()}
    watched = spoken["watching"]({"$and": [{"age": {"$ge": 60}}, {"programme": "dibao"}]}, LAW)
    files["watching.json"] = spoken["signed"](partner.key, partner.sender, "k1", "subscribe", watched).encode()
    number, done = "", 0
    for line in (line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines() if line.startswith("curl")):
        answer = called(line.replace("NUMBER", number).replace("HOUSE", home.house.code), caller, files)
        assert answer.status_code == int(line.rsplit("# ", 1)[1]), (line, answer.content)
        if "dataset=deaths" in line:
            number = str(json.loads(answer.content)["id"])
        if "sync/search" in line:
            told = answer.content.decode()
            (found,) = spoken["verified"](told, base64.b64encode(envelope.public_of(envelope.own_key())).decode(), partner.sender)["search_response"]
            with pytest.raises(InvalidSignature):
                spoken["verified"](told.replace(family.people[0].name, "别人"), base64.b64encode(envelope.public_of(envelope.own_key())).decode(), partner.sender)
            with pytest.raises(ValueError, match="not for us"):
                spoken["verified"](told, base64.b64encode(envelope.public_of(envelope.own_key())).decode(), "another")
            assert found["data"]["reg_records"][0]["demographic_info"]["name"]["given_name"] == family.people[0].name
        done += 1
    assert done >= 10


def test_the_page_names_every_right_and_nothing_that_is_none() -> None:
    assert set(re.findall(r"`([a-z]+:[a-z]+)`", TEXT)) == RIGHTS.keys()


def test_the_page_names_every_code_that_is_answered() -> None:
    folder = Path(errors.__file__).parent
    source = "".join(path.read_text() for path in [*folder.glob("*.py"), *folder.glob("routers/*.py")])
    codes = set(re.findall(r'(?:ApiError\(|refused\(request,)\s*(?:\d{3}, )?"([a-z_]+)"', source))
    codes |= {code for code, _words in errors.BY_STATUS.values()} | access.WRONG.keys() | {"refused"}
    rows = [line for line in TEXT.splitlines() if re.match(r"\| \d{3}", line)]
    told = re.findall(r"`([a-z_]+)`", "".join(row.split("|")[2] for row in rows))
    assert len(codes) > 15 and sorted(told) == sorted(codes), "each once"
    assert f"| {application.api.version} |" in TEXT, "a change that callers notice is on the page"
