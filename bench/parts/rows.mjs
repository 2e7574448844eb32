// Calls what to_js has written. Each line that comes is a question in JSON, each that goes its answer:
// the outputs of the module `file` for `rows`, which it is asked `times` times.
import { createInterface } from "node:readline";

for await (const line of createInterface({ input: process.stdin })) {
  const { file, rows, times } = JSON.parse(line);
  const { feedforward } = await import(file);
  let answer;
  for (let i = 0; i < times; i++) answer = rows.map((x) => feedforward(x));
  console.log(JSON.stringify(answer.map((outputs) => Array.from(outputs))));
}
