"""`airgate models check`: a folder held against its card and the standards, for its author."""
