"""Doudi (兜底): social assistance for a province."""

__version__ = "0.1.0"
