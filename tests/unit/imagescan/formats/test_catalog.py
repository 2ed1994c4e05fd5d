"""The catalog of formats is complete."""

import importlib
import pkgutil

from hullguard.imagescan import formats
from hullguard.imagescan.formats.catalog import FORMATS, format_of
from hullguard.imagescan.formats.format import Format


def test_every_format_is_in_the_catalog() -> None:
    for module in pkgutil.iter_modules(formats.__path__):
        importlib.import_module(f"{formats.__name__}.{module.name}")

    assert set(Format.__subclasses__()) == {type(format_of(name)) for name in FORMATS}


def test_every_format_has_the_name_of_the_catalog() -> None:
    assert [known.name for name in FORMATS if (known := format_of(name))] == list(FORMATS)
