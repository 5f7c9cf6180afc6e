-- By which an S/MIME order is found without a login: by the digest, so that the time of a look tells nothing of the code.
CREATE TABLE collection_codes (
    code_sha256 {blob} PRIMARY KEY,
    certificate_id BIGINT NOT NULL REFERENCES certificate_requests (certificate_id),
    code TEXT NOT NULL
) {by key};
CREATE UNIQUE INDEX collection_codes_request ON collection_codes (certificate_id);

-- Mailboxes that were proven, for other orders of the same account.
CREATE INDEX request_names_mailbox ON request_names (name, shown_at)
    WHERE method = 'MAILBOX' AND shown_at IS NOT NULL;
