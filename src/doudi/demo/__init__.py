"""The demo: a synthetic county walks the main job from departments' files to a balanced ledger."""
