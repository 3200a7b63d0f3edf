import { openSync } from "node:fs";
import { connect } from "node:net";
import { watch } from "../../../constructs/provisioning/silence";

/** A session of a process that cannot open anything else: prints whether the session is there after it was asked about twice. */
const stream = connect(Number(process.argv[2]), "127.0.0.1", () => {
  // Streams are made when they are first used.
  process.stdout.write("");
  watch(stream, () => true, { silence: 20, answer: 20 });
  try {
    for (;;) openSync("/dev/null", "r");
  } catch (error) {
    console.log((error as NodeJS.ErrnoException).code);
  }
  let asked = 0;
  stream.on("timeout", () => {
    asked++;
    if (asked === 2) finish("still there");
  });
  stream.on("error", ({ message }) => finish(message));
});

function finish(outcome: string): void {
  console.log(outcome);
  process.exit();
}
