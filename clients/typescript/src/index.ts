export { Code, ConnectError } from "@connectrpc/connect";

export * from "../gen/ensemble/v1/admin_service_pb.js";
export * from "../gen/ensemble/v1/cache_service_pb.js";
export * from "../gen/ensemble/v1/decision_pb.js";
export * from "../gen/ensemble/v1/feedback_service_pb.js";
export * from "../gen/ensemble/v1/gateway_service_pb.js";
export * from "../gen/ensemble/v1/hole_pb.js";
export * from "../gen/ensemble/v1/job_service_pb.js";
export * from "../gen/ensemble/v1/result_pb.js";
export * from "../gen/ensemble/v1/telemetry_service_pb.js";
export * from "../gen/ensemble/v1/trace_pb.js";
export { connect, type Ensemble, type Options } from "./connect.js";
export { type Failure, failureOf, whole } from "./failure.js";
