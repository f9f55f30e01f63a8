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


def paid_choices() -> list[tuple[str, str | Promise]]:
    return [*Programme.choices, *OneOff.choices]


def paid_label(code: str) -> str:
    """Name of a programme or of one-off help. Raises ValueError for a code that is neither."""
    return str(OneOff(code).label if code in OneOff.values else Programme(code).label)
