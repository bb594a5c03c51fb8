"""The words of each command, by subject: names, options, defaults and help.

Nothing heavy is imported here at module level; a command imports what it needs when it runs.
"""
