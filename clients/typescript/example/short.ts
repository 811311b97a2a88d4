import { connect, failureOf } from "@ensemble-gateway/client";

const ensemble = connect(process.argv[2] ?? "localhost:50051", { timeoutMs: 10_000 });
try {
  const request = { prompt: "def add(a, b):\n    return ", suffix: "\n\nprint(add(1, 2))\n" };
  const answer = await ensemble.gateway.generate(request);
  console.log(answer.text, "by", answer.endpoint);
} catch (error) {
  console.error(failureOf(error).reason);
}
ensemble.close();
