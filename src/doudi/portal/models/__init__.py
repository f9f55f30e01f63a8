"""What comes in through the public door."""

from doudi.portal.models.applications import OnlineApplication, OnlineMember
from doudi.portal.models.reports import PublicReport

__all__ = ["OnlineApplication", "OnlineMember", "PublicReport"]
