"""The outside: the archive, DIMSE peers, model runtimes."""
