"""`python -m gitslices`."""

from gitslices.cli.main import main

if __name__ == "__main__":
    main()
