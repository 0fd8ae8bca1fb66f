"""From a data file to a monitored model in production and back, in one terminal."""

__version__ = "0.1.0"
