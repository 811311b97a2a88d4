// A connection to one gateway, and what goes with every call.

import { randomUUID } from "node:crypto";

import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";

import { AdminService } from "../gen/ensemble/v1/admin_service_pb.js";
import { CacheService } from "../gen/ensemble/v1/cache_service_pb.js";
import { FeedbackService } from "../gen/ensemble/v1/feedback_service_pb.js";
import { GatewayService } from "../gen/ensemble/v1/gateway_service_pb.js";
import { JobService } from "../gen/ensemble/v1/job_service_pb.js";
import { TelemetryService } from "../gen/ensemble/v1/telemetry_service_pb.js";
import { retries } from "./retry.js";

const DEFAULT_TIMEOUT_MS = 60_000;
// As the Python client has it: a dead connection is noticed during a long call.
const PING_INTERVAL_MS = 30_000;
const PING_TIMEOUT_MS = 10_000;

/** What a client sends with each of its calls. */
export interface Options {
  /** Deadline of a call that names none, in milliseconds; it covers retries. Default: a minute. */
  timeoutMs?: number;
  /** Sent as `authorization: Bearer`. Give an `https://` address with it, else anybody can read it. */
  token?: string;
  /** Who pays: sent as `x-ensemble-tenant`. */
  tenant?: string;
}

/** The services of a gateway over one connection. */
export interface Ensemble {
  gateway: Client<typeof GatewayService>;
  jobs: Client<typeof JobService>;
  feedback: Client<typeof FeedbackService>;
  telemetry: Client<typeof TelemetryService>;
  cache: Client<typeof CacheService>;
  admin: Client<typeof AdminService>;
  /** Closes the connection; calls under way fail. */
  close(): void;
}

/**
 * Connects to a gateway, with the first call. `target` is `host:port`, which is plain text, or an
 * address with `http://` or `https://`. Calls reject with a ConnectError: see `failureOf`.
 */
export function connect(target: string, options: Options = {}): Ensemble {
  const baseUrl = target.includes("://") ? target : `http://${target}`;
  const sessionManager = new Http2SessionManager(baseUrl, {
    pingIntervalMs: PING_INTERVAL_MS,
    pingTimeoutMs: PING_TIMEOUT_MS,
  });
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager,
    defaultTimeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    // The first is the outermost: every try of a call has the same request id.
    interceptors: [identity(options), retries()],
  });
  return {
    gateway: createClient(GatewayService, transport),
    jobs: createClient(JobService, transport),
    feedback: createClient(FeedbackService, transport),
    telemetry: createClient(TelemetryService, transport),
    cache: createClient(CacheService, transport),
    admin: createClient(AdminService, transport),
    close: () => sessionManager.abort(),
  };
}

function identity(options: Options): Interceptor {
  return (next) => (call) => {
    if (!call.header.has("x-request-id")) {
      call.header.set("x-request-id", randomUUID());
    }
    if (options.token !== undefined) {
      call.header.set("authorization", `Bearer ${options.token}`);
    }
    if (options.tenant !== undefined) {
      call.header.set("x-ensemble-tenant", options.tenant);
    }
    return next(call);
  };
}
