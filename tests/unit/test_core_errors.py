from __future__ import annotations

import re

from lab.core import errors
from lab.core.errors import EXIT_INTERRUPTED, EXIT_NEGATIVE, LabError


def test_every_error_has_an_exit_code_of_its_own() -> None:
    codes = [error.exit_code for error in LabError.__subclasses__()]
    reserved = {0, EXIT_NEGATIVE, EXIT_INTERRUPTED, LabError.exit_code}
    assert len(set(codes)) == len(codes)
    assert not reserved & set(codes)


def test_the_tree_drawn_at_the_top_of_the_module_is_the_tree() -> None:
    drawn = dict(re.findall(r"[├└]── (\w+) +(\d+) ", errors.__doc__ or ""))
    assert drawn == {error.__name__: str(error.exit_code) for error in LabError.__subclasses__()}


def test_an_error_says_what_happened_and_gives_a_hint() -> None:
    error = LabError("the cat is on the keyboard", "lift the cat")
    assert str(error) == error.message == "the cat is on the keyboard"
    assert error.remedy == "lift the cat"
