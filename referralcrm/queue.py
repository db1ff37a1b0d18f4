"""How many messages wait for a worker."""

from celery import current_app
from django.conf import settings
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

AT_ONCE = {"max_retries": 0, "socket_timeout": 2, "socket_connect_timeout": 2}


def length() -> int:
    """Raises RedisError, OSError or kombu's OperationalError where the broker is away."""
    with current_app.connection_for_read(transport_options=AT_ONCE) as connection:
        return connection.default_channel.client.llen(current_app.conf.task_default_queue)


def is_full() -> bool:
    """Whether no more should be added; what the broker can't say, it is for the sending to find out."""
    try:
        return length() >= settings.QUEUE_AT_MOST
    except (RedisError, OSError, OperationalError):
        return False
