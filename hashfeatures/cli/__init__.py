"""The command line: ``hashfeatures COMMAND``."""

from .app import main as main
