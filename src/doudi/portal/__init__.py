"""The public door (公众服务, measure 1.3): report, self-check, apply, follow, publicity, policies, hotlines; without sign-in and without script."""
