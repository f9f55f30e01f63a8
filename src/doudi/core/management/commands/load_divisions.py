"""Adds the divisions of the package that the database does not have yet."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db import connections

from doudi.core import divisions


class Command(BaseCommand):
    help = "Insert the shipped divisions that are missing (as owner); safe to run again"

    def handle(self, *_args: Any, **_options: Any) -> None:
        divisions.load(connections["owner"])
        connections["owner"].close()
