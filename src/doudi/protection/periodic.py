"""Work that nobody asks for, by part."""

from importlib import import_module

for part in ("case_periodic", "care_periodic"):
    import_module(f"doudi.protection.{part}")
