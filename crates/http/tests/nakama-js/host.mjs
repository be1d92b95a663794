// Starts the real host for one test file, and makes clients of it.

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before } from "node:test";

import { Client } from "@heroiclabs/nakama-js";

const START_MS = 30_000;

// The client races every call against a timer of seven seconds and never clears it. Without this each file would wait
// for the last of them. A call that is under way keeps the process alive by its socket.
const setTimer = globalThis.setTimeout;
globalThis.setTimeout = (...args) => {
  const timer = setTimer(...args);
  timer.unref();
  return timer;
};

// With the default lifetimes the client warns about each new session. That they are short is what is tested.
const warn = console.warn;
console.warn = (...args) => {
  if (!/lifetime too short/.test(args[0])) {
    warn(...args);
  }
};

export const OPERATOR_KEY = "an operator key of the tests, 32+";

/**
 * A host for the tests of this file, on a database of its own. `config` is the text of its configuration file; the
 * default is what a game gets that configures nothing: access tokens of 60 seconds, so that the client refreshes
 * before every call.
 */
export function useHost(config = "") {
  const host = { address: undefined, port: undefined };
  let child;
  let directory;

  before(async () => {
    const binary = process.env.AUTHCORE_HOST_BIN;
    if (!binary) {
      throw new Error("AUTHCORE_HOST_BIN does not say where the host is; run `cargo xtask node`");
    }
    directory = await mkdtemp(join(tmpdir(), "authcore-nakama-js-"));
    const configFile = join(directory, "host.toml");
    await writeFile(configFile, config);
    child = spawn(
      binary,
      [
        "serve",
        "--listen=127.0.0.1:0",
        `--store=sqlite:${join(directory, "host.db")}`,
        `--config=${configFile}`,
        `--operator-key=${OPERATOR_KEY}`,
        "--dev",
        "--nakama-test-fixtures",
      ],
      // What the shell sets for another host is not for this one.
      { env: { PATH: process.env.PATH }, stdio: ["ignore", "pipe", "pipe"] },
    );
    host.address = await listening(child);
    host.port = new URL(host.address).port;
  });

  after(async () => {
    if (child && child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await gone;
    }
    if (directory) {
      await rm(directory, { recursive: true, force: true });
    }
  });

  return host;
}

/** The address of the host, as soon as it takes calls. */
function listening(child) {
  return new Promise((resolve, reject) => {
    let said = "";
    child.stderr.on("data", (data) => {
      said += data;
    });
    const timer = setTimer(() => reject(new Error(`the host is silent\n${said}`)), START_MS);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the host ended (${code})\n${said}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const match = /^listening on (http:\/\/\S+)$/.exec(line);
      if (match) {
        clearTimeout(timer);
        resolve(match[1]);
      }
    });
  });
}

/** A client as a game makes it. */
export function client(host, { timeout = 7000, autoRefresh = true, serverKey = "defaultkey" } = {}) {
  return new Client(serverKey, "127.0.0.1", host.port, false, timeout, autoRefresh);
}

let made = 0;

/** An id that no other test uses. */
export function fresh(kind = "id") {
  made += 1;
  return `${kind}-${process.pid}-${Date.now().toString(36)}-${made}`;
}

/** What a call is refused with: the client rejects with the response itself. */
export async function refusal(call) {
  let response;
  try {
    await call;
  } catch (error) {
    response = error;
  }
  if (response === undefined) {
    throw new Error("the call was not refused");
  }
  if (!(response instanceof Response)) {
    throw response;
  }
  return { status: response.status, ...(await response.json()) };
}

/** A call without the client, for what the client cannot be made to send or to show. */
export async function raw(host, method, path, { authorization, body, headers = {} } = {}) {
  const response = await fetch(host.address + path, {
    method,
    headers: authorization ? { ...headers, authorization } : headers,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}
