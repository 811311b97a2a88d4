// Fills a hole, then streams the same one: node dist/example/fill.js [HOST:PORT]

import { Code, connect, failureOf, HoleKind, whole } from "@ensemble-gateway/client";

const ensemble = connect(process.argv[2] ?? "localhost:50051", { timeoutMs: 10_000 });
const request = {
  prompt: "def add(a, b):\n    return ",
  suffix: "\n\nprint(add(1, 2))\n",
  hole: { language: "python", kind: HoleKind.EXPRESSION },
};

try {
  const answer = await ensemble.gateway.generate(request);
  console.log(`${answer.text} by ${answer.endpoint} after ${answer.attempts.length} attempts`);

  for await (const { event } of whole(ensemble.gateway.generateStream({ request }))) {
    if (event.case === "delta") {
      process.stdout.write(event.value.text);
    } else if (event.case === "done") {
      console.log(` by ${event.value.endpoint}`);
    }
  }
} catch (error) {
  const failure = failureOf(error);
  console.error(`${Code[failure.code]} ${failure.reason}: ${failure.message}`);
  process.exitCode = 1;
} finally {
  ensemble.close();
}
