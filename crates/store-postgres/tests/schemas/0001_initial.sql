CREATE TABLE account_activity (
    account_id uuid NOT NULL,
    version bigint NOT NULL,
    account_version bigint NOT NULL,
    account_epoch bigint NOT NULL,
    account_due_at bigint,
    login_count bigint NOT NULL,
    last_login_at bigint,
    last_login_ordinal bigint,
    previous_login_at bigint,
    sessions bytea NOT NULL,
    session_details jsonb,
    commit_ids bytea NOT NULL,
    CONSTRAINT account_activity_sessions_check CHECK (((length(sessions) % 66) = 0))
)
WITH (fillfactor='70');
CREATE TABLE accounts (
    id uuid NOT NULL,
    version bigint NOT NULL,
    epoch bigint NOT NULL,
    username text,
    username_key text COLLATE pg_catalog."C",
    display_name text NOT NULL,
    avatar_url text NOT NULL,
    lang_tag text NOT NULL,
    location text NOT NULL,
    timezone text NOT NULL,
    metadata text NOT NULL,
    password_hash text,
    password_version bigint,
    password_set_at bigint,
    ban jsonb,
    withdrawal jsonb,
    records jsonb,
    transfer_key bytea,
    due_at bigint,
    next_ordinal bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    commit_ids bytea NOT NULL,
    ban_kind text GENERATED ALWAYS AS ((ban ->> 'kind'::text)) STORED,
    ban_since bigint GENERATED ALWAYS AS (((ban ->> 'since'::text))::bigint) STORED,
    ban_until bigint GENERATED ALWAYS AS ((COALESCE(((ban -> 'expiry'::text) ->> 'at'::text), (ban ->> 'deadline'::text)))::bigint) STORED,
    withdrawal_kind text GENERATED ALWAYS AS ((withdrawal ->> 'kind'::text)) STORED,
    withdrawal_due bigint GENERATED ALWAYS AS (((withdrawal ->> 'due'::text))::bigint) STORED,
    CONSTRAINT accounts_check CHECK (((username IS NULL) = (username_key IS NULL))),
    CONSTRAINT accounts_check1 CHECK (((password_hash IS NULL) = (password_version IS NULL))),
    CONSTRAINT accounts_check2 CHECK (((password_hash IS NULL) = (password_set_at IS NULL))),
    CONSTRAINT accounts_transfer_key_check CHECK ((length(transfer_key) = 32))
)
WITH (fillfactor='85');
CREATE TABLE codes (
    key bytea NOT NULL,
    purpose text NOT NULL,
    account_id uuid NOT NULL,
    credential_generation bigint NOT NULL,
    tries_left bigint NOT NULL,
    expires_at bigint NOT NULL,
    CONSTRAINT codes_key_check CHECK ((length(key) = 32))
);
CREATE TABLE events (
    seq bigint NOT NULL,
    at bigint NOT NULL,
    account_id uuid NOT NULL,
    format bigint NOT NULL,
    data jsonb NOT NULL,
    kind text GENERATED ALWAYS AS ((data ->> 'type'::text)) STORED
);
ALTER TABLE events ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME events_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE identities (
    account_id uuid NOT NULL,
    ordinal bigint NOT NULL,
    provider text NOT NULL COLLATE pg_catalog."C",
    subject text NOT NULL COLLATE pg_catalog."C",
    tenant text NOT NULL COLLATE pg_catalog."C",
    issuer text NOT NULL COLLATE pg_catalog."C",
    shown text,
    linked_at bigint NOT NULL,
    verified_at bigint,
    data text
);
CREATE TABLE migrations (
    version bigint NOT NULL,
    name text NOT NULL,
    checksum bytea NOT NULL,
    min_compatible bigint NOT NULL
);
CREATE TABLE recent_commits (
    seq bigint NOT NULL,
    commit_id uuid NOT NULL
);
ALTER TABLE recent_commits ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME recent_commits_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE VIEW sessions AS
 SELECT v.account_id,
    (encode(SUBSTRING(s.kept FROM 1 FOR 16), 'hex'::text))::uuid AS id,
    s.place,
        CASE
            WHEN ((s.flags & 1) <> 0) THEN ((('x00000000'::text || SUBSTRING(s.hex FROM 121 FOR 8)))::bit(64))::bigint
            ELSE NULL::bigint
        END AS identity,
        CASE get_byte(s.kept, 64)
            WHEN 0 THEN 'device'::text
            WHEN 1 THEN 'custom'::text
            WHEN 2 THEN 'guest'::text
            WHEN 3 THEN 'password'::text
            WHEN 4 THEN 'provider'::text
            ELSE NULL::text
        END AS method,
    ((('x'::text || SUBSTRING(s.hex FROM 33 FOR 16)))::bit(64))::bigint AS authenticated_at,
    ((('x'::text || SUBSTRING(s.hex FROM 49 FOR 16)))::bit(64))::bigint AS last_used_at,
    ((('x'::text || SUBSTRING(s.hex FROM 65 FOR 16)))::bit(64))::bigint AS idle_expires_at,
    ((('x'::text || SUBSTRING(s.hex FROM 81 FOR 16)))::bit(64))::bigint AS expires_at,
    ((('x00000000'::text || SUBSTRING(s.hex FROM 97 FOR 8)))::bit(64))::bigint AS generation,
    ((s.flags & 2) <> 0) AS access_revoked,
    ((s.flags & 4) <> 0) AS refresh_revoked,
    COALESCE((s.details -> 'client_vars'::text), '{}'::jsonb) AS client_vars,
    COALESCE((s.details -> 'server_vars'::text), '{}'::jsonb) AS server_vars,
    (s.details ->> 'device_name'::text) AS device_name,
    (s.details ->> 'device_id'::text) AS device_id,
    ((('x00000000'::text || SUBSTRING(s.hex FROM 105 FOR 8)))::bit(64))::bigint AS epoch,
    ((('x00000000'::text || SUBSTRING(s.hex FROM 113 FOR 8)))::bit(64))::bigint AS store_epoch
   FROM (account_activity v
     CROSS JOIN LATERAL ( SELECT n.n AS place,
            k.kept,
            encode(k.kept, 'hex'::text) AS hex,
            get_byte(k.kept, 65) AS flags,
            (v.session_details -> (n.n - 1)) AS details
           FROM (generate_series(1, (length(v.sessions) / 66)) n(n)
             CROSS JOIN LATERAL ( SELECT SUBSTRING(v.sessions FROM ((66 * (n.n - 1)) + 1) FOR 66) AS kept) k)) s);
CREATE TABLE single_use (
    key bytea NOT NULL,
    forget_at bigint NOT NULL,
    commit_id uuid NOT NULL,
    CONSTRAINT single_use_key_check CHECK ((length(key) = 32))
);
CREATE TABLE store (
    id bigint NOT NULL,
    game text,
    folding bigint,
    epoch bigint NOT NULL,
    CONSTRAINT store_check CHECK (((game IS NULL) = (folding IS NULL))),
    CONSTRAINT store_id_check CHECK ((id = 1))
);
CREATE TABLE throttles (
    key bytea NOT NULL,
    used_up_until bigint NOT NULL,
    used_up_nanos bigint NOT NULL,
    CONSTRAINT throttles_key_check CHECK ((length(key) = 32))
);
INSERT INTO account_activity (account_id, version, account_version, account_epoch, account_due_at, login_count, last_login_at, last_login_ordinal, previous_login_at, sessions, session_details, commit_ids) VALUES ('018bcfe5-687b-7707-8707-070700000001', 1, 1, 4294967295, 1700000000131, 9223372036854775807, 1700000000134, 3, 1700000000111, '\x000000000000400080000000000000020000018bcfe5687b0000018bcfe5687b0000018bcfe56c630000018bcfe5704b000000000000000000000000000000000000000000000000400080000000000000010000018bcfe5687c0000018bcfe5687d0000018bcfe5687e0000018bcfe5687fffffffff0000000800000009000000050403000000000000400080000000000000030000018bcfe5687b0000018bcfe5687b0000018bcfe56c630000018bcfe5704b000000000000000000000000000000000004', '[null, {"device_id": "", "client_vars": {"": "client", "a": "1", "b": "2", "client": "", " A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 ": " A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 "}, "device_name": " A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 ", "server_vars": {"": "server", "a": "1", "b": "2", "server": "", " A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 ": " A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 "}}, null]', '\x00000000000040018000000000000001');
INSERT INTO account_activity (account_id, version, account_version, account_epoch, account_due_at, login_count, last_login_at, last_login_ordinal, previous_login_at, sessions, session_details, commit_ids) VALUES ('018bcfe5-687b-7707-8707-070700000003', 1, 1, 0, NULL, 0, NULL, NULL, NULL, '\x', NULL, '\x00000000000040018000000000000001');
INSERT INTO account_activity (account_id, version, account_version, account_epoch, account_due_at, login_count, last_login_at, last_login_ordinal, previous_login_at, sessions, session_details, commit_ids) VALUES ('018bcfe5-687b-7707-8707-070700000002', 2, 2, 0, NULL, 7, NULL, NULL, NULL, '\x', NULL, '\x0000000000004001800000000000000200000000000040018000000000000001');
INSERT INTO accounts (id, version, epoch, username, username_key, display_name, avatar_url, lang_tag, location, timezone, metadata, password_hash, password_version, password_set_at, ban, withdrawal, records, transfer_key, due_at, next_ordinal, created_at, updated_at, commit_ids) VALUES ('018bcfe5-687b-7707-8707-070700000001', 1, 4294967295, 'shown A0b😀éé\''"%_
﻿􏿿 1', 'key A0b😀éé\''"%_
﻿􏿿 1', 'name A0b😀éé\''"%_
﻿􏿿 1', 'avatar A0b😀éé\''"%_
﻿􏿿 1', 'lang A0b😀éé\''"%_
﻿􏿿 1', 'location A0b😀éé\''"%_
﻿􏿿 1', 'timezone A0b😀éé\''"%_
﻿􏿿 1', 'metadata A0b😀éé\''"%_
﻿􏿿 1', '$argon2id$ A0b😀éé\''"%_
﻿􏿿 1', 4294967295, 1700000000129, '{"kind": "banned", "flags": ["flag A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1", "", "leaderboard"], "since": 1700000000130, "expiry": {"at": 1700000000131}, "reason": "reason A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1", "source": "app_guard", "message": "banned A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1", "template": 4294967295, "registrar": "registrar A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1"}', '{"due": 1700000000194, "kind": "pending", "since": 1700000000053}', '{"refunds": {"count": 4294967295, "amount": 18446744073709551615}, "tickets": [{"key": "0000000109090909090909090909090909090909090909090909090909090909", "owner": "018bcfe5-687b-7707-8707-070700000001", "used_at": 1700000000183, "identity": {"issuer": "issuer A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1", "tenant": "tenant A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1", "subject": "subject A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1", "provider": "guest"}, "expires_at": 1700000000184, "owner_standing": "withdrawal_pending"}, {"key": "0000000209090909090909090909090909090909090909090909090909090909", "owner": "018bcfe5-687b-7707-8707-070700000002", "used_at": null, "identity": {"issuer": "", "tenant": "", "subject": "device-2", "provider": "device"}, "expires_at": 1700000000185, "owner_standing": "normal"}], "transfer": {"id": "id A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1", "key": "0000000109090909090909090909090909090909090909090909090909090909", "state": {"kind": "blocked", "until": {"at": 1700000000145}, "failures": 4294967295}, "device": "device A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1", "expiry": {"at": 1700000000144}, "issued_at": 1700000000103, "issued_by": "manual", "password_hash": "$argon2id$ A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1"}, "past_bans": [{"ban": {"flags": ["flag A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1", "", "leaderboard"], "since": 1700000000130, "expiry": {"at": 1700000000131}, "reason": "reason A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1", "source": "app_guard", "message": "banned A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1", "template": 4294967295, "registrar": "registrar A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1"}, "end": {"at": 1700000000173, "by": "by A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1", "kind": "released", "reason": "lifted A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1", "source": "app_server"}}, {"ban": {"flags": ["flag A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1", "", "leaderboard"], "since": 1700000000130, "expiry": {"at": 1700000000131}, "reason": "reason A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1", "source": "app_guard", "message": "banned A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1", "template": 4294967295, "registrar": "registrar A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1"}, "end": {"at": 1700000000174, "kind": "expired"}}, {"ban": {"flags": ["flag A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1", "", "leaderboard"], "since": 1700000000130, "expiry": {"at": 1700000000131}, "reason": "reason A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1", "source": "app_guard", "message": "banned A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1", "template": 4294967295, "registrar": "registrar A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1"}, "end": {"at": 1700000000175, "kind": "replaced"}}, {"ban": {"flags": ["flag A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1", "", "leaderboard"], "since": 1700000000130, "expiry": {"at": 1700000000131}, "reason": "reason A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1", "source": "app_guard", "message": "banned A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1", "template": 4294967295, "registrar": "registrar A\u001a0b😀éé\\''\"%_\r\n﻿􏿿 1"}, "end": {"at": 1700000000176, "kind": "withdrawn"}}]}', '\x0000000109090909090909090909090909090909090909090909090909090909', 1700000000131, 4294967295, 1700000000114, 1700000000133, '\x00000000000040018000000000000001');
INSERT INTO accounts (id, version, epoch, username, username_key, display_name, avatar_url, lang_tag, location, timezone, metadata, password_hash, password_version, password_set_at, ban, withdrawal, records, transfer_key, due_at, next_ordinal, created_at, updated_at, commit_ids) VALUES ('018bcfe5-687b-7707-8707-070700000003', 1, 0, 'user-3', 'user-3', '', '', 'en', '', '', '{}', NULL, NULL, NULL, NULL, NULL, '{"refunds": {"count": 0, "amount": 0}, "tickets": [], "transfer": {"id": null, "key": "0000000309090909090909090909090909090909090909090909090909090909", "state": {"kind": "issued", "failures": 0}, "device": null, "expiry": "never", "issued_at": 1700000000123, "issued_by": "auto", "password_hash": null}, "past_bans": []}', '\x0000000309090909090909090909090909090909090909090909090909090909', NULL, 2, 1700000000123, 1700000000123, '\x00000000000040018000000000000001');
INSERT INTO accounts (id, version, epoch, username, username_key, display_name, avatar_url, lang_tag, location, timezone, metadata, password_hash, password_version, password_set_at, ban, withdrawal, records, transfer_key, due_at, next_ordinal, created_at, updated_at, commit_ids) VALUES ('018bcfe5-687b-7707-8707-070700000002', 2, 0, 'user-2', 'user-2', '', '', 'en', '', '', '{}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 2, 1700000000123, 1700000000123, '\x0000000000004001800000000000000200000000000040018000000000000001');
INSERT INTO codes (key, purpose, account_id, credential_generation, tries_left, expires_at) VALUES ('\x0000000109090909090909090909090909090909090909090909090909090909', 'reset_password', '018bcfe5-687b-7707-8707-070700000001', 3, 5, 1700000001123);
INSERT INTO events (seq, at, account_id, format, data) OVERRIDING SYSTEM VALUE VALUES (2, 1700000000128, '018bcfe5-687b-7707-8707-070700000002', 1, '{"type": "profile_changed"}');
INSERT INTO events (seq, at, account_id, format, data) OVERRIDING SYSTEM VALUE VALUES (3, 1700000000128, '018bcfe5-687b-7707-8707-070700000004', 1, '{"type": "account_deleted"}');
INSERT INTO identities (account_id, ordinal, provider, subject, tenant, issuer, shown, linked_at, verified_at, data) VALUES ('018bcfe5-687b-7707-8707-070700000001', 2, 'play-games_2', 'subject A0b😀éé\''"%_
﻿􏿿 1', 'tenant A0b😀éé\''"%_
﻿􏿿 1', 'issuer A0b😀éé\''"%_
﻿􏿿 1', 'as typed A0b😀éé\''"%_
﻿􏿿 1', 1700000000124, 1700000000125, 'data A0b😀éé\''"%_
﻿􏿿 1');
INSERT INTO identities (account_id, ordinal, provider, subject, tenant, issuer, shown, linked_at, verified_at, data) VALUES ('018bcfe5-687b-7707-8707-070700000001', 5, 'email', 'email A0b😀éé\''"%_
﻿􏿿 1', '', '', '', 1700000000126, NULL, NULL);
INSERT INTO identities (account_id, ordinal, provider, subject, tenant, issuer, shown, linked_at, verified_at, data) VALUES ('018bcfe5-687b-7707-8707-070700000001', 4294967295, 'guest', 'guest A0b😀éé\''"%_
﻿􏿿 1', '', '', NULL, 1700000000119, 1700000000128, '');
INSERT INTO identities (account_id, ordinal, provider, subject, tenant, issuer, shown, linked_at, verified_at, data) VALUES ('018bcfe5-687b-7707-8707-070700000002', 1, 'device', 'device-2', '', '', NULL, 1700000000124, NULL, NULL);
INSERT INTO identities (account_id, ordinal, provider, subject, tenant, issuer, shown, linked_at, verified_at, data) VALUES ('018bcfe5-687b-7707-8707-070700000003', 1, 'device', 'device-3', '', '', NULL, 1700000000124, NULL, NULL);
INSERT INTO migrations (version, name, checksum, min_compatible) VALUES (1, 'initial', '\x498445ce59b8a8e22e65f60daed67a4bf5aa28968b8f8e98df80393adf219fc1', 1);
INSERT INTO recent_commits (seq, commit_id) OVERRIDING SYSTEM VALUE VALUES (1, '00000000-0000-4001-8000-000000000002');
INSERT INTO single_use (key, forget_at, commit_id) VALUES ('\x0000000109090909090909090909090909090909090909090909090909090909', 1700001000123, '00000000-0000-4001-8000-000000000001');
INSERT INTO store (id, game, folding, epoch) VALUES (1, 'game', 2, 1);
INSERT INTO throttles (key, used_up_until, used_up_nanos) VALUES ('\x0000000109090909090909090909090909090909090909090909090909090909', 1700000001123, 0);
SELECT pg_catalog.setval('events_seq_seq', 3, true);
SELECT pg_catalog.setval('recent_commits_seq_seq', 1, true);
ALTER TABLE ONLY account_activity
    ADD CONSTRAINT account_activity_pkey PRIMARY KEY (account_id);
ALTER TABLE ONLY accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY codes
    ADD CONSTRAINT codes_pkey PRIMARY KEY (key);
ALTER TABLE ONLY events
    ADD CONSTRAINT events_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY identities
    ADD CONSTRAINT identities_pkey PRIMARY KEY (account_id, ordinal);
ALTER TABLE ONLY migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (version);
ALTER TABLE ONLY recent_commits
    ADD CONSTRAINT recent_commits_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY single_use
    ADD CONSTRAINT single_use_pkey PRIMARY KEY (key);
ALTER TABLE ONLY store
    ADD CONSTRAINT store_pkey PRIMARY KEY (id);
ALTER TABLE ONLY throttles
    ADD CONSTRAINT throttles_pkey PRIMARY KEY (key);
CREATE INDEX accounts_due_at ON accounts USING btree (due_at, id) WHERE (due_at IS NOT NULL);
CREATE UNIQUE INDEX accounts_transfer_key ON accounts USING btree (transfer_key) WHERE (transfer_key IS NOT NULL);
CREATE UNIQUE INDEX accounts_username_key ON accounts USING btree (username_key);
CREATE INDEX codes_account ON codes USING btree (account_id);
CREATE INDEX codes_expires_at ON codes USING btree (expires_at);
CREATE UNIQUE INDEX identities_key ON identities USING btree (provider, subject, tenant, issuer);
CREATE UNIQUE INDEX recent_commits_commit_id ON recent_commits USING btree (commit_id);
CREATE INDEX single_use_forget_at ON single_use USING btree (forget_at);
CREATE INDEX throttles_used_up_until ON throttles USING btree (used_up_until);
