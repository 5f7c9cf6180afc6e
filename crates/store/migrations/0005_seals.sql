-- Which round of the sealer took an event: numbers are given before commits, so one round's events need not follow the
-- numbers of the round before.
ALTER TABLE events ADD COLUMN seal BIGINT;

UPDATE events SET seal = (
    SELECT MIN(s.event_id) FROM event_seals s
    WHERE s.account_id = events.account_id AND s.event_id >= events.id
);

CREATE INDEX events_unsealed ON events (id) WHERE seal IS NULL;
CREATE INDEX events_sealed ON events (account_id, seal, id) WHERE seal IS NOT NULL;

-- One per account and round, in place of one per account and last event.
CREATE TABLE seals (
    account_id BIGINT NOT NULL,
    round BIGINT NOT NULL,
    -- SHA-256 chained over the account's seal before it and its events of this round
    hash {blob} NOT NULL,
    PRIMARY KEY (account_id, round)
);
CREATE INDEX seals_round ON seals (round);

INSERT INTO seals (account_id, round, hash) SELECT account_id, event_id, hash FROM event_seals;

DROP TABLE event_seals;
