-- Statuses that a case system takes one by one.
CREATE TABLE status_queue (
    status BIGINT PRIMARY KEY REFERENCES statuses (id) ON DELETE CASCADE
);

-- For upkeep: what has expired, what may be forgotten, which blobs are named.
CREATE INDEX conversations_by_expiry ON conversations (expires) WHERE NOT is_finished;
CREATE INDEX messages_in_by_package ON messages_in (package);
