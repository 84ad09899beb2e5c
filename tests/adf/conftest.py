"""One trained toy codec and mapper for all tests of this room."""

import pytest
from motion_toys import MOTION_SETTINGS, STYLE, Silent, make_codec, toy_clips

from erlnet.adf.components import NoSpeechLoss
from erlnet.adf.train_mapper import train_mapper


@pytest.fixture(scope="session")
def trained_codec():
    return make_codec()


@pytest.fixture(scope="session")
def codec(trained_codec):
    return trained_codec[0]


@pytest.fixture(scope="session")
def trained_mapper(codec):
    before = {name: tensor.clone() for name, tensor in codec.state_dict().items()}
    mapper, metrics = train_mapper(toy_clips(), codec, STYLE, NoSpeechLoss(), MOTION_SETTINGS, 0, Silent())
    return mapper, metrics, before


@pytest.fixture(scope="session")
def mapper(trained_mapper):
    return trained_mapper[0]
