// Calls what to_js has written. Each line that comes is a question in JSON, each that goes its answer:
// the outputs of the module `file` for `rows`, which it is asked `times` times, and the seconds.
import { createInterface } from "node:readline";

for await (const line of createInterface({ input: process.stdin })) {
  const { file, rows, times } = JSON.parse(line);
  const { feedforward } = await import(file);
  const began = performance.now();
  let answer;
  for (let i = 0; i < times; i++) answer = rows.map((x) => feedforward(x));
  const seconds = (performance.now() - began) / 1000;
  const outputs = answer.map((a) => Array.from(a));
  console.log(JSON.stringify({ outputs, seconds }));
}
