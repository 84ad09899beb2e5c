from dataclasses import dataclass
from typing import Literal

import pytest

from erlnet.errors import UserError
from erlnet.options import option_types, parse_value


@dataclass(frozen=True)
class Example:
    steps: int = 1
    rate: float = 0.5
    rule: Literal["over", "normalised"] = "over"
    views: tuple[str, ...] = ()
    on: bool = False
    width: int | None = None


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        ("steps", "300", 300),
        ("rate", "1e-3", 1e-3),
        ("rule", "normalised", "normalised"),
        ("views", "[front,left_30]", ("front", "left_30")),
        ("views", "[]", ()),
        ("on", "true", True),
        ("width", "none", None),
        ("width", "8", 8),
    ],
)
def test_text_becomes_the_options_type(option, text, value):
    assert parse_value(text, option_types(Example)[option], option) == value


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        ("steps", "many", "steps=many: expected a whole number"),
        ("steps", "1.5", "steps=1.5: expected a whole number"),
        ("rate", "nan", "rate=nan: expected a number"),
        ("rule", "ovr", "did you mean 'over'"),
        ("on", "yes", "expected true or false"),
        ("width", "wide", "expected a whole number or none"),
    ],
)
def test_text_of_another_type_is_refused_with_what_would_do(option, text, message):
    with pytest.raises(UserError, match=message):
        parse_value(text, option_types(Example)[option], option)
