"""For all tests."""

from hypothesis import settings

# A busy machine is slow; how fast something is, benchmarks say.
settings.register_profile("erlnet", deadline=None)
settings.load_profile("erlnet")
