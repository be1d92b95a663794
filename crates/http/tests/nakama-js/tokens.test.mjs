// The published client drops `-` and `_` when it decodes a token and reads the rest as Latin-1. A host that is to be
// understood by it writes its claims so that neither happens (13.6).

import assert from "node:assert/strict";
import { test } from "node:test";

import { Session } from "@heroiclabs/nakama-js";

import { client, fresh, useHost } from "./host.mjs";

const host = useHost();

const TEXTS = {
  tilde: "~~~ ~ ~~",
  "question mark": "???? ? ??",
  "less, greater, ampersand": "<>&<>&",
  "Latin-1": "Zoë Ångström ÿÿÿ",
  Korean: "한국어 사용자",
  "combining marks": "e\u0301 n\u0303",
  emoji: "😀👩‍🚀🏳️‍🌈",
  "line separators": "\u2028\u2029",
  "quotes and backslashes": '"\\"\\/',
  "last code points": "\uffff\u{10ffff}",
};

// Three lengths in front put the text at each of the three places in a group of base64.
const SHIFTS = ["", "a", "ab"];

/** What the client reads from both tokens has to be what was sent. */
function assertReads(session, { username, vars }) {
  for (const token of [session.token, session.refresh_token]) {
    assert.doesNotMatch(token.split(".")[1], /[-_]/);
    const read = Session.restore(token, session.refresh_token);
    assert.equal(read.username, username);
    assert.deepEqual(read.vars, vars);
  }
}

for (const [name, text] of Object.entries(TEXTS)) {
  test(`13.6: ${name} in a username`, async () => {
    for (const shift of SHIFTS) {
      const nakama = client(host);
      const username = `${shift}${text} ${fresh("name")}`;
      const session = await nakama.authenticateDevice(fresh("device"), true, username);
      assert.equal(session.username, username);
      assertReads(session, { username, vars: undefined });
      // The client refreshes first, so this one has read a second pair of tokens.
      const { user } = await nakama.getAccount(session);
      assert.equal(user.username, username);
      assertReads(session, { username, vars: undefined });
      const found = await nakama.getUsers(session, [], [username]);
      assert.deepEqual(found.users.map((user) => user.id), [session.user_id]);
    }
  });

  test(`13.6: ${name} in vars`, async () => {
    for (const shift of SHIFTS) {
      const nakama = client(host);
      const vars = { [`key ${text}`]: `${shift}${text}`, plain: "value" };
      const username = fresh("name");
      const id = fresh("device");
      const session = await nakama.authenticateDevice(id, true, username, vars);
      assertReads(session, { username, vars });
      await nakama.sessionRefresh(session);
      assertReads(session, { username, vars });
    }
  });
}

test("13.6: DEL and other controls in vars", async () => {
  for (const shift of SHIFTS) {
    const vars = { controls: `${shift}\u007f\u007f\u007f\u0000\u001f\u0080\n\t` };
    const username = fresh("name");
    const session = await client(host).authenticateCustom(
      fresh("custom"),
      true,
      username,
      vars,
    );
    assertReads(session, { username, vars });
  }
});

test("13.6: every code point up to U+02FF in vars", async () => {
  const session = await client(host).authenticateCustom(fresh("custom"), true, fresh("name"));
  for (let first = 0; first < 0x300; first += 0x60) {
    const text = String.fromCodePoint(...Array.from({ length: 0x60 }, (_, at) => first + at));
    await client(host).sessionRefresh(session, { text });
    assertReads(session, { username: session.username, vars: { text } });
  }
});

test("13.4: the times in a token are those of the answer", async () => {
  const before = Math.floor(Date.now() / 1000);
  const session = await client(host).authenticateDevice(fresh("device"));
  assert.ok(Math.abs(session.expires_at - before - 60) <= 5);
  assert.ok(Math.abs(session.refresh_expires_at - before - 3600) <= 5);
});
