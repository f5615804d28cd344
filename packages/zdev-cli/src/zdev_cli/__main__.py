"""`python -m zdev_cli` is `zdev`."""

from ._main import main

if __name__ == "__main__":
    main()
