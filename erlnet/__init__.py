"""ERLNet (arXiv 2404.19038), whole, with every design choice swappable by name."""

__version__ = "0.1.0"
