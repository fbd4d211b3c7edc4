"""A change of state makes a new value: nothing in the domain can be altered in place."""

import dataclasses
import importlib
import pkgutil

import pytest

import app.domain

MODULES = [importlib.import_module(f"app.domain.{module.name}") for module in pkgutil.iter_modules(app.domain.__path__)]
VALUES = [
    value
    for module in MODULES
    for value in vars(module).values()
    if dataclasses.is_dataclass(value) and isinstance(value, type) and value.__module__ == module.__name__
]


def test_there_are_values_to_look_at():
    assert {"ClosureWindow", "PlannedClosure", "Notice", "NoticePolicy"} <= {value.__name__ for value in VALUES}


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.__name__)
def test_every_value_is_frozen_and_slotted(value):
    assert value.__dataclass_params__.frozen
    assert "__slots__" in vars(value)
