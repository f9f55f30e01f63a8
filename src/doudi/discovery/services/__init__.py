"""Business actions of discovery."""

from doudi.discovery.services.comparison import compare
from doudi.discovery.services.deliveries import DeliveryError, deliver
from doudi.discovery.services.leads import StaleLead, advance_lead, advance_leads, leads_helped, report_lead
from doudi.discovery.services.raising import Subject, raise_lead
from doudi.discovery.services.trials import try_indicator

__all__ = [
    "DeliveryError",
    "StaleLead",
    "Subject",
    "advance_lead",
    "advance_leads",
    "compare",
    "deliver",
    "leads_helped",
    "raise_lead",
    "report_lead",
    "try_indicator",
]
