"""`python -m cancernet` is the command `cancernet`."""

from cancernet.cli.main import run

if __name__ == "__main__":
    run()
