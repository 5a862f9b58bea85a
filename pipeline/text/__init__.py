"""Text: normalising, masking of personal data, pseudonyms of authors."""
