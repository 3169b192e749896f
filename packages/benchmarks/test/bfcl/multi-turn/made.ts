/** Entries of our own making, and short ways to run calls in them. */
import { LongContext, type MultiTurnEntry, Simulation } from '../../../src/bfcl/multi-turn/index.ts';
import type { PyDict, PyValue } from '../../../../../src/json/python.ts';
import { parseJson } from '../../../../../src/json/parse.ts';

/** Constants of a long context that is not long. */
export const MADE_CONSTANTS = `{
  "WATCH_LIST_EXTENSION": ["LONG", {"__ellipsis__": true}],
  "TRANSACTION_HISTORY_EXTENSION": [{"type": "deposit", "amount": 1.5, "timestamp": "2020-01-01 00:00:00.000001"}],
  "MA_5_EXTENSION": [1.5, 2],
  "MA_20_EXTENSION": [3.0],
  "TECHNOLOGY_EXTENSION": ["AAPL", "TEC"],
  "AUTOMOBILE_EXTENSION": ["AUT"],
  "POPULATE_FILE_EXTENSION": ["image_1.jpg", "image_2.jpg"],
  "INTERMEDIARY_CITIES": ["Here", "There"],
  "FILES_TAIL_USED": ["log.txt"],
  "ORDER_DETAIL_EXTENSION": {"overview": "{symbol} and {symbol}."},
  "LONG_WEATHER_EXTENSION": {"-1_day": {"humidity": 75}},
  "CREDIT_CARD_EXTENSION": {"1111": {"card_number": "1111", "balance": 5000}},
  "BOOKING_RECORD_EXTENSION": {"booking_901": {"card_id": "1111", "travel_cost": 400}},
  "FILE_CONTENT_EXTENSION": " And so on.",
  "CAR_STATUS_METADATA_EXTENSION": "Colour: red.",
  "PARKING_BRAKE_INSTRUCTION": "Pull."
}`;
export const madeLongContext = new LongContext(parseJson(MADE_CONSTANTS) as PyDict, 'made');

/** An entry of one class; `config` is JSON, so that 5.0 stays a float. */
export function madeEntry(
  className: string,
  config = '{}',
  changes: Partial<MultiTurnEntry> = {},
): MultiTurnEntry {
  return {
    id: 'multi_turn_base_0',
    initialConfig: new Map<string, PyValue>([[className, parseJson(config)]]),
    involvedClasses: [className],
    groundTruth: [],
    longContext: undefined,
    ...changes,
  };
}

export type Runs = (...calls: string[]) => string[];

/** Runs calls one after the other on an instance of one class; the day is 2026-03-15. */
export function instanceOf(className: string, config = '{}', long?: 'long'): Runs {
  const changes = long === undefined ? {} : { longContext: madeLongContext };
  const today = new Date('2026-03-15T00:00:00Z');
  const simulation = new Simulation(madeEntry(className, config, changes), { today });
  return (...calls) => simulation.execute(calls);
}

/** Text of a dict of errors. */
export function errorText(error: string): string {
  return JSON.stringify({ error }).replace(':', ': ');
}

/** Text of an exception. */
export function raised(text: string): string {
  return `Error during execution: ${text}`;
}
