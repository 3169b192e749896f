/** Interface of converters: rows of one data set in, records out. */
import type { PyDict } from '../../json/python.ts';
import type { DataRecord, Rejection } from '../record.ts';

export interface FormatContext {
  readonly source: string;
  /** Position of the row, for ids of rows that have none: its number in its file. */
  readonly place: string;
  /** Tells whether each assistant's turn becomes a record of its own, with the history before it. */
  readonly everyTurn: boolean;
  /** Words of the assistant where no tool fits and the data set has no words for it. */
  readonly refusal: string | undefined;
}

export interface Format {
  readonly name: string;
  /** One line, for help texts. */
  readonly description: string;
  /** Tells whether `everyTurn` is the default, as in the reference. */
  readonly everyTurn?: boolean;
  /** Tells whether a row looks like one of this data set. */
  matches(row: PyDict): boolean;
  /** Converts one row; throws a Rejection if it is broken, and answers with one for each turn that is. */
  convert(row: PyDict, context: FormatContext): readonly (DataRecord | Rejection)[];
}
