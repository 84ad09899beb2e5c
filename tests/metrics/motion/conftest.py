import pytest
from motion_makers import demo_motion, head_model


@pytest.fixture(scope="session")
def model():
    return head_model()


@pytest.fixture(scope="session")
def bank():
    """72 demo motions: speakers 0 to 5, three styles, four clips of 4 s each."""
    return [
        demo_motion(1000 * speaker + take, speaker, style)
        for speaker in range(6)
        for style in ("neutral", "happy", "angry")
        for take in range(4)
    ]
