"""The JSON API. (Being written.)"""

from aiohttp import web


def add_routes(app: web.Application) -> None:
    """Routes under /api/v1."""
