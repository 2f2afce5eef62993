-- Times are milliseconds since 1970 in UTC. Names of services, statuses and directions are those of the API.

CREATE TABLE messages_out (
    id                  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id          TEXT NOT NULL UNIQUE,
    conversation_id     TEXT NOT NULL,
    process             TEXT NOT NULL,
    sender_identifier   TEXT NOT NULL,
    receiver_identifier TEXT NOT NULL,
    service             TEXT NOT NULL,
    updated             BIGINT NOT NULL,
    sbd                 TEXT NOT NULL
);

CREATE TABLE files (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message    BIGINT NOT NULL REFERENCES messages_out (id) ON DELETE CASCADE,
    number     BIGINT NOT NULL,
    blob       TEXT NOT NULL UNIQUE,
    filename   TEXT NOT NULL,
    title      TEXT,
    mime_type  TEXT NOT NULL,
    is_primary BOOLEAN NOT NULL,
    length     BIGINT NOT NULL,
    UNIQUE (message, filename),
    UNIQUE (message, number)
);

CREATE TABLE messages_in (
    id                  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id          TEXT NOT NULL UNIQUE,
    conversation_id     TEXT NOT NULL,
    process             TEXT NOT NULL,
    sender_identifier   TEXT NOT NULL,
    receiver_identifier TEXT NOT NULL,
    service             TEXT NOT NULL,
    updated             BIGINT NOT NULL,
    sbd                 TEXT NOT NULL,
    package             TEXT,
    locked_until        BIGINT
);
CREATE INDEX messages_in_in_order ON messages_in (updated, id);

CREATE TABLE conversations (
    id                  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    direction           TEXT NOT NULL,
    message_id          TEXT NOT NULL,
    conversation_id     TEXT NOT NULL,
    sender              TEXT NOT NULL,
    sender_identifier   TEXT NOT NULL,
    receiver            TEXT NOT NULL,
    receiver_identifier TEXT NOT NULL,
    process             TEXT NOT NULL,
    document_type       TEXT NOT NULL,
    reference           TEXT NOT NULL,
    title               TEXT NOT NULL,
    service             TEXT NOT NULL,
    expires             BIGINT NOT NULL,
    is_pollable         BOOLEAN NOT NULL,
    is_finished         BOOLEAN NOT NULL,
    updated             BIGINT NOT NULL,
    external_reference  TEXT,
    -- Who sends to itself has both.
    UNIQUE (message_id, direction)
);
CREATE INDEX conversations_by_conversation ON conversations (conversation_id);
CREATE INDEX conversations_in_order ON conversations (updated, id);

CREATE TABLE statuses (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation BIGINT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    at           BIGINT NOT NULL,
    status       TEXT NOT NULL,
    description  TEXT,
    raw_receipt  TEXT,
    UNIQUE (conversation, status)
);

CREATE TABLE queue (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- A message of a case system, or a status message of ours, which is nowhere else.
    message      BIGINT UNIQUE REFERENCES messages_out (id) ON DELETE CASCADE,
    reply        TEXT,
    service      TEXT NOT NULL,
    due          BIGINT NOT NULL,
    tried        BIGINT NOT NULL DEFAULT 0,
    lease        BIGINT NOT NULL DEFAULT 0,
    leased_until BIGINT,
    holder       TEXT,
    last_error   TEXT,
    CHECK ((message IS NULL) <> (reply IS NULL))
);
CREATE INDEX queue_in_order ON queue (due, id);
