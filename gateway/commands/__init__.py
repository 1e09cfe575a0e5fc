"""What `airgate` does, one file a command; gateway/cli.py names them."""
