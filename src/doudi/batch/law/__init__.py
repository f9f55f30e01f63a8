"""Run the law over a population: one household with its explanation in milliseconds, a province in seconds.

The public face of this package:

* ``run(persons, households, person_household, head, month, variables, settings)`` -> arrays, one for each variable;
* ``explain(persons, households, month, settings)`` -> an ``Explanation`` of one household;
* ``Settings`` (dated rows laid over the law), ``Settings.hash``, ``law_version()``: an assessment stores both;
* ``list_parameters(settings)`` -> every parameter with its rows, for the page 标准与参数;
* ``read_reform``, ``compare``: what if, over a population; ``income_curve``, ``unverified_effects``: what if, for one household;
* ``LawInputError``: what is wrong with the input, by row and field, found before the run.

Nothing here knows Django. Inputs and outputs are named and explained in ``openfisca_henan`` and in its README.
"""

from doudi.batch.law.checks import InputProblem, LawInputError
from doudi.batch.law.engine import Population, calculate, law_version, prepare, run
from doudi.batch.law.explain import explain
from doudi.batch.law.explanation import Benefit, Explanation, Figure, Line, ParameterUsed, Refusal, Section
from doudi.batch.law.settings import ParameterInfo, ParameterRow, Settings, SettingsError, list_parameters
from doudi.batch.law.whatif import Comparison, Difference, Reform, compare, income_curve, read_reform, unverified_effects

__all__ = [
    "Benefit",
    "Comparison",
    "Difference",
    "Explanation",
    "Figure",
    "InputProblem",
    "LawInputError",
    "Line",
    "ParameterInfo",
    "ParameterRow",
    "ParameterUsed",
    "Population",
    "Reform",
    "Refusal",
    "Section",
    "Settings",
    "SettingsError",
    "calculate",
    "compare",
    "explain",
    "income_curve",
    "law_version",
    "list_parameters",
    "prepare",
    "read_reform",
    "run",
    "unverified_effects",
]
