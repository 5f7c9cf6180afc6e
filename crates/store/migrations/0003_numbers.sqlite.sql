-- Order numbers and certificate IDs. One writer: a row that counts.
CREATE TABLE numbers (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    order_number BIGINT NOT NULL,
    certificate_id BIGINT NOT NULL
);
INSERT INTO numbers VALUES (1, 9999999, 19999999);
