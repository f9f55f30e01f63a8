"""Early-warning indicators (预警指标): people and households to help, and payments to check, declared one beside the other."""

from .children import CHILDREN
from .declared import MOMENTS, ByPlace, Indicator, Tables, Threshold, Urgency, in_force, thresholds
from .health import HEALTH
from .households import HOUSEHOLDS
from .payments import PAYMENTS

INDICATORS: dict[str, Indicator] = {each.code: each for each in (*HEALTH, *HOUSEHOLDS, *CHILDREN, *PAYMENTS)}

__all__ = ["INDICATORS", "MOMENTS", "ByPlace", "Indicator", "Tables", "Threshold", "Urgency", "in_force", "thresholds"]
