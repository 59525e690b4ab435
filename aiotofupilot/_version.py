"""The version of this package. The build reads it from here, so that it is known without the metadata of a package."""

__version__ = "0.1.0"
