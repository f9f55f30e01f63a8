"""Tables of purchased services, the register of resources, and donations."""

from doudi.resources.models.contracts import ContractLine, PurchasedService, ServiceContract
from doudi.resources.models.donations import Donation, DonationAllocation
from doudi.resources.models.register import Resource
from doudi.resources.models.settling import Acceptance, QualityCheck, Spending

__all__ = [
    "Acceptance",
    "ContractLine",
    "Donation",
    "DonationAllocation",
    "PurchasedService",
    "QualityCheck",
    "Resource",
    "ServiceContract",
    "Spending",
]
