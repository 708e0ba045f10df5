"""`python -m llimba` is the command line."""

from llimba.cli import main

if __name__ == "__main__":
    main()
