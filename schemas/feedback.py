"""A piece of feedback that a company collected itself: a survey, a form, a call. Key of `cem.feedback`: its id."""

from typing import Annotated

import msgspec

from schemas.record import Record
from schemas.time import Millis
from schemas.vocabulary import FeedbackChannel, Identifier, JourneyStage, ShortText, Text


class Feedback(Record, frozen=True, kw_only=True):
    """`customer_ref` is the company's own reference; contact details stay in its own systems."""

    id: Identifier
    channel: FeedbackChannel
    unit_id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    touchpoint: ShortText | None = None
    journey_stage: JourneyStage | None = None
    nps: Annotated[int, msgspec.Meta(ge=0, le=10)] | None = None
    csat: Annotated[int, msgspec.Meta(ge=1, le=5)] | None = None
    ces: Annotated[int, msgspec.Meta(ge=1, le=7)] | None = None
    rating: Annotated[float, msgspec.Meta(ge=0, le=5)] | None = None
    text: Text = ""
    language: Annotated[str, msgspec.Meta(max_length=35)] | None = None
    order_id: Identifier | None = None
    employee_ref: Identifier | None = None
    customer_ref: Identifier | None = None
    contact_consent: bool = False
    event_time: Millis
