"""What two spellings of a word have in common. In: any text. Out: a text without case, without accents, or without
both.
"""

import unicodedata


def fold(text: str) -> str:
    """A text without case, accents and compatibility forms."""
    return text.lower() if text.isascii() else unaccented(text.casefold())


def unaccented(text: str) -> str:
    """A text without accents and compatibility forms."""
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", "".join(char for char in apart if not unicodedata.combining(char)))
