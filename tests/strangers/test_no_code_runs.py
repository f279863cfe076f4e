"""Nothing that a stranger sent is executed: not by what a run names, not by what lies in its
folder, not by git.
"""
