// Errors as classes: what a caller of the host can act on, and what a plugin ends its run with.

/** An answer of the host that is no value. `code` and `pointer` are those of the first problem. */
export class HostError extends Error {
  constructor(problems) {
    super(problems.map((problem) => problem.message).join("; "));
    this.name = new.target.name;
    this.problems = problems;
    this.code = problems[0].code;
    this.pointer = problems[0].pointer;
  }
}

export class NotFound extends HostError {}
export class Conflict extends HostError {}
export class Denied extends HostError {}
export class Invalid extends HostError {}
export class LimitReached extends HostError {}
export class OtherError extends HostError {}

const CLASSES = {
  "not-found": NotFound,
  conflict: Conflict,
  denied: Denied,
  invalid: Invalid,
  limit: LimitReached,
};

/** Ends the run for good; nothing of it is kept. */
export class PermanentFailure extends Error {
  constructor(code, message, pointer = "") {
    super(message);
    this.name = "PermanentFailure";
    this.code = code;
    this.pointer = pointer;
  }
}

/** Ends this try; nothing of it is kept, and the host tries again with a fresh snapshot. */
export class RetryLater extends Error {
  constructor(code, message, afterSeconds = undefined) {
    super(message);
    this.name = "RetryLater";
    this.code = code;
    this.pointer = "";
    this.afterSeconds = afterSeconds;
  }
}

/** Turns what a binding throws into one of the classes above; anything else passes through. */
export function errorOf(thrown) {
  const payload = thrown?.payload;
  if (typeof payload?.tag !== "string") {
    return thrown;
  }
  const problems = Array.isArray(payload.val) ? payload.val : [payload.val];
  const known = problems.filter((problem) => problem !== undefined && problem !== null);
  const fallback = { code: payload.tag, pointer: "", message: "refused without a reason" };
  return new (CLASSES[payload.tag] ?? OtherError)(known.length > 0 ? known : [fallback]);
}

/** The contract's `failure` of an error, or none for a fault of the program itself. */
export function failureOf(error) {
  const problem = { code: error?.code, pointer: error?.pointer, message: error?.message };
  if (error instanceof RetryLater) {
    const after = error.afterSeconds === undefined ? undefined : Math.ceil(error.afterSeconds * 1e6);
    return { tag: "retry", val: { problem, after } };
  }
  if (error instanceof PermanentFailure || error instanceof HostError) {
    return { tag: "permanent", val: problem };
  }
  return undefined;
}
