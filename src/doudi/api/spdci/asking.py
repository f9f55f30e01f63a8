"""What a query of the standard asks for: ID numbers (`idtype-value`), conditions (`predicate`, `expression`), a page, an order.

A condition leans only on what the purpose opens: whoever may not be told of programmes cannot find out about them by filtering either.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from doudi.api.errors import Text
from doudi.api.spdci import notices
from doudi.api.spdci.models import SpdciPurpose
from doudi.batch import idnumber
from doudi.enrolment.models import AwardMember
from doudi.registry.models import Membership, Person

MOST_PAGE, MOST_PAGES, MOST_CONDITIONS, DEEPEST = 100, 1000, 20, 5
LOCALE = re.compile(r"[a-z]{3}")
LOOKUPS = {"eq": "", "in": "__in", "gt": "__gt", "lt": "__lt", "ge": "__gte", "le": "__lte"}
# As expressions write them, in both of the spellings in use.
SPELLINGS = {f"${each}": each for each in LOOKUPS} | {"$gte": "ge", "$lte": "le"}
SEXES = {"male": "1", "female": "2"}


class Rejected(Exception):
    """One request that is refused: the standard's reason code, and which part of it is wrong (`words.message` says both)."""

    def __init__(self, code: str, detail: Text = "") -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


def is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 99 and value.isascii() and value.isprintable()


def _wrong(detail: Text) -> Rejected:
    return Rejected("rjct.filter.invalid", detail)


def entity(value: Any, code: str = "rjct.search_criteria.invalid") -> str:
    """`Member` or `Group`, with or without the namespace that the standard's examples carry."""
    named = value.rsplit(":", 1)[-1] if isinstance(value, str) else value
    if named not in (None, "Member", "Group"):
        raise Rejected(code, "Member, Group")
    return named or "Member"


def identifiers(query: Any) -> list[str]:
    """ID numbers that a query names: `{"type": "UIN", "value": "…"}`, or several values."""
    if not isinstance(query, dict) or query.get("type") != "UIN":
        raise _wrong("query.type: UIN")
    given: Any = query.get("value")
    values: list[Any] = given if isinstance(given, list) else [given]
    if not 0 < len(values) <= MOST_PAGE or not all(isinstance(value, str) for value in values):
        raise _wrong("query.value")
    try:
        return list(dict.fromkeys(idnumber.parse(value).number18 for value in values))
    except ValueError:
        raise _wrong(_("query.value 不是有效的身份证号")) from None


def events(given: Any) -> list[str]:
    """Event types that a subscription names: one, several by comma or as a list, with or without the standard's namespace; all where it names none."""
    named = given.split(",") if isinstance(given, str) else given
    if named in (None, [], [""]):
        return list(notices.EVENTS)
    if not isinstance(named, list) or not all(isinstance(each, str) for each in named):
        raise Rejected("rjct.notify_types.invalid", f"reg_event_type: {', '.join(notices.EVENTS)}")
    found = {each.strip().rsplit(":", 1)[-1] for each in named}
    if found - set(notices.EVENTS):
        raise Rejected("rjct.notify_types.invalid", f"reg_event_type: {', '.join(notices.EVENTS)}")
    return sorted(found)


def kept(kind: str, query: Any) -> Any:
    """Of a condition that is understood, what it says: nothing else that stood in the message is stored."""
    if kind == "expression":
        return {"value": {"expression": {"query": query["value"]["expression"]["query"]}}}
    parts = ("attribute_name", "operator", "attribute_value")
    return [
        {name: {part: each[name][part] for part in parts} for name in ("expression1", "expression2") if name in each}
        | {"condition": each.get("condition", "and")}
        for each in query
    ]


def digest_of(kind: str, query: Any) -> str:
    """The same for the same condition, however its JSON is written."""
    return sha256(json.dumps([kind, query], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def paging(given: Any) -> tuple[int, int]:
    """(size, number) of a page."""
    if given is None:
        return MOST_PAGE, 1
    size, page = (given.get("page_size"), given.get("page_number", 1)) if isinstance(given, dict) else (None, None)
    if type(size) is not int or type(page) is not int or not 1 <= size <= MOST_PAGE or not 1 <= page <= MOST_PAGES:
        raise Rejected("rjct.pagination.invalid", f"page_size: 1-{MOST_PAGE}, page_number: 1-{MOST_PAGES}")
    return size, page


def order(given: Any, purpose: SpdciPurpose) -> list[str]:
    """By number of registration last, so that pages do not overlap."""
    if not given:
        return ["pk"]
    known = {"registration_date": "made_at"} | ({"birth_date": "birth_date"} if "identity" in purpose.fields else {})
    if not isinstance(given, list) or len(given) > 5 or not all(
        isinstance(each, dict) and is_name(each.get("attribute_name")) and each["attribute_name"] in known and each.get("sort_order", "asc") in ("asc", "desc")
        for each in given
    ):  # fmt: skip
        raise Rejected("rjct.sort.invalid", f"{', '.join(sorted(known))}; asc, desc")
    return [("-" if each.get("sort_order") == "desc" else "") + known[each["attribute_name"]] for each in given] + ["pk"]


# --- conditions -----------------------------------------------------------------------------------------------------


def narrowed(people: QuerySet[Person], kind: str, query: Any, purpose: SpdciPurpose, on: date) -> QuerySet[Person]:
    """Those of the people to whom a `predicate` or an `expression` applies. Raises Rejected."""
    asked = _Conditions(purpose, on)
    return people.filter(asked.predicates(query) if kind == "predicate" else asked.expression(query))


class _Conditions:
    """One query's conditions, counted, so that no query is longer than MOST_CONDITIONS or nested deeper than DEEPEST."""

    def __init__(self, purpose: SpdciPurpose, on: date) -> None:
        self.purpose, self.on, self.count = purpose, on, 0

    def predicates(self, query: Any) -> Q:
        """A list, all of which hold: `expression1`, and with `expression2` joined by `and`, `or`, `not` (the first and not the second)."""
        if not isinstance(query, list) or not 0 < len(query) <= 10 or not all(isinstance(each, dict) for each in query):
            raise _wrong(_("query 应为条件的列表，最多 10 项"))
        found = Q()
        for each in query:
            pair = [each[name] for name in ("expression1", "expression2") if name in each]
            if "expression1" not in each or not all(isinstance(part, dict) for part in pair):
                raise _wrong("expression1, expression2")
            parts = [self.one(part.get("attribute_name"), part.get("operator"), part.get("attribute_value")) for part in pair]
            joint = each.get("condition", "and")
            if joint not in ("and", "or", "not"):
                raise _wrong("condition: and, or, not")
            if len(parts) == 1:
                found &= ~parts[0] if joint == "not" else parts[0]
            else:
                found &= parts[0] | parts[1] if joint == "or" else parts[0] & ~parts[1] if joint == "not" else parts[0] & parts[1]
        return found

    def expression(self, query: Any) -> Q:
        """`{"type": …, "value": {"expression": {"query": {"$and": [{"age": {"$ge": 60}}, …]}}}}`."""
        value = query.get("value") if isinstance(query, dict) else None
        inner = value.get("expression") if isinstance(value, dict) else None
        asked = inner.get("query") if isinstance(inner, dict) else None
        if not isinstance(asked, dict) or not asked:
            raise _wrong("query.value.expression.query")
        return self.tree(asked, 1)

    def tree(self, node: Any, depth: int) -> Q:
        if not isinstance(node, dict) or not 0 < len(node) <= MOST_CONDITIONS or depth > DEEPEST:
            raise _wrong(_("query 应为对象，最多 %(most)s 层") % {"most": DEEPEST})
        found = Q()
        for name, value in node.items():
            if name in ("$and", "$or"):
                if not isinstance(value, list) or not 0 < len(value) <= MOST_CONDITIONS:
                    raise _wrong(name)
                parts = [self.tree(each, depth + 1) for each in value]
                joined = parts[0]
                for part in parts[1:]:
                    joined = joined | part if name == "$or" else joined & part
                found &= joined
            elif name == "$not":
                found &= ~self.tree(value, depth + 1)
            elif isinstance(value, dict):
                if not 0 < len(value) <= len(LOOKUPS) or not all(operator in SPELLINGS for operator in value):
                    raise _wrong(f"{name[:40]}: {', '.join(SPELLINGS)}" if is_name(name) else "query")
                for operator, each in value.items():
                    found &= self.one(name, SPELLINGS[operator], each)
            else:
                found &= self.one(name, "eq", value)
        return found

    def one(self, name: Any, operator: Any, value: Any) -> Q:
        self.count += 1
        known = is_name(name) and name in ATTRIBUTES
        if self.count > MOST_CONDITIONS or not known or not is_name(operator) or operator not in LOOKUPS:
            told = {"names": ", ".join(ATTRIBUTES), "operators": ", ".join(LOOKUPS), "most": MOST_CONDITIONS}
            raise _wrong(_("attribute_name 只能填 %(names)s；operator 只能填 %(operators)s；最多 %(most)s 个条件") % told)
        needed, work = ATTRIBUTES[name]
        if needed and needed not in self.purpose.fields:
            raise _wrong(_("用途不含 %(name)s") % {"name": name})
        values = value if isinstance(value, list) and operator == "in" else [value]
        if not 0 < len(values) <= 20 or not all(type(each) is int or (is_name(each) and len(each) <= 20) for each in values):
            raise _wrong(name)
        return work(name, operator, [str(each) for each in values], self.on)


def _equals(name: str, operator: str) -> None:
    if operator not in ("eq", "in"):
        raise _wrong(f"{name}: eq, in")


def _whole(name: str, values: list[str], most: int) -> list[int]:
    if not all(each.isdigit() and len(each) <= 4 and int(each) <= most for each in values):
        raise _wrong(f"{name}: 0-{most}")
    return [int(each) for each in values]


def _birth_date(name: str, operator: str, values: list[str], on: date) -> Q:
    try:
        days = [date.fromisoformat(each) for each in values]
    except ValueError:
        raise _wrong("birth_date: YYYY-MM-DD") from None
    return Q(**{f"birth_date{LOOKUPS[operator]}": days if operator == "in" else days[0]})


def _birthday(on: date, years: int) -> date:
    """The last day of birth of those who are so many years old on a day; on 29 February those of 1 March are not yet."""
    try:
        return on.replace(year=on.year - years)
    except ValueError:
        return date(on.year - years, 2, 28)


def _age(name: str, operator: str, values: list[str], on: date) -> Q:
    """Whole years today (周岁): born after `_birthday(n + 1)` and up to `_birthday(n)` is n years old."""
    found = Q()
    for years in _whole(name, values, 150):
        at_least, at_most = Q(birth_date__lte=_birthday(on, years)), Q(birth_date__gt=_birthday(on, years + 1))
        found |= {"eq": at_least & at_most, "in": at_least & at_most, "ge": at_least, "gt": ~at_most, "le": at_most, "lt": ~at_least}[operator]
    return found


def _sex(name: str, operator: str, values: list[str], on: date) -> Q:
    _equals(name, operator)
    if not all(each in SEXES for each in values):
        raise _wrong("sex: male, female")
    return Q(sex__in=[SEXES[each] for each in values])


def _place(name: str, operator: str, values: list[str], on: date) -> Q:
    """A division down to the township and what lies in it; in which village somebody lives no purpose opens."""
    _equals(name, operator)
    if not all(each.isdigit() and len(each) in (2, 4, 6, 9) for each in values):
        raise _wrong(_("place_code 应为 2、4、6 或 9 位行政区划代码"))
    found = Q()
    for each in values:
        found |= Q(area__gte=each, area__lt=f"{each}:")
    return found


def _programme(name: str, operator: str, values: list[str], on: date) -> Q:
    _equals(name, operator)
    running = AwardMember.objects.filter(award__programme__in=values, void=False, award__void=False, starts__lte=on)
    running = running.filter(Q(ends__isnull=True) | Q(ends__gt=on), Q(award__ends__isnull=True) | Q(award__ends__gt=on))
    return Q(pk__in=running.values("person_id"))


def _group_size(name: str, operator: str, values: list[str], on: date) -> Q:
    sizes = _whole(name, values, 99)
    running = Membership.objects.filter(starts__lte=on).filter(Q(ends__isnull=True) | Q(ends__gt=on))
    homes = running.values("household_id").annotate(size=Count("pk")).filter(**{f"size{LOOKUPS[operator]}": sizes if operator == "in" else sizes[0]})
    return Q(pk__in=running.filter(household_id__in=homes.values("household_id")).values("person_id"))


Work = Callable[[str, str, list[str], date], Q]
# Attribute -> what the purpose must open for it, and its condition.
ATTRIBUTES: dict[str, tuple[str, Work]] = {
    "birth_date": ("identity", _birth_date), "age": ("identity", _age), "sex": ("identity", _sex), "place_code": ("", _place),
    "programme": ("programmes", _programme), "group_size": ("household", _group_size),
}  # fmt: skip
