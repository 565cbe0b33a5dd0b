// What an operation that failed throws, whatever stands behind the interface.

import type { ApiError } from "./types";

/** A failed operation: a stable code, one line for people, and what mends it. */
export class Failure extends Error {
  readonly error: ApiError;

  constructor(error: ApiError) {
    super(error.message);
    this.name = "Failure";
    this.error = error;
  }
}

/** What was thrown as the error that a screen shows. */
export function shown(thrown: unknown): ApiError {
  if (thrown instanceof Failure) return thrown.error;
  return {
    code: "engine",
    message: `finish a task: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    remedy: null,
  };
}
