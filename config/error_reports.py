"""Reports of errors to a Sentry server of the operator's choice. Optional, and without persons.

Nothing is sent unless `SENTRY_DSN` is set and the package `sentry-sdk` is installed. What a report holds: the exception
and its stack without the values of variables, the route, the request's identifier. What it does not: body, query,
cookies, headers, addresses, user names.
"""

from typing import Any, cast

from django.core.exceptions import ImproperlyConfigured

from config.logs import current_request, without_persons

FORGOTTEN = ("user", "breadcrumbs", "extra", "server_name", "modules")


def start_reports(address: str, *, release: str = "") -> bool:
    """Begin to send reports to a DSN; an empty one means none. Tell whether reports are sent.

    Raises:
        ImproperlyConfigured: a DSN is given, but the package is missing.
    """
    if not address:
        return False
    try:
        import sentry_sdk
    except ImportError as error:
        raise ImproperlyConfigured(
            "SENTRY_DSN is set, but sentry-sdk is not installed. Install it (pip install 'sentry-sdk>=2,<3'), "
            "or leave SENTRY_DSN empty."
        ) from error
    sentry_sdk.init(
        dsn=address,
        release=release or None,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        traces_sample_rate=None,
        before_send=cast(Any, forget_persons),
    )
    return True


def forget_persons(event: dict[str, Any], hint: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what may be sent of a report: no request but its method, and no text that leads to a person."""
    kept = {name: value for name, value in event.items() if name not in FORGOTTEN}
    request = kept.pop("request", None) or {}
    if "method" in request:
        kept["request"] = {"method": request["method"]}
    cleaned: dict[str, Any] = _cleaned(kept)
    cleaned["tags"] = {**(cleaned.get("tags") or {}), "request_id": current_request.get()}
    return cleaned


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return without_persons(value)
    if isinstance(value, dict):
        return {name: _cleaned(item) for name, item in value.items() if name != "vars"}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return value
