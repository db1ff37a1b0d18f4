"""How many messages wait for a worker."""

from celery import current_app
from django.conf import settings
from redis.exceptions import RedisError


def length() -> int:
    """Raises kombu's OperationalError or RedisError where the broker is away."""
    with current_app.connection_for_read() as connection:
        return connection.default_channel.client.llen(current_app.conf.task_default_queue)


def is_full() -> bool:
    """Whether no more should be added; what the broker can't say, it is for the sending to find out."""
    try:
        return length() >= settings.QUEUE_AT_MOST
    except (RedisError, OSError):
        return False
