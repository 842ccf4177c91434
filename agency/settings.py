"""Settings of the installation, read from the environment. `.env.example` explains each one.

A *local* installation (the default: one machine, embedded engines) makes its own secrets; a
*production* one is given them, and does not start without.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP

from agency import engines, environment, logs

BASE_DIR = Path(__file__).resolve().parent.parent
environ.Env.read_env(BASE_DIR / ".env")

LOCAL = environment.choice("XUBAO_MODE", ("local", "production"), "local") == "local"
# Rehearsals and the demo run against the simulator; every page then wears the band 仿真环境.
SIMULATION = environment.flag("XUBAO_SIMULATION", default=LOCAL)
SECRET_KEY = environment.secret("SECRET_KEY", local=LOCAL)
VAULT_KEY = environment.secret("VAULT_KEY", local=LOCAL)
# Keys that were in use before: they still open what they sealed, until `rotate_keys` has run.
VAULT_OLD_KEYS = environment.old_secrets("VAULT_OLD_KEYS")
if SECRET_KEY == VAULT_KEY:
    raise ImproperlyConfigured("SECRET_KEY and VAULT_KEY are the same; write two random values")
# The demo of this machine: its mail has a page, and nobody is held up for a second factor.
DEMO = LOCAL and environment.flag("XUBAO_DEMO", default=False)
DEBUG = environment.flag("DEBUG", default=False)
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]" if LOCAL else "")
CSRF_TRUSTED_ORIGINS = environment.words("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "agency",
    "companies",
    "renewals",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "django_filters",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    # Last: it runs the view inside its agency's scope, after every other check has passed.
    "agency.middleware.AgencyScopeMiddleware",
]

ROOT_URLCONF = "agency.urls"
ASGI_APPLICATION = "agency.asgi.application"
WSGI_APPLICATION = "agency.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "agency.context.page",
            ],
            "libraries": {"lucide": "agency.templatetags.icons"},
        },
    },
]

# --- Postgres: three roles, one database ------------------------------------------------------

# In the web process (`agency.asgi`): each request there runs in a thread of its own, so that a connection
# kept for a thread would be opened for each request. A worker keeps its one connection.
POOLED = environment.flag("DATABASE_POOL", default=False)


def _database(variable: str, embedded: str) -> dict[str, Any]:
    """Connection settings of one role: the variable's address, else the embedded engine."""
    config: dict[str, Any] = environ.Env.db_url_config(environment.text(variable, embedded))
    if not POOLED:
        return config | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    pool = {"min_size": 1, "max_size": 20, "timeout": 10}
    return config | {"CONN_HEALTH_CHECKS": True, "OPTIONS": config.get("OPTIONS", {}) | {"pool": pool}}


_urls = engines.urls()
DATABASES = {
    # The web and the workers: neither owner nor allowed to pass row-level security.
    "default": _database("DATABASE_URL", _urls.app),
    # Migrations only.
    "owner": _database("DATABASE_OWNER_URL", _urls.owner),
    # The sweep's few reads across agencies.
    "sweep": _database("DATABASE_SWEEP_URL", _urls.sweep),
}
DATABASE_ROUTERS = ["agency.routers.OwnerMigrates"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Celery: a doorbell -----------------------------------------------------------------------

REDIS_URL = environment.text("REDIS_URL", _urls.redis)
SWEEP_EVERY_S = environment.seconds("SWEEP_EVERY_S", 60)
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
# A lost task is repaired by the sweep; a task that Celery runs again by itself is not wanted.
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 50
# True would end a browser in the middle of a click because the broker blinked.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 60.0
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 5,
    "socket_connect_timeout": 3,
    "socket_keepalive": not REDIS_URL.startswith("redis+socket:"),
    "health_check_interval": 25,
    "visibility_timeout": 3600,
}
CELERY_TASK_DEFAULT_QUEUE = "wake"
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": "renewals.tasks.sweep",
        "schedule": SWEEP_EVERY_S,
        "options": {"expires": SWEEP_EVERY_S},
    },
    # Reads every stage, which takes seconds; the sweep compares what changed within the last hour.
    "compare_stages": {"task": "renewals.tasks.compare_stages", "schedule": 3600.0},
    # Erased companies whose time is over. Missed or doubled, it does no harm.
    "erase_due": {"task": "companies.tasks.erase_due", "schedule": 6 * 3600.0},
    # Invitations that nobody was rung for, or that the mail server did not take.
    "tend_invitations": {
        "task": "agency.tasks.tend_invitations",
        "schedule": SWEEP_EVERY_S,
        "options": {"expires": SWEEP_EVERY_S},
    },
    # Mails to companies that nobody was rung for, or that the mail server did not take.
    "tend_asks": {
        "task": "companies.tasks.tend_asks",
        "schedule": SWEEP_EVERY_S,
        "options": {"expires": SWEEP_EVERY_S},
    },
    # Imports that nobody was rung for, or whose worker died.
    "tend_imports": {
        "task": "companies.tasks.tend_imports",
        "schedule": SWEEP_EVERY_S,
        "options": {"expires": SWEEP_EVERY_S},
    },
}
CELERY_BEAT_SCHEDULE_FILENAME = str(engines.runtime_dir() / "beat" / "schedule")

# --- The portal -------------------------------------------------------------------------------

# The only addresses that a driver is ever sent to: a setting of the installation, never of an agency.
PORTAL_URL = environment.text("PORTAL_URL", "https://www.singlewindow.cn/")
# Of the simulator, in the process that plays a rehearsal; whoever starts that process sets it, and nobody
# else. With it a process works for rehearsals alone, without it never for one (`renewals.domain.portals`).
REHEARSAL_PORTAL = environment.text("REHEARSAL_PORTAL")
PORTAL_PROFILE = environment.text("PORTAL_PROFILE", "2024")
PORTAL_HEADLESS = environment.flag("PORTAL_HEADLESS", default=True)
# The computers at which admins may say that a desk's card control is.
DESK_CONTROL_HOSTS = environment.words("DESK_CONTROL_HOSTS", "127.0.0.1,localhost,host.docker.internal")
# A desk's own Chrome or Edge; empty drives the browser that was found.
PORTAL_BROWSER_CHANNEL = environment.choice("PORTAL_BROWSER_CHANNEL", ("", "chrome", "msedge"), "")
PLAYWRIGHT_CHROMIUM = environment.text("PLAYWRIGHT_CHROMIUM")
# The first pause after a technical failure; each further one is twice as long.
RETRY_AFTER_S = environment.seconds("RETRY_AFTER_S", 60)
# How long after submission the portal is looked at again.
LOOK_AFTER_S = environment.seconds("LOOK_AFTER_S", 24 * 3600)
# The same once the policy is late: past the working days that an approval usually takes.
LOOK_LATE_AFTER_S = environment.seconds("LOOK_LATE_AFTER_S", 4 * 3600)
APPROVAL_TAKES_DAYS = environment.number("APPROVAL_TAKES_DAYS", 5)
# So many days before the present policy ends a person is told that the new one is not there.
OVERDUE_BEFORE_DAYS = environment.number("OVERDUE_BEFORE_DAYS", 14)
# When the portal is looked at, on Chinese working days; the simulator is always open.
PORTAL_HOURS = environment.hours("PORTAL_HOURS", "always" if SIMULATION else "08:00-20:00")
# After a pause one run more is let through each time this has passed.
RAMP_STEP_S = environment.seconds("RAMP_STEP_S", 30)
# How long a stage that the circuit breaker stopped rests before one company tries it again.
PROBE_AFTER_S = environment.seconds("PROBE_AFTER_S", 600)
# Two readings that both miss a click must lie this far apart before it counts as not done.
SECOND_READING_AFTER_S = environment.seconds("SECOND_READING_AFTER_S", 60)
# So long after a run the desk keeps a driver ready for the next card; 0 keeps none.
DRIVER_READY_S = environment.seconds("DRIVER_READY_S", 120)

# --- Files: evidence, policies, letters -------------------------------------------------------

MEDIA_ROOT = Path(environment.text("FILES_DIR", str(engines.runtime_dir() / "files")))
# Whether the proxy sends them (deploy/Caddyfile), after the view has said that the person may have them.
FILES_BY_PROXY = environment.flag("FILES_BY_PROXY", default=False)
# So many years after the last act, to the end of the year, the proof of it goes too, where a company
# has asked for its data to go (`companies.domain.erasing`).
KEEP_PROOF_YEARS = environment.number("KEEP_PROOF_YEARS", 3)
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024

STATIC_URL = "static/"
# Collected for production; a local installation serves them from where they are.
_static_root = environment.text("STATIC_ROOT", "" if LOCAL else str(BASE_DIR / "var" / "static"))
STATIC_ROOT = Path(_static_root) if _static_root else None
STATICFILES_DIRS = [
    BASE_DIR / "agency" / "static",
    ("tabler", BASE_DIR / "node_modules" / "@tabler" / "core" / "dist" / "css"),
    ("tabler", BASE_DIR / "node_modules" / "@tabler" / "core" / "dist" / "js"),
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if LOCAL
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = LOCAL

# --- People -----------------------------------------------------------------------------------

AUTH_USER_MODEL = "agency.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
ACCOUNT_LOGIN_METHODS = {"email"}
# Nobody signs up, but allauth's sign-in page asks for a password only when signing up would.
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_ADAPTER = "agency.signing_in.InvitedOnly"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
# The mail to an unknown address would invite to sign up.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
# Clients come once a year: a code by e-mail instead of a password that they would have forgotten.
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 10 * 60
ACCOUNT_LOGIN_BY_CODE_MAX_ATTEMPTS = 5
ACCOUNT_FORMS = {"request_login_code": "agency.forms.CodeForm"}
# `agency.guarding` counts tries to get in, so that nobody is locked out by others; allauth counts
# the rest: wrong codes of a second factor, and passwords of who is signed in.
ACCOUNT_RATE_LIMITS = {"login": None, "request_login_code": None, "login_failed": "10/5m/key"}
# How long a sign-in counts as fresh, for what asks for one (`agency.freshness`).
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
ACCOUNT_EMAIL_NOTIFICATIONS = True
MFA_ADAPTER = "agency.factors.SealedFactors"
MFA_FORMS = {
    "authenticate_webauthn": "agency.passkeys.AuthenticatePasskey",
    "login_webauthn": "agency.passkeys.LoginPasskey",
    "reauthenticate_webauthn": "agency.passkeys.ReauthenticatePasskey",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
# A code from the step before still counts: clocks differ by some seconds.
MFA_TOTP_TOLERANCE = 1
# The invitation has proved the address; allauth keeps no addresses of its own here.
MFA_ALLOW_UNVERIFIED_EMAIL = True
# Browsers treat localhost as safe; anywhere else passkeys need TLS.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = LOCAL
USERSESSIONS_TRACK_ACTIVITY = False
USERSESSIONS_ADAPTER = "agency.signing_in.OwnSessions"
LOGIN_REDIRECT_URL = "home"
LOGIN_URL = "account_login"
# A local installation writes its mail into files; nobody outside gets any.
MAILERS = {
    "default": {
        "BACKEND": "django.core.mail.backends.filebased.EmailBackend",
        "OPTIONS": {"file_path": engines.runtime_dir() / "mail"},
    }
    if LOCAL
    else {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": environment.text("EMAIL_HOST", "localhost"),
            "port": environment.number("EMAIL_PORT", 587),
            "username": environment.text("EMAIL_USER"),
            "password": environment.text("EMAIL_PASSWORD"),
            "use_tls": environment.flag("EMAIL_USE_TLS", default=True),
        },
    }
}
DEFAULT_FROM_EMAIL = environment.text("DEFAULT_FROM_EMAIL", "xubao@localhost")

SESSION_COOKIE_NAME = "xubao" if LOCAL else "__Host-xubao"
CSRF_COOKIE_NAME = "xubao_csrf" if LOCAL else "__Host-xubao-csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not LOCAL
CSRF_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SECURE = not LOCAL
LANGUAGE_COOKIE_SAMESITE = "Lax"
# Of a browser that has signed in before: others' wrong tries do not count against it.
DEVICE_COOKIE_NAME = "xubao_device" if LOCAL else "__Host-xubao-device"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SESSION_COOKIE_AGE = SESSION_ENDS_AFTER_S = 12 * 3600
# Pages that ask by themselves: they keep nobody signed in.
POLLED_PAGES = {
    *("renewals:changes", "renewals:rows", "renewals:live", "renewals:batch_head", "renewals:desk_live"),
    *("renewals:today_numbers", "renewals:attention_moved"),
    *("companies:workbook_progress", "renewals:rehearsal_head"),
}
# Used codes and counters of allauth: in Postgres, so that all web processes share them.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "agency_cache"}}
SESSION_EXPIRE_AT_BROWSER_CLOSE = True

# --- Hardening --------------------------------------------------------------------------------

SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF, "data:"],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_SSL_REDIRECT = not LOCAL
SECURE_HSTS_SECONDS = 0 if LOCAL else 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not LOCAL
SECURE_PROXY_SSL_HEADER = None if LOCAL else ("HTTP_X_FORWARDED_PROTO", "https")

# --- Language and time ------------------------------------------------------------------------

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_NAME = "xubao_language"
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

# --- Logs: events on standard error, nothing secret -------------------------------------------

LOGGING = logs.settings(level=environment.text("LOG_LEVEL", "INFO"))

# Playwright and the ORM never share a thread here, so Django's guard stays on.
os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)
