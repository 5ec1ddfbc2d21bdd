"""Ask the server of this container whether it is alive; compose.yaml runs it. Exit code 0: yes; otherwise a traceback.

Django answers only to the names in ALLOWED_HOSTS, so the first of them is asked for, at this machine's port of BIND.
"""

import os
import urllib.request

name = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip()
port = os.environ["BIND"].rpartition(":")[2]
urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/healthz", headers={"Host": name}), timeout=5)
