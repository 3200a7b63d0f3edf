/**
 * Minor versions that ignore `ALTER ROLE ... SET role` without a message; the next ones heed it again.
 * https://www.postgresql.org/docs/release/17.2/
 */
export const IGNORES_SET_ROLE: readonly string[] = ["15.9", "16.5", "17.1"];
