"""Tasks that the tests run in the background."""

from __future__ import annotations

import os
import time
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone

from doudi.core import scope as scopes
from doudi.core.services.todos import raise_todo
from doudi.core.tasks import Run, background


def _mark(run: Run, number: int) -> None:
    raise_todo(
        kind="test", area=run.scope.area, duty=run.scope.duty, title="t", url="/", subject="task", subject_id=number, due=None, now=timezone.now()
    )


@background(figures={"counted": "件数"})
def counts(run: Run, *, total: int) -> dict[str, Any]:
    for number in range(total):
        _mark(run, number)
        run.progress(number + 1, total, "数")
    return {"counted": total, "area": scopes.current().area}


@background
def refuses(run: Run) -> None:
    _mark(run, 1)
    raise ValidationError("第 3 行“金额”不是数字；请更正后重新上传")


@background
def breaks(run: Run) -> None:
    _mark(run, 1)
    raise RuntimeError("4101021990010112 34 王建明")


@background
def dawdles(run: Run, *, flag: str) -> dict[str, int]:
    """Works for ever the first time (the test kills it), ends at once when it runs again."""
    _mark(run, 7)
    if not os.path.exists(flag):
        with open(flag, "w") as file:
            file.write(str(os.getpid()))
        while True:
            run.progress(1, 2, "慢")
            time.sleep(0.05)
    return {"ended": 1}


def unmarked(run: Run) -> None:
    raise AssertionError("must not be started")
