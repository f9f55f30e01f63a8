"""Relief: what is given once, on top of awards (急难救助); one file per part."""

from doudi.relief.models.prices import PriceClaim, PriceEntry, PriceGroupName, PriceLeftOut, PriceNotice, PriceProposal

__all__ = ["PriceClaim", "PriceEntry", "PriceGroupName", "PriceLeftOut", "PriceNotice", "PriceProposal"]
