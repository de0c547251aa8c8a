"""`python -m narrate`."""

from narrate.cli.commands import main

if __name__ == "__main__":
    main()
