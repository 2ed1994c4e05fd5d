import importlib
import inspect
import pkgutil

from hullguard.detect import catalog_info, detectors
from hullguard.detect.detectors.catalog import DETECTORS
from hullguard.detect.policy_check import check_parameter


def test_every_detector_is_in_the_catalog():
    written = set()
    for module in pkgutil.iter_modules(detectors.__path__):
        loaded = importlib.import_module(f"{detectors.__name__}.{module.name}")
        written |= {
            thing
            for _, thing in inspect.getmembers(loaded, inspect.isclass)
            if thing.__module__ == loaded.__name__ and hasattr(thing, "info")
        }

    assert written == {type(detector) for detector in DETECTORS}


def test_ids_are_unique_and_every_default_is_valid():
    infos = catalog_info()

    assert len({info.id for info in infos}) == len(infos) == 4
    for info in infos:
        for parameter in info.parameters:
            check_parameter(parameter, parameter.default, "$")


def test_every_detector_can_alert_and_names_a_technique():
    for info in catalog_info():
        assert "alert" in info.actions
        assert info.technique.startswith("T1")
