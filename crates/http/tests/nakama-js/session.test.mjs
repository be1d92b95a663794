import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { Session } from "@heroiclabs/nakama-js";

import { client, fresh, refusal, useHost } from "./host.mjs";

// The lifetimes of a game that configures nothing: with 60 seconds left at most, the client refreshes before each call.
const host = useHost();

const now = () => Math.floor(Date.now() / 1000);

/** A token as the client reads it; it looks at no signature. */
function token(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}.c2lnbmF0dXJl`;
}

const storedObjects = [{ collection: "collection", key: "key", value: { some: "value" } }];

test("J13: an old session is expired", () => {
  const session = Session.restore(token({ exp: now() - 60 }), token({ exp: now() - 30 }));
  assert.equal(session.isexpired(now()), true);
  assert.equal(session.isrefreshexpired(now()), true);
});

test("J14: a restored session knows its player", async () => {
  const made = await client(host).authenticateDevice(fresh("device"));
  const restored = Session.restore(made.token, made.refresh_token);
  assert.equal(restored.username, made.username);
  assert.equal(restored.user_id, made.user_id);
  assert.equal(restored.isexpired(now()), false);
  assert.equal((await client(host).getAccount(restored)).user.id, made.user_id);
});

test("J15: a restored session keeps its refresh token", async () => {
  const made = await client(host).authenticateDevice(fresh("device"));
  const restored = Session.restore(made.token, made.refresh_token);
  assert.equal(restored.refresh_token, made.refresh_token);
  assert.equal(restored.refresh_expires_at, made.refresh_expires_at);
});

test("J16: a session is restored without a refresh token", async () => {
  const made = await client(host).authenticateDevice(fresh("device"));
  const restored = Session.restore(made.token, null);
  assert.equal((await client(host).getAccount(restored)).user.id, made.user_id);
});

test("J17: a refresh gives another session token", async () => {
  const nakama = client(host);
  const session = await nakama.authenticateDevice(fresh("device"));
  const [first, expires] = [session.token, session.expires_at];
  await wait(1100);
  const refreshed = await nakama.sessionRefresh(session);
  assert.notEqual(refreshed.token, first);
  assert.ok(refreshed.expires_at > expires);
  assert.equal((await nakama.getAccount(refreshed)).user.id, session.user_id);
});

for (const autoRefresh of [true, false]) {
  test(`J18: a logout ends the session (auto-refresh ${autoRefresh})`, async () => {
    const nakama = client(host, { autoRefresh });
    const session = await nakama.authenticateDevice(fresh("device"));
    const kept = Session.restore(session.token, session.refresh_token);
    assert.equal(
      await nakama.sessionLogout(session, session.token, session.refresh_token),
      true,
    );
    assert.equal((await refusal(nakama.getAccount(session))).status, 401);
    assert.equal((await refusal(nakama.getAccount(kept))).status, 401);
    assert.equal((await refusal(nakama.sessionRefresh(kept))).status, 401);
  });
}

test("J18 by way of a storage write, as the client's own test does it", async () => {
  const nakama = client(host);
  const session = await nakama.authenticateCustom(fresh("custom"));
  const acks = await nakama.writeStorageObjects(session, storedObjects);
  assert.equal(Array.isArray(acks.acks), true);
  await nakama.sessionLogout(session, session.token, session.refresh_token);
  assert.equal((await refusal(nakama.writeStorageObjects(session, storedObjects))).status, 401);
});

test("J19: a session that is about to expire is refreshed before the call", async () => {
  const nakama = client(host);
  const session = await nakama.authenticateDevice(fresh("device"));
  const [first, refresh] = [session.token, session.refresh_token];
  assert.ok(session.expires_at - now() < 300, "the default lifetime is near its end at once");
  await wait(1100);
  assert.equal((await nakama.getAccount(session)).user.id, session.user_id);
  assert.notEqual(session.token, first);
  // Younger than the grace window, so it stays: calls that overlap all hold a token that counts.
  assert.equal(session.refresh_token, refresh);
});

test("J19 by way of a storage write, as the client's own test does it", async () => {
  const nakama = client(host);
  const session = await nakama.authenticateCustom(fresh("custom"));
  const first = session.token;
  await wait(1100);
  await nakama.writeStorageObjects(session, storedObjects);
  assert.notEqual(session.token, first);
});

test("13.5: parallel calls of one session refresh with one token, and none fails", async () => {
  const nakama = client(host);
  const session = await nakama.authenticateDevice(fresh("device"));
  for (let round = 0; round < 6; round += 1) {
    const accounts = await Promise.all(
      Array.from({ length: 8 }, () => nakama.getAccount(session)),
    );
    assert.ok(accounts.every((account) => account.user.id === session.user_id));
  }
});

test("13.5: a call that overlaps several others comes late with their old token, and does not fail", async () => {
  const nakama = client(host);
  const session = await nakama.authenticateDevice(fresh("device"));
  // Each call of the client refreshes first. This one has read its token, and is slower than the next three.
  const late = Session.restore(session.token, session.refresh_token);
  for (let call = 0; call < 3; call += 1) {
    await nakama.getAccount(session);
  }
  assert.equal((await nakama.getAccount(late)).user.id, session.user_id);
  assert.equal((await nakama.getAccount(session)).user.id, session.user_id);
});

test("13.5: two processes that share a session do not log each other out", async () => {
  const nakama = client(host);
  const session = await nakama.authenticateDevice(fresh("device"));
  const copy = Session.restore(session.token, session.refresh_token);
  await Promise.all([nakama.getAccount(session), nakama.getAccount(copy)]);
  await Promise.all([nakama.getAccount(session), nakama.getAccount(copy)]);
});

test("S1: a refresh keeps the vars and picks up a new username", async () => {
  const nakama = client(host);
  const session = await nakama.authenticateDevice(fresh("device"), true, fresh("name"), {
    level: "7",
  });
  const username = fresh("new-name");
  await nakama.updateAccount(session, { username });
  await nakama.sessionRefresh(session);
  assert.equal(session.username, username);
  assert.deepEqual(session.vars, { level: "7" });
});

test("S2: vars of a refresh take the place of the old ones", async () => {
  const nakama = client(host);
  const session = await nakama.authenticateDevice(fresh("device"), true, fresh("name"), {
    level: "7",
  });
  await nakama.sessionRefresh(session, { world: "2" });
  assert.deepEqual(session.vars, { world: "2" });
});

test("S3: a session token refreshes nothing, and nothing neither", async () => {
  const nakama = client(host);
  const session = await nakama.authenticateDevice(fresh("device"));
  const wrongKind = Session.restore(session.token, session.token);
  assert.deepEqual(await refusal(nakama.sessionRefresh(wrongKind)), {
    status: 401,
    code: 16,
    message: "Refresh token invalid or expired.",
  });
  wrongKind.refresh_token = "";
  assert.deepEqual(await refusal(nakama.sessionRefresh(wrongKind)), {
    status: 400,
    code: 3,
    message: "Refresh token is required.",
  });
});

test("S6: a logout that names nothing ends every session of the player", async () => {
  const nakama = client(host, { autoRefresh: false });
  const device = fresh("device");
  const [one, two] = [
    await nakama.authenticateDevice(device),
    await nakama.authenticateDevice(device),
  ];
  await nakama.sessionLogout(one, "", "");
  for (const session of [one, two]) {
    assert.equal((await refusal(nakama.getAccount(session))).status, 401);
    assert.equal((await refusal(nakama.sessionRefresh(session))).status, 401);
  }
});

test("S7: another player's token is not logged out", async () => {
  const nakama = client(host, { autoRefresh: false });
  const mine = await nakama.authenticateDevice(fresh("device"));
  const theirs = await nakama.authenticateDevice(fresh("device"));
  const logout = nakama.sessionLogout(mine, mine.token, theirs.refresh_token);
  assert.equal((await refusal(logout)).status, 400);
  await nakama.getAccount(mine);
  await nakama.getAccount(theirs);
});

test("S9: a deleted account leaves its identity to a new one", async () => {
  const nakama = client(host, { autoRefresh: false });
  const device = fresh("device");
  const session = await nakama.authenticateDevice(device);
  assert.equal(await nakama.deleteAccount(session), true);
  assert.equal((await refusal(nakama.getAccount(session))).status, 401);
  assert.equal((await refusal(nakama.sessionRefresh(session))).status, 401);
  const again = await nakama.authenticateDevice(device);
  assert.equal(again.created, true);
  assert.notEqual(again.user_id, session.user_id);
});
