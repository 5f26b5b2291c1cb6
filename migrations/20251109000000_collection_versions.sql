-- migrate:up
-- Grows whenever a collection's content has changed. A row outlives its collection: the version never goes back, or a
-- new collection of the same name would be answered from the old one's cached answers.
CREATE TABLE rag.collection_versions (
    collection text PRIMARY KEY,
    version    bigint NOT NULL
);

-- live, cache (fresh) or stale; NULL where there was no answer.
ALTER TABLE rag.query_log ADD COLUMN answered_from text;

-- migrate:down
ALTER TABLE rag.query_log DROP COLUMN answered_from;
DROP TABLE rag.collection_versions;
