"""What the collection of tests and doctests leaves out."""

#: Masters of notebooks are executed as notebooks, by tests/course.
collect_ignore_glob = ["src/eigenlab/course/masters/*"]
