/** TravelAPI's airports, fares and exchange rates. */
import { hashable, iterate } from '../python/compare.ts';
import { noAttribute, Raised } from '../python/errors.ts';
import { divide, multiply, round, toInt } from '../python/numbers.ts';
import { isDigits } from '../python/text.ts';
import { dict, type Value } from '../python/value.ts';
import type { Travel } from './travel-state.ts';

const FARES = `
SFO: LAX 200, JFK 500, ORD 400, BOS 450, RMS 300, SBK 350, MPC 370, SVP 320, SHD 330, SSV 340, OKD 360, WLB 310, CRH 380, ATV 390, PHV 420, GFD 430, CIA 700
LAX: SFO 100, JFK 600, ORD 500, BOS 550, RMS 310, SBK 320, MPC 330, SVP 340, SHD 350, SSV 360, OKD 370, WLB 380, CRH 390, ATV 400, PHV 410, GFD 420, HND 430
JFK: ORD 300, BOS 250, RMS 450, SBK 460, MPC 470, SVP 480, SHD 490, SSV 500, OKD 510, WLB 520, CRH 530, ATV 540, PHV 550, GFD 560, LAX 570, HND 800, PVG 950, PEK 1000
ORD: LAX 180, BOS 200, RMS 350, SBK 360, MPC 370, SVP 380, SHD 390, SSV 400, OKD 410, WLB 420, CRH 430, ATV 440, PHV 450, GFD 460
BOS: RMS 400, SBK 410, MPC 420, SVP 430, SHD 440, SSV 450, OKD 460, WLB 470, CRH 480, ATV 490, PHV 500, GFD 510
RMS: BOS 200, JFK 210, SBK 220, MPC 230, SVP 240, SHD 250, SSV 260, OKD 270, WLB 280, CRH 290, ATV 300, PHV 310, GFD 320, LAX 330
SBK: MPC 200, SVP 210, SHD 220, SSV 230, OKD 240, WLB 250, CRH 260, ATV 270, PHV 280, GFD 290
MPC: SVP 210, SHD 220, SSV 230, OKD 240, WLB 250, CRH 260, ATV 270, PHV 280, GFD 290
SVP: SHD 230, SSV 240, OKD 250, WLB 260, CRH 270, ATV 280, PHV 290, GFD 300
SHD: SSV 220, OKD 230, WLB 240, CRH 250, ATV 260, PHV 270, GFD 280
SSV: OKD 240, WLB 250, CRH 260, ATV 270, PHV 280, GFD 290
OKD: WLB 230, CRH 240, ATV 250, PHV 260, GFD 270
WLB: CRH 250, ATV 260, PHV 270, GFD 280
CRH: ATV 240, PHV 250, GFD 260, SFO 270, RMS 280, HKG 290, JFK 300
ATV: PHV 230, GFD 240
PHV: GFD 220
LHR: CDG 100
OKD: LAX 220`;

/** Base fares in US dollars by "FROM>TO", in one direction. */
const BASE_FARES: ReadonlyMap<string, number> = new Map(
  FARES.trim()
    .split('\n')
    .flatMap((line) => {
      const [from = '', routes = ''] = line.split(': ');
      return routes.split(', ').map((route): [string, number] => {
        const [to = '', fare = ''] = route.split(' ');
        return [`${from}>${to}`, Number(fare)];
      });
    }),
);

export const AIRPORTS: readonly string[] =
  'RMS SBK MPC SVP SHD CDG LHR SSV OKD WLB PEK HND HKG CIA CRH ATV PHV GFD SFO LAX JFK ORD BOS'.split(' ');

const CLASS_FACTORS: ReadonlyMap<Value, number> = new Map([
  ['economy', 1],
  ['business', 2],
  ['first', 5],
]);

const NEAREST: ReadonlyMap<Value, string> = new Map([
  ['Rivermist', 'RMS'],
  ['Stonebrook', 'SBK'],
  ['Maplecrest', 'MPC'],
  ['Silverpine', 'SVP'],
  ['Shadowridge', 'SHD'],
  ['London', 'LHR'],
  ['Paris', 'CDG'],
  ['Sunset Valley', 'SSV'],
  ['Oakendale', 'OKD'],
  ['Willowbend', 'WLB'],
  ['Crescent Hollow', 'CRH'],
  ['Autumnville', 'ATV'],
  ['Pinehaven', 'PHV'],
  ['Greenfield', 'GFD'],
  ['San Francisco', 'SFO'],
  ['Los Angeles', 'LAX'],
  ['New York', 'JFK'],
  ['Chicago', 'ORD'],
  ['Boston', 'BOS'],
  ['Beijing', 'PEK'],
  ['Hong Kong', 'HKG'],
  ['Rome', 'CIA'],
  ['Tokyo', 'HND'],
]);

/** Worth of a US dollar. */
const RATES: ReadonlyMap<Value, Value> = new Map<Value, Value>([
  ['RMB', 7n],
  ['EUR', 0.8],
  ['JPY', 110n],
  ['GBP', 0.7],
  ['CAD', 1.3],
  ['AUD', 1.4],
  ['INR', 70n],
  ['RUB', 60n],
  ['BRL', 3.8],
  ['MXN', 20n],
]);

export function nearestAirport(_travel: Travel, location: Value): Value {
  return dict({ nearest_airport: NEAREST.get(location) ?? 'Unknown' });
}

export function isTravelClass(travelClass: Value): boolean {
  return CLASS_FACTORS.has(travelClass);
}

/** Days whose digits have an even sum cost double. The official program does not ask for a text: it iterates. */
function dateFactor(date: Value): number {
  let sum = 0n;
  for (const part of iterate(date)) {
    if (typeof part !== 'string') throw noAttribute(part, 'isdigit');
    if (isDigits(part)) sum += toInt(part);
  }
  return sum % 2n === 0n ? 2 : 1;
}

/** The key of a route; of none where an airport is no text. */
function route(from: Value, to: Value): string {
  const [start, end] = [hashable(from), hashable(to)];
  return typeof start === 'string' && typeof end === 'string' ? `${start}>${end}` : '';
}

/** The fares that are told for a route; in the long context those of all routes, the wanted one among them. */
function fares(
  travel: Travel,
  from: Value,
  to: Value,
  travelClass: Value,
  date: Value,
): readonly [number, number[]] {
  const base = BASE_FARES.get(route(from, to));
  if (base === undefined) throw new Raised('ValueError', 'No available route for the given airports.');
  const factor = CLASS_FACTORS.get(travelClass);
  if (factor === undefined)
    throw new Raised('ValueError', 'Invalid travel class. Options are: economy, business, first.');
  const times = factor * dateFactor(date);
  const told = travel.long === undefined ? [base] : [...BASE_FARES.values()];
  return [base * times, told.map((fare) => fare * times)];
}

/** Cost of one flight; raises where there is none. */
export function fare(travel: Travel, from: Value, to: Value, date: Value, travelClass: Value): number {
  return fares(travel, from, to, travelClass, date)[0];
}

export function flightCost(travel: Travel, from: Value, to: Value, date: Value, travelClass: Value): Value {
  const [, told] = fares(travel, from, to, travelClass, date);
  return dict({ travel_cost_list: told });
}

export function exchange(_travel: Travel, from: Value, to: Value, value: Value): Value {
  const [into, back] = [RATES.get(to), RATES.get(from)];
  if (from === 'USD' && into !== undefined) return dict({ exchanged_value: multiply(value, into) });
  if (to === 'USD' && back !== undefined) return dict({ exchanged_value: round(divide(value, back), 2n) });
  throw new Raised('ValueError', 'No available exchange rate for the given currencies.');
}
