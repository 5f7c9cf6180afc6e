-- Where a domain publishes an address that was offered: 'caa' or 'txt'. NULL for offers from before this was kept, which count
-- no more: they are asked for again.
ALTER TABLE dcv_offers ADD COLUMN source TEXT;

-- Why an address stands for its domain: 'constructed', 'caa' or 'txt'. NULL where no address is, and for those from before.
ALTER TABLE request_names ADD COLUMN address_by TEXT;

-- The template by which a name's code is mailed, where it is another than the order's.
ALTER TABLE request_names ADD COLUMN template_id BIGINT;
