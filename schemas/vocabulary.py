"""Closed vocabularies that several records share. A value outside is refused with the list of what is allowed."""

from typing import Annotated, Literal

import msgspec

Network = Literal[
    "x", "facebook", "instagram", "threads", "mastodon", "bluesky", "reddit", "tiktok", "youtube", "linkedin",
    "google", "yelp", "tripadvisor", "trustpilot", "app_store", "forum", "other",
]  # fmt: skip
FeedbackChannel = Literal["web", "app", "email", "sms", "receipt", "kiosk", "call", "face_to_face", "chat"]
Channel = Literal[
    "x", "facebook", "instagram", "threads", "mastodon", "bluesky", "reddit", "tiktok", "youtube", "linkedin",
    "google", "yelp", "tripadvisor", "trustpilot", "app_store", "forum", "other",
    "web", "app", "email", "sms", "receipt", "kiosk", "call", "face_to_face", "chat",
]  # fmt: skip
JourneyStage = Literal["interest", "purchase", "use", "service", "refer", "leave"]
Emotion = Literal["anger", "disappointment", "worry", "joy", "gratitude", "surprise", "none"]
SentimentLabel = Literal["negative", "neutral", "positive"]

Identifier = Annotated[str, msgspec.Meta(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
"""An id of the outside world: 1 to 256 characters, none of them a control character."""
UnitId = Annotated[str, msgspec.Meta(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9-]+\Z")]
"""Letters, digits and `-`: it becomes a part of a topic's name."""
ShortText = Annotated[str, msgspec.Meta(max_length=1024)]
Text = Annotated[str, msgspec.Meta(max_length=50_000)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
