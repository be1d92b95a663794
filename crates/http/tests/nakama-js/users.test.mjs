import assert from "node:assert/strict";
import { test } from "node:test";

import { client, fresh, refusal, useHost } from "./host.mjs";

const host = useHost();

test("J20: the account of a new player", async () => {
  const nakama = client(host);
  const custom = fresh("custom");
  const session = await nakama.authenticateCustom(custom);
  const account = await nakama.getAccount(session);
  assert.equal(account.wallet, "{}");
  assert.equal(account.user.lang_tag, "en");
  assert.equal(account.user.metadata, "{}");
  assert.equal(account.user.id, session.user_id);
  assert.equal(account.user.username, session.username);
  assert.match(account.user.create_time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal(account.custom_id, custom);
});

test("J21: a profile is read back as it was written", async () => {
  const nakama = client(host);
  const session = await nakama.authenticateCustom(fresh("custom"));
  const profile = {
    display_name: "display name ~ ? Zoë 한국어 😀",
    avatar_url: "https://example.com/avatar?size=large",
    lang_tag: "fa",
    location: "California",
    timezone: "Pacific Time",
  };
  assert.equal(await nakama.updateAccount(session, profile), true);
  const { user } = await nakama.getAccount(session);
  for (const [field, value] of Object.entries(profile)) {
    assert.equal(user[field], value, field);
  }
});

test("J22: the same username again is fine", async () => {
  const nakama = client(host);
  const session = await nakama.authenticateCustom(fresh("custom"));
  const { username } = session;
  assert.equal(await nakama.updateAccount(session, { username }), true);
  assert.equal((await nakama.getAccount(session)).user.username, username);
});

test("G2: an update without fields, and one to a taken username, are refused", async () => {
  const nakama = client(host);
  const [one, two] = [
    await nakama.authenticateCustom(fresh("custom")),
    await nakama.authenticateCustom(fresh("custom")),
  ];
  assert.deepEqual(await refusal(nakama.updateAccount(one, {})), {
    status: 400,
    code: 3,
    message: "No fields to update.",
  });
  const taken = await refusal(nakama.updateAccount(one, { username: two.username }));
  assert.equal(taken.status, 400);
  assert.equal((await nakama.getAccount(one)).user.username, one.username);
});

test("J23: one id and one username find two players", async () => {
  const nakama = client(host);
  const [one, two] = [
    await nakama.authenticateCustom(fresh("custom")),
    await nakama.authenticateCustom(fresh("custom"), true, fresh("name")),
  ];
  const { users } = await nakama.getUsers(one, [one.user_id], [two.username]);
  assert.deepEqual(
    users.map((user) => user.id).sort(),
    [one.user_id, two.user_id].sort(),
  );
  for (const user of users) {
    assert.deepEqual(user.metadata, {});
    assert.equal(user.lang_tag, "en");
  }
});

test("J23 for one player asked for twice, and for one by each of several ids", async () => {
  const nakama = client(host);
  const sessions = [];
  for (let made = 0; made < 3; made += 1) {
    sessions.push(await nakama.authenticateCustom(fresh("custom")));
  }
  const [one] = sessions;
  const twice = await nakama.getUsers(one, [one.user_id], [one.username]);
  assert.equal(twice.users.length, 1);
  const ids = sessions.map((session) => session.user_id);
  const all = await nakama.getUsers(one, ids);
  assert.deepEqual(all.users.map((user) => user.id).sort(), ids.sort());
});

test("J24: asking for nobody finds nobody", async () => {
  const nakama = client(host);
  const session = await nakama.authenticateCustom(fresh("custom"));
  assert.deepEqual(await nakama.getUsers(session), { users: [] });
  assert.deepEqual(await nakama.getUsers(session, [], []), { users: [] });
});

test("12.5: what is no id is refused, and an unknown one finds nobody", async () => {
  const nakama = client(host);
  const session = await nakama.authenticateCustom(fresh("custom"));
  assert.deepEqual(await refusal(nakama.getUsers(session, ["x"])), {
    status: 400,
    code: 3,
    message: "ID 'x' is not a valid system ID.",
  });
  const unknown = "0f0f0f0f-1111-4222-8333-444444444444";
  assert.deepEqual(await nakama.getUsers(session, [unknown]), { users: [] });
});
