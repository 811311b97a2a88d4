// Asks again after UNAVAILABLE, as the service config of the Python client says.

import { setTimeout as sleep } from "node:timers/promises";

import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";

const ATTEMPTS = 3;
const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 1_000;
const JITTER = 0.2;
// Done twice, they go two steps.
const NEVER = new Set(["RollbackThresholds", "Control", "ConfirmControl"]);

/**
 * Sends a unary call at most three times in its deadline. The gateway's `grpc-retry-pushback-ms`
 * says how long to wait, or, below 0, not to ask again. Streams are not retried: text may have come.
 */
export function retries(): Interceptor {
  return (next) => async (call) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await next(call);
      } catch (error) {
        const last = call.stream || attempt === ATTEMPTS || NEVER.has(call.method.name);
        const wait = last ? undefined : waitOf(ConnectError.from(error), attempt);
        if (wait === undefined) {
          throw error;
        }
        // Whatever ends the call ends the wait: its deadline, or its caller.
        await sleep(wait, undefined, { signal: call.signal }).catch(() => {
          throw error;
        });
      }
    }
  };
}

/** Milliseconds until the next try; undefined when there shall be none. */
function waitOf(error: ConnectError, attempt: number): number | undefined {
  if (error.code !== Code.Unavailable) {
    return undefined;
  }
  const pushback = error.metadata.get("grpc-retry-pushback-ms");
  if (pushback !== null) {
    return /^\d+$/.test(pushback) ? Number(pushback) : undefined;
  }
  const backoff = Math.min(FIRST_BACKOFF_MS * 2 ** (attempt - 1), LONGEST_BACKOFF_MS);
  return backoff * (1 + JITTER * (2 * Math.random() - 1));
}
