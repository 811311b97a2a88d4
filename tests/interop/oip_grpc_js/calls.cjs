// What a user of grpc-js does with the protocol's proto; prints a line of JSON for each case.
"use strict";

const assert = require("node:assert");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const [address, proto] = process.argv.slice(2);
const forms = { keepCase: true, longs: Number, oneofs: true, defaults: true };
const definition = loader.loadSync(proto, forms);
const { inference } = grpc.loadPackageDefinition(definition);
const client = new inference.GRPCInferenceService(address, grpc.credentials.createInsecure());

const PROMPT = "def add(a, b):\n    ";
const TEXT = "return a + b # \u2603";

const call = (method, request, seconds = 20) =>
  new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + seconds * 1000 };
    client[method](request, options, (error, answer) => (error ? reject(error) : resolve(answer)));
  });

const asked = (texts, more = {}) => ({
  model_name: "auto",
  inputs: [
    {
      name: "prompt",
      datatype: "BYTES",
      shape: [texts.length],
      contents: { bytes_contents: texts.map((text) => Buffer.from(text)) },
    },
  ],
  ...more,
});

const textsOf = (answer) => answer.outputs[0].contents.bytes_contents.map(String);

const refused = async (work, code, words) => {
  try {
    await work;
  } catch (error) {
    assert.strictEqual(error.code, grpc.status[code], error.message);
    assert.ok(error.message.includes(words), error.message);
    return code;
  }
  throw new Error("was answered");
};

const collect = (stream, requests) =>
  new Promise((resolve, reject) => {
    const answers = [];
    stream.on("data", (answer) => answers.push(answer));
    stream.on("error", reject);
    stream.on("end", () => resolve(answers));
    requests.forEach((request) => stream.write(request));
    stream.end();
  });

const cases = {
  "live and ready": async () => {
    assert.ok((await call("ServerLive", {})).live);
    assert.ok((await call("ServerReady", {})).ready);
    assert.ok((await call("ModelReady", { name: "fast" })).ready);
    return "live, ready";
  },
  metadata: async () => {
    const model = await call("ModelMetadata", { name: "fast" });
    assert.deepStrictEqual(model.inputs.map((one) => one.name), ["prompt", "suffix"]);
    assert.strictEqual(model.properties.kind, "endpoint");
    return (await call("ServerMetadata", {})).version;
  },
  infer: async () => {
    const answer = await call("ModelInfer", asked([PROMPT], { id: "7" }));
    assert.deepStrictEqual(textsOf(answer), [TEXT]);
    assert.strictEqual(answer.id, "7");
    return answer.parameters.endpoint.string_param;
  },
  parameters: async () => {
    const parameters = {
      max_tokens: { int64_param: 20 },
      temperature: { double_param: 0.2 },
      top_p: { string_param: "0.9" },
      stop: { string_param: '["\\n", ";"]' },
    };
    const answer = await call("ModelInfer", asked([PROMPT], { parameters }));
    return `${answer.parameters.completion_tokens.int64_param} tokens`;
  },
  "batch of texts": async () => {
    const answer = await call("ModelInfer", asked(["a = ", "b = ", "c = "]));
    assert.deepStrictEqual(textsOf(answer), [TEXT, TEXT, TEXT]);
    return "3 texts";
  },
  stream: async () => {
    const requests = ["1", "2"].map((id) => asked([PROMPT], { id, model_name: "fast" }));
    const answers = await collect(client.ModelStreamInfer(), requests);
    const texts = {};
    for (const { error_message: error, infer_response: one } of answers) {
      assert.strictEqual(error, "");
      texts[one.id] = (texts[one.id] || "") + textsOf(one)[0];
    }
    assert.deepStrictEqual(texts, { 1: TEXT, 2: TEXT });
    return `${answers.length} answers`;
  },
  "stream is cancelled": () =>
    new Promise((resolve, reject) => {
      const stream = client.ModelStreamInfer();
      stream.on("error", (error) =>
        error.code === grpc.status.CANCELLED ? resolve("CANCELLED") : reject(error),
      );
      stream.write(asked([PROMPT], { model_name: "silent" }));
      stream.on("data", () => stream.cancel());
    }),
  "unknown model": () =>
    refused(call("ModelInfer", asked([PROMPT], { model_name: "absent" })), "NOT_FOUND", "auto"),
  "unknown parameter": () =>
    refused(
      call("ModelInfer", asked([PROMPT], { parameters: { colour: { string_param: "red" } } })),
      "INVALID_ARGUMENT",
      "parameters.colour",
    ),
  deadline: () =>
    refused(
      call("ModelInfer", asked([PROMPT], { model_name: "silent" }), 0.5),
      "DEADLINE_EXCEEDED",
      "",
    ),
};

(async () => {
  for (const [name, work] of Object.entries(cases)) {
    let row;
    try {
      row = { case: name, passed: true, detail: await work() };
    } catch (error) {
      row = { case: name, passed: false, detail: String(error) };
    }
    console.log(JSON.stringify(row));
  }
  client.close();
})();
