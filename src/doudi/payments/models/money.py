"""What money is paid for: programmes that make awards, and one-off help."""

from __future__ import annotations

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from doudi.registry.models import Programme


class OneOff(models.TextChoices):
    """What a one-off grant (一次性救助) is for. Which fund pays it stands in `FundPurpose`, as for awards."""

    TEMPORARY = "temporary", _("临时救助")
    PRICE_SUBSIDY = "price_subsidy", _("价格临时补贴")
    SUBSIDY = "subsidy", _("一次性补助")
    FUNERAL = "funeral", _("特困人员丧葬费")


class Spending(models.TextChoices):
    """What a fund pays for besides entitlements, against invoices and receipts. Each has a fund of its own (domain: kept apart from assistance)."""

    SERVICES = "services", _("政府购买服务")
    DONATION = "donation", _("捐赠款支出")


# spending -> the only pool of funds that may pay it, and that pays nothing else; the database holds it
POOLS = {Spending.SERVICES: "services", Spending.DONATION: "donations"}


def purpose_choices() -> list[tuple[str, str | Promise]]:
    """Everything that a fund may be for: entitlements, one-off help, purchased services, donations."""
    return [*paid_choices(), *Spending.choices]


def paid_choices() -> list[tuple[str, str | Promise]]:
    return [*Programme.choices, *OneOff.choices]


def paid_label(code: str) -> str:
    """Name of a programme, of one-off help or of spending. Raises ValueError for a code that is none of them."""
    if code in Spending.values:
        return str(Spending(code).label)
    return str(OneOff(code).label if code in OneOff.values else Programme(code).label)
