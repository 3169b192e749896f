/** A list whose items may be made when they are asked for, as there may be more than fit into memory. Arrays are such lists. */
export interface Series<T> extends Iterable<T> {
  readonly length: number;
  at(index: number): T | undefined;
  slice(start?: number, end?: number): Series<T>;
}
