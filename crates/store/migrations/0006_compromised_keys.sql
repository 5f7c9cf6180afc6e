-- Keys for which a certificate was revoked with keyCompromise: never certified again (BR 6.1.1.3). The whole
-- SubjectPublicKeyInfo, in the one form in which requests keep it, so that it can be compared where requests are read.
CREATE TABLE compromised_keys (
    spki {blob} PRIMARY KEY NOT NULL,
    -- When it became known
    at BIGINT NOT NULL
) {by key};

INSERT INTO compromised_keys (spki, at)
SELECT r.spki, MIN(c.revoked_at)
FROM certificates c JOIN certificate_requests r ON r.certificate_id = c.certificate_id
WHERE c.revocation_reason = 1
GROUP BY r.spki;

-- When a unique value was last taken, so that "the newest of the chain" has a meaning; 0 before this was kept.
ALTER TABLE request_tokens ADD COLUMN used_at BIGINT NOT NULL DEFAULT 0;
