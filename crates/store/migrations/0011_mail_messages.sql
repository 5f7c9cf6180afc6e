-- The message of a mail beside its envelope: to note that a mail was sent is to write a short row anew, not all of the mail.
CREATE TABLE mail_messages (
    mail_id {key} REFERENCES mails (id),
    message {blob} NOT NULL
);
INSERT INTO mail_messages (mail_id, message) SELECT id, message FROM mails;
ALTER TABLE mails DROP COLUMN message;
