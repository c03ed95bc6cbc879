"""What configuration files ask a loader to import, fetch or call: one file for each loader or language.

`judge.py` is the front door; `ask.py` holds the nouns, `yaml_tree.py` reads YAML without building anything of it.
"""
