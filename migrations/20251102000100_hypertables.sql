-- migrate:up
-- Where the server has TimescaleDB: chunks by time, compressed after seven days. Elsewhere the tables stay as they are.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb') THEN
        RETURN;
    END IF;
    CREATE EXTENSION IF NOT EXISTS timescaledb;
    PERFORM create_hypertable('rag.query_log', by_range('asked_at', INTERVAL '1 day'), migrate_data => true);
    PERFORM create_hypertable('rag.breaker_events', by_range('happened_at', INTERVAL '1 day'), migrate_data => true);
    ALTER TABLE rag.query_log SET (
        timescaledb.compress,
        timescaledb.compress_segmentby = 'collection',
        timescaledb.compress_orderby = 'asked_at DESC'
    );
    ALTER TABLE rag.breaker_events SET (
        timescaledb.compress,
        timescaledb.compress_segmentby = 'breaker',
        timescaledb.compress_orderby = 'happened_at DESC'
    );
    PERFORM add_compression_policy('rag.query_log', compress_after => INTERVAL '7 days');
    PERFORM add_compression_policy('rag.breaker_events', compress_after => INTERVAL '7 days');
END
$$;

-- migrate:down
-- A hypertable is dropped like a table, by the migration before this one; its policies go with it.
SELECT 1;
