"""Sign-ins of the demo: one account for each duty of the county, an officer and a child supervisor for each township."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.contrib.auth.hashers import make_password

from doudi.core import scope as scopes
from doudi.core.models import Account, Division, Duty, Posting
from doudi.core.models.divisions import LEVEL_LENGTH

PASSWORD = "doudi-2022-demo"  # shown on the terminal; the demo listens on this machine only
SINCE = date(2022, 1, 1)


@dataclass(frozen=True)
class SignIn:
    """One sign-in of the demo."""

    duty: str
    label: str
    username: str
    name: str
    area: str
    account_id: int
    posting_id: int

    def scope(self, page: str = "doudi demo") -> scopes.Scope:
        return scopes.Scope(area=self.area, account_id=self.account_id, posting_id=self.posting_id, duty=self.duty, page=page)


# (duty, user name, name, length of the area's code)
COUNTY_STAFF = (
    (Duty.COUNTY_REVIEWER, "reviewer", "赵敏", 6),
    (Duty.COUNTY_REVIEWER, "reviewer2", "陈静", 6),
    (Duty.COUNTY_APPROVER, "approver", "张卫东", 6),
    (Duty.COUNTY_DIRECTOR, "director", "李国强", 6),
    (Duty.DATA_CHECKER, "checker", "孙丽", 6),
    (Duty.FEDERATION_REVIEWER, "federation", "周志强", 6),
    (Duty.FINANCE_OFFICER, "finance", "刘洋", 6),
    (Duty.FUND_SUPERVISOR, "fund", "郑海燕", 6),
    (Duty.HOTLINE_OPERATOR, "hotline", "何静", 6),
    (Duty.PROTECTION_WORKER, "protection", "马晓红", 6),
    (Duty.VOLUNTEER_COORDINATOR, "volunteers", "宋佳", 6),
    (Duty.INSTITUTION_CLERK, "institution", "吴桂芳", 6),
    (Duty.INSTITUTION_CLERK, "institution2", "许国强", 6),
    (Duty.GROUP_MEMBER, "health", "孙玲", 6),
    (Duty.GROUP_MEMBER, "cdc", "魏强", 6),
    (Duty.AUDITOR, "auditor", "胡建平", 6),
    (Duty.ADMINISTRATOR, "admin", "林涛", 6),
    (Duty.SUPERVISOR, "city", "王立新", 4),
    (Duty.SUPERVISOR, "province", "刘颖", 2),
)
TOWNSHIP_STAFF = (
    (Duty.TOWNSHIP_OFFICER, "town", "李晓梅"),
    (Duty.CHILD_SUPERVISOR, "childsup", "高洁"),
    (Duty.STATION_WORKER, "station", "罗艳"),
)
VILLAGE_STAFF = (
    (Duty.VISITOR, "visitor", "杨建国"),
    (Duty.CHILD_DIRECTOR, "children", "朱红霞"),
    (Duty.DISCOVERY_MEMBER, "grid", "徐国华"),
)


def townships(area: str) -> list[str]:
    """Codes of the townships of a county that hold villages, in order."""
    return list(
        Division.objects.filter(parent=area, level="township", children__isnull=False).distinct().order_by("code").values_list("code", flat=True)
    )


def make_staff(*, area: str, on: date) -> list[SignIn]:
    """Accounts and postings of the demo; what is there already is left as it is. The first township's staff come first."""
    hashed = make_password(PASSWORD)
    wanted: list[tuple[Duty, str, str, str]] = [(duty, user, name, area[:length]) for duty, user, name, length in COUNTY_STAFF]
    for number, town in enumerate(townships(area), 1):
        suffix = "" if number == 1 else str(number)
        wanted += [(duty, user + suffix, name, town) for duty, user, name in TOWNSHIP_STAFF[: 2 if number > 1 else None]]
        if number == 1:
            village = Division.objects.filter(parent=town).order_by("code").values_list("code", flat=True)[0]
            wanted += [(duty, user, name, village) for duty, user, name in VILLAGE_STAFF]
    found = []
    with scopes.acting(scopes.Scope(area=area[: LEVEL_LENGTH["province"]], duty=Duty.ADMINISTRATOR.value, page="doudi demo")):
        for duty, user, name, place in wanted:
            account, _ = Account.objects.get_or_create(username=user, defaults={"name": name, "password": hashed})
            posting, _ = Posting.objects.get_or_create(account=account, duty=duty, area=place, defaults={"starts": SINCE})
            found.append(SignIn(duty.value, str(duty.label), user, name, place, account.pk, posting.pk))
    return found


def by_duty(staff: list[SignIn], duty: Duty) -> SignIn:
    return next(each for each in staff if each.duty == duty.value)
