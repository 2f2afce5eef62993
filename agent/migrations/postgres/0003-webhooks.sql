-- Who wants to be told of statuses. Each is a lane in which pushes go out one after the other: when it is due again, how
-- often it failed in a row, who has it.
CREATE TABLE subscriptions (
    id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          TEXT NOT NULL,
    push_endpoint TEXT NOT NULL,
    resource      TEXT NOT NULL,
    event         TEXT NOT NULL,
    filter        TEXT,
    due           BIGINT NOT NULL DEFAULT 0,
    failures      BIGINT NOT NULL DEFAULT 0,
    lease         BIGINT NOT NULL DEFAULT 0,
    leased_until  BIGINT,
    holder        TEXT,
    UNIQUE (name, push_endpoint)
);

-- What each is to be told. Conversation and status may be forgotten before that.
CREATE TABLE pushes (
    id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subscription    BIGINT NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    number          BIGINT NOT NULL,
    at              BIGINT NOT NULL,
    message_id      TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    direction       TEXT NOT NULL,
    service         TEXT NOT NULL,
    status          TEXT NOT NULL,
    description     TEXT,
    tried           BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX pushes_in_order ON pushes (subscription, id);

-- How the last calls went. Without a status it was a ping.
CREATE TABLE deliveries (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subscription BIGINT NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    call         TEXT NOT NULL,
    message_id   TEXT,
    status       TEXT,
    tried        BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    took         BIGINT NOT NULL,
    code         BIGINT,
    error        TEXT,
    outcome      TEXT NOT NULL
);
CREATE INDEX deliveries_in_order ON deliveries (subscription, id);
CREATE INDEX deliveries_by_age ON deliveries (at);
