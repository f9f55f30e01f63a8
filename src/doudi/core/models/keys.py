"""Which token key the database was written with."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class KeyState(models.Model):
    """One row: the version of the token key in use (integrity.md, tokens). Written by the owner, read by the application.

    It is changed in the transaction that changes the tokens; the key file follows. `proof` is a keyed digest of a fixed text:
    a key file of another deployment that happens to hold the same version number is found out before it writes anything.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    token_version = models.IntegerField()
    proof = models.BinaryField()
    rotated_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="keystate_one_row")]
