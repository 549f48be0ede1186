"""Change of bright brain lesions between two FLAIR visits, by subtraction."""
