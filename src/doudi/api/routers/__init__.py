"""One module per part of the API; `router` of module `calls` answers below /api/v1/calls (docs/developer.md)."""
