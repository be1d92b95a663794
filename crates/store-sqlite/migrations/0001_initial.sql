-- Ids are 16 bytes, digests 32. Times are UTC milliseconds since 1970, as integers. Text is compared byte by byte.
-- There are no foreign keys: one writer applies whole change sets, codes may be written for accounts that are gone,
-- and a check of the parent at each insert would buy nothing.

-- One row: what the store is bound to, and its epoch.
CREATE TABLE store (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    game    TEXT,
    folding INTEGER,
    epoch   INTEGER NOT NULL,
    CHECK ((game IS NULL) = (folding IS NULL))
) STRICT;
INSERT INTO store (id, epoch) VALUES (1, 0);

-- Who a player is. Logins never write here.
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
CREATE UNIQUE INDEX accounts_username_key ON accounts (username_key) WHERE username_key IS NOT NULL;
CREATE UNIQUE INDEX accounts_transfer_key ON accounts (transfer_key) WHERE transfer_key IS NOT NULL;
CREATE INDEX accounts_due_at ON accounts (due_at) WHERE due_at IS NOT NULL;

-- Logins that belong to accounts. Kept together by account, so that loading one is one range; the unique index finds
-- the account of a key without touching the table.
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
CREATE UNIQUE INDEX identities_key ON identities (provider, subject, tenant, issuer);

-- What changes at each login. The sessions are a list in a format of the store's own; its first byte is the format.
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

-- The outbox. AUTOINCREMENT: a number that was pruned is never given out again.
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
CREATE INDEX codes_account ON codes (account_id);
CREATE INDEX codes_expires_at ON codes (expires_at);

CREATE TABLE single_use (
    key       BLOB PRIMARY KEY NOT NULL CHECK (length(key) = 32),
    forget_at INTEGER NOT NULL,
    commit_id BLOB NOT NULL CHECK (length(commit_id) = 16)
) STRICT, WITHOUT ROWID;
CREATE INDEX single_use_forget_at ON single_use (forget_at);

-- A unit of a throttle may be shorter than a millisecond, so the moment is kept to the nanosecond: the milliseconds,
-- and the nanoseconds beyond them.
CREATE TABLE throttles (
    key             BLOB PRIMARY KEY NOT NULL CHECK (length(key) = 32),
    used_up_until   INTEGER NOT NULL,
    used_up_nanos   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX throttles_used_up_until ON throttles (used_up_until);

-- The latest change sets whose own documents cannot tell that they were applied: those that remove an account, and
-- those that write neither accounts nor single-use keys. Bounded by the store.
CREATE TABLE recent_commits (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    commit_id BLOB NOT NULL UNIQUE CHECK (length(commit_id) = 16)
) STRICT;
