-- Unique values stand in tokens as they are compared in proofs, in lower case; before, they were kept as they were written.
INSERT INTO request_tokens (csr_sha256, unique_value, base_order_number, used_at)
SELECT csr_sha256, LOWER(unique_value), MIN(base_order_number), MAX(used_at)
FROM request_tokens
WHERE unique_value <> LOWER(unique_value)
GROUP BY csr_sha256, LOWER(unique_value)
ON CONFLICT (csr_sha256, unique_value) DO NOTHING;

DELETE FROM request_tokens WHERE unique_value <> LOWER(unique_value);
