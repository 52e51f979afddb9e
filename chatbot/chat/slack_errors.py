"""What Slack's answers mean, as our errors.

`ok: false` with a code is a refusal, and nothing was posted; so is 429. All that leaves open whether the call was
carried out is Unknown: a lost answer, 5xx, a body that is no JSON, and the codes by which Slack says that it does not
know itself.
"""

from collections.abc import Awaitable
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from chatbot.errors import Closed, DeliveryError, Refused, Unauthorized, Unavailable, Unknown

# https://docs.slack.dev/reference/methods/chat.postMessage#errors
_DOUBT = {"fatal_error", "internal_error", "request_timeout", "service_unavailable"}
_LATER = {"ratelimited", "rate_limited", "message_limit_exceeded", "team_added_to_org", "accesslimited"}
_LOGIN = {
    "access_denied",
    "account_inactive",
    "ekm_access_denied",
    "enterprise_is_restricted",
    "invalid_auth",
    "no_permission",
    "not_allowed_token_type",
    "not_authed",
    "org_login_required",
    "team_access_not_granted",
    "token_expired",
    "token_revoked",
    "two_factor_setup_required",
}
_ROOM = {
    "as_user_not_supported",
    "cannot_reply_to_message",
    "channel_not_found",
    "is_archived",
    "is_inactive",
    "messages_tab_disabled",
    "not_in_channel",
    "restricted_action",
    "restricted_action_non_threadable_channel",
    "restricted_action_read_only_channel",
    "restricted_action_thread_locked",
    "restricted_action_thread_only_channel",
    "team_not_found",
}
_REMEDIES = {
    "not_in_channel": "type /invite with the bot's name there",
    "channel_not_found": "name the channel by its id, and invite the bot if it is private",
    "is_archived": "unarchive the channel",
}
# Where Slack does not say it, which is rare.
_LATER_AFTER = 30.0


class Unscoped(Unauthorized):
    """The app may not call this method: its scopes are those of an older manifest, or of fewer options."""


async def asked(calling: Awaitable[AsyncSlackResponse]) -> dict[str, Any]:
    """What Slack said. Raises DeliveryError."""
    try:
        return dict((await calling).data)  # type: ignore[arg-type]  # bytes are of another method
    except SlackApiError as error:
        raise _meaning(error) from error
    except aiohttp.ClientConnectorError as error:
        raise Unavailable(f"Slack cannot be reached: {error.strerror or type(error).__name__}") from error
    except (aiohttp.ClientError, SlackClientError, OSError, ValueError, AttributeError, TypeError) as error:
        # The last three are the SDK's own, where somebody between us and Slack answers in Slack's place.
        raise Unknown(f"Slack's answer was lost: {type(error).__name__}") from error


def _meaning(error: SlackApiError) -> DeliveryError:
    response: Any = error.response  # a response of aiohttp's, where its body was no JSON
    status, headers = getattr(response, "status_code", 0), getattr(response, "headers", {})
    data: dict[str, Any] = response.data if isinstance(getattr(response, "data", None), dict) else {}
    code = str(data.get("error") or "")
    if status == 429 or code in _LATER:  # noqa: PLR2004  # HTTP's "too many requests"
        return Unavailable(f"Slack says {code or status}", _seconds(headers.get("Retry-After")))
    if status != 200 or not code or code in _DOUBT:  # noqa: PLR2004  # HTTP's "OK"
        return Unknown(f"Slack says {code or status or 'no JSON'}")
    if code == "missing_scope":
        return Unscoped(f"Slack says missing_scope: {data.get('needed')}; add it to the app, and install it again")
    if code in _LOGIN:
        return Unauthorized(f"Slack says {code}")
    if code in _ROOM:
        return Closed(f"Slack says {code}" + (f"; {_REMEDIES[code]}" if code in _REMEDIES else ""))
    said = data.get("errors") or data.get("response_metadata", {}).get("messages") or ()
    return Refused(": ".join([f"Slack says {code}", *map(str, said[:1])]))


def _seconds(text: object) -> float:
    try:
        return float(str(text))
    except ValueError:
        return _LATER_AFTER
