import assert from "node:assert/strict";
import { test } from "node:test";

import { client, fresh, refusal, useHost } from "./host.mjs";

const host = useHost();

test("J9: a custom user links a device", async () => {
  const [custom, device] = [fresh("custom"), fresh("device")];
  const nakama = client(host);
  const session = await nakama.authenticateCustom(custom);
  assert.equal(await nakama.linkDevice(session, { id: device }), true);
  const account = await nakama.getAccount(session);
  assert.equal(account.custom_id, custom);
  assert.deepEqual(account.devices, [{ id: device }]);
  assert.equal((await nakama.authenticateDevice(device, false)).user_id, session.user_id);
});

test("J10: after the unlink the account has no devices property", async () => {
  const [custom, device] = [fresh("custom"), fresh("device")];
  const nakama = client(host);
  const session = await nakama.authenticateCustom(custom);
  await nakama.linkDevice(session, { id: device });
  assert.equal(await nakama.unlinkDevice(session, { id: device }), true);
  const account = await nakama.getAccount(session);
  assert.equal(account.custom_id, custom);
  assert.equal(Object.hasOwn(account, "devices"), false);
  assert.equal((await refusal(nakama.authenticateDevice(device, false))).status, 404);
});

test("L1: a device of this player links again, one of another player does not", async () => {
  const nakama = client(host);
  const device = fresh("device");
  const owner = await nakama.authenticateDevice(device);
  assert.equal(await nakama.linkDevice(owner, { id: device }), true);
  const other = await nakama.authenticateCustom(fresh("custom"));
  assert.deepEqual(await refusal(nakama.linkDevice(other, { id: device })), {
    status: 409,
    code: 6,
    message: "Device ID already in use.",
  });
});

test("L2: a second custom id takes the place of the first", async () => {
  const [first, second] = [fresh("custom"), fresh("custom")];
  const nakama = client(host);
  const session = await nakama.authenticateCustom(first);
  assert.equal(await nakama.linkCustom(session, { id: second }), true);
  assert.equal((await nakama.authenticateCustom(second, false)).user_id, session.user_id);
  assert.equal((await refusal(nakama.authenticateCustom(first, false))).status, 404);
});

test("L3: a custom id and an email address of another player are refused", async () => {
  const nakama = client(host);
  const [custom, email] = [fresh("custom"), `${fresh()}@example.com`];
  await nakama.authenticateCustom(custom);
  await nakama.authenticateEmail(email, "password one");
  const session = await nakama.authenticateDevice(fresh("device"));
  assert.deepEqual(await refusal(nakama.linkCustom(session, { id: custom })), {
    status: 409,
    code: 6,
    message: "Custom ID is already in use.",
  });
  assert.deepEqual(
    await refusal(nakama.linkEmail(session, { email, password: "password two" })),
    { status: 409, code: 6, message: "Email is already in use." },
  );
});

test("K5: an email address logs in from its link to its unlink", async () => {
  const nakama = client(host);
  const [email, password] = [`${fresh()}@example.com`, "password one"];
  const session = await nakama.authenticateDevice(fresh("device"));
  assert.equal(await nakama.linkEmail(session, { email, password }), true);
  assert.equal((await nakama.getAccount(session)).email, email);
  const found = await nakama.authenticateEmail(email, password, false);
  assert.equal(found.user_id, session.user_id);

  assert.equal(await nakama.unlinkEmail(session, { email }), true);
  assert.equal(Object.hasOwn(await nakama.getAccount(session), "email"), false);
  assert.equal((await refusal(nakama.authenticateEmail(email, password, false))).status, 404);
  const byName = nakama.authenticateEmail("", password, false, session.username);
  assert.equal((await refusal(byName)).status, 401);
});

test("K1: the last identity stays", async () => {
  const device = fresh("device");
  const nakama = client(host);
  const session = await nakama.authenticateDevice(device);
  assert.deepEqual(await refusal(nakama.unlinkDevice(session, { id: device })), {
    status: 403,
    code: 7,
    message: "Cannot unlink last account identifier. Check profile exists and is not last link.",
  });
  assert.equal((await nakama.authenticateDevice(device, false)).user_id, session.user_id);
});

test("K6: a custom id goes while a device remains", async () => {
  const nakama = client(host);
  const [custom, device] = [fresh("custom"), fresh("device")];
  const session = await nakama.authenticateDevice(device);
  await nakama.linkCustom(session, { id: custom });
  assert.equal(await nakama.unlinkCustom(session, { id: custom }), true);
  assert.equal(Object.hasOwn(await nakama.getAccount(session), "custom_id"), false);
});

test("18c: of parallel links of one custom id one succeeds", async () => {
  const id = fresh("custom");
  const nakama = client(host);
  const sessions = await Promise.all(
    Array.from({ length: 6 }, () => nakama.authenticateDevice(fresh("device"))),
  );
  const results = await Promise.allSettled(
    sessions.map((session) => nakama.linkCustom(session, { id })),
  );
  const refused = results.filter((result) => result.status === "rejected");
  assert.deepEqual(
    refused.map((result) => result.reason.status),
    Array.from({ length: 5 }, () => 409),
  );
  const winner = sessions[results.findIndex((result) => result.status === "fulfilled")];
  assert.equal((await nakama.authenticateCustom(id, false)).user_id, winner.user_id);
});

test("18c: parallel unlinks leave an identity", async () => {
  const [custom, device] = [fresh("custom"), fresh("device")];
  const nakama = client(host);
  const session = await nakama.authenticateDevice(device);
  await nakama.linkCustom(session, { id: custom });
  const results = await Promise.allSettled([
    nakama.unlinkDevice(session, { id: device }),
    nakama.unlinkCustom(session, { id: custom }),
  ]);
  const refused = results.filter((result) => result.status === "rejected");
  assert.deepEqual(refused.map((result) => result.reason.status), [403]);
});
