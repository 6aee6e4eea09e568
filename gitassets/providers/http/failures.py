"""Explain a failed call in a sentence that names the asset, the provider and the remedy."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gitassets.domain.manifest import Kind
from gitassets.errors import ProviderError, Remedy
from gitassets.providers.base import ChargedError, RefusedError, Request
from gitassets.providers.http.calls import UNFETCHABLE, Call, CallError, Problem
from gitassets.providers.http.keys import HIDDEN, Key, hide_keys, how_to_set

MAX_QUOTE_CHARS = 300


class UnknownError(ProviderError):
    """The service does not know the requested thing, or no longer."""


class InputRefusedError(ProviderError):
    """The service refuses the request for what is in it."""


_POLICY = re.compile(
    r"content.?policy|moderat|safety|policy.?violation|violates|inappropriate|not allowed by|content checker", re.I
)
# ElevenLabs: a voice or a format that the account's plan does not include; nothing is wrong with the balance.
_PLAN_CODES = frozenset({"paid_plan_required", "payment_required", "detected_unusual_activity", "missing_permissions"})
_PLAN = re.compile(r"paid plan|free users|upgrade your (?:plan|subscription)", re.I)
_MONEY = re.compile(r"quota|billing|credits?\b|payment|balance|funds", re.I)
# Keys as services quote them, half masked, and the part of a URL that may contain a signature.
_MASKED_KEY = re.compile(r"\b(?:sk|key|luma|xi|Bearer)[-_ ](?=[\w.-]*[\d*])[\w*.-]{6,}", re.I)
_URL_TAIL = re.compile(r"(https?://[^\s/?#\"'<>]+)[^\s\"'<>]*")
# An expired link to a file, which is downloaded without a key, gives any client error except these.
_TEMPORARY_STATUSES = (408, 425, 429)


@dataclass(frozen=True, kw_only=True)
class CallContext:
    """The context of a call that an error message needs.

    `cost_usd` is the price of the call; `keeps` says what still exists whatever happened to it.
    """

    request: Request
    service: str
    call: Call
    key: Key | None = None
    key_variable: str | None = None
    cost_usd: float = 0.0
    keeps: str = ""


def clean_record(said: str, max_chars: int) -> str:
    """Return a service's text as it is recorded: on one line, without keys and control characters, and not too long."""
    return _print(hide_keys(said))[:max_chars]


def _print(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def clean_quote(said: str, key: Key | None = None) -> str:
    """Shorten a service's message to one line without keys, URL queries or control characters."""
    text = hide_keys(key.hide_in(said) if key else said)
    text = _print(_URL_TAIL.sub(r"\1/…", _MASKED_KEY.sub(HIDDEN, text)))
    return text if len(text) <= MAX_QUOTE_CHARS else f"{text[:MAX_QUOTE_CHARS]}…"


def explain(error: CallError, context: CallContext) -> ProviderError:
    """Build the error for the user: a ChargedError if money may have been spent without a result."""
    explain_problem = _explain_status if error.problem is Problem.STATUS else _explain_transport
    problem, remedy = explain_problem(error, context)
    message = f"{context.request.label}: {problem}"
    if error.is_undecided(context.call) and context.cost_usd:
        remedy = f"See your account at {context.service} before you try again. {remedy}"
        return ChargedError(f"{message}. It may have been charged", remedy, cost_usd=context.cost_usd)
    if error.problem in UNFETCHABLE and context.cost_usd and not context.call.signed:
        remedy = f"Run the command again to buy another. {context.service} may refund what it does not hand over."
        return ChargedError(f"{message}. It has been charged", remedy, cost_usd=context.cost_usd)
    return _choose_class(error, context.call)(message, f"{remedy} {context.keeps}".strip())


def _choose_class(error: CallError, call: Call) -> type[ProviderError]:
    if call.buys and (error.status in (401, 402, 404) or _is_about_money(error)):
        return RefusedError
    if _is_gone(error, call):
        return UnknownError
    return InputRefusedError if error.status in (400, 422) and call.signed else ProviderError


def _is_about_money(error: CallError) -> bool:
    hints = f"{error.code} {error.service_message}"
    return error.status == 402 or (error.status in (400, 401, 403, 429) and bool(_MONEY.search(hints)))


def _is_about_plan(error: CallError) -> bool:
    """Return whether the account may not do this, which the service's own words explain best."""
    if error.status not in (401, 402, 403):
        return False
    return error.code in _PLAN_CODES or bool(_PLAN.search(error.service_message))


def _is_gone(error: CallError, call: Call) -> bool:
    if call.signed:
        return error.status in (404, 410)
    return error.status is not None and 400 <= error.status < 500 and error.status not in _TEMPORARY_STATUSES


def how_to_reword(request: Request) -> str:
    """Return the remedy for a request whose content the service rejects."""
    names = {Kind.IMAGE: "reword-prompt", Kind.AUDIO: "reword-text", Kind.VIDEO: "reword-text-or-prompt"}
    return Remedy(names[request.kind], number=request.segment)


def is_policy_refusal(said: str) -> bool:
    return bool(_POLICY.search(said))


def _explain_status(error: CallError, context: CallContext) -> tuple[str, str]:
    name, quote = context.service, clean_quote(error.service_message, context.key)
    said = f": {quote}" if quote else ""
    hints = f"{error.code} {error.service_message}"
    settings = f"services.{name} in gitassets.yaml"
    if not context.call.signed and _is_gone(error, context.call):
        return f"the file that {name} made cannot be fetched ({error.status})", "Run the command again."
    if error.status in (400, 403, 422) and is_policy_refusal(hints):
        return f"{name} refuses what it should make{said}", how_to_reword(context.request)
    if _is_about_plan(error) and quote:
        return f"{name} refuses this ({error.status}){said}", f"See what your plan at {name} includes, and {settings}."
    if _is_about_money(error):
        return f"the account at {name} has no money or quota left ({error.status})", f"Top it up at {name}, or wait."
    if error.status == 401:
        return f"{name} does not accept the key (401)", _how_to_set_key(context)
    if error.status == 403:
        return f"{name} forbids this (403){said}", f"See what the key's account may do, and check {settings}."
    if error.status in (404, 410):
        return (
            f"{name} does not know what was asked for ({error.status}){said}",
            f"Check model, voice and base_url of {settings}.",
        )
    if error.status == 429:
        tries, wait = _format_tries(error), _format_wait(error)
        return f"{name} takes no more calls for now (429, {tries}){wait}", _how_to_slow_down(context)
    if error.status is not None and error.status >= 500:
        return f"{name} has trouble of its own ({error.status}, {_format_tries(error)}){said}", "Try again later."
    return f"{name} does not accept the request ({error.status}){said}", f"Check {settings}."


def _how_to_set_key(context: CallContext) -> str:
    return how_to_set(context.key_variable) if context.key_variable else "It should not need one: check its base_url."


def _how_to_slow_down(context: CallContext) -> str:
    return f"Try again later, or lower services.{context.service}.concurrency in gitassets.yaml."


def _format_tries(error: CallError) -> str:
    return "1 try" if error.tries == 1 else f"{error.tries} tries"


def _format_wait(error: CallError) -> str:
    return f" and asks to wait for {error.retry_after_sec:.0f} seconds" if error.retry_after_sec else ""


def _explain_transport(error: CallError, context: CallContext) -> tuple[str, str]:
    """Return the message and remedy for a failure in transport, not at the service."""
    name, quote = context.service, clean_quote(error.service_message, context.key)
    timeout = f"Try again later, or raise services.{name}.timeout_sec in gitassets.yaml."
    sentences = {
        Problem.UNREACHABLE: (
            f"{name} cannot be reached ({quote or 'no connection'}, {_format_tries(error)})",
            f"Check the network, HTTPS_PROXY, and services.{name}.base_url in gitassets.yaml.",
        ),
        Problem.CERTIFICATE: (
            f"{name} shows a certificate that is not trusted here",
            "If your company inspects connections, let SSL_CERT_FILE name its certificates.",
        ),
        Problem.TIMEOUT: (f"{name} did not answer in time ({_format_tries(error)})", timeout),
        Problem.BROKEN_OFF: (f"the answer of {name} broke off ({_format_tries(error)})", "Try again."),
        Problem.MOVED: (
            f"{name} sends us on to {quote}, and a request is never sent on",
            f"If that is right, make it services.{name}.base_url in gitassets.yaml.",
        ),
        Problem.REDIRECTS: (f"{name} sends us from one address to the next without end", "Try again later."),
        Problem.ADDRESS: (
            f"{name} gives no address that may be fetched: {quote}",
            "Nothing was fetched. Try again later.",
        ),
        Problem.PROXY: ("the proxy that the environment names cannot be used", "Set HTTPS_PROXY to http://HOST:PORT."),
        Problem.TOO_LARGE: (f"{name} sends {quote}, which cannot be right", "Try again later."),
        Problem.CONTENT: (f"{name} sends {quote}", f"Try again, and check services.{name}.base_url in gitassets.yaml."),
        Problem.STOPPED: ("stopped before it was made", "Run the command again."),
    }
    return sentences[error.problem]
