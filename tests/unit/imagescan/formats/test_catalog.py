"""The catalog of formats is complete."""

import importlib
import pkgutil

from hullguard.imagescan import formats
from hullguard.imagescan.formats.catalog import FORMATS
from hullguard.imagescan.formats.format import Format


def test_every_format_is_in_the_catalog() -> None:
    for module in pkgutil.iter_modules(formats.__path__):
        importlib.import_module(f"{formats.__name__}.{module.name}")

    assert set(Format.__subclasses__()) == {type(known) for known in FORMATS}
    assert len({known.name for known in FORMATS}) == len(FORMATS)
