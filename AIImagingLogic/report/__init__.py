"""Results for people and spreadsheets: HTML, CSV and text."""
