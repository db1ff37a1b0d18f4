"""The cache that counts tries to sign in and to open public pages, with or without its server."""

from collections.abc import Callable
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError


class CountingCache(RedisCache):
    """Where Valkey is away, each process counts for itself: people can still sign in, and guessing stays slow.

    Only what the counting asks for is replaced; everything else still says that the server is away.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._here = LocMemCache("counting", {})

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return self._try("add", *args, **kwargs)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return self._try("get", *args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> None:
        self._try("set", *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        return self._try("delete", *args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> int:
        return self._try("incr", *args, **kwargs)

    def _try(self, act: str, *args: Any, **kwargs: Any) -> Any:
        server: Callable[..., Any] = getattr(super(), act)
        try:
            return server(*args, **kwargs)
        except (RedisError, OSError):
            return getattr(self._here, act)(*args, **kwargs)
