"""Discovery's tables: deliveries of departments' files, comparison runs, leads and their way from signal to help; one file per part."""

from doudi.discovery.models.deliveries import ComparisonRun, Delivery
from doudi.discovery.models.indicators import IndicatorTrial
from doudi.discovery.models.leads import Channel, Lead, LeadEvent, Need

__all__ = [
    "Channel",
    "ComparisonRun",
    "Delivery",
    "IndicatorTrial",
    "Lead",
    "LeadEvent",
    "Need",
]
