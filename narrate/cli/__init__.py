"""The command line: `commands` is the door, and beside it a file for each kind of command."""
