"""How gunicorn serves the study. Started by the systemd unit and by the container with `--config`."""

import multiprocessing
import os

from config.logs import logging_configuration

bind = os.environ.get("BIND", "unix:/run/visual-summaries/web.sock")
# Processes of one thread: threads of one process wait for each other more than for the database, which `python -m
# benchmarks.web --workers … --threads …` measures. nginx hands over whole requests, so a slow line holds nobody up;
# one process more than cores, since a long export keeps one.
workers = int(os.environ.get("WEB_WORKERS", str(min(8, multiprocessing.cpu_count() + 1))))
worker_class = "gthread"
threads = int(os.environ.get("WEB_THREADS", "1"))
# A worker that was stopped finishes what it has begun; exports stream for a while.
graceful_timeout = 60
timeout = 120
# A worker takes no more connections than it has threads, and ends each after its answer: so a request always goes to a
# process that is free. A kept connection would wait for the one process that it belongs to, while others have time.
worker_connections = threads
keepalive = 0
# A new process now and then, not all at once, in case that a library leaks.
max_requests = 20_000
max_requests_jitter = 2_000
# Signals are enough; a socket for commands (gunicorn 25) would want a folder to write to.
control_socket_disable = True
# Nothing is logged per request here: the application does it, without addresses and tokens (config/request_log.py).
accesslog = None
logconfig_dict = logging_configuration(as_json=os.environ.get("LOG_JSON", "1") != "0")
# Longer lines and more fields are not asked for by anybody honest.
limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190
