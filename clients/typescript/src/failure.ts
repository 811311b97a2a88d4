// What the gateway says about a failure.

import { Code, ConnectError } from "@connectrpc/connect";

import {
  type FailureDetail,
  FailureDetailSchema,
  type GenerateStreamResponse,
} from "../gen/ensemble/v1/gateway_service_pb.js";

/** A failed call. `reason` is one of docs/errors.md, empty when the gateway did not answer. */
export interface Failure {
  code: Code;
  reason: string;
  message: string;
  requestId: string;
  /** How long to wait before asking again; undefined when waiting is not known to help. */
  retryAfterMs: number | undefined;
  /** Attempts, violations, the decision, the best refused candidate and more. */
  detail: FailureDetail | undefined;
}

/** Reads whatever a call rejected with. */
export function failureOf(error: unknown): Failure {
  const found = ConnectError.from(error);
  const detail = found.findDetails(FailureDetailSchema)[0];
  const wait = detail?.retryAfter;
  return {
    code: found.code,
    reason: detail?.reason ?? "",
    message: found.rawMessage,
    requestId: detail?.requestId || (found.metadata.get("x-request-id") ?? ""),
    retryAfterMs: wait && Number(wait.seconds) * 1000 + wait.nanos / 1e6,
    detail,
  };
}

/**
 * Hands out the events of a stream and rejects when it ends without the last one, `done`: a proxy
 * that drops the end must not pass for an answer.
 */
export async function* whole(
  events: AsyncIterable<GenerateStreamResponse>,
): AsyncGenerator<GenerateStreamResponse> {
  let complete = false;
  for await (const event of events) {
    complete = event.event.case === "done";
    yield event;
  }
  if (!complete) {
    throw new ConnectError("the stream ended without its last event", Code.Unavailable);
  }
}
