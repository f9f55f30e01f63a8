"""Business actions of purchased services, the register of resources and donations."""
