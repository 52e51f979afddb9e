"""Which workspaces of Slack have installed the bot, and who is about to: the tables of slack_sdk's own stores.

They go by its names. `slack_bots` is what is asked for; see installations.py for what is ciphertext here.
"""

from sqlalchemy import Boolean, Column, DateTime, Index, Integer, String, Table, Text

from chatbot.store.tables import metadata


def _of_both() -> tuple[Column[object], ...]:
    """What is known of a bot, and of its installation."""
    return (
        Column("id", Integer, primary_key=True),
        Column("client_id", String, nullable=False),
        Column("app_id", String, nullable=False),
        Column("enterprise_id", String),
        Column("enterprise_name", Text),
        Column("team_id", String),  # none where a whole organisation has installed it
        Column("team_name", Text),
        Column("bot_token", Text),
        Column("bot_id", String),
        Column("bot_user_id", String),
        Column("bot_scopes", Text),
        Column("bot_refresh_token", Text),
        Column("bot_token_expires_at", DateTime),
        Column("is_enterprise_install", Boolean, nullable=False),
        Column("installed_at", DateTime, nullable=False),
    )


slack_bots = Table("slack_bots", metadata, *_of_both(), Index("slack_bots_by_team", "client_id", "team_id"))

slack_installations = Table(
    "slack_installations",
    metadata,
    *_of_both(),
    Column("enterprise_url", Text),
    Column("user_id", String, nullable=False),
    Column("user_token", Text),
    Column("user_scopes", Text),
    Column("user_refresh_token", Text),
    Column("user_token_expires_at", DateTime),
    Column("incoming_webhook_url", Text),
    Column("incoming_webhook_channel", Text),
    Column("incoming_webhook_channel_id", Text),
    Column("incoming_webhook_configuration_url", Text),
    Column("token_type", String),
    Index("slack_installations_by_team", "client_id", "team_id"),
)

slack_oauth_states = Table(
    "slack_oauth_states",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("state", String, nullable=False),
    Column("expire_at", DateTime, nullable=False),
)
