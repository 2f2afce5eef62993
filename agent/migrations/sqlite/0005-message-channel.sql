-- Which of the other organisation's integration points is to get what answers its message.
ALTER TABLE conversations ADD COLUMN channel TEXT;
