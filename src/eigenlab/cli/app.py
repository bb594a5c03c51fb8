"""The application: its commands, and the exit status and message of every error."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

import eigenlab
from eigenlab.cli.commands import experiments
from eigenlab.cli.commands.check import check_file
from eigenlab.cli.commands.clustering import cluster_table
from eigenlab.cli.commands.course import course_app, submit_notebook
from eigenlab.cli.commands.datasets import data_app
from eigenlab.cli.commands.grade import grade_submissions
from eigenlab.cli.commands.images import classify_app
from eigenlab.cli.commands.installation import bench, doctor
from eigenlab.cli.commands.studio import studio_app
from eigenlab.cli.commands.surnames import names_app
from eigenlab.cli.commands.translation import translate_app
from eigenlab.cli.plain import use_plain_characters
from eigenlab.cli.status import INTERRUPTED, SUCCESS, USAGE_ERROR
from eigenlab.errors import Cancelled, EigenlabError

HELP = (
    "Train it, look at its spectrum, check the claim: a laboratory for deep-learning fundamentals."
)
#: Errors of the file system that a user can do something about.
USER_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status.

    0: success, every outcome as documented. 1: an outcome departs from the documentation, or
    ``verify``, ``doctor``, ``check`` or ``grade`` found a problem. 2: a mistake in the input,
    reported in one line on standard error. 130: stopped by Ctrl-C.

    Args:
        arguments: words after ``eigenlab``; default: those of the process.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    use_plain_characters()
    try:
        status = build(words)(words)
    except CycloptsError as error:
        error.verbose = False
        return _report_error(str(error))
    except (Cancelled, KeyboardInterrupt):
        print("stopped", file=sys.stderr)
        return INTERRUPTED
    except EigenlabError as error:
        return _report_error(str(error))
    except BrokenPipeError:
        # The reader of a pipe (head, less) has closed it; write nothing more, also at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SUCCESS
    except OSError as error:
        if error.errno in USER_ERRORS:
            return _report_error(f"{error.filename or 'file system'}: {error.strerror}")
        raise
    return status if isinstance(status, int) else SUCCESS


def _report_error(message: str) -> int:
    line = " ".join(message.split())
    if os.environ.get("RANK", "0") == "0":
        print(f"eigenlab: {line}", file=sys.stderr)
    return USAGE_ERROR


def build(words: Sequence[str] = ()) -> App:
    """Return the application; ``words`` determine which experiment's options are built."""
    app = App(
        name="eigenlab",
        help=HELP,
        version=eigenlab.__version__,
        help_format="plaintext",
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
    )
    experiments.add_to(app, words)
    app.command(data_app())
    app.command(names_app())
    app.command(translate_app(words))
    app.command(classify_app())
    app.command(cluster_table, name="cluster")
    app.command(course_app())
    app.command(check_file, name="check")
    app.command(grade_submissions, name="grade")
    app.command(submit_notebook, name="submit")
    app.command(studio_app())
    app.command(doctor, name="doctor")
    app.command(bench, name="bench")
    app.register_install_completion_command()
    return app
