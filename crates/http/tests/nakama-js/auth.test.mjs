import assert from "node:assert/strict";
import { test } from "node:test";

import { OPERATOR_KEY, client, fresh, raw, refusal, useHost } from "./host.mjs";

const host = useHost();

test("J1: a new email address and password give a session", async () => {
  const session = await client(host).authenticateEmail(`${fresh()}@example.com`, "password one");
  assert.equal(session.created, true);
  assert.ok(session.token);
  assert.ok(session.refresh_token);
});

test("J2: a new device id gives a session", async () => {
  const session = await client(host).authenticateDevice(fresh("device"));
  assert.equal(session.created, true);
  assert.match(session.user_id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.match(session.username, /^[a-zA-Z]{10}$/);
});

test("J3: a new custom id gives a session", async () => {
  const session = await client(host).authenticateCustom(fresh("custom"));
  assert.equal(session.created, true);
  assert.ok(session.token);
});

test("J4: username and vars of a sign-up are in the session", async () => {
  const username = fresh("name");
  const vars = { testString: "testValue" };
  const session = await client(host).authenticateCustom(fresh("custom"), true, username, vars);
  assert.equal(session.username, username);
  assert.equal(session.vars.testString, "testValue");
});

test("J5: an unknown custom id without create is refused", async () => {
  const refused = await refusal(client(host).authenticateCustom(fresh("custom"), false));
  assert.deepEqual(refused, { status: 404, code: 5, message: "User account not found." });
});

test("J6: the second login with a custom id is the same player", async () => {
  const id = fresh("custom");
  const first = await client(host).authenticateCustom(id);
  const second = await client(host).authenticateCustom(id);
  assert.equal(second.user_id, first.user_id);
  assert.equal(second.username, first.username);
  assert.equal(second.created, false);
});

test("J7: an empty custom id is refused", async () => {
  const refused = await refusal(client(host).authenticateCustom(""));
  assert.deepEqual(refused, { status: 400, code: 3, message: "Custom ID is required." });
});

test("13.2: what a call rejects with is the response, with status and JSON", async () => {
  const error = await client(host)
    .authenticateEmail("no-such-shape", "password one")
    .then(
      () => assert.fail("was not refused"),
      (error) => error,
    );
  assert.equal(error.status, 400);
  assert.match(error.headers.get("content-type"), /^application\/json/);
  const body = await error.json();
  assert.deepEqual(Object.keys(body).sort(), ["code", "message"]);
  assert.equal(body.message, "Invalid email address format.");
});

test("E2, E3: an email login finds the account in any case, and only by its password", async () => {
  const id = fresh("Mixed");
  const made = await client(host).authenticateEmail(`${id}@Example.COM`, "password one");
  const found = await client(host).authenticateEmail(
    `${id.toLowerCase()}@example.com`,
    "password one",
    false,
  );
  assert.equal(found.user_id, made.user_id);
  for (const create of [true, false, undefined]) {
    const wrong = client(host).authenticateEmail(`${id}@example.com`, "password two", create);
    assert.deepEqual(await refusal(wrong), {
      status: 401,
      code: 16,
      message: "Invalid credentials.",
    });
  }
});

test("E4: a username and password log in to the account of an email address", async () => {
  const username = fresh("name");
  const address = `${fresh()}@example.com`;
  const made = await client(host).authenticateEmail(address, "password one", true, username);
  const found = await client(host).authenticateEmail("", "password one", false, username);
  assert.equal(found.user_id, made.user_id);
});

test("A8: a taken username is refused", async () => {
  const username = fresh("name");
  await client(host).authenticateDevice(fresh("device"), true, username);
  const refused = await refusal(
    client(host).authenticateDevice(fresh("device"), true, username),
  );
  assert.deepEqual(refused, { status: 409, code: 6, message: "Username is already in use." });
});

test("A9: a login keeps the name of the account", async () => {
  const id = fresh("device");
  const made = await client(host).authenticateDevice(id, true, fresh("name"));
  const again = await client(host).authenticateDevice(id, true, fresh("other-name"));
  assert.equal(again.username, made.username);
});

test("A1: another server key is refused", async () => {
  const call = client(host, { serverKey: "anotherkey" }).authenticateDevice(fresh("device"));
  assert.deepEqual(await refusal(call), {
    status: 401,
    code: 16,
    message: "Server key invalid",
  });
});

test("18c: of parallel first logins all succeed, and one makes the account", async () => {
  for (let round = 0; round < 5; round += 1) {
    const id = fresh("device");
    const logins = Array.from({ length: 8 }, () => client(host).authenticateDevice(id));
    const sessions = await Promise.all(logins);
    assert.equal(new Set(sessions.map((session) => session.user_id)).size, 1);
    assert.equal(sessions.filter((session) => session.created).length, 1);
  }
});

test("S8: a ban ends sessions and refuses logins until it is lifted", async () => {
  const id = fresh("device");
  const session = await client(host).authenticateDevice(id);
  const operator = { authorization: `Bearer ${OPERATOR_KEY}` };
  const path = `/v1/operator/accounts/${session.user_id}`;

  assert.equal((await raw(host, "POST", `${path}/ban`)).status, 401);
  assert.equal((await raw(host, "POST", `${path}/ban`, operator)).status, 200);
  const banned = { status: 403, code: 7, message: "User account banned." };
  assert.deepEqual(await refusal(client(host).authenticateDevice(id)), banned);
  const alone = client(host, { autoRefresh: false });
  assert.equal((await refusal(alone.getAccount(session))).status, 401);
  assert.notEqual((await refusal(alone.sessionRefresh(session))).status, 200);

  assert.equal((await raw(host, "POST", `${path}/unban`, operator)).status, 200);
  assert.equal((await client(host).authenticateDevice(id)).user_id, session.user_id);
  assert.equal((await refusal(alone.getAccount(session))).status, 401);
  assert.equal((await refusal(alone.sessionRefresh(session))).status, 401);
});
