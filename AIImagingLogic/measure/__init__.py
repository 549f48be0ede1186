"""Measurements of outlined lesions and organs, each with its unit; growth between two measurements."""
