-- Who wants to be told of statuses. Each is a lane in which pushes go out one after the other: when it is due again, how
-- often it failed in a row, who has it.
CREATE TABLE subscriptions (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT NOT NULL,
    push_endpoint TEXT NOT NULL,
    resource      TEXT NOT NULL,
    event         TEXT NOT NULL,
    filter        TEXT,
    due           INTEGER NOT NULL DEFAULT 0,
    failures      INTEGER NOT NULL DEFAULT 0,
    lease         INTEGER NOT NULL DEFAULT 0,
    leased_until  INTEGER,
    holder        TEXT,
    UNIQUE (name, push_endpoint)
) STRICT;

-- What each is to be told. Conversation and status may be forgotten before that.
CREATE TABLE pushes (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    subscription    INTEGER NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    number          INTEGER NOT NULL,
    at              INTEGER NOT NULL,
    message_id      TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    direction       TEXT NOT NULL,
    service         TEXT NOT NULL,
    status          TEXT NOT NULL,
    description     TEXT,
    tried           INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX pushes_in_order ON pushes (subscription, id);

-- How the last calls went. Without a status it was a ping.
CREATE TABLE deliveries (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    subscription INTEGER NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    call         TEXT NOT NULL,
    message_id   TEXT,
    status       TEXT,
    tried        INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    took         INTEGER NOT NULL,
    code         INTEGER,
    error        TEXT,
    outcome      TEXT NOT NULL
) STRICT;
CREATE INDEX deliveries_in_order ON deliveries (subscription, id);
CREATE INDEX deliveries_by_age ON deliveries (at);
