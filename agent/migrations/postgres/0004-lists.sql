-- Lists stay fast with a million conversations. An index is no promise to any version: the one that is left out is served by its
-- successor, which has what is filtered by in it, so that pages and totals are read from the index alone.
DROP INDEX conversations_in_order;
CREATE INDEX conversations_in_order_whole ON conversations (updated, id, is_finished, is_pollable, direction, service);
CREATE INDEX conversations_by_sender ON conversations (sender_identifier, updated, id);
CREATE INDEX conversations_by_receiver ON conversations (receiver_identifier, updated, id);
CREATE INDEX conversations_by_whole_sender ON conversations (sender, updated, id);
CREATE INDEX conversations_by_whole_receiver ON conversations (receiver, updated, id);
CREATE INDEX conversations_by_reference ON conversations (reference);
CREATE INDEX conversations_by_title ON conversations (title);
-- Few are: those whose channel is to be asked, and those for which something is still waited.
CREATE INDEX conversations_pollable ON conversations (updated, id) WHERE is_pollable;
CREATE INDEX conversations_unfinished ON conversations (updated, id) WHERE NOT is_finished;

CREATE INDEX statuses_by_name ON statuses (status, id);
CREATE INDEX statuses_by_time ON statuses (at, id);

CREATE INDEX messages_out_by_conversation ON messages_out (conversation_id);
CREATE INDEX messages_in_by_conversation ON messages_in (conversation_id);
