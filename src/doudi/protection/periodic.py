"""Work that nobody asks for, by part."""

from importlib import import_module

import_module("doudi.protection.care_periodic")
