"""The law of social assistance in Henan Province as an OpenFisca country package (河南省社会救助政策规则).

Entities, dated parameters with their legal reference, formulas and tests; it knows nothing of files, databases or the rest of Doudi.
"""

from pathlib import Path

from openfisca_core.taxbenefitsystems import TaxBenefitSystem

from openfisca_henan import entities
from openfisca_henan.version import VERSION

__version__ = VERSION

_HERE = Path(__file__).parent


class CountryTaxBenefitSystem(TaxBenefitSystem):
    """All variables and parameters of the package."""

    def __init__(self) -> None:
        self._metadata = {"name": "openfisca-henan", "version": __version__, "repository_url": "", "location": str(_HERE.parent)}
        super().__init__(entities.entities)
        self.add_variables_from_directory(str(_HERE / "variables"))
        self.load_parameters(str(_HERE / "parameters"))
        self.open_api_config = {
            "variable_example": "dibao_amount",
            "parameter_example": "dibao.standard.urban.41",
            "simulation_example": {
                "persons": {"甲": {"birth_date": {"ETERNITY": "1960-05-01"}, "wage_income": {"2022-12": 300}}},
                "households": {
                    "一户": {"head": "甲", "county": {"2022-12": "410122"}, "residence": {"2022-12": "urban"}, "dibao_amount": {"2022-12": None}}
                },
            },
        }

    def get_package_metadata(self) -> dict[str, str]:
        """Name and version, also where the package is part of a larger distribution (core looks for one of its own)."""
        return self._metadata
