"""How gunicorn serves: `gunicorn --config python:referralcrm.web_server referralcrm.wsgi`."""

import os
import time
from typing import Any

from referralcrm import draining
from referralcrm.logs import logging_of

worker_class = "gthread"
workers = int(os.environ.get("WEB_PROCESSES") or 1)
threads = int(os.environ.get("WEB_THREADS") or 8)
control_socket_disable = True

timeout = 60  # a process that does not answer its master for so long is replaced
graceful_timeout = 30  # for what is being answered when it is asked to end
keepalive = 5
worker_connections = 1000
backlog = 512

limit_request_line = 4094
limit_request_fields = 100
limit_request_field_size = 8190

logconfig_dict = logging_of(os.environ.get("LOG_FORMAT") or "text")


def when_ready(server: Any) -> None:
    """SIGTERM: say first that we end, so that whoever sends us requests sends them elsewhere; then end."""
    stop, seconds = server.handle_term, float(os.environ.get("DRAIN_SECONDS") or 0)

    def drain_and_stop() -> None:
        draining.begin()
        time.sleep(seconds)
        stop()

    server.handle_term = drain_and_stop
