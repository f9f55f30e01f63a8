"""Where a parameter is used is read from runs of the law."""

from doudi.batch.law import list_parameters
from doudi.batch.law.uses import RESULTS, used_in


def test_a_parameter_names_what_it_can_change():
    assert used_in("disability.living") == ("困难残疾人生活补贴",)
    assert "特困照料护理" in used_in("minimum_wage.class_1") and "最低生活保障" not in used_in("minimum_wage.class_1")
    assert "最低生活保障" in used_in("dibao.standard.rural") and "低保边缘家庭" in used_in("dibao.standard.rural")
    assert "价格临时补贴" in used_in("prices.scpi") and "最低生活保障" in used_in("dibao.payment.band.rural.band_1")
    assert used_in("procedure.lead.contact_days.red") == ()


def test_every_parameter_is_used_but_the_provinces_average_floor():
    unused = {parameter.name for parameter in list_parameters() if not used_in(parameter.name)}
    assert unused == {"dibao.average_subsidy_floor.rural", "dibao.average_subsidy_floor.urban"}
    assert len({label for _result, label in RESULTS}) == len(RESULTS)
