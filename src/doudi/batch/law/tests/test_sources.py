"""Every source of the law's figures can be told in Chinese."""

import re

from doudi.batch.law import list_parameters
from doudi.batch.law.sources import CHINESE, in_chinese


def test_every_source_is_told_in_chinese():
    sources = {row.reference for parameter in list_parameters() for row in parameter.rows}
    latin = {source for source in sources if re.search("[a-z]{3}", in_chinese(source))}
    assert not latin
    assert set(CHINESE) <= sources  # nothing is kept that no figure uses
