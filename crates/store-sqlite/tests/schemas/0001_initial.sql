CREATE TABLE migrations (
    version        INTEGER PRIMARY KEY,
    name           TEXT NOT NULL,
    checksum       BLOB NOT NULL,
    min_compatible INTEGER NOT NULL
) STRICT;
CREATE TABLE store (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    game    TEXT,
    folding INTEGER,
    epoch   INTEGER NOT NULL,
    CHECK ((game IS NULL) = (folding IS NULL))
) STRICT;
CREATE TABLE accounts (
    id               BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    version          INTEGER NOT NULL,
    epoch            INTEGER NOT NULL,
    username         TEXT,
    username_key     TEXT,
    display_name     TEXT NOT NULL,
    avatar_url       TEXT NOT NULL,
    lang_tag         TEXT NOT NULL,
    location         TEXT NOT NULL,
    timezone         TEXT NOT NULL,
    metadata         TEXT NOT NULL,
    password_hash    TEXT,
    password_version INTEGER,
    password_set_at  INTEGER,
    -- What few accounts have, as JSON. The columns below read it for whoever joins tables of their own.
    ban              TEXT,
    withdrawal       TEXT,
    records          TEXT,
    -- Out of the records: what a transfer account is found by.
    transfer_key     BLOB CHECK (length(transfer_key) = 32),
    -- When time will change the account next.
    due_at           INTEGER,
    next_ordinal     INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    -- The change set that wrote the row last.
    commit_id        BLOB NOT NULL CHECK (length(commit_id) = 16),
    -- `banned` or `grace`.
    ban_kind         TEXT GENERATED ALWAYS AS (ban ->> '$.kind') VIRTUAL,
    ban_since        INTEGER GENERATED ALWAYS AS (ban ->> '$.since') VIRTUAL,
    -- The ban's end, or the grace ban's deadline; a ban without it is for ever.
    ban_until        INTEGER GENERATED ALWAYS AS (coalesce(ban ->> '$.expiry.at', ban ->> '$.deadline')) VIRTUAL,
    -- `pending` or `done`.
    withdrawal_kind  TEXT GENERATED ALWAYS AS (withdrawal ->> '$.kind') VIRTUAL,
    withdrawal_due   INTEGER GENERATED ALWAYS AS (withdrawal ->> '$.due') VIRTUAL,
    CHECK ((username IS NULL) = (username_key IS NULL)),
    CHECK ((password_hash IS NULL) = (password_version IS NULL)),
    CHECK ((password_hash IS NULL) = (password_set_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE TABLE identities (
    account_id  BLOB NOT NULL CHECK (length(account_id) = 16),
    ordinal     INTEGER NOT NULL,
    provider    TEXT NOT NULL,
    subject     TEXT NOT NULL,
    tenant      TEXT NOT NULL,
    issuer      TEXT NOT NULL,
    shown       TEXT,
    linked_at   INTEGER NOT NULL,
    verified_at INTEGER,
    data        TEXT,
    PRIMARY KEY (account_id, ordinal)
) STRICT, WITHOUT ROWID;
CREATE TABLE account_activity (
    account_id         BLOB PRIMARY KEY NOT NULL CHECK (length(account_id) = 16),
    version            INTEGER NOT NULL,
    login_count        INTEGER NOT NULL,
    last_login_at      INTEGER,
    last_login_ordinal INTEGER,
    previous_login_at  INTEGER,
    sessions           BLOB NOT NULL,
    commit_id          BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE events (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    account_id BLOB NOT NULL,
    format     INTEGER NOT NULL,
    data       TEXT NOT NULL,
    kind       TEXT GENERATED ALWAYS AS (data ->> '$.type') VIRTUAL
) STRICT;
CREATE TABLE codes (
    key                   BLOB PRIMARY KEY NOT NULL CHECK (length(key) = 32),
    purpose               TEXT NOT NULL,
    account_id            BLOB NOT NULL CHECK (length(account_id) = 16),
    credential_generation INTEGER NOT NULL,
    tries_left            INTEGER NOT NULL,
    expires_at            INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE single_use (
    key       BLOB PRIMARY KEY NOT NULL CHECK (length(key) = 32),
    forget_at INTEGER NOT NULL,
    commit_id BLOB NOT NULL CHECK (length(commit_id) = 16)
) STRICT, WITHOUT ROWID;
CREATE TABLE throttles (
    key             BLOB PRIMARY KEY NOT NULL CHECK (length(key) = 32),
    used_up_until   INTEGER NOT NULL,
    used_up_nanos   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE recent_commits (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    commit_id BLOB NOT NULL UNIQUE CHECK (length(commit_id) = 16)
) STRICT;
CREATE UNIQUE INDEX accounts_username_key ON accounts (username_key) WHERE username_key IS NOT NULL;
CREATE UNIQUE INDEX accounts_transfer_key ON accounts (transfer_key) WHERE transfer_key IS NOT NULL;
CREATE INDEX accounts_due_at ON accounts (due_at) WHERE due_at IS NOT NULL;
CREATE UNIQUE INDEX identities_key ON identities (provider, subject, tenant, issuer);
CREATE INDEX codes_account ON codes (account_id);
CREATE INDEX codes_expires_at ON codes (expires_at);
CREATE INDEX single_use_forget_at ON single_use (forget_at);
CREATE INDEX throttles_used_up_until ON throttles (used_up_until);
INSERT INTO migrations (version, name, checksum, min_compatible) VALUES (1, 'initial', x'7770d36058f3ea5ce9bc28c23200d0d528faae819711ac1133060feca931ae7a', 1);
INSERT INTO store (id, game, folding, epoch) VALUES (1, 'g', 1, 1);
INSERT INTO accounts (id, version, epoch, username, username_key, display_name, avatar_url, lang_tag, location, timezone, metadata, password_hash, password_version, password_set_at, ban, withdrawal, records, transfer_key, due_at, next_ordinal, created_at, updated_at, commit_id) VALUES (x'00000001000000000000000000000000', 1, 4294967295, CAST(x'00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf' AS TEXT), CAST(x'3100f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf' AS TEXT), CAST(x'00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf' AS TEXT), '', 'de', CAST(x'00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf' AS TEXT), CAST(x'00' AS TEXT), '{"a": [1, 2.50, null]}', '$argon2id$', 4294967295, -1, CAST(x'7b226b696e64223a2262616e6e6564222c2273696e6365223a2d383333343630313232383830303030302c22657870697279223a7b226174223a383231303236363837363739393939397d2c226d657373616765223a225c7530303030f09f98802065cc8120c3a920f48fbfbf2027205c222025205c5c20efbbbf222c2274656d706c617465223a6e756c6c2c22726561736f6e223a22222c22736f75726365223a22636f6e736f6c65222c22726567697374726172223a22222c22666c616773223a5b5d7d' AS TEXT), '{"kind":"pending","since":-8334601228800000,"due":8210266876799999}', '{"past_bans":[],"refunds":{"count":0,"amount":0},"tickets":[],"transfer":{"key":"0000000100000000000000000000000000000000000000000000000000000000","id":null,"password_hash":null,"issued_by":"auto","device":null,"issued_at":5,"expiry":"never","state":{"kind":"issued","failures":0}}}', x'0000000100000000000000000000000000000000000000000000000000000000', 8210266876799999, 4294967295, -8334601228800000, 8210266876799999, x'00000000000000010000000000000000');
INSERT INTO accounts (id, version, epoch, username, username_key, display_name, avatar_url, lang_tag, location, timezone, metadata, password_hash, password_version, password_set_at, ban, withdrawal, records, transfer_key, due_at, next_ordinal, created_at, updated_at, commit_id) VALUES (x'00000002000000000000000000000000', 1, 0, NULL, NULL, '', '', 'en', '', '', '{}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 2, 5, 5, x'00000000000000010000000000000000');
INSERT INTO identities (account_id, ordinal, provider, subject, tenant, issuer, shown, linked_at, verified_at, data) VALUES (x'00000001000000000000000000000000', 3, 'google-play_2', CAST(x'00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf' AS TEXT), CAST(x'613100f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf' AS TEXT), CAST(x'00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf' AS TEXT), CAST(x'00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf' AS TEXT), 8210266876799999, -8334601228800000, CAST(x'00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf' AS TEXT));
INSERT INTO identities (account_id, ordinal, provider, subject, tenant, issuer, shown, linked_at, verified_at, data) VALUES (x'00000001000000000000000000000000', 4, 'google-play_2', CAST(x'00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf' AS TEXT), CAST(x'623100f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf' AS TEXT), CAST(x'00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf' AS TEXT), NULL, 5, NULL, NULL);
INSERT INTO identities (account_id, ordinal, provider, subject, tenant, issuer, shown, linked_at, verified_at, data) VALUES (x'00000001000000000000000000000000', 4294967294, 'device', '1', '', '', NULL, 5, NULL, NULL);
INSERT INTO identities (account_id, ordinal, provider, subject, tenant, issuer, shown, linked_at, verified_at, data) VALUES (x'00000002000000000000000000000000', 1, 'device', 'device-2', '', '', NULL, 5, NULL, NULL);
INSERT INTO account_activity (account_id, version, login_count, last_login_at, last_login_ordinal, previous_login_at, sessions, commit_id) VALUES (x'00000001000000000000000000000000', 1, -1, 8210266876799999, NULL, -8334601228800000, x'01280101010101010101010101010101010101008080e682b9660080d0acf30e80b09dc2df01000000019901020202020202020202020202020202027a04ffbfb299d291ce1d80c0989c8bf8ce1d80d0acf30efeefd1a489dee33affffffff0f00001d00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf0002001d00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf1d00f09f98802065cc8120c3a920f48fbfbf202720222025205c20efbbbf0001016b0176', x'00000000000000010000000000000000');
INSERT INTO account_activity (account_id, version, login_count, last_login_at, last_login_ordinal, previous_login_at, sessions, commit_id) VALUES (x'00000002000000000000000000000000', 1, 0, NULL, NULL, NULL, x'01', x'00000000000000010000000000000000');
INSERT INTO events (seq, at, account_id, format, data) VALUES (1, 7, x'00000001000000000000000000000000', 1, '{"type":"account_created"}');
INSERT INTO codes (key, purpose, account_id, credential_generation, tries_left, expires_at) VALUES (x'0707070707070707070707070707070707070707070707070707070707070707', 'reset_password', x'00000001000000000000000000000000', 3, 2, 1000);
INSERT INTO single_use (key, forget_at, commit_id) VALUES (x'0808080808080808080808080808080808080808080808080808080808080808', 9, x'00000000000000010000000000000000');
