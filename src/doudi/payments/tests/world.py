"""A small county with awards, and the officers of a payroll, for tests of payments."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count

from doudi.batch import idnumber
from doudi.batch.idnumber import check_character
from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.numbers import Kind
from doudi.core.tests.officers import COUNTY, TOWNSHIP, VILLAGE, officer
from doudi.enrolment.models import Award, AwardAmount, AwardMember, Decision, Entitlement
from doudi.payments import answers
from doudi.payments.models import LineFlag, Payroll
from doudi.payments.services import drafts, files, ledger, payrolls, results, reviewing
from doudi.registry.models import GROUPS, Household, Person

MONTH = date(2022, 12, 1)
NOVEMBER = date(2022, 11, 1)
NOW = datetime(2022, 12, 5, 9, 0, tzinfo=UTC)
ON = date(2022, 12, 6)
_numbers = count(1)


def card(n: int) -> str:
    """A card number whose check digit holds."""
    body = f"621700{n:012d}"
    return body + idnumber.luhn_digit(body)


def downloaded(file_id: int) -> bytes:
    """A bank file as finance receives it."""
    return b"".join(files.download(file_id=file_id)[1])


def person(name: str = "", *, area: str = VILLAGE) -> Person:
    n = next(_numbers)
    body = f"410122{1950 + n % 50}{1 + n % 12:02d}{1 + n % 28:02d}{n % 1000:03d}"
    return Person.objects.create(
        area=area,
        token=numbers.id_token(body + check_character(body)),
        name=name or f"测试{n}",
        sex="1",
        birth_date=date(1950 + n % 50, 1, 1),
        registered_area=area,
        residence_area=area,
        account=numbers.token_of(Kind.ACCOUNT, card(n)),
        bank="C10302",
        made_at=NOW,
    )


def household(*people: Person, area: str = VILLAGE) -> Household:
    return Household.objects.create(area=area, number=f"H{next(_numbers):08d}", name=people[0].name, residence="rural", made_at=NOW)


@dataclass
class Given:
    household: Household
    people: list[Person]
    award: Award


def award(
    *,
    members: int = 1,
    amount: str = "300.00",
    programme: str = "dibao",
    starts: date = MONTH,
    ends: date | None = None,
    shares: list[str] | None = None,
    area: str = VILLAGE,
    account: bool = True,
    people: list[Person] | None = None,
    by: int = 0,
    home: Household | None = None,
) -> Given:
    """An award as enrolment makes it. Run inside a scope that covers `area`; `by`: account id of the deciding officer."""
    people = people or [person(area=area) for _ in range(members)]
    home = home or household(*people, area=area)
    decision = Decision.objects.create(
        area=area,
        number=f"D{next(_numbers):08d}",
        household=home,
        programme=programme,
        kind="grant",
        content={},
        content_hash=hashlib.sha256().hexdigest(),
        amount=Decimal(amount),
        starts=starts,
        proposed_by_id=by or scopes.current().account_id,
        proposed_at=NOW,
    )
    entitlement = Entitlement.objects.create(area=area, kind="award")
    row = Award.objects.create(
        entitlement=entitlement,
        area=area,
        household=home,
        programme=programme,
        grp=GROUPS[programme],
        starts=starts,
        ends=ends,
        payee_id=people[0].pk,
        payee_name=people[0].name,
        account=people[0].account if account else None,
        bank=people[0].bank,
        decision=decision,
        made_at=NOW,
    )
    AwardAmount.objects.create(area=area, award=row, from_month=starts, amount=Decimal(amount), decision=decision)
    for at, who in enumerate(people):
        AwardMember.objects.create(
            area=area,
            award=row,
            person=who,
            grp=row.grp,
            starts=starts,
            ends=ends,
            share=Decimal(shares[at]) if shares else None,
            band=1 if shares else None,
        )
    scopes.check_constraints()
    return Given(home, people, row)


PAPER = ("银行卡.pdf", b"%PDF-1.4\n%%EOF\n")


class Officers:
    """Who acts in a payroll of the county; each is another person."""

    def __init__(self, county: str = COUNTY) -> None:
        self.county = county
        self.reviewer = officer(Duty.COUNTY_REVIEWER, county)
        self.checker = officer(Duty.COUNTY_REVIEWER, county)
        self.approver = officer(Duty.COUNTY_APPROVER, county)
        self.finance = officer(Duty.FINANCE_OFFICER, county)
        self.township = officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP if county == COUNTY else county + "101")

    def money(self, amount: str = "1000000.00", *, fund: str = "assistance", year: int = 2022) -> None:
        with scopes.acting(self.finance):
            ledger.receive_appropriation(
                fund=fund,
                area=self.county,
                year=year,
                amount=Decimal(amount),
                document=f"豫财社〔{year}〕{next(_numbers)}号",
                on=date(year, 1, 10),
                now=NOW,
            )

    def prepared(self, month: date = MONTH) -> drafts.Prepared:
        with scopes.acting(self.reviewer):
            return payrolls.prepare_payroll(area=self.county, month=month, now=NOW)

    def draft(self) -> Payroll:
        """December of one household of two, with money to pay it."""
        with scopes.acting(self.reviewer):
            award(members=2)
        self.money()
        return self.prepared().payroll

    def first_line(self, payroll: Payroll) -> int:
        with scopes.acting(self.reviewer):
            return int(payroll.payroll_lines.order_by("id").values_list("id", flat=True)[0])

    def checked(self, payroll: Payroll) -> Payroll:
        """Checked by the second reviewer, who has looked at what stands out."""
        with scopes.acting(self.checker):
            flagged = list(LineFlag.objects.filter(payroll=payroll, must=True).values_list("entitlement_id", flat=True).distinct())
            if flagged:
                reviewing.review_lines(payroll_id=payroll.pk, entitlement_ids=flagged, held=False, note="已核对", now=NOW)
            return payrolls.check_payroll(payroll_id=payroll.pk, now=NOW)

    def approved(self, payroll: Payroll) -> Payroll:
        self.checked(payroll)
        with scopes.acting(self.approver):
            return payrolls.approve_payroll(payroll_id=payroll.pk, now=NOW)

    def released(self, payroll: Payroll) -> Payroll:
        self.approved(payroll)
        with scopes.acting(self.finance):
            return payrolls.release_payroll(payroll_id=payroll.pk, on=ON, now=NOW)

    def exported(self, payroll: Payroll, layout: str) -> bytes:
        with scopes.acting(self.finance):
            made = files.export_file(payroll_id=payroll.pk, layout=layout, now=NOW)
            return downloaded(made.file.pk)

    def answer(self, payroll: Payroll, *returned: int, reason: str = "户名不符") -> bytes:
        """The bank's one-card answer: these line ids came back."""
        with scopes.acting(self.finance):
            rows = [(line.pk, line.amount, "R01", reason) for line in payroll.payroll_lines.filter(id__in=returned).order_by("id")]
            return answers.one_card_results(number=payroll.number, lines=payroll.lines, amount=payroll.amount, returned=rows)

    def booked(self, payroll: Payroll, data: bytes, name: str = "结果.csv") -> results.Booked:
        with scopes.acting(self.finance):
            return results.book_results(data=[(name, data)], on=ON, now=NOW)

    def lines(self, payroll: Payroll) -> list[tuple[object, ...]]:
        """Everything a line says but its id."""
        with scopes.acting(self.reviewer):
            fields = [
                "entitlement_id",
                "month_entitled",
                "kind",
                "cause",
                "amount",
                "members",
                "payee_name",
                "account",
                "fund_id",
                "fund_year",
                "mark",
            ]
            return list(payroll.payroll_lines.order_by("entitlement_id", "month_entitled", "kind").values_list(*fields))


__all__ = ["COUNTY", "MONTH", "NOVEMBER", "NOW", "ON", "PAPER", "TOWNSHIP", "VILLAGE", "Given", "Officers", "award", "card", "household", "person"]
