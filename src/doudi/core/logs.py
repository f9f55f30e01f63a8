"""Logs carry no personal data: long digit runs are cut and tracebacks hold no values of the database. A full disk or a database that is away is one
sentence: the tracebacks of every page asked for meanwhile would fill what room there is."""

from __future__ import annotations

import logging
import re

from doudi.core import faults

NUMBERS = re.compile(r"\d{7,}[\dXx]?")
# "Key (token)=(...) already exists." and "Failing row contains (...)": a constraint's own words show the row
ROWS = re.compile(r"(Key \([^)]*\)=\(|Failing row contains \().*?\)", re.S)


def cleaned(text: str) -> str:
    return NUMBERS.sub(lambda m: m.group()[:2] + "*" * (len(m.group()) - 2), ROWS.sub(r"\1***)", text))


class NoPersonalData(logging.Filter):
    """Filter of every handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = cleaned(record.getMessage()), None
        if record.exc_info and (words := faults.said(record.exc_info[1])):
            record.msg, record.exc_info, record.exc_text = f"{record.msg}: {words}", None, None
        elif record.exc_info and not record.exc_text:
            record.exc_text = cleaned(logging.Formatter().formatException(record.exc_info))
        elif record.exc_text:
            record.exc_text = cleaned(record.exc_text)
        return True
