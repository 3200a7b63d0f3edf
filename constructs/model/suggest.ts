/** A longer word is not a typo. Characters. */
const LONGEST = 80;

/** Letters of a known word that stand for all of it. */
const SHORTEST_BEGINNING = 4;

/** Letters that may follow a known word, as `Id` in `vpcId`. */
const MOST_MORE = 4;

/**
 * Returns the known word nearest to a mistyped one, the only one that begins like it, or one that it begins with; null if none is near: at most one letter in three differs, never more than three, and not
 * both the first and the last.
 */
export function nearest(mistyped: string, known: readonly string[]): string | null {
  if (mistyped.length > LONGEST) return null;
  const written = mistyped.toLowerCase();
  const begun = written.length < SHORTEST_BEGINNING ? [] : known.filter((candidate) => candidate.toLowerCase().startsWith(written));
  if (begun.length === 1) return begun[0] ?? null;
  const more = known.filter((candidate) => candidate.length >= 3 && candidate.length + MOST_MORE >= written.length);
  const [longest] = more.filter((candidate) => written.startsWith(candidate.toLowerCase())).sort((a, b) => b.length - a.length);
  let best: { readonly candidate: string; readonly distance: number } | null = null;
  for (const candidate of known) {
    const word = candidate.toLowerCase();
    if (word[0] !== written[0] && word.at(-1) !== written.at(-1)) continue;
    const length = Math.max(written.length, candidate.length);
    const most = Math.min(3, Math.max(1, Math.floor(length / 3)), (best?.distance ?? length) - 1);
    if (most < 0 || Math.abs(written.length - candidate.length) > most) continue;
    const distance = editDistance(written, word, most);
    if (distance <= most) best = { candidate, distance };
  }
  return best?.candidate ?? longest ?? null;
}

/** `did you mean "x"?`, or all that is known. */
export function suggest(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === null ? `known are ${[...known].sort().join(", ") || "none"}` : `did you mean "${near}"?`;
}

/** Like `suggest`, for a cloud's region: suggests only regions of the same continent. */
export function suggestRegion(region: string, known: readonly string[]): string {
  const continent = region.split("-", 1)[0] ?? "";
  return suggest(
    region,
    known.filter((each) => each.startsWith(`${continent}-`)),
  ).replace(/^known are none$/, "");
}

/**
 * Returns Levenshtein's distance, in which two swapped letters count once; or more than `most`, as soon as that is certain. The
 * model imports nothing, so this is not a library's.
 */
function editDistance(a: string, b: string, most: number): number {
  // Three rows of the table: of two letters before, of one, and of this one.
  let [last, row, next] = [
    new Uint8Array(b.length + 1),
    Uint8Array.from({ length: b.length + 1 }, (_, index) => index),
    new Uint8Array(b.length + 1),
  ];
  let smallestBefore = 0;
  for (let i = 1; i <= a.length; i++) {
    next[0] = i;
    let smallest = i;
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      let distance = Math.min((row[j - 1] ?? 0) + (isSame ? 0 : 1), (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
      if (isSwapped) distance = Math.min(distance, (last[j - 2] ?? 0) + 1);
      next[j] = distance;
      smallest = Math.min(smallest, distance);
    }
    if (smallest > most && smallestBefore > most) return most + 1;
    smallestBefore = smallest;
    [last, row, next] = [row, next, last];
  }
  return row[b.length] ?? 0;
}
