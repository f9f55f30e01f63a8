"""Pages of the protection of minors (未成年人保护)."""
