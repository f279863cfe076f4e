"""Names of classes, files and examples are anybody's: they steer no terminal, run in no
spreadsheet, and reach no network.
"""
