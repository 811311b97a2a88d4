// Asks a scripted gateway for one thing after the other: node dist/test/cases.js HOST:PORT
// Writes a line of JSON for each case: its name, and what it saw or why it failed.

import assert from "node:assert/strict";

import { Code, connect, failureOf, whole } from "@ensemble-gateway/client";

const target = process.argv[2] ?? "";
const ensemble = connect(target, { tenant: "acme", token: "s3cret" });
const { gateway, admin } = ensemble;

async function failing(call: Promise<unknown>) {
  const error: unknown = await call.then(
    () => assert.fail("the call did not fail"),
    (reason: unknown) => reason,
  );
  return failureOf(error);
}

async function read(prompt: string): Promise<string> {
  let text = "";
  for await (const { event } of whole(gateway.generateStream({ request: { prompt } }))) {
    text += event.case === "delta" ? event.value.text : "";
  }
  return text;
}

async function* requests(...prompts: string[]) {
  for (const [index, prompt] of prompts.entries()) {
    yield { index: BigInt(index), request: { prompt } };
  }
}

const cases: Record<string, () => Promise<string>> = {
  fill: async () => (await gateway.generate({ prompt: "fill" })).text,
  stream: () => read("stream"),
  batch: async () => {
    const texts: string[] = [];
    for await (const { result } of gateway.batchGenerate(requests("fill", "refused"))) {
      texts.push(result.case === "response" ? result.value.text : result.value?.message ?? "");
    }
    return texts.join("; ");
  },
  "list of endpoints": async () => {
    const { endpoints } = await admin.listEndpoints({});
    return endpoints.map((endpoint) => endpoint.name).join();
  },
  "failure with its details": async () => {
    const failure = await failing(gateway.generate({ prompt: "refused" }));
    assert.equal(failure.code, Code.Aborted);
    assert.equal(failure.detail?.bestCandidate?.text, "retrun");
    assert.notEqual(failure.requestId, "");
    return failure.reason;
  },
  "UNAVAILABLE is retried": async () => (await gateway.generate({ prompt: "retried" })).text,
  "three tries at most": async () => {
    const failure = await failing(gateway.generate({ prompt: "always" }));
    assert.equal(failure.code, Code.Unavailable);
    return failure.reason;
  },
  "pushback forbids a retry": async () => {
    const failure = await failing(gateway.generate({ prompt: "forbidden" }));
    assert.equal(failure.retryAfterMs, 1500);
    return failure.reason;
  },
  "stream that breaks": async () => (await failing(read("broken"))).reason,
  "stream without its end": async () => (await failing(read("cut"))).message,
  "deadline": async () => {
    const call = gateway.generate({ prompt: "held" }, { timeoutMs: 200 });
    return Code[(await failing(call)).code] ?? "";
  },
  "cancellation": async () => {
    const caller = new AbortController();
    const request = { prompt: "left" };
    const reading = async () => {
      for await (const { event } of gateway.generateStream({ request }, { signal: caller.signal })) {
        if (event.case === "delta") {
          caller.abort();
        }
      }
    };
    return Code[(await failing(reading())).code] ?? "";
  },
  "nobody listens": async () => {
    const nobody = connect("127.0.0.1:1", { timeoutMs: 5_000 });
    const failure = await failing(nobody.gateway.generate({ prompt: "x" }));
    nobody.close();
    return Code[failure.code] ?? "";
  },
};

for (const [name, run] of Object.entries(cases)) {
  try {
    console.log(JSON.stringify({ case: name, saw: await run() }));
  } catch (error) {
    console.log(JSON.stringify({ case: name, wrong: String(error) }));
  }
}
ensemble.close();
