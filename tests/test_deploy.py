"""The files under `deploy/`: units that systemd accepts, a site that nginx serves, commands and variables that are."""

import fnmatch
import http.client
import json
import os
import re
import shutil
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
CONTAINERFILE = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
COMPOSE = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
SETTINGS = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "config").glob("*.py"))
TOKEN = "kX3_9fQ-zz81LmPq0aBcDe"
PUBLIC_ADDRESS = "198.51.100.7"

needs_nginx = pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed (Debian: nginx-light)")
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


def texts():
    files = [path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return {path: path.read_text(encoding="utf-8") for path in files}


def test_every_command_and_every_option_exists():
    used = {
        (path.name, command)
        for path, text in texts().items()
        for command in re.findall(r"manage\.py\"?,? \"?([a-z_]+)", text)
    }
    assert {command for _name, command in used} >= {"db_worker", "sweep", "enforce_retention", "migrate"}
    assert [(name, command) for name, command in sorted(used) if command not in get_commands()] == []


def test_every_variable_of_the_example_is_read_by_the_settings():
    names = re.findall(r"^([A-Z_]+)=", (DEPLOY / "environment.example").read_text(encoding="utf-8"), re.M)
    assert {"PRODUCTION", "SECRET_KEY", "EXTERNAL_ID_KEY", "DATABASE_URL"} <= set(names)
    known = SETTINGS + '"DATABASE_URL"'  # which dj-database-url reads
    assert [name for name in names if f'"{name}"' not in known] == []


def test_the_example_holds_no_secret():
    text = (DEPLOY / "environment.example").read_text(encoding="utf-8")
    assert re.findall(r"^(SECRET_KEY|EXTERNAL_ID_KEY)=(.*)$", text, re.M) == [
        ("SECRET_KEY", ""),
        ("EXTERNAL_ID_KEY", ""),
    ]


def ignored(path):
    """Tell whether `.dockerignore` leaves a path out of images; it knows the kinds of patterns that stand there."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    assert all(pattern.removeprefix("**/").strip("*") and not pattern.startswith("!") for pattern in patterns)
    parts = path.split("/")
    above = ["/".join(parts[: number + 1]) for number in range(len(parts))]
    return any(
        fnmatch.fnmatchcase(name, pattern) or (pattern.startswith("**/") and fnmatch.fnmatchcase(part, pattern[3:]))
        for pattern in patterns
        for name, part in zip(above, parts, strict=True)
        if name.count("/") == pattern.count("/") or pattern.startswith("**/")
    )


def test_every_path_that_the_containers_name_is_there_and_gets_into_the_image():
    copied = re.findall(r"^COPY (?!--from)(\S+) ", CONTAINERFILE, re.M)
    started = re.findall(r"deploy/[a-z_.]+\.py|manage\.py", CONTAINERFILE + COMPOSE)
    named = {*copied, *started, *re.findall(r"dockerfile: (\S+) }", COMPOSE)}
    assert named >= {".", "requirements.lock", "deploy/gunicorn.conf.py", "deploy/healthy.py", "manage.py"}
    assert [path for path in named if not (ROOT / path).exists()] == []
    packages = [f"{name}/__init__.py" for name in ("analysis", "study", "vsum_core")]
    needed = {*named, *packages, "config/wsgi.py", "contracts/long_table.json", "locale/it", "templates/x"} - {"."}
    assert [path for path in needed if ignored(path)] == []


def test_no_secret_no_data_and_no_test_gets_into_the_image():
    left_out = (".git/config", ".venv/bin/python", "var/secret_key", "var/db.sqlite3", "deploy/environment")
    left_out += (".env", "deploy/.env", "tests/conftest.py", "study/__pycache__/apps.cpython-312.pyc", ".mypy_cache/x")
    assert [path for path in left_out if not ignored(path)] == []
    assert not (ROOT / ".containerignore").exists()  # podman would read that one alone, and docker never
    if (ROOT / ".git").exists():  # not in a release
        for path in ("deploy/environment", "deploy/.env"):
            assert subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT).returncode == 0, path


def test_what_the_services_write_is_on_volumes_of_the_image_s_account():
    """A new volume belongs to whom the folder of the image belongs to; everything else is read-only."""
    (made,) = re.findall(r"install -d -o study -m 750 (.+)$", CONTAINERFILE, re.M)
    (study,) = re.findall(r"^x-study: .*?^services:", COMPOSE, re.M | re.S)
    mounted = re.findall(r'"[a-z]+:(/[a-z]+)"', study)
    assert sorted(mounted) == sorted(made.split()) == ["/backups", "/data"]
    assert "read_only: true" in study
    example = (DEPLOY / "environment.example").read_text(encoding="utf-8")
    places = dict(re.findall(r"^([A-Z_]+)=(/\S+)$", example, re.M))
    assert places.keys() == {"VAR_DIRECTORY", "X_ACCEL_LOCATION"}
    for name in (*places, "DATABASE_URL"):  # of the systemd services; the containers have their own
        assert re.search(rf"^    {name}: ", study, re.M), name
    assert re.search(r"^    VAR_DIRECTORY: /data$", study, re.M)


def test_the_database_is_no_newer_than_the_image_s_pg_dump():
    """Otherwise pg_dump refuses, and there is no backup."""
    (release,) = re.findall(r"^ARG BASE=docker\.io/library/python:3\.\d+-slim-([a-z]+)$", CONTAINERFILE, re.M)
    (server,) = re.findall(r"image: docker\.io/library/postgres:(\d+)$", COMPOSE, re.M)
    assert int(server) <= {"bookworm": 15, "trixie": 17}[release]


@needs_systemd
def test_systemd_accepts_every_unit(tmp_path):
    """Programs are stood in for, since nothing is installed under /opt here; everything else is as shipped."""
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for unit in UNITS:
        text = re.sub(r"/opt/visual-summaries/\.venv/bin/(python|gunicorn)", str(program), unit.read_text("utf-8"))
        (tmp_path / unit.name).write_text(text)
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / unit.name) for unit in UNITS)],
        capture_output=True,
        text=True,
    )
    said = [line for line in result.stderr.splitlines() if "visual-summaries" in line]
    assert (result.returncode, said) == (0, []), result.stderr


def test_every_timer_has_its_service_and_every_service_is_confined():
    names = {unit.name for unit in UNITS}
    assert {name for name in names if name.endswith(".timer")} == {
        f"visual-summaries-{name}.timer" for name in ("sweep", "retention", "backup")
    }
    for unit in UNITS:
        if unit.suffix == ".timer":
            assert unit.with_suffix(".service").name in names
        else:
            text = unit.read_text(encoding="utf-8")
            for line in (
                "User=visual-summaries",
                "NoNewPrivileges=yes",
                "ProtectSystem=strict",
                "CapabilityBoundingSet=",
            ):
                assert line in text.splitlines(), (unit.name, line)


class Echo(BaseHTTPRequestHandler):
    """Stands in for gunicorn: answers with the header fields that it was sent."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/stimuli/picture.webp":  # as the application answers with X_ACCEL_LOCATION=/pictures/
            self.send_response(200)
            self.send_header("X-Accel-Redirect", "/pictures/aa/picture.webp")
            self.send_header("Content-Type", "image/webp")
            self.send_header("Cache-Control", "public, max-age=31536000, immutable")
            self.send_header("Content-Length", "0")
            self.send_header("Connection", "close")
            self.end_headers()
            return
        content = "".join(f"{name.lower()}: {value}\n" for name, value in self.headers.items()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def address_string(self):
        return "nginx"

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The shipped site on a port of this machine with a certificate of its own; only ports and paths are replaced."""
    if shutil.which("nginx") is None or shutil.which("openssl") is None:
        pytest.skip("nginx or openssl is not installed (Debian: nginx-light, openssl)")
    folder = tmp_path_factory.mktemp("nginx")
    folder.chmod(0o755)
    certificate, key, away = folder / "certificate.pem", folder / "key.pem", folder / "pages"
    subject = ["-subj", "/CN=study.example.org", "-days", "2", "-nodes", "-newkey", "rsa:2048"]
    subprocess.run(
        ["openssl", "req", "-x509", "-keyout", key, "-out", certificate, *subject], check=True, capture_output=True
    )
    shutil.copytree(DEPLOY / "nginx", away)
    (folder / "static").mkdir()
    (folder / "static" / "study.css").write_text("body {}")
    (folder / "media" / "stimuli" / "aa").mkdir(parents=True)
    (folder / "media" / "stimuli" / "aa" / "picture.webp").write_text("a picture")
    plain, secure = free_port(), free_port()
    replacements = {
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen [::]:80;": "",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{secure} ssl http2;",
        "listen [::]:443 ssl http2;": "",
        "/etc/letsencrypt/live/study.example.org/fullchain.pem": str(certificate),
        "/etc/letsencrypt/live/study.example.org/privkey.pem": str(key),
        "/etc/nginx/visual-summaries-proxy.conf": str(DEPLOY / "nginx" / "visual-summaries-proxy.conf"),
        "/run/visual-summaries/web.sock": str(folder / "web.sock"),
        "/var/log/nginx/": f"{folder}/",
        "/var/lib/visual-summaries/": f"{folder}/",
        "/opt/visual-summaries/deploy/nginx": str(away),
    }
    text = (DEPLOY / "nginx" / "visual-summaries.conf").read_text(encoding="utf-8")
    for shipped, here in replacements.items():
        assert shipped in text, shipped
        text = text.replace(shipped, here)
    (folder / "site.conf").write_text(text)
    bodies = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off;\nworker_processes 1;\npid {folder}/pid;\nerror_log {folder}/main.log;\n"
        + ("user root;\n" if os.geteuid() == 0 else "")
        + f"events {{}}\nhttp {{\ninclude /etc/nginx/mime.types;\n{bodies}include {folder}/site.conf;\n}}\n"
    )
    command = ["nginx", "-e", folder / "start.log", "-c", folder / "nginx.conf"]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True)
    assert tested.returncode == 0, tested.stderr
    assert "warn" not in tested.stderr
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", secure)) == 0:
                    break
            time.sleep(0.05)
        yield folder, plain, secure
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.fixture
def application(site):
    """Something that answers behind nginx."""
    place = site[0] / "web.sock"
    place.unlink(missing_ok=True)
    with Server(str(place), Echo) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield listening
        listening.shutdown()
    place.unlink()


def get(site, path, **headers):
    context = ssl.create_default_context(cafile=str(site[0] / "certificate.pem"))
    context.check_hostname = False
    connection = http.client.HTTPSConnection("127.0.0.1", site[2], context=context, timeout=10)
    connection.request("GET", path, headers={"Host": "study.example.org"} | headers)
    response = connection.getresponse()
    content = response.read().decode()
    connection.close()
    return response, content


@needs_nginx
def test_nobody_chooses_what_the_application_is_told_of_them(site, application):
    forged = {"X-Forwarded-For": PUBLIC_ADDRESS, "X-Forwarded-Proto": "http", "X-Request-ID": "chosen-by-a-visitor"}
    response, told = get(site, "/", **forged)
    assert response.status == 200
    assert "x-forwarded-for: 127.0.0.1\n" in told
    assert "x-forwarded-proto: https\n" in told
    assert PUBLIC_ADDRESS not in told and "chosen" not in told
    assert re.search(r"x-request-id: [0-9a-f]{32}\n", told)


@needs_nginx
def test_plain_http_leads_to_https(site):
    connection = http.client.HTTPConnection("127.0.0.1", site[1], timeout=10)
    connection.request("GET", "/s/birds/?a=1", headers={"Host": "study.example.org"})
    response = connection.getresponse()
    connection.close()
    assert (response.status, response.getheader("Location")) == (301, "https://study.example.org/s/birds/?a=1")


@needs_nginx
def test_the_log_holds_no_token_no_query_and_no_address(site, application):
    get(site, f"/p/{TOKEN}/?PROLIFIC_PID=5f3a")
    log = site[0] / "visual-summaries.access.log"
    for _ in range(50):
        if log.exists() and " /p/ " in log.read_text():
            break
        time.sleep(0.05)
    text = log.read_text()
    assert " GET /p/ 200 " in text
    assert TOKEN not in text and "5f3a" not in text and "127.0.0.1" not in text


@needs_nginx
def test_while_the_application_restarts_there_is_a_page(site):
    response, text = get(site, "/s/birds/")
    assert (response.status, response.getheader("Retry-After")) == (503, "30")
    assert "Un momento" in text


@needs_nginx
def test_static_files_last_and_nothing_else_can_be_read(site, application):
    response, _text = get(site, "/static/study.css")
    assert response.status == 200 and "immutable" in response.getheader("Cache-Control")
    assert response.getheader("X-Content-Type-Options") == "nosniff"
    assert get(site, "/static/")[0].status == 403  # no listing
    assert get(site, "/static/../key.pem")[0].status in (200, 400)  # 200: the application's answer, see below
    assert "PRIVATE" not in get(site, "/static/../key.pem")[1]
    assert get(site, "/static%2f..%2fkey.pem")[1].find("PRIVATE") == -1
    assert get(site, "/pictures/x.webp")[0].status == 404  # internal
    assert get(site, "/away.html")[0].status == 404


@needs_nginx
def test_nginx_sends_the_pictures_that_the_application_names(site, application):
    response, content = get(site, "/stimuli/picture.webp")
    assert (response.status, content) == (200, "a picture")
    assert response.getheader("Content-Type") == "image/webp" and "immutable" in response.getheader("Cache-Control")


@needs_nginx
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_old_protocols_are_refused(site):
    context = ssl.create_default_context(cafile=str(site[0] / "certificate.pem"))
    context.check_hostname = False
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", site[2]), timeout=10) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain)


@needs_nginx
def test_guessing_at_the_sign_in_page_is_slowed_down(site, application):
    statuses = [get(site, "/research/sign-in/")[0].status for _ in range(20)]
    assert statuses.count(429) >= 5
    assert get(site, "/s/birds/")[0].status == 200  # participants do not notice


def over_socket(place, path, **headers):
    """Ask the server on a Unix socket, as nginx does."""
    connection = http.client.HTTPConnection("study.example.org", timeout=30)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(30)
    connection.sock.connect(str(place))
    connection.request("GET", path, headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": PUBLIC_ADDRESS} | headers)
    response = connection.getresponse()
    content = response.read().decode()
    connection.close()
    return response, content


def test_the_shipped_server_runs_in_production_and_its_log_names_nobody(tmp_path):
    place = tmp_path / "web.sock"
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = kept | {
        "PRODUCTION": "1",
        "ALLOWED_HOSTS": "study.example.org",
        "SECRET_KEY": "aZ3-qR7_" * 8,
        "EXTERNAL_ID_KEY": "bY4_wK9-" * 8,
        "VAR_DIRECTORY": str(tmp_path),
        "STATIC_MANIFEST": "0",
        "TRUSTED_PROXIES": "1",
        "TRUST_REQUEST_ID": "1",
        "BIND": f"127.0.0.1:{free_port()}",
        "WEB_WORKERS": "1",
    }
    (script,) = re.findall(r'healthcheck: { test: \["CMD", "python", "(\S+)"\]', COMPOSE)
    healthy = [sys.executable, script]
    log = tmp_path / "log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py", "config.wsgi"),
                *("--bind", f"unix:{place}", "--bind", environment["BIND"]),  # as under systemd, and as in a container
            ],
            cwd=ROOT,
            env=environment,
            stderr=stream,
            stdout=stream,
        )
        try:
            for _ in range(200):
                if place.exists():
                    break
                time.sleep(0.1)
            assert over_socket(place, "/healthz", **{"X-Forwarded-Proto": "http"})[0].status == 200
            response, text = over_socket(
                place, f"/nothing/?PROLIFIC_PID=5f3a{TOKEN}", **{"X-Request-ID": "abcdef012345"}
            )
            assert response.status == 404 and "does not exist" in text
            assert response.getheader("X-Request-ID") == "abcdef012345"
            assert response.getheader("Strict-Transport-Security") == "max-age=31536000; includeSubDomains"
            assert over_socket(place, "/", **{"X-Forwarded-Proto": "http"})[0].status == 301
            assert subprocess.run(healthy, cwd=ROOT, env=environment).returncode == 0
        finally:
            process.terminate()
            process.wait(timeout=60)
    assert subprocess.run(healthy, cwd=ROOT, env=environment, capture_output=True).returncode != 0
    text = log.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    request = next(line for line in lines if line["logger"] == "study.requests" and line["status"] == 404)
    assert (request["method"], request["route"], request["request_id"]) == ("GET", "no page", "abcdef012345")
    assert any(line["logger"] == "gunicorn.error" for line in lines)
    assert PUBLIC_ADDRESS not in text and TOKEN not in text and "5f3a" not in text
