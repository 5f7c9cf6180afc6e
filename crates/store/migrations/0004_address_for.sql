-- For mail: the authorization domain name for which the address speaks, because it is constructed of it or was offered there.
-- NULL where no address is, and for those that were chosen before this was kept.
ALTER TABLE request_names ADD COLUMN address_for TEXT;
