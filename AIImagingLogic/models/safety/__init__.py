"""Model packages are read as data; what is a program is checked first, or refused until its hash is trusted."""
