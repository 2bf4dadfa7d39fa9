"""`python -m cli`: the same as the script `plumbline`."""

from cli.main import main

if __name__ == "__main__":
    main()
