"""What words mean, one folder for each language. Another language is another folder."""
