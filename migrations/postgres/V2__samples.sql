-- ANALYZE, which autovacuum runs by itself, keeps samples of what it finds in pg_statistic, and they
-- outlive the rows. No query needs them of what people wrote.
ALTER TABLE messages ALTER COLUMN text SET STATISTICS 0;
ALTER TABLE seats ALTER COLUMN name SET STATISTICS 0;
