"""Settings of the study platform. Everything that differs between machines comes from the environment.

| variable | meaning | default |
|---|---|---|
| `DATABASE_URL` | SQLite or PostgreSQL, in the notation of dj-database-url | `sqlite:///var/db.sqlite3` |
| `PRODUCTION` | a public server: HTTPS only, hashed static files, JSON logs, secrets from the environment only | 0 |
| `SECRET_KEY` | signs cookies and links | made once, in `var/secret_key`; in production required |
| `EXTERNAL_ID_KEY` | hashes recruiters' identifiers in exports | `var/external_id_key`; in production required |
| `ALLOWED_HOSTS` | host names the server answers to, with commas | `localhost,127.0.0.1,[::1]` |
| `CSRF_TRUSTED_ORIGINS` | origins with scheme, needed behind a proxy that ends TLS | none |
| `DEBUG` | error pages with internals; never on a public machine | 0 |
| `HTTPS_ONLY` | redirect to HTTPS, secure cookies, HSTS, trust `X-Forwarded-Proto` | as `PRODUCTION` |
| `HSTS_PRELOAD` | say that the whole domain may enter the browsers' preload lists | 0 |
| `SECOND_FACTOR_REQUIRED` | accounts must sign in with a password and a code | 0: each account may |
| `VAR_DIRECTORY` | database, pictures, secret key | `var` |
| `IMAGE_DIRECTORY` | folders of images that runs started in the browser may use | `var/images` |
| `STATIC_MANIFEST` | serve hashed static files after `collectstatic` | as `PRODUCTION` |
| `ENTRY_LIMIT` | entries per address and study in five minutes, per worker; 0: no limit | 120 |
| `PARTICIPANTS_AT_ONCE` | people who may take part at once, in all studies; more see a page that says so; 0: any | 0 |
| `LOG_JSON` | log lines as JSON objects | as `PRODUCTION` |
| `LOG_REQUESTS` | a line for every request: route, status, time; no path, no address | as `PRODUCTION` |
| `TRUST_REQUEST_ID` | the proxy sets `X-Request-ID`; otherwise each request gets an identifier of our own | 0 |
| `SENTRY_DSN` | where reports of errors go, with `sentry-sdk` installed; they hold no personal data | none |
| `DATABASE_POOL` | connections to PostgreSQL that each worker keeps at most; 0: one per thread, no pool | 8 |
| `DATABASE_PREPARED` | PostgreSQL keeps statements prepared; 0 behind a pooler that does not carry them | 1 |
| `X_ACCEL_LOCATION` | nginx sends the pictures: its internal location for `VAR_DIRECTORY/media/stimuli/` | none |
| `EMAIL_HOST`, `EMAIL_PORT`, `EMAIL_HOST_USER`, `EMAIL_HOST_PASSWORD`, `EMAIL_USE_TLS` | a mail server | none |
| `TRUSTED_PROXIES` | proxies before this server that append to `X-Forwarded-For` | 0 |
"""

import os
from datetime import timedelta
from pathlib import Path

import dj_database_url
from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _

from config import environment
from config.error_reports import start_reports
from config.logs import logging_configuration

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIRECTORY = Path(os.environ.get("VAR_DIRECTORY", BASE_DIR / "var")).resolve()
VAR_DIRECTORY.mkdir(parents=True, exist_ok=True)

PRODUCTION = environment.boolean("PRODUCTION")
HTTPS_ONLY = environment.boolean("HTTPS_ONLY", default=PRODUCTION)
DEBUG = environment.boolean("DEBUG")
# Exports hold recruiters' identifiers as hashes under EXTERNAL_ID_KEY; whoever lacks it finds no person in an export.
if PRODUCTION:
    if DEBUG:
        raise ImproperlyConfigured("DEBUG=1 and PRODUCTION=1; error pages with internals are not for a public server.")
    SECRET_KEY = environment.required_secret("SECRET_KEY")
    EXTERNAL_ID_KEY = environment.required_secret("EXTERNAL_ID_KEY")
else:
    SECRET_KEY = environment.secret_key(VAR_DIRECTORY / "secret_key")
    EXTERNAL_ID_KEY = environment.secret_key(VAR_DIRECTORY / "external_id_key", name="EXTERNAL_ID_KEY")
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", default="localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = environment.words("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_tasks",
    "django_tasks_db",
    "csp",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "study",
]

MIDDLEWARE = [
    "config.request_log.RequestLog",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.content_policy.ContentPolicyMiddleware",
    "study.research.guard.AccountGuard",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {"default": dj_database_url.config(default=f"sqlite:///{VAR_DIRECTORY / 'db.sqlite3'}", conn_max_age=60)}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # An answer that a participant was thanked for survives a power cut: full synchronisation. Readers never wait for
    # writers: write-ahead log. Writers queue instead of failing half-way: immediate transactions and a busy timeout.
    DATABASES["default"]["OPTIONS"] = {
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
    }
elif DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    # Connections are lent to requests and kept open in between; more requests than connections wait for their turn.
    # Each is tried before it is lent, so that a server that was restarted costs nobody an error. Who has waited for ten
    # seconds is told: the database is away, or everything is far too slow.
    # A statement that comes again is kept prepared on its connection: PostgreSQL reads and plans it once.
    DATABASE_POOL = environment.whole_number("DATABASE_POOL", default=8)
    if environment.boolean("DATABASE_PREPARED", default=True):
        DATABASES["default"].setdefault("OPTIONS", {}).update(server_side_binding=True, prepare_threshold=2)
    if DATABASE_POOL:
        DATABASES["default"]["CONN_MAX_AGE"] = 0  # Django's pool and persistent connections exclude each other
        DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
        DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
            "min_size": 1,
            "max_size": DATABASE_POOL,
            "timeout": 10,
        }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "study.research.password_words.NoWordsOfThisPlace"},
]
# Guessing a password: five wrong ones for one name from one address close that door for a quarter of an hour. Neither
# is stored as it is (see study.sign_in_limit), and nothing is kept of those who get in.
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_HANDLER = "study.sign_in_limit.SignInLimit"
AXES_CLIENT_IP_CALLABLE = "study.sign_in_limit.address_pseudonym"
AXES_USERNAME_CALLABLE = "study.sign_in_limit.name_pseudonym"
AXES_CLIENT_STR_CALLABLE = "study.sign_in_limit.nobody"
AXES_LOCKOUT_CALLABLE = "study.research.views.account.show_locked_out"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
LOGIN_URL = "research:sign-in"
# The second step of signing in: a code of an app, or one of the recovery codes.
SECOND_FACTOR_REQUIRED = environment.boolean("SECOND_FACTOR_REQUIRED")
OTP_TOTP_ISSUER = "Visual summaries"
OTP_ADMIN_HIDE_SENSITIVE_DATA = True

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("it", _("Italian"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIRECTORY / "static"
STATIC_ROOT.mkdir(exist_ok=True)
# Folders of images that researchers may make summaries of in the browser.
IMAGE_DIRECTORY = Path(os.environ.get("IMAGE_DIRECTORY", VAR_DIRECTORY / "images"))
MEDIA_ROOT = VAR_DIRECTORY / "media"
X_ACCEL_LOCATION = environment.location("X_ACCEL_LOCATION")
STATIC_MANIFEST = environment.boolean("STATIC_MANIFEST", default=PRODUCTION)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if STATIC_MANIFEST
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not STATIC_MANIFEST
WHITENOISE_AUTOREFRESH = DEBUG

# Nothing but what this server sends, and no inline script or style: stricter than nonces, since no page has any.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    },
}
# The admin's look (unfold with Alpine) has inline scripts and styles and evaluates expressions. It is for staff only.
ADMIN_CONTENT_POLICY = {
    "script-src": [SELF, UNSAFE_INLINE, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
    "font-src": [SELF],
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"  # the participant's token is in the URL and must not travel to other sites
# Accounts: signed out after four hours without a click, and after twelve hours in any case (study.research.guard).
SESSION_COOKIE_AGE = 4 * 60 * 60
LONGEST_SESSION_SECONDS = 12 * 60 * 60
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # no cookie of its own
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
if HTTPS_ONLY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz)$"]  # asked for on the machine itself, without a certificate
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = environment.boolean("HSTS_PRELOAD")
    # Preloading concerns everything below the registered domain, which a study's server rarely owns.
    SILENCED_SYSTEM_CHECKS = ["security.W021"]
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    # Browsers accept these names only from this very host, over HTTPS.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"

LOGGING = logging_configuration(as_json=environment.boolean("LOG_JSON", default=PRODUCTION))
LOG_REQUESTS = environment.boolean("LOG_REQUESTS", default=PRODUCTION)
TRUST_REQUEST_ID = environment.boolean("TRUST_REQUEST_ID")
SENDS_ERROR_REPORTS = start_reports(os.environ.get("SENTRY_DSN", ""))

# Nothing here sends mail; `manage.py doctor` tries the server where one is named.
EMAIL_HOST = os.environ.get("EMAIL_HOST", "")
EMAIL_PORT = environment.whole_number("EMAIL_PORT", default=587)
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = environment.boolean("EMAIL_USE_TLS", default=True)
EMAIL_TIMEOUT = 10

# A new task type, attention check, questionnaire or recruiter is one new file plus a line here.
STUDY_TASKS = [
    "study.tasks.name.NameTask",
    "study.tasks.coherence.CoherenceTask",
    "study.tasks.intruder.IntruderTask",
    "study.tasks.compare.CompareTask",
    "study.tasks.predict.PredictTask",
]
STUDY_ATTENTION_CHECKS = ["study.attention.known_answer.KnownAnswer", "study.attention.instructed.Instructed"]
STUDY_QUESTIONNAIRES = [
    "study.questionnaires.demographics.Demographics",
    "study.questionnaires.understanding.Understanding",
    "study.questionnaires.comments.Comments",
]
# Asked in this order; the first that recognises the entry link's parameters wins. The open link takes anyone.
STUDY_RECRUITERS = [
    "study.recruitment.simulated.Simulated",
    "study.recruitment.preview.Preview",
    "study.recruitment.lab.Lab",
    "study.recruitment.prolific.Prolific",
    "study.recruitment.mturk.MechanicalTurk",
    "study.recruitment.connect.Connect",
    "study.recruitment.sona.Sona",
    "study.recruitment.open_link.OpenLink",
]
ENTRY_LIMIT = environment.whole_number("ENTRY_LIMIT", default=120)
PARTICIPANTS_AT_ONCE = environment.whole_number("PARTICIPANTS_AT_ONCE", default=0)
TRUSTED_PROXIES = environment.whole_number("TRUSTED_PROXIES", default=0)
# Work that takes long is queued in the database and done by `manage.py db_worker`.
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
CONTRACTS_DIRECTORY = BASE_DIR / "contracts"

UNFOLD = {
    "SITE_TITLE": _("Visual summaries"),
    "SITE_HEADER": _("Visual summaries"),
    "SITE_SYMBOL": "visibility",
    "SITE_URL": "/research/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("study/favicon.svg")}],
    "SHOW_HISTORY": True,
}
