"""The commands, one a module; what is heavy is imported where the work is done."""
