"""The cache that counts tries to sign in and to open public pages, with or without its server."""

from collections.abc import Callable
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError


class CountingCache(RedisCache):
    """Where Valkey is away, each process counts for itself: people can still sign in, and guessing stays slow.

    Only what the counting asks for is replaced; everything else still says that the server is away. A server whose
    memory is full answers and refuses to write: a count that began here goes on here until it lapses.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._here = LocMemCache("counting", {})

    def add(self, key: str, *args: Any, **kwargs: Any) -> bool:
        return self._count("add", key, *args, **kwargs)

    def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
        return self._count("get", key, *args, **kwargs)

    def incr(self, key: str, *args: Any, **kwargs: Any) -> int:
        return self._count("incr", key, *args, **kwargs)

    def set(self, key: str, *args: Any, **kwargs: Any) -> None:
        self._here.delete(key)
        self._try("set", key, *args, **kwargs)

    def delete(self, key: str, *args: Any, **kwargs: Any) -> bool:
        was_here = self._here.delete(key)
        return self._try("delete", key, *args, **kwargs) or was_here

    def clear(self) -> None:
        self._here.clear()
        super().clear()

    def _count(self, act: str, key: str, *args: Any, **kwargs: Any) -> Any:
        if key in self._here:
            return getattr(self._here, act)(key, *args, **kwargs)
        return self._try(act, key, *args, **kwargs)

    def _try(self, act: str, *args: Any, **kwargs: Any) -> Any:
        server: Callable[..., Any] = getattr(super(), act)
        try:
            return server(*args, **kwargs)
        except (RedisError, OSError):
            return getattr(self._here, act)(*args, **kwargs)
