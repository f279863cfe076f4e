"""The calls that people make: each joins what the packages below keep apart.

The command line and ``import dressform`` both use them, and nothing else.
"""
