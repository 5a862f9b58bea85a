"""One try of one message. In: a message, who gets it, the secrets. Out: an Answer; only CancelledError is raised.

The one rule: what failed is tried again unless the recipient said that it never will do. No answer shows a secret: an
address may be one, so errors tell the kind of what went wrong.
"""

import asyncio
import logging
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Literal, assert_never

import aiohttp

from agents.notify.http import Http, Response
from agents.notify.smtp import Mailer
from pipeline.notify import answer, email, pagerduty, slack, webhook
from pipeline.notify.answer import DELIVERED, Answer, Outcome
from pipeline.notify.file import Secrets
from pipeline.notify.message import Message, Post
from pipeline.notify.rules import Recipient, Rules

log = logging.getLogger("cem.notify")

TAKEN_MAX = 10_000
"""Messages of several steps of which is known how far they have come; those that were given up among them."""

Judge = Callable[[int, str | None, bytes, float], Answer]


class Sender:
    """`secrets`: by a recipient's id."""

    def __init__(self, rules: Rules, secrets: Mapping[str, Secrets], web_url: str) -> None:
        self._rules = rules
        self._secrets = secrets
        self._web_url = web_url
        self._http = Http()
        self._mailer: Mailer | None = None
        self._taken: OrderedDict[str, int] = OrderedDict()

    async def __aenter__(self) -> "Sender":
        await self._http.__aenter__()
        if self._rules.email is not None:
            password = next((one.password for one in self._secrets.values() if one.password), "")
            self._mailer = Mailer(self._rules.email, password)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._http.__aexit__(*error)
        if self._mailer is not None:
            self._mailer.close()

    async def send(self, message: Message, recipient: Recipient) -> Answer:
        """Delivers it, or says why not. What cannot be put into a form holds up nobody: it becomes a dead letter."""
        secrets = self._secrets[recipient.id]
        try:
            if recipient.kind == "email":
                mail = self._mail(message, recipient)
            else:
                posts, judge = self._posts(message, recipient.kind, secrets)
        except Exception as error:
            log.exception("a message cannot be written", extra={"recipient": recipient.name, "message_id": message.id})
            return Answer(Outcome.NEVER, f"the message could not be written ({type(error).__name__}, see the log)")
        if recipient.kind == "email":
            assert self._mailer is not None
            return await self._mailer.send(mail, recipient.to[0])
        return await self._in_turn(message.id, posts, judge)

    async def _in_turn(self, message_id: str, posts: tuple[Post, ...], judge: Judge) -> Answer:
        """A try goes on behind the steps that were taken in the try before: PagerDuty opens another incident for a
        trigger that comes again after its resolve."""
        taken = self._taken.pop(message_id, 0)
        for number, post in enumerate(posts[taken:], taken):
            said = await self._post(post, judge)
            if said.outcome is not Outcome.DELIVERED:
                if number:
                    self._taken[message_id] = number
                    if len(self._taken) > TAKEN_MAX:
                        self._taken.popitem(last=False)
                return said
        return DELIVERED

    def _mail(self, message: Message, recipient: Recipient) -> bytes:
        assert self._rules.email is not None
        return email.compose(message, self._rules.email.sender, recipient.to[0], self._web_url)

    def _posts(
        self, message: Message, kind: Literal["webhook", "slack", "pagerduty"], secrets: Secrets
    ) -> tuple[tuple[Post, ...], Judge]:
        """What has to be sent, in order, and who says what an answer means."""
        match kind:
            case "webhook":
                post = webhook.request(message, secrets.url, secrets.keys, self._web_url, int(time.time()))
                return (post,), lambda status, after, _, now: answer.of_http(status, after, now)
            case "slack":
                return (slack.request(message, secrets.url, self._web_url),), slack.answer
            case "pagerduty":
                return pagerduty.requests(message, secrets.url, secrets.routing_key, self._web_url), pagerduty.answer
            case _:
                assert_never(kind)

    async def _post(self, post: Post, judge: Judge) -> Answer:
        try:
            response: Response = await self._http.post(post)
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError, OSError, ValueError) as error:
            return Answer(Outcome.AGAIN, _why(error))
        return judge(response.status, response.retry_after, response.body, time.time())


def _why(error: Exception) -> str:
    """What went wrong on the way, without the address."""
    match error:
        case aiohttp.ClientConnectorCertificateError() | ssl.SSLError() | aiohttp.ClientConnectorSSLError():
            return "its certificate is not trusted here"
        case TimeoutError():
            return "it did not answer in time"
        case aiohttp.ClientConnectorError():
            return "it cannot be reached"
        case aiohttp.ServerDisconnectedError():
            return "it hung up without an answer"
        case _:
            return f"its answer cannot be read ({type(error).__name__})"
