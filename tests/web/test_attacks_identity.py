"""Pretending to be somebody: tokens that are guessed, forged, expired or revoked, sessions that are forged or planted,
headers that pretend."""

import re

import pytest
from aiohttp import ClientResponse

from agents.web.people import People, Person
from agents.web.tokens import new_token
from schemas.action import Action
from schemas.codec import Codec
from schemas.time import HOUR_MS
from tests.web.console import SAME, Console, asynchronous
from tests.web.events import Events

_action_codec = Codec[Action](Action)

SURGE = "harbour-quay-c3d4c3d4c3d4c3d4"
ACT = f"/alerts/{SURGE}/actions"


# Tokens: guessed, forged, expired, revoked


@pytest.mark.parametrize("way", ["bearer", "login"])
@asynchronous
async def test_guessing_is_made_slow(way: str) -> None:
    """After ten tokens that are none, an address waits, and is told how long; even a good one does not help then. After
    that time it may try again."""
    async with Console() as console:
        good = console.token("auditor")

        async def shows(token: str) -> ClientResponse:
            if way == "bearer":
                return await console.get("/api/v1/alerts", token)
            return await console.post("/login", data={"token": token}, headers=SAME)

        statuses = [(await shows(new_token()[0])).status for _ in range(12)]
        assert [401] * 10 + [429] * 2 == statuses
        refused = await shows(good)
        assert 429 == refused.status
        wait = int(refused.headers["Retry-After"])
        assert 0 < wait < 60
        console.seconds += wait
        assert (await shows(good)).status in (200, 303)


@asynchronous
async def test_guessing_from_many_addresses_is_made_slow_too() -> None:
    """Through a trusted proxy each has its own address; together they wait as well. Who has shown a good token of late
    does not."""
    async with Console(web_trusted_proxies="127.0.0.1") as console:
        good = console.token("auditor")
        at_work = {"X-Forwarded-For": "198.51.100.1"}
        assert 200 == (await console.get("/api/v1/alerts", good, headers=at_work)).status
        statuses = [
            (await console.get("/api/v1/alerts", new_token()[0], headers={"X-Forwarded-For": f"203.0.113.{place}"}))
            for place in range(250)
            for _ in range(2)
        ]  # fmt: skip
        assert {401, 429} == {one.status for one in statuses}
        assert 429 == (await console.get("/api/v1/alerts", good, headers={"X-Forwarded-For": "192.0.2.9"})).status
        assert 200 == (await console.get("/api/v1/alerts", good, headers=at_work)).status


@asynchronous
async def test_a_forged_address_does_not_help_to_guess() -> None:
    """`X-Forwarded-For` of who is no trusted proxy is not believed."""
    async with Console() as console:
        statuses = [
            (await console.get("/api/v1/alerts", new_token()[0], headers={"X-Forwarded-For": f"10.0.0.{place}"})).status
            for place in range(12)
        ]
        assert [401] * 10 + [429] * 2 == statuses


@asynchronous
async def test_what_a_client_puts_before_the_proxys_word_does_not_help_to_guess() -> None:
    """Of a chain of addresses the last that is no proxy of ours counts, whatever stands before it."""
    async with Console(web_trusted_proxies="127.0.0.1,10.0.0.1") as console:
        statuses = []
        for place in range(12):
            chain = {"X-Forwarded-For": f"198.51.100.{place}, 203.0.113.5, 10.0.0.1"}
            statuses.append((await console.get("/api/v1/alerts", new_token()[0], headers=chain)).status)
        assert [401] * 10 + [429] * 2 == statuses


@asynchronous
async def test_a_token_that_is_changed_anywhere_is_none() -> None:
    """One character more, less or other, another's id, none at all, two of them: 401 each."""
    async with Console() as console:
        token, other = console.token("head_office"), console.token("unit", "elm-street")
        _, identity, rest = token.split("_", 2)
        mixed = f"cem_{identity}_{other.split('_', 2)[2]}"
        changed = rest[:-2] + ("A" if rest[-2] != "A" else "B") + rest[-1]
        for place, wrong in enumerate([mixed, token + "x", token[:-1], f"cem_{identity}_{changed}", "", "cem__",
                                       token.upper(), f"{token} {token}"]):  # fmt: skip
            console.seconds += 60
            assert 401 == (await console.get("/api/v1/alerts", wrong)).status, place
        console.seconds += 600
        assert 401 == (await console.get("/api/v1/alerts", headers={"Authorization": f"Basic {token}"})).status
        assert 200 == (await console.get("/api/v1/alerts", token)).status


@asynchronous
async def test_a_token_ends_when_it_expires_and_when_it_is_revoked() -> None:
    """At once, for the API, for the sessions that began with it and for a stream that is open; it never comes back."""
    async with Console() as console:
        short, long = console.token("auditor", expires_ms=HOUR_MS), console.token("auditor")
        for token in (short, long):
            browser = await console.login(token)
            events = Events(console, token)
            await events.open()
            assert 200 == (await console.get("/api/v1/alerts", token)).status == (await browser.get("/")).status
            if token == short:
                console.seconds += 3_601
            else:
                console.revoke(token)
            assert 401 == (await console.get("/api/v1/alerts", token)).status
            assert "/login?next=%2F" == (await browser.get("/")).headers["Location"].replace("=/", "=%2F")
            console.hub.tokens_changed()
            assert await events.ended()
        record = console.model.token(long.split("_")[1])
        assert record is not None
        fields = {name: getattr(record, name) for name in record.__struct_fields__}
        console.model.apply_token(record.id, type(record)(**{**fields, "revoked_at": None}))
        assert 401 == (await console.get("/api/v1/alerts", long)).status


# Sessions


@asynchronous
async def test_a_session_is_new_at_each_login() -> None:
    """Whatever cookie came: one that somebody else has put there is not taken over."""
    async with Console() as console:
        token = console.token("auditor")
        first = await console.login(token)
        planted = {"Cookie": f"cem_session={first.cookie}", **SAME}
        answer = await console.post("/login", data={"token": token}, headers=planted)
        second = answer.cookies["cem_session"].value
        assert second != first.cookie
        csrf = console.door.signer.read(second, console.seconds)
        assert csrf is not None and console.door.signer.csrf(csrf.binding) != first.csrf


@asynchronous
async def test_a_forged_session_is_none() -> None:
    """Any part of the cookie changed; signed with another secret; longer lasting than it was; another's token."""
    async with Console() as console:
        browser = await console.login(console.token("auditor"))
        other = console.token("head_office").split("_")[1]
        identity, expires, nonce, signature = browser.cookie.split(".")
        async with Console(web_secret="another secret, just as long as it") as elsewhere:
            foreign, _ = elsewhere.door.signer.issue(identity, console.seconds, console.seconds + 1000)
        forged = [
            f"{other}.{expires}.{nonce}.{signature}",
            f"{identity}.{int(expires) + 9}.{nonce}.{signature}",
            f"{identity}.{expires}.{nonce[::-1]}.{signature}",
            f"{identity}.{expires}.{nonce}.{'0' * 64}",
            f"{identity}.{expires}.{nonce}.",
            foreign,
            browser.csrf,
            "",
        ]
        for cookie in forged:
            answer = await console.get("/", headers={"Cookie": f"cem_session={cookie}"})
            assert 303 == answer.status, cookie
        assert 200 == (await browser.get("/")).status


@asynchronous
async def test_a_session_ends_after_half_a_day() -> None:
    """Also where its token lasts longer."""
    async with Console() as console:
        browser = await console.login(console.token("auditor"))
        console.seconds += 12 * 3600 - 1
        assert 200 == (await browser.get("/")).status
        console.seconds += 2
        assert 303 == (await browser.get("/")).status


@asynchronous
async def test_signing_out_takes_the_cookie_away() -> None:
    """A copy of it opens nothing any more; and only a page of the console can do it."""
    async with Console() as console:
        browser = await console.login(console.token("auditor"))
        assert 403 == (await browser.post("/logout")).status
        answer = await browser.post("/logout", data={"csrf": browser.csrf})
        assert (303, "/login") == (answer.status, answer.headers["Location"])
        assert "Max-Age=0" in answer.headers["Set-Cookie"]
        assert 303 == (await browser.get("/")).status  # a copy of the cookie


# Headers that pretend


PEOPLE = People([Person(email="maria@example.com", role="head_office"), Person(group="stores", role="unit",
                                                                               unit_id="elm-street")])  # fmt: skip
AS_MARIA = {"X-Auth-Request-Email": "maria@example.com"}


@pytest.mark.parametrize("proxies", ["", "10.0.0.0/8,192.0.2.7", "::1"])
@pytest.mark.parametrize(
    "headers",
    [
        AS_MARIA,
        {**AS_MARIA, "X-Forwarded-For": "10.0.0.1"},
        {**AS_MARIA, "X-Real-IP": "10.0.0.1", "Forwarded": "for=10.0.0.1"},
        {"x-auth-request-email": "maria@example.com", "X-Forwarded-For": "10.0.0.1, 192.0.2.7"},
        {"X-Auth-Request-Groups": "stores"},
    ],
)
@asynchronous
async def test_who_one_is_is_believed_only_from_a_trusted_proxy(proxies: str, headers: dict[str, str]) -> None:
    """Whatever an address that is not one of them claims, about itself or about its peers."""
    async with Console(people=PEOPLE, web_trusted_proxies=proxies) as console:
        assert 401 == (await console.get("/api/v1/alerts", headers=headers)).status


@asynchronous
async def test_a_trusted_proxy_says_who_somebody_is() -> None:
    """A person has the role of the file, without regard to case, else the group's; nobody else has any; two names at
    once are none."""
    async with Console(people=PEOPLE, web_trusted_proxies="127.0.0.0/8") as console:

        async def status(**headers: str) -> int:
            return (await console.get("/api/v1/alerts", headers=headers)).status

        user, groups = "X-Auth-Request-Email", "X-Auth-Request-Groups"
        units = await console.json("/api/v1/units", headers={user: "Maria@Example.com"})
        assert 9 == len(units["units"])
        of_group = await console.json("/api/v1/units", headers={user: "tom@example.com", groups: "a,stores"})
        assert ["elm-street"] == [one["id"] for one in of_group["units"]]
        assert 403 == await status(**{user: "tom@example.com"})
        assert 403 == await status(**{user: "tom@example.com", groups: "store,Stores, ,"})
        assert 400 == await status(**{user: ""})
        assert 400 == await status(**{user: "x" * 300})
        twice = [(user, "tom@example.com"), (user, "maria@example.com")]
        answer = await console.client.get("/api/v1/alerts", headers=twice)
        assert 400 == answer.status


@asynchronous
async def test_a_form_of_who_came_by_a_proxy_needs_a_token_too() -> None:
    """It is bound to the person, and to the day."""
    async with Console(people=PEOPLE, web_trusted_proxies="127.0.0.1") as console:
        page = await (await console.get(f"/alerts/{SURGE}", headers=AS_MARIA)).text()
        csrf = re.findall(r'name="csrf" value="([0-9a-f]{64})"', page)[0]

        async def status(shown: str) -> int:
            form = {"action": "acknowledge", "csrf": shown}
            return (await console.post(ACT, data=form, headers={**AS_MARIA, **SAME})).status

        day = int(console.seconds) // 86_400
        assert [403, 403, 303] == [
            await status(one) for one in ("", console.door.signer.csrf(f"proxy|{day}|tom@example.com"), csrf)
        ]
        console.seconds += 86_400
        assert 303 == await status(csrf)
        console.seconds += 86_400
        assert 403 == await status(csrf)
        assert {"maria@example.com"} == {_action_codec.decode(one.value).actor for one in console.sent}
