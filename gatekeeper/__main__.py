"""`python -m gatekeeper`: the command line."""

from gatekeeper.cli import main

if __name__ == "__main__":
    main()
