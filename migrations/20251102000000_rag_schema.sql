-- migrate:up
CREATE SCHEMA IF NOT EXISTS rag;

CREATE TABLE rag.collections (
    name            text PRIMARY KEY,
    directory       text NOT NULL,
    embedding_model text NOT NULL,
    chunk_tokens    integer NOT NULL DEFAULT 256 CHECK (chunk_tokens > 0),
    chunk_overlap   integer NOT NULL DEFAULT 32 CHECK (chunk_overlap >= 0 AND chunk_overlap < chunk_tokens),
    enabled         boolean NOT NULL DEFAULT true,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now()
);

-- What can be found of each document: the content and the recipe (model, chunk size) that its points were made from.
-- A failed document keeps those of its last version that succeeded, because that one is still searchable.
CREATE TABLE rag.documents (
    collection   text NOT NULL,
    path         text NOT NULL,
    status       text NOT NULL CHECK (status IN ('indexed', 'failed')),
    reason       text,
    content_hash text,
    recipe       text,
    title        text,
    format       text,
    size         bigint,
    chunks       integer NOT NULL DEFAULT 0,
    indexed_at   timestamptz,
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (collection, path)
);

CREATE TABLE rag.ingestion_jobs (
    id          uuid PRIMARY KEY,
    collection  text NOT NULL,
    paths       text[], -- NULL: the whole collection
    force       boolean NOT NULL DEFAULT false, -- also what has not changed
    state       text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed')),
    reason      text,
    total       integer, -- documents to deal with; NULL until they are counted
    request_id  text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    started_at  timestamptz,
    finished_at timestamptz,
    lease_owner text,
    lease_until timestamptz
);

CREATE INDEX ingestion_jobs_open ON rag.ingestion_jobs (created_at) WHERE state IN ('queued', 'running');
CREATE INDEX ingestion_jobs_of_collection ON rag.ingestion_jobs (collection, created_at DESC);

CREATE TABLE rag.job_documents (
    job_id      uuid NOT NULL REFERENCES rag.ingestion_jobs (id) ON DELETE CASCADE,
    path        text NOT NULL,
    status      text NOT NULL CHECK (status IN ('indexed', 'unchanged', 'failed', 'deleted')),
    reason      text,
    chunks      integer NOT NULL DEFAULT 0,
    number      bigint GENERATED ALWAYS AS IDENTITY, -- their order, for the stream of events
    finished_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (job_id, path)
);

CREATE TABLE rag.query_log (
    asked_at   timestamptz NOT NULL,
    request_id text,
    consumer   text,
    kind       text NOT NULL,
    collection text NOT NULL,
    question   text NOT NULL,
    status     integer NOT NULL,
    results    integer NOT NULL,
    top_score  double precision,
    took_ms    double precision NOT NULL
);

CREATE INDEX query_log_asked_at ON rag.query_log (asked_at DESC);

CREATE TABLE rag.breaker_events (
    happened_at    timestamptz NOT NULL,
    service        text NOT NULL,
    pid            integer NOT NULL,
    breaker        text NOT NULL,
    old_state      text NOT NULL,
    new_state      text NOT NULL,
    reason         text,
    false_positive boolean
);

CREATE INDEX breaker_events_happened_at ON rag.breaker_events (happened_at DESC);

-- migrate:down
DROP TABLE rag.breaker_events;
DROP TABLE rag.query_log;
DROP TABLE rag.job_documents;
DROP TABLE rag.ingestion_jobs;
DROP TABLE rag.documents;
DROP TABLE rag.collections;
