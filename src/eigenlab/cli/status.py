"""Exit statuses of the command line."""

#: Every outcome is the documented one.
SUCCESS = 0
#: An outcome departs from the documentation, or a check found a problem.
DEPARTURE = 1
#: A mistake in the input, reported in one line on standard error.
USAGE_ERROR = 2
#: What a shell reports for a process stopped by Ctrl-C.
INTERRUPTED = 130
