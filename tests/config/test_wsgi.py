"""The entry point of servers."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_a_worker_has_loaded_every_view_before_its_first_request(tmp_path):
    code = "import sys, config.wsgi; print('study.views.trials' in sys.modules, 'study.research.views' in sys.modules)"
    environment = os.environ | {"VAR_DIRECTORY": str(tmp_path), "DJANGO_SETTINGS_MODULE": "config.settings"}
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["True", "True"]
