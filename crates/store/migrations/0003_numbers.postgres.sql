-- Order numbers and certificate IDs. Many writers: sequences, which lock nothing.
CREATE SEQUENCE order_numbers MINVALUE 10000000 START 10000000;
CREATE SEQUENCE certificate_ids MINVALUE 20000000 START 20000000;
