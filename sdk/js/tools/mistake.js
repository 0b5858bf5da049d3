/** What the author of a plugin can mend: a sentence and a hint. */
export class Mistake extends Error {
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}
