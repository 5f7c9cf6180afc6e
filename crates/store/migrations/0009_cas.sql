-- The CAs that the certificates and lists of this database are signed by: a folder with others is refused.
CREATE TABLE cas (
    ca_id    {key},
    name     TEXT NOT NULL,
    sha256   {blob} NOT NULL,
    noted_at BIGINT NOT NULL
);
