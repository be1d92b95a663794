import assert from "node:assert/strict";
import { test } from "node:test";

import { Client } from "@heroiclabs/nakama-js";

import { client, fresh, raw, refusal, useHost } from "./host.mjs";

// Long access tokens: the client has no reason to refresh, and the tests see one request per call.
const host = useHost("[nakama]\naccess_lifetime_seconds = 3600\nsession_idle_seconds = 86400\n");

test("J26: the defaults", () => {
  const nakama = new Client();
  assert.equal(nakama.serverkey, "defaultkey");
  assert.equal(nakama.host, "127.0.0.1");
  assert.equal(nakama.port, "7350");
  assert.equal(nakama.useSSL, false);
  assert.equal(nakama.timeout, 7000);
  assert.equal(nakama.autoRefreshSession, true);
});

test("J26: settings of one's own", () => {
  const nakama = new Client("key", "host.example", "8080", true, 8000, false);
  assert.equal(nakama.serverkey, "key");
  assert.equal(nakama.host, "host.example");
  assert.equal(nakama.port, "8080");
  assert.equal(nakama.useSSL, true);
  assert.equal(nakama.timeout, 8000);
  assert.equal(nakama.autoRefreshSession, false);
});

test("J26: no time to answer is a timeout", async () => {
  const nakama = client(host, { timeout: 0 });
  await assert.rejects(nakama.authenticateCustom(fresh("custom")), (error) => {
    assert.equal(error, "Request timed out.");
    return true;
  });
});

test("a session with time left is not refreshed", async () => {
  const nakama = client(host);
  const session = await nakama.authenticateDevice(fresh("device"));
  const { token } = session;
  await nakama.getAccount(session);
  assert.equal(session.token, token);
});

test("L6: a garbled session token is refused", async () => {
  const nakama = client(host, { autoRefresh: false });
  const session = await nakama.authenticateDevice(fresh("device"));
  session.token = `${session.token.slice(0, -4)}AAAA`;
  assert.deepEqual(await refusal(nakama.getAccount(session)), {
    status: 401,
    code: 16,
    message: "Auth token invalid",
  });
  session.token = undefined;
  assert.deepEqual(await refusal(nakama.getAccount(session)), {
    status: 401,
    code: 16,
    message: "Auth token required",
  });
  session.token = session.refresh_token;
  assert.equal((await refusal(nakama.getAccount(session))).status, 401);
});

test("a provider that is not configured lets nobody in", async () => {
  const nakama = client(host);
  const token = "c2ln.e30";
  for (const call of [
    () => nakama.authenticateApple(token),
    () => nakama.authenticateFacebook(token),
    () => nakama.authenticateFacebookInstantGame(token),
    () => nakama.authenticateGoogle(token),
    () => nakama.authenticateSteam(token),
  ]) {
    assert.ok((await refusal(call())).status >= 400);
  }
});

test("the health check asks for no credentials", async () => {
  assert.deepEqual(await raw(host, "GET", "/healthcheck"), { status: 200, body: {} });
});

test("1.8: a path that is not there, and a verb that it does not have", async () => {
  assert.deepEqual(await raw(host, "GET", "/v2/nothing"), {
    status: 404,
    body: { code: 5, message: "Not Found" },
  });
  assert.deepEqual(await raw(host, "GET", "/v2/account/authenticate/device"), {
    status: 501,
    body: { code: 12, message: "Method Not Allowed" },
  });
});

test("1.7: a page from anywhere may call", async () => {
  const origin = "https://game.example";
  const preflight = await fetch(`${host.address}/v2/account`, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "PUT",
      "access-control-request-headers": "authorization,content-type",
    },
  });
  assert.equal(preflight.status, 200);
  assert.equal(preflight.headers.get("access-control-allow-origin"), "*");
  const answer = await fetch(`${host.address}/healthcheck`, { headers: { origin } });
  assert.equal(answer.headers.get("access-control-allow-origin"), "*");
});
