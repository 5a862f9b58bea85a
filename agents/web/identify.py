"""Who makes a request. In: its headers, its cookie, its peer. Out: a Viewer and how that is known; or nobody.

The one rule: a header that says who somebody is counts only from a peer within `web_trusted_proxies`; from anybody
else it is not even read. In this order: a token in `Authorization: Bearer`, which must be good where it is given; the
cookie of a session; what a trusted proxy says. Sources: OpenID Connect at the proxy (oauth2-proxy's headers), RFC 6750
for bearer tokens.
"""

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Literal, NamedTuple

from aiohttp import web

from agents.settings import Settings, SettingsError
from agents.web.access import Viewer
from agents.web.model import Model
from agents.web.people import People
from agents.web.problem import Problem
from agents.web.sessions import SESSION_SECONDS, Session, Signer
from agents.web.throttle import Throttle
from agents.web.tokens import counts, recognised, viewer_of_token

_NAME_LENGTH_MAX: Final = 256
_GROUPS_MAX: Final = 200
_DAY_SECONDS: Final = 86_400
_ENDED_MAX: Final = 10_000

Address = IPv4Address | IPv6Address
Clock = Callable[[], float]
"""Seconds since 1970."""


class Identified(NamedTuple):
    """`bindings`: what a CSRF token may be bound to, the one for new pages first; none where none is needed."""

    viewer: Viewer
    way: Literal["bearer", "session", "proxy"]
    bindings: tuple[str, ...] = ()


class Doorkeeper:
    """Of one process."""

    def __init__(self, settings: Settings, model: Model, people: People, clock: Clock) -> None:
        self.signer = Signer(settings.web_secret)
        self.secure = settings.web_url.startswith("https://")
        self.cookie = "__Host-cem_session" if self.secure else "cem_session"
        self._model = model
        self._people = people
        self._clock = clock
        self._throttle = Throttle()
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._proxies = networks(settings.web_trusted_proxies)
        self._user_header = settings.web_user_header
        self._groups_header = settings.web_groups_header

    def identify(self, request: web.Request) -> Identified | None:
        """Who it is; None if nobody says. Raises Problem: a bad token, too many of them, a person without a role."""
        authorization = request.headers.getall("Authorization", [])
        if authorization:
            return Identified(self._of_token(request, _bearer(authorization)), "bearer")
        session = self.session(request)
        if session is not None:
            return session
        return self._of_proxy(request)

    def still(self, request: web.Request, identified: Identified) -> bool:
        """Whether who made a request that is still open would be let in again as the same."""
        if identified.way == "proxy":
            return True
        if identified.way == "session":
            found = self.session(request)
            return found is not None and found.viewer == identified.viewer
        shown = _bearer(request.headers.getall("Authorization", []))
        token = recognised(shown, self._model.token, int(self._clock() * 1000))
        return token is not None and viewer_of_token(token) == identified.viewer

    def session(self, request: web.Request) -> Identified | None:
        """By the session's cookie. The token behind it must still count."""
        now_s = self._clock()
        session: Session | None = self.signer.read(request.cookies.get(self.cookie, ""), now_s)
        token = None if session is None else self._model.token(session.token_id)
        if session is None or token is None or not counts(token, int(now_s * 1000)) or session.nonce in self._ended:
            return None
        return Identified(viewer_of_token(token), "session", (session.binding,))

    def login(self, request: web.Request, shown: str, response: web.StreamResponse) -> None:
        """A session for who shows a good token: always a new one, whatever cookie came. Raises Problem."""
        self._of_token(request, shown)
        now_s = self._clock()
        token = recognised(shown, self._model.token, int(now_s * 1000))
        assert token is not None
        value, session = self.signer.issue(token.id, now_s, token.expires_at / 1000)
        response.set_cookie(
            self.cookie,
            value,
            max_age=min(SESSION_SECONDS, max(int(session.expires_s - now_s), 1)),
            path="/",
            httponly=True,
            samesite="Lax",
            secure=self.secure,
        )

    def logout(self, request: web.Request, response: web.StreamResponse) -> None:
        """Takes the cookie away; a copy of it opens nothing here any more. (Other replicas do not know; there it lasts
        until it expires, or its token is revoked.)"""
        session = self.signer.read(request.cookies.get(self.cookie, ""), self._clock())
        if session is not None:
            self._ended[session.nonce] = None
            if len(self._ended) > _ENDED_MAX:
                self._ended.popitem(last=False)
        response.del_cookie(self.cookie, path="/", httponly=True, samesite="Lax", secure=self.secure)

    def _of_token(self, request: web.Request, shown: str) -> Viewer:
        address, now_s = self._client(request), self._clock()
        wait_s = self._throttle.wait(address, now_s)
        if wait_s:
            detail = f"too many tokens that are none; try again in {wait_s} s"
            raise Problem(429, "too_many_attempts", detail, {"Retry-After": str(wait_s)})
        token = recognised(shown, self._model.token, int(now_s * 1000))
        if token is None:
            self._throttle.failed(address, now_s)
            detail = "this token is unknown, expired or revoked; ask for a new one: cem tokens create"
            raise Problem(401, "bad_token", detail, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        self._throttle.succeeded(address, now_s)
        return viewer_of_token(token)

    def _of_proxy(self, request: web.Request) -> Identified | None:
        if not self._trusts(_peer(request)):
            return None
        names = request.headers.getall(self._user_header, [])
        if not names:
            return None
        name = names[0].strip()
        if len(names) > 1 or not name or len(name) > _NAME_LENGTH_MAX or not name.isprintable():
            raise Problem(400, "bad_identity", "the proxy in front of the console does not say clearly who you are")
        said = ",".join(request.headers.getall(self._groups_header, [])).split(",", _GROUPS_MAX)
        viewer = self._people.viewer(name, [group.strip() for group in said])
        if viewer is None:
            raise Problem(403, "no_role", "you are signed in, but have no role here; ask whoever runs the console")
        day = int(self._clock()) // _DAY_SECONDS
        return Identified(viewer, "proxy", (f"proxy|{day}|{name}", f"proxy|{day - 1}|{name}"))

    def _client(self, request: web.Request) -> str:
        """Whose failures are counted together: the peer; where that is a trusted proxy, the last address in
        `X-Forwarded-For` that is none. Of IPv6 a network of 64 bits, which is one customer's."""
        address = _peer(request)
        if self._trusts(address):
            chain = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
            for said in reversed(chain[-20:]):
                forwarded = _address(said.strip())
                if forwarded is None:
                    break
                address = forwarded
                if not self._trusts(address):
                    break
        if isinstance(address, IPv6Address):
            return str(ip_network((address, 64), strict=False))
        return str(address)

    def _trusts(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._proxies)


def networks(said: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """`10.0.0.7,10.1.0.0/16` -> networks. Raises SettingsError."""
    try:
        return tuple(ip_network(part.strip(), strict=False) for part in said.split(",") if part.strip())
    except ValueError as error:
        raise SettingsError(f"web_trusted_proxies: {error}") from None


def _peer(request: web.Request) -> Address | None:
    """Who is at the other end of the connection, whatever headers say."""
    transport = request.transport
    peer = transport.get_extra_info("peername") if transport is not None else None
    return _address(str(peer[0])) if isinstance(peer, tuple) else None


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _bearer(values: list[str]) -> str:
    scheme, _, token = values[0].strip().partition(" ")
    return token.strip() if len(values) == 1 and scheme.lower() == "bearer" else ""
