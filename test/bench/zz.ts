import { benchProgram } from "./program";

void benchProgram().then((r) =>
  console.log(
    JSON.stringify(r),
    r.map((x) => x.ours / x.theirs),
  ),
);
