-- Which topic a position is of: a topic that was deleted and made anew has the name of the one before, but not its id.

ALTER TABLE cem.position ADD COLUMN topic_id text;
