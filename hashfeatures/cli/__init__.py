"""The command line: ``hashfeatures COMMAND``."""

from ._app import main as main
