"""The two entities of the law: the person and the household.

The household is the assistance unit (共同生活家庭): people of one family who live together. Who counts as a member is decided
at the registry (民发〔2021〕57号, article 7); the law takes the members as given.
"""

from openfisca_core.entities import build_entity

Household = build_entity(
    key="household",
    plural="households",
    label="共同生活家庭",
    doc="The assistance unit: people of one family who live together (共同生活家庭成员).",
    roles=[
        {"key": "head", "label": "户主", "max": 1, "doc": "Head of the household."},
        {"key": "member", "plural": "members", "label": "家庭成员", "doc": "Any other member of the household."},
    ],
)

Person = build_entity(key="person", plural="persons", label="人员", doc="A natural person.", is_person=True)

entities = [Household, Person]
