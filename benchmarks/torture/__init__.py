"""Nothing lost: people answer over HTTP while the processes that serve them are killed at random moments.

``python -m benchmarks.torture --kills 10000`` or ``make torture KILLS=10000``. People walk through studies on a real
gunicorn, whose workers get SIGKILL at seeded random moments; so does the background worker, now and then the whole
server with its master, and on PostgreSQL all connections to the database. Everybody keeps a ledger of the answers that
the server said it had saved, and sends again what it did not. At the end the ledger is compared with the database.
"""
