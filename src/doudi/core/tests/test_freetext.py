"""Numbers in free text: what is a person's number is masked and refused, what is a document's stays."""

import pytest
from django.core.exceptions import ValidationError

from doudi.core.freetext import masked, no_numbers


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("打13812345678找他", "打138****5678找他"), ("138 1234 5678，138-1234-5678", "138******5678，138******5678"), ("微信wx13812345678", "微信wx138****5678"),
        ("１３８１２３４５６７８", "138****5678"), ("+8613812345678", "+86*******5678"), ("410122197503011234、41012219750301123x", "4101**********1234、4101**********123x"),
        ("老证410122750301123。", "老证4101*******1123。"), ("社区0371-62160008", "社区0371-62160008"), ("金额13812345678901", "金额13812345678901"),
        ("SQ410122202212000123、ZY2022120600001、XS20221206-000001", "SQ410122202212000123、ZY2022120600001、XS20221206-000001"), ("", ""),
    ],
)  # fmt: skip
def test_phones_and_id_numbers_are_masked_and_refused_and_nothing_else(written: str, shown: str) -> None:
    assert masked(written) == shown
    if written == shown:
        no_numbers(note=written)
    else:
        with pytest.raises(ValidationError) as raised:
            no_numbers(reason="好", note=written)
        assert list(raised.value.error_dict) == ["note"]
