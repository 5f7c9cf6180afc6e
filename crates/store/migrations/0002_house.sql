-- Accounts, orders, certificate requests, evidence, certificates. Times are milliseconds of business time, money is
-- in minor units.

CREATE TABLE accounts (
    id {pk},
    login_name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    brand TEXT NOT NULL,
    currency TEXT NOT NULL,
    balance BIGINT NOT NULL,
    credit_limit BIGINT NOT NULL CHECK (credit_limit >= 0),
    -- account, customer: who pays
    payment TEXT NOT NULL,
    -- Words, blank between: ra test ca voucher bonus
    privileges TEXT NOT NULL,
    -- Ranges, blank between; empty: from anywhere
    allowed_ips TEXT NOT NULL,
    contact TEXT,
    closed BIGINT NOT NULL DEFAULT 0 CHECK (closed IN (0, 1)),
    failed_tries BIGINT NOT NULL DEFAULT 0,
    locked_until BIGINT,
    -- PHC string, Argon2id
    password_hash TEXT NOT NULL,
    -- Goes up with every new password, so that what was remembered of an old one is worth nothing.
    password_version BIGINT NOT NULL DEFAULT 1,
    password_expires BIGINT,
    created_at BIGINT NOT NULL,
    CHECK (balance + credit_limit >= 0)
);

CREATE TABLE ledger (
    id {pk},
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    -- NULL for deposits
    order_number BIGINT,
    -- debit, refund, deposit
    kind TEXT NOT NULL,
    -- Negative for debits
    amount BIGINT NOT NULL,
    note TEXT NOT NULL,
    at BIGINT NOT NULL
);
-- One debit and one refund per order, whatever happens.
CREATE UNIQUE INDEX ledger_once ON ledger (order_number, kind) WHERE order_number IS NOT NULL;
CREATE INDEX ledger_account ON ledger (account_id, id);

CREATE TABLE orders (
    order_number {key},
    base_order_number BIGINT NOT NULL,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    product BIGINT NOT NULL,
    -- What was bought, as the catalogue said on that day (JSON)
    bought TEXT NOT NULL,
    test BIGINT NOT NULL CHECK (test IN (0, 1)),
    term_days BIGINT NOT NULL,
    -- Set by the first certificate
    term_end BIGINT,
    cost BIGINT NOT NULL,
    foreign_order_number TEXT,
    -- The parameters as given, by name (JSON)
    parameters TEXT NOT NULL,
    placed_at BIGINT NOT NULL,
    -- When an order that nobody proves runs out
    expires_at BIGINT NOT NULL
);
CREATE INDEX orders_chain ON orders (base_order_number, order_number);
CREATE INDEX orders_account ON orders (account_id, order_number);
CREATE INDEX orders_foreign ON orders (account_id, foreign_order_number)
    WHERE foreign_order_number IS NOT NULL;

CREATE TABLE certificate_requests (
    certificate_id {key},
    order_number BIGINT NOT NULL REFERENCES orders (order_number),
    state TEXT NOT NULL,
    state_at BIGINT NOT NULL,
    -- Goes up with every change of state or CSR: who has looked for a while can tell whether it is still the same.
    version BIGINT NOT NULL DEFAULT 0,
    -- kind=state, blank between
    checks TEXT NOT NULL,
    serial {blob},
    why TEXT,
    csr {blob} NOT NULL,
    csr_sha256 {blob} NOT NULL,
    -- SubjectPublicKeyInfo in DER
    spki {blob} NOT NULL,
    key_kind TEXT NOT NULL,
    common_name TEXT,
    -- Whom the certificate is to name (JSON); NULL where the level names nobody
    subject TEXT,
    unique_value TEXT,
    -- caCertificateID
    ca_choice BIGINT,
    -- Names that fell away before issuance, blank between
    removed_names TEXT
);
CREATE INDEX certificate_requests_order ON certificate_requests (order_number);

CREATE TABLE request_names (
    certificate_id BIGINT NOT NULL REFERENCES certificate_requests (certificate_id),
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    implicit BIGINT NOT NULL CHECK (implicit IN (0, 1)),
    method TEXT NOT NULL,
    address TEXT,
    random_value TEXT,
    random_made_at BIGINT,
    -- The name for which control was shown, how and when; NULL until then
    shown_for TEXT,
    shown_by TEXT,
    shown_at BIGINT,
    PRIMARY KEY (certificate_id, position)
) {by key};

-- Which unique values were used with which request, by which chain.
CREATE TABLE request_tokens (
    csr_sha256 {blob} NOT NULL,
    -- Empty for none
    unique_value TEXT NOT NULL,
    base_order_number BIGINT NOT NULL,
    PRIMARY KEY (csr_sha256, unique_value)
) {by key};

-- What was asked of the outside world and what came back. Written once, never changed.
CREATE TABLE evidence (
    id {pk},
    certificate_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    method TEXT NOT NULL,
    -- shown, not_shown, failed
    outcome TEXT NOT NULL,
    question TEXT NOT NULL,
    -- JSON
    answer TEXT NOT NULL,
    via TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX evidence_request ON evidence (certificate_id, id);

CREATE TABLE certificates (
    certificate_id {key} REFERENCES certificate_requests (certificate_id),
    serial {blob} NOT NULL UNIQUE,
    ca_id BIGINT NOT NULL,
    -- What was written down before it was signed
    tbs_sha256 {blob} NOT NULL,
    tbs {blob},
    -- Once signed
    der {blob},
    not_before BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    crl_shard BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    issued_at BIGINT,
    revoked_at BIGINT,
    revocation_reason BIGINT
);
-- Serials that were written down and given up before they were signed. They are never used again.
CREATE TABLE unsigned_serials (
    serial {blob} PRIMARY KEY,
    certificate_id BIGINT NOT NULL,
    ca_id BIGINT NOT NULL,
    tbs_sha256 {blob} NOT NULL,
    why TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX certificates_revoked ON certificates (ca_id, crl_shard) WHERE revoked_at IS NOT NULL;

CREATE TABLE crls (
    ca_id BIGINT NOT NULL,
    shard BIGINT NOT NULL,
    number BIGINT NOT NULL,
    this_update BIGINT NOT NULL,
    next_update BIGINT NOT NULL,
    der {blob} NOT NULL,
    PRIMARY KEY (ca_id, shard)
);

-- What happened, in order; sealed later into a chain of hashes per account.
CREATE TABLE events (
    id {pk},
    account_id BIGINT NOT NULL,
    order_number BIGINT,
    kind TEXT NOT NULL,
    -- Who did it: an account's login name, an officer's, or a part of the program
    actor TEXT NOT NULL,
    -- JSON
    detail TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX events_account ON events (account_id, id);
CREATE INDEX events_order ON events (order_number, id) WHERE order_number IS NOT NULL;

-- One per account and round of the sealer.
CREATE TABLE event_seals (
    account_id BIGINT NOT NULL,
    -- The last event that it covers; those after the seal before it are covered too.
    event_id BIGINT NOT NULL,
    -- SHA-256 chained over the seal before it and every event since
    hash {blob} NOT NULL,
    PRIMARY KEY (account_id, event_id)
);
CREATE INDEX event_seals_progress ON event_seals (event_id);

CREATE TABLE mails (
    id {pk},
    account_id BIGINT NOT NULL,
    order_number BIGINT,
    kind TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- The whole message, ready to be sent
    message {blob} NOT NULL,
    created_at BIGINT NOT NULL,
    sent_at BIGINT,
    last_error TEXT
);
CREATE INDEX mails_order ON mails (order_number, id);

-- Addresses that were offered for a domain, which may be used within 24 hours.
CREATE TABLE dcv_offers (
    account_id BIGINT NOT NULL,
    domain TEXT NOT NULL,
    address TEXT NOT NULL,
    offered_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, domain, address)
);

CREATE TABLE mail_templates (
    template_id {pk},
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    -- dcv, call_back, ma_creation, ...
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    html TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Orders that were paid for before they are placed.
CREATE TABLE stub_orders (
    stub_order_number {pk},
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    product BIGINT NOT NULL,
    redeemed_by BIGINT UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
