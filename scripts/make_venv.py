"""Make the virtual environment that the Makefile works in: python make_venv.py FOLDER [--search].

Written so that any Python since 2.7 can parse it: the Python that a machine calls python3 may be too old for the
package, and then this is what says so. With --search it looks for a newer one first, python3.13 say, and uses that.
"""

import os
import subprocess
import sys

OLDEST = (3, 11)
TRIED = ["python3.13", "python3.12", "python3.11", "python3.14", "python3", "python"]
HELP = """
chainrule needs Python 3.11 or newer; {found} is Python {version}.
Install one (https://www.python.org/downloads, or your system's package manager), or name the one to use:
    make demo PYTHON=/path/to/python3.11
"""


def is_new_enough(command):
    """Whether ``command`` starts a Python that the package runs on. A stand-in that only prints a message does not."""
    check = "import sys, venv; sys.exit(sys.version_info < {})".format(OLDEST)
    try:
        process = subprocess.Popen([command, "-c", check], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError:
        return False
    process.communicate()
    return process.returncode == 0


def find_python(search):
    """The command of a Python that is new enough: this one, or with ``search`` the first found on PATH; else None."""
    if sys.version_info >= OLDEST:
        return sys.executable
    return next((command for command in TRIED if is_new_enough(command)), None) if search else None


def main():
    """Make the environment, or say why not."""
    python = find_python(search="--search" in sys.argv[2:])
    if python is None:
        sys.exit(HELP.format(found=sys.executable, version=".".join(map(str, sys.version_info[:3]))))
    # --clear: there is no usable Python in the folder, else make would not have come here; stamps in it are stale.
    code = subprocess.call([python, "-m", "venv", "--clear", sys.argv[1]])
    if code:
        # Debian and Ubuntu split venv off; Python has already said what to install.
        sys.exit("The virtual environment {} was not made.".format(os.path.abspath(sys.argv[1])))


if __name__ == "__main__":
    main()
