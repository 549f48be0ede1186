"""Pictures for the documentation, made by the program from real runs.

Each module `<name>_panel` has a function ``photograph(folder)``; ``python -m Testing.Pictures.panels`` calls them all.
"""
