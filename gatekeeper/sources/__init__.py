"""Reference → artifact: the Hub, local folders and single files."""
