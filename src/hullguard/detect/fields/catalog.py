"""Every field that a rule may use."""

from typing import Final

from hullguard.detect.fields.descriptor import DESCRIPTOR_FIELDS
from hullguard.detect.fields.field import Field
from hullguard.detect.fields.happening import HAPPENING_FIELDS
from hullguard.detect.fields.process import PROCESS_FIELDS
from hullguard.detect.fields.surroundings import SURROUNDING_FIELDS

FIELDS: Final[tuple[Field, ...]] = (*PROCESS_FIELDS, *DESCRIPTOR_FIELDS, *HAPPENING_FIELDS, *SURROUNDING_FIELDS)

BY_NAME: Final = {field.name: field for field in FIELDS}
