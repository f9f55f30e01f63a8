"""Working days: deadlines count them, payments fall back on them (architecture, decision 10).

The national calendar of holidays and make-up days comes from `chinesecalendar`; for years that it does not know yet
weekends count as free, and `known` says so, so that a page can mark the date as provisional.
"""

from __future__ import annotations

from datetime import date, timedelta

import chinese_calendar


def known(year: int) -> bool:
    """Whether the State Council's holidays of the year are in the calendar."""
    try:
        chinese_calendar.is_workday(date(year, 6, 1))
    except NotImplementedError:
        return False
    return True


def is_working_day(day: date) -> bool:
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def add_working_days(start: date, days: int) -> date:
    """The day `days` working days after `start` (before it, where negative); `start` itself does not count."""
    step = timedelta(days=1 if days >= 0 else -1)
    day, left = start, abs(days)
    while left:
        day += step
        left -= is_working_day(day)
    return day


def on_or_before(day: date) -> date:
    """The day itself if it is a working day, else the last working day before it (the 10th on a Saturday: the 9th)."""
    while not is_working_day(day):
        day -= timedelta(days=1)
    return day


def working_days_between(start: date, end: date) -> int:
    """Working days after `start` up to and with `end`; 0 where `end` is not later."""
    return sum(is_working_day(start + timedelta(days=offset)) for offset in range(1, (end - start).days + 1))
