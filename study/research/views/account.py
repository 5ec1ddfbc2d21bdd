"""One's own account: password, the second step of signing in, and what somebody sees who guessed too often."""

from typing import Any

import segno
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from study.research.forms import CodeForm
from study.research.guard import accept_code, code_is_fresh, log
from study.research.pages import research_page
from study.services import second_factor
from study.views.pages import show_message


@research_page
@require_safe
def show_account(request: HttpRequest) -> HttpResponse:
    """Show what can be changed about one's own account."""
    context = {
        "has_second_factor": second_factor.has_second_factor(_user(request)),
        "recovery_codes": second_factor.recovery_codes_left(_user(request)),
        "second_factor_required": settings.SECOND_FACTOR_REQUIRED,
    }
    return render(request, "research/account.html", context)


@research_page
@require_http_methods(["GET", "HEAD", "POST"])
def second_step(request: HttpRequest) -> HttpResponse:
    """Ask for a code of the app; whoever has no app yet enrols one, and is shown recovery codes once.

    Whoever has one and comes back within minutes of a code enrols another phone.
    """
    user = _user(request)
    if second_factor.has_second_factor(user) and not code_is_fresh(request):
        return _ask_for_code(request, user)
    return _enrol(request, user)


def _ask_for_code(request: HttpRequest, user: Any) -> HttpResponse:
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        device = second_factor.check_code(user, form.cleaned_data["code"])
        if device is not None:
            accept_code(request, device)
            return redirect(_next_page(request))
        log.warning("Account %s gave a wrong code.", user.pk)
        form.add_error("code", _("That code does not fit. Wait for the next one; after several wrong ones, a minute."))
    context = {"form": form, "next": request.GET.get("next", "")}
    return render(request, "research/second_step.html", context, status=422 if form.errors else 200)


def _enrol(request: HttpRequest, user: Any) -> HttpResponse:
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        confirmed = second_factor.confirm_enrolment(user, form.cleaned_data["code"])
        if confirmed is not None:
            device, codes = confirmed
            accept_code(request, device)
            return render(request, "research/recovery_codes.html", {"codes": codes})
        form.add_error("code", _("That code does not fit. Please wait for the next one; is the phone's clock right?"))
    device = second_factor.begin_enrolment(user)
    picture = segno.make(device.config_url).svg_inline(scale=5, border=4, light="#fff")
    context = {
        "form": form,
        "picture": mark_safe(picture),  # noqa: S308  made here, from our own key
        "secret": device.config_url.partition("secret=")[2].partition("&")[0],
        "renewing": second_factor.has_second_factor(user),
    }
    return render(request, "research/enrol.html", context, status=422 if form.errors else 200)


@research_page
@require_http_methods(["POST"])
def change_second_factor(request: HttpRequest) -> HttpResponse:
    """Make new recovery codes, or forget app and codes; both need a code that was given minutes ago."""
    user = _user(request)
    if not code_is_fresh(request):
        return redirect(f"{reverse('research:second-step')}?next={reverse('research:account')}")
    if "codes" in request.POST:
        return render(request, "research/recovery_codes.html", {"codes": second_factor.make_recovery_codes(user)})
    second_factor.remove_second_factor(user)
    messages.success(request, _("Signing in takes only the password again."))
    return redirect("research:account")


@method_decorator(never_cache, name="dispatch")
class ChangePassword(auth_views.PasswordChangeView):
    """A new password; every other session of the account ends with it."""

    template_name = "research/password.html"
    success_url = reverse_lazy("research:account")

    def form_valid(self, form: Any) -> HttpResponse:
        """Store it and say so."""
        response = super().form_valid(form)
        messages.success(self.request, _("The password has changed. Other browsers have to sign in again."))
        return response


def show_locked_out(request: HttpRequest, *_args: Any, **_options: Any) -> HttpResponse:
    """Answer somebody who gave too many wrong passwords; `AXES_LOCKOUT_CALLABLE` leads here."""
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    response = show_message(
        request,
        title=_("Too many wrong passwords"),
        text=_("For safety, this name cannot sign in from here for %(minutes)s minutes.") % {"minutes": minutes},
        hint=_("If it was not you, tell an administrator of the site. If you forgot your password, they can set one."),
        status=429,
    )
    response.headers["Retry-After"] = str(minutes * 60)
    response.headers["Cache-Control"] = "no-store"
    return response


def _user(request: HttpRequest) -> Any:
    return request.user


def _next_page(request: HttpRequest) -> str:
    wanted = request.GET.get("next", "")
    local = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if wanted and local else "research:home"
