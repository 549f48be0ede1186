"""What the panels share: the job service of the application, rows for runs, tables, and what every task panel does."""
