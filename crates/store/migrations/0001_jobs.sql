-- Work that was promised in a committed transaction.
CREATE TABLE jobs (
    id {pk},
    kind TEXT NOT NULL,
    subject BIGINT NOT NULL,
    payload TEXT NOT NULL,
    -- Business time, milliseconds.
    run_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    -- 0 waits, 1 leased, 2 given up
    state BIGINT NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 2),
    -- Real time, milliseconds; 0 unless leased.
    locked_until BIGINT NOT NULL DEFAULT 0,
    -- Which lease this is: one that has expired and was given to another no longer counts.
    claims BIGINT NOT NULL DEFAULT 0,
    -- Since it last succeeded.
    attempts BIGINT NOT NULL DEFAULT 0,
    last_error TEXT,
    -- 1: at most one of this kind and subject.
    single BIGINT NOT NULL DEFAULT 0 CHECK (single IN (0, 1)),
    -- 1: asked for once more while it was leased.
    again BIGINT NOT NULL DEFAULT 0 CHECK (again IN (0, 1))
);

-- Exactly the order of a claim.
CREATE INDEX jobs_waiting ON jobs (kind, run_at, id) WHERE state = 0;
CREATE INDEX jobs_leased ON jobs (kind, locked_until, id) WHERE state = 1;
CREATE INDEX jobs_subject ON jobs (kind, subject);
CREATE INDEX jobs_given_up ON jobs (id) WHERE state = 2;
CREATE UNIQUE INDEX jobs_single ON jobs (kind, subject) WHERE single = 1 AND state < 2;
