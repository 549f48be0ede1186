"""Lesion matching across visits, change with uncertainty, and clinical rule tables."""
