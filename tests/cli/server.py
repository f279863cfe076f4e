"""Runs commands of dressform, each in a process of its own that need not import first: this one has
imported what they import, and forks.

A line of JSON for each command in (words, folder, filter of warnings, files for stdin, stdout and
stderr), its exit status out.
"""

import importlib
import json
import os
import pkgutil
import sys
import warnings


def main() -> None:
    """Until stdin ends. Nothing is computed here: OpenMP's threads do not survive a fork."""
    from dressform.core.threads import wait_briefly

    wait_briefly()
    import scipy.stats  # noqa: F401 - which dressform imports where it is needed

    import dressform
    from dressform.cli import main as command_line

    for module in pkgutil.walk_packages(dressform.__path__, "dressform."):
        if not module.name.startswith(("dressform.service", "dressform.__main__")):
            importlib.import_module(module.name)

    for line in sys.stdin:
        words, folder, filters, *files = json.loads(line)
        child = os.fork()
        if not child:
            os.chdir(folder)
            for number, path in enumerate(files):
                opened = os.open(path, os.O_RDWR)
                os.dup2(opened, number)
                os.close(opened)
            sys.argv = ["dressform", *words]
            if filters != "error":  # which this process was started with
                os.environ["PYTHONWARNINGS"] = filters
                warnings.resetwarnings()
                warnings.simplefilter(filters)
            code = 1
            try:
                command_line.main()
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
            except BaseException:  # noqa: BLE001 - shown as Python shows it
                sys.excepthook(*sys.exc_info())
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
