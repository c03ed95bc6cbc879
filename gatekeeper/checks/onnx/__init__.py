"""What a computational graph does besides what it was trained for.

Modules: `graph` (the compact graph that everything here reads).
"""
