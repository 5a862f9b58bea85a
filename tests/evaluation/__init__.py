"""How good the reading of texts is, measured on labelled data."""
