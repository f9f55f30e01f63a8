"""Tables of needs."""

from doudi.needs.models.deliveries import MedicineDelivery
from doudi.needs.models.needs import Need, NeedAnswer, NeedEvent, NeedPrivate

__all__ = ["MedicineDelivery", "Need", "NeedAnswer", "NeedEvent", "NeedPrivate"]
