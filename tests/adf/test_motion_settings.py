"""Settings that could train nothing are refused where they are made, by name."""

import pytest

from erlnet.adf.components import TransformerStyle
from erlnet.adf.settings import CodecSettings, MotionSettings
from erlnet.errors import UserError


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (CodecSettings, "steps", 0),
        (CodecSettings, "batch", 0),
        (CodecSettings, "window", 0),
        (CodecSettings, "lr", 0.0),
        (CodecSettings, "lr", float("nan")),
        (CodecSettings, "jitter", -0.1),
        (MotionSettings, "steps", 0),
        (MotionSettings, "heads", 0),
        (MotionSettings, "reach", -1),
        (MotionSettings, "dropout", 1.0),
        (MotionSettings, "label_smoothing", -0.1),
        (MotionSettings, "weight_decay", -1.0),
    ],
)
def test_a_setting_out_of_range_is_named(kind, name, value):
    with pytest.raises(ValueError, match=f"^{name}="):
        kind(**{name: value})


def test_the_least_of_everything_is_allowed():
    CodecSettings(steps=1, batch=1, window=1, jitter=0.0)
    MotionSettings(steps=1, batch=1, window=1, width=1, heads=1, style_width=1, layers=0, reach=0, dropout=0.0)


@pytest.mark.parametrize("options", [{"heads": 0}, {"layers": -1}, {"reach": -1}])
def test_a_style_encoder_of_no_heads_or_less_than_no_layers_is_refused(options):
    with pytest.raises(UserError, match="style: heads is at least 1"):
        TransformerStyle(**options).build(3, 2, 6)
