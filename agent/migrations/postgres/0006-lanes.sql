-- The queue has a lane for each service. What waits in one must not be looked through to find what is due in another.
CREATE INDEX queue_by_lane ON queue (service, due, id);
