-- Times are milliseconds since 1970 in UTC. Names of services, statuses and directions are those of the API.

CREATE TABLE messages_out (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id          TEXT NOT NULL UNIQUE,
    conversation_id     TEXT NOT NULL,
    process             TEXT NOT NULL,
    sender_identifier   TEXT NOT NULL,
    receiver_identifier TEXT NOT NULL,
    service             TEXT NOT NULL,
    updated             INTEGER NOT NULL,
    sbd                 TEXT NOT NULL
) STRICT;

CREATE TABLE files (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    message    INTEGER NOT NULL REFERENCES messages_out (id) ON DELETE CASCADE,
    number     INTEGER NOT NULL,
    blob       TEXT NOT NULL UNIQUE,
    filename   TEXT NOT NULL,
    title      TEXT,
    mime_type  TEXT NOT NULL,
    is_primary INTEGER NOT NULL,
    length     INTEGER NOT NULL,
    UNIQUE (message, filename),
    UNIQUE (message, number)
) STRICT;

CREATE TABLE messages_in (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id          TEXT NOT NULL UNIQUE,
    conversation_id     TEXT NOT NULL,
    process             TEXT NOT NULL,
    sender_identifier   TEXT NOT NULL,
    receiver_identifier TEXT NOT NULL,
    service             TEXT NOT NULL,
    updated             INTEGER NOT NULL,
    sbd                 TEXT NOT NULL,
    package             TEXT,
    locked_until        INTEGER
) STRICT;
CREATE INDEX messages_in_in_order ON messages_in (updated, id);

CREATE TABLE conversations (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
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
    expires             INTEGER NOT NULL,
    is_pollable         INTEGER NOT NULL,
    is_finished         INTEGER NOT NULL,
    updated             INTEGER NOT NULL,
    external_reference  TEXT,
    -- Who sends to itself has both.
    UNIQUE (message_id, direction)
) STRICT;
CREATE INDEX conversations_by_conversation ON conversations (conversation_id);
CREATE INDEX conversations_in_order ON conversations (updated, id);

CREATE TABLE statuses (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    at           INTEGER NOT NULL,
    status       TEXT NOT NULL,
    description  TEXT,
    raw_receipt  TEXT,
    UNIQUE (conversation, status)
) STRICT;

CREATE TABLE queue (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    -- A message of a case system, or a status message of ours, which is nowhere else.
    message      INTEGER UNIQUE REFERENCES messages_out (id) ON DELETE CASCADE,
    reply        TEXT,
    service      TEXT NOT NULL,
    due          INTEGER NOT NULL,
    tried        INTEGER NOT NULL DEFAULT 0,
    lease        INTEGER NOT NULL DEFAULT 0,
    leased_until INTEGER,
    holder       TEXT,
    last_error   TEXT,
    CHECK ((message IS NULL) <> (reply IS NULL))
) STRICT;
CREATE INDEX queue_in_order ON queue (due, id);
