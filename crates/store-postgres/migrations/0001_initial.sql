-- Ids are UUIDs, digests 32 bytes. Times are UTC milliseconds since 1970, as integers. Text is compared byte by byte;
-- NUL, which PostgreSQL's text cannot hold, is kept as U+001A and '0', and U+001A itself as U+001A and '1'.
-- There are no foreign keys: codes may be written for accounts that are gone, and a check of the parent at each insert
-- would take one more lock on its row.

-- One row: what the store is bound to, and its epoch.
CREATE TABLE store (
    id      bigint PRIMARY KEY CHECK (id = 1),
    game    text,
    folding bigint,
    epoch   bigint NOT NULL,
    CHECK ((game IS NULL) = (folding IS NULL))
);
INSERT INTO store (id, epoch) VALUES (1, 0);

-- Who a player is. Logins never write here.
CREATE TABLE accounts (
    id               uuid NOT NULL,
    version          bigint NOT NULL,
    epoch            bigint NOT NULL,
    username         text,
    username_key     text COLLATE "C",
    display_name     text NOT NULL,
    avatar_url       text NOT NULL,
    lang_tag         text NOT NULL,
    location         text NOT NULL,
    timezone         text NOT NULL,
    metadata         text NOT NULL,
    password_hash    text,
    password_version bigint,
    password_set_at  bigint,
    -- What few accounts have. The columns below read it for whoever joins tables of their own.
    ban              jsonb,
    withdrawal       jsonb,
    records          jsonb,
    -- Out of the records: what a transfer account is found by.
    transfer_key     bytea CHECK (length(transfer_key) = 32),
    -- When time will change the account next.
    due_at           bigint,
    next_ordinal     bigint NOT NULL,
    created_at       bigint NOT NULL,
    updated_at       bigint NOT NULL,
    -- The change sets that wrote the row last, 16 bytes each, the latest first.
    commit_ids       bytea NOT NULL,
    -- `banned` or `grace`.
    ban_kind         text GENERATED ALWAYS AS (ban ->> 'kind') STORED,
    ban_since        bigint GENERATED ALWAYS AS ((ban ->> 'since')::bigint) STORED,
    -- The ban's end, or the grace ban's deadline; a ban without it is for ever.
    ban_until        bigint GENERATED ALWAYS AS (coalesce(ban -> 'expiry' ->> 'at', ban ->> 'deadline')::bigint) STORED,
    -- `pending` or `done`.
    withdrawal_kind  text GENERATED ALWAYS AS (withdrawal ->> 'kind') STORED,
    withdrawal_due   bigint GENERATED ALWAYS AS ((withdrawal ->> 'due')::bigint) STORED,
    CONSTRAINT accounts_pkey PRIMARY KEY (id),
    CHECK ((username IS NULL) = (username_key IS NULL)),
    CHECK ((password_hash IS NULL) = (password_version IS NULL)),
    CHECK ((password_hash IS NULL) = (password_set_at IS NULL))
) WITH (fillfactor = 85);
CREATE UNIQUE INDEX accounts_username_key ON accounts (username_key);
CREATE UNIQUE INDEX accounts_transfer_key ON accounts (transfer_key) WHERE transfer_key IS NOT NULL;
CREATE INDEX accounts_due_at ON accounts (due_at, id) WHERE due_at IS NOT NULL;

-- Logins that belong to accounts.
CREATE TABLE identities (
    account_id  uuid NOT NULL,
    ordinal     bigint NOT NULL,
    provider    text COLLATE "C" NOT NULL,
    subject     text COLLATE "C" NOT NULL,
    tenant      text COLLATE "C" NOT NULL,
    issuer      text COLLATE "C" NOT NULL,
    shown       text,
    linked_at   bigint NOT NULL,
    verified_at bigint,
    data        text,
    CONSTRAINT identities_pkey PRIMARY KEY (account_id, ordinal)
);
CREATE UNIQUE INDEX identities_key ON identities (provider, subject, tenant, issuer);

-- What changes at each login. No index on what changes, so that an update stays within its page.
CREATE TABLE account_activity (
    account_id         uuid NOT NULL,
    version            bigint NOT NULL,
    -- The account's, copied at each change of it: a login compares them in the row that it writes anyway, and need not
    -- lock the account's; and whether a session counts is told by this row alone.
    account_version    bigint NOT NULL,
    account_epoch      bigint NOT NULL,
    account_due_at     bigint,
    login_count        bigint NOT NULL,
    last_login_at      bigint,
    last_login_ordinal bigint,
    previous_login_at  bigint,
    -- 66 bytes each, in order; the view `sessions` reads them.
    sessions           bytea NOT NULL CHECK (length(sessions) % 66 = 0),
    -- What few sessions have: an array with an object or null for each, NULL where none has any.
    session_details    jsonb,
    commit_ids         bytea NOT NULL,
    CONSTRAINT account_activity_pkey PRIMARY KEY (account_id)
) WITH (fillfactor = 70);

-- Sessions that may still be alive, in the order of `place`, for whoever joins tables of their own. They are kept in one
-- value because all of them are read and written at each login: as rows they cost more than the rest of it.
CREATE VIEW sessions AS
SELECT v.account_id,
       encode(substring(s.kept FROM 1 FOR 16), 'hex')::uuid AS id,
       s.place,
       CASE WHEN s.flags & 1 <> 0
            THEN ('x00000000' || substring(s.hex FROM 121 FOR 8))::bit(64)::bigint END AS identity,
       CASE get_byte(s.kept, 64)
            WHEN 0 THEN 'device'
            WHEN 1 THEN 'custom'
            WHEN 2 THEN 'guest'
            WHEN 3 THEN 'password'
            WHEN 4 THEN 'provider' END AS method,
       ('x' || substring(s.hex FROM 33 FOR 16))::bit(64)::bigint AS authenticated_at,
       ('x' || substring(s.hex FROM 49 FOR 16))::bit(64)::bigint AS last_used_at,
       ('x' || substring(s.hex FROM 65 FOR 16))::bit(64)::bigint AS idle_expires_at,
       ('x' || substring(s.hex FROM 81 FOR 16))::bit(64)::bigint AS expires_at,
       ('x00000000' || substring(s.hex FROM 97 FOR 8))::bit(64)::bigint AS generation,
       s.flags & 2 <> 0 AS access_revoked,
       s.flags & 4 <> 0 AS refresh_revoked,
       coalesce(s.details -> 'client_vars', '{}') AS client_vars,
       coalesce(s.details -> 'server_vars', '{}') AS server_vars,
       s.details ->> 'device_name' AS device_name,
       s.details ->> 'device_id' AS device_id,
       ('x00000000' || substring(s.hex FROM 105 FOR 8))::bit(64)::bigint AS epoch,
       ('x00000000' || substring(s.hex FROM 113 FOR 8))::bit(64)::bigint AS store_epoch
FROM account_activity v
CROSS JOIN LATERAL (
    SELECT n AS place, k.kept, encode(k.kept, 'hex') AS hex, get_byte(k.kept, 65) AS flags,
           v.session_details -> (n - 1) AS details
    FROM generate_series(1, length(v.sessions) / 66) AS n
    CROSS JOIN LATERAL (SELECT substring(v.sessions FROM 66 * (n - 1) + 1 FOR 66) AS kept) AS k
) AS s;

-- The outbox. The numbers are given out before their transactions are committed; how they are read in order is told in
-- the store.
CREATE TABLE events (
    seq        bigint GENERATED ALWAYS AS IDENTITY,
    at         bigint NOT NULL,
    account_id uuid NOT NULL,
    format     bigint NOT NULL,
    data       jsonb NOT NULL,
    kind       text GENERATED ALWAYS AS (data ->> 'type') STORED,
    CONSTRAINT events_pkey PRIMARY KEY (seq)
);

CREATE TABLE codes (
    key                   bytea NOT NULL CHECK (length(key) = 32),
    purpose               text NOT NULL,
    account_id            uuid NOT NULL,
    credential_generation bigint NOT NULL,
    tries_left            bigint NOT NULL,
    expires_at            bigint NOT NULL,
    CONSTRAINT codes_pkey PRIMARY KEY (key)
);
CREATE INDEX codes_account ON codes (account_id);
CREATE INDEX codes_expires_at ON codes (expires_at);

CREATE TABLE single_use (
    key       bytea NOT NULL CHECK (length(key) = 32),
    forget_at bigint NOT NULL,
    commit_id uuid NOT NULL,
    CONSTRAINT single_use_pkey PRIMARY KEY (key)
);
CREATE INDEX single_use_forget_at ON single_use (forget_at);

-- A unit of a throttle may be shorter than a millisecond, so the moment is kept to the nanosecond: the milliseconds,
-- and the nanoseconds beyond them.
CREATE TABLE throttles (
    key           bytea NOT NULL CHECK (length(key) = 32),
    used_up_until bigint NOT NULL,
    used_up_nanos bigint NOT NULL,
    CONSTRAINT throttles_pkey PRIMARY KEY (key)
);
CREATE INDEX throttles_used_up_until ON throttles (used_up_until);

-- The latest change sets whose own documents cannot tell that they were applied: those that remove an account, and
-- those that write neither accounts nor single-use keys. Bounded when the store is swept.
CREATE TABLE recent_commits (
    seq       bigint GENERATED ALWAYS AS IDENTITY,
    commit_id uuid NOT NULL,
    CONSTRAINT recent_commits_pkey PRIMARY KEY (seq)
);
CREATE UNIQUE INDEX recent_commits_commit_id ON recent_commits (commit_id);
