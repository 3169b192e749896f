/** A text is no Python expression. Never shown: what a model wrote wrongly is a verdict, not a user's mistake. */
export class PythonSyntaxError extends Error {
  /** UTF-16 units from the start. */
  readonly position: number;

  constructor(problem: string, position: number) {
    super(`${problem} (character ${position + 1})`);
    this.name = 'PythonSyntaxError';
    this.position = position;
  }
}
