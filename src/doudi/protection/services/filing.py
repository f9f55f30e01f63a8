"""A case's file: opened with a record, read and written section by section, never saved over another's change (5.4)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from doudi.core import audit, duties
from doudi.core import scope as scopes
from doudi.protection.models import CaseSection, ProtectionCase, SectionVersion
from doudi.protection.sections import SECTIONS, Section, may_read, may_write
from doudi.protection.services.base import SUBJECT, locked, note_event


@dataclass(frozen=True)
class Filed:
    """A section as the acting duty sees it: values by field, version 0 where nothing is written yet."""

    section: Section
    values: dict[str, str]
    version: int
    editable: bool
    edited_by: str = ""
    edited_at: datetime | None = None


class Merge(Exception):
    """Somebody saved the section in between: `theirs` (version and values) beside what was to be saved, for the merge page."""

    def __init__(self, theirs: Filed, mine: dict[str, str], before: dict[str, str]) -> None:
        super().__init__("the section was saved by somebody else in between")
        self.theirs, self.mine, self.before = theirs, mine, before


def open_file(*, case_id: int, reason: str = "") -> tuple[ProtectionCase, list[Filed]]:
    """The case and its sections as far as the acting duty may read them; every opening is recorded before it answers.

    Raises ValidationError for a case that does not exist or is not the officer's, in the same words.
    """
    duties.require("protection.view")
    row = ProtectionCase.objects.filter(pk=case_id).select_related("responsible").first()
    if row is None:
        raise ValidationError(_("没有这件个案，或它不由您办理。"))
    audit.record_access(what="open", subject=SUBJECT, subject_id=row.pk, area=row.area, reason=reason)
    return row, filed(row)


def filed(row: ProtectionCase) -> list[Filed]:
    """The sections with fields of a case that was opened, as far as the acting duty may read them; one query."""
    duty = scopes.current().duty
    written = {section.section: section for section in CaseSection.objects.filter(case=row).select_related("edited_by")}
    return [_filed(section, written.get(section.code), duty) for section in SECTIONS.values() if section.fields and may_read(section.code, duty)]


def _filed(section: Section, row: CaseSection | None, duty: str) -> Filed:
    if row is None:
        return Filed(section, {}, 0, may_write(section.code, duty))
    return Filed(section, json.loads(row.content), row.version, may_write(section.code, duty), row.edited_by.name if row.edited_by else "", row.edited_at)


@transaction.atomic
def save_section(*, case_id: int, section: str, version: int, values: dict[str, str], before: dict[str, str], now: datetime) -> CaseSection:
    """Save a section that was read as `version` with the values `before`. Fields that only the other officer changed are kept as theirs;
    where both changed the same field differently, raises `Merge`, and nothing is saved.
    """  # fmt: skip
    acting = duties.require("protection.handle")
    declared = SECTIONS.get(section)
    if declared is None or not declared.fields or not may_write(section, acting.duty):
        raise PermissionDenied(_("您的岗位不能填写这部分内容。"))
    row = locked(case_id, None, *ProtectionCase.OPEN)
    mine = {field.name: values.get(field.name, "").strip()[:2000] for field in declared.fields}
    for field in declared.fields:
        if field.choices and mine[field.name] and mine[field.name] not in dict(field.choices):
            raise ValidationError({field.name: _("请重新选择。")})
    found = CaseSection.objects.select_for_update().filter(case=row, section=section).first()
    if found is None:
        try:
            with transaction.atomic():
                made = CaseSection.objects.create(
                    case=row, area=row.area, section=section, content=json.dumps(mine, ensure_ascii=False), edited_by_id=acting.account_id or None, edited_at=now
                )
        except IntegrityError:  # written a moment ago: their lock has ended, so it is there to be compared
            found = CaseSection.objects.select_for_update().get(case=row, section=section)
        else:
            note_event(row, "section", str(declared.label), now)
            scopes.check_constraints()
            return made
    theirs: dict[str, str] = json.loads(found.content)
    if found.version != version:
        changed = {name for name in mine if mine[name] != before.get(name, "")}
        clash = [name for name in changed if theirs.get(name, "") not in (before.get(name, ""), mine[name])]
        if clash:
            raise Merge(_filed(declared, found, acting.duty), mine, before)
        mine = {name: mine[name] if name in changed else theirs.get(name, "") for name in mine}
    if mine == {name: theirs.get(name, "") for name in mine}:
        return found
    SectionVersion.objects.create(
        case=row, area=row.area, section=section, version=found.version, content=found.content, edited_by_id=found.edited_by_id, edited_at=found.edited_at
    )
    found.content, found.version, found.edited_by_id, found.edited_at = json.dumps(mine, ensure_ascii=False), found.version + 1, acting.account_id or None, now
    found.save(update_fields=["content", "version", "edited_by", "edited_at"])
    note_event(row, "section", str(declared.label), now)
    scopes.check_constraints()
    return found
